//! Reads the chunks of a file, on several cores where there are.
//!
//! ```text
//!              ┌─> worker: parse ─> its turn: settle ─> count ─┐
//! chunks, in ──┤                                               ├─> one tally
//! their order  └─> worker: parse ─> its turn: settle ─> count ─┘
//! ```
//!
//! Parsing needs to know the headers above, so a worker takes those that are known when it starts, and
//! parses again if another one turned up meanwhile. What depends on the order of lines is done by one worker
//! at a time, chunk by chunk ([`Order`]). Adding up depends on no order. So the result is the same for any
//! number of workers; only where a limit on distinct keys was reached may they differ in which keys are kept.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Scope, ScopedJoinHandle};

use super::batch::Batch;
use super::order::Order;
use crate::catalogue::Catalogue;
use crate::error::FileError;
use crate::file::Stop;
use crate::lines::{Chunks, lines};
use crate::options::Options;
use crate::parser::{Layout, Parser};
use crate::plan::Plan;
use crate::tally::Tally;

/// Some whole lines of the file.
struct Chunk {
    number: u64,
    /// Whether they start a text of their own: headers of the text before mean nothing.
    fresh: bool,
    bytes: Vec<u8>,
}

/// What all workers see.
struct Shared<'o> {
    plan: &'o Plan,
    catalogue: &'o Catalogue,
    options: &'o Options,
    turns: Mutex<Turns<'o>>,
    changed: Condvar,
}

struct Turns<'o> {
    order: Order<'o>,
    /// The chunk whose turn it is.
    next: u64,
    /// Set when a worker ended in the middle of its work: nobody must wait for it.
    broken: bool,
}

/// Who reads a file.
pub(super) struct Crew<'scope, 'env, 'o> {
    scope: &'scope Scope<'scope, 'env>,
    shared: &'env Shared<'o>,
    tally: Tally<'o>,
    workers: Vec<ScopedJoinHandle<'scope, Tally<'o>>>,
    /// To the workers, and their empty buffers back.
    queue: Option<SyncSender<Chunk>>,
    spare: Option<Receiver<Vec<u8>>>,
    handed_over: u64,
}

impl<'o> Crew<'_, '_, 'o> {
    /// Lets `read` give texts to a crew; answers what all of them came to.
    pub(super) fn work(
        order: Order<'o>,
        plan: &'o Plan,
        catalogue: &'o Catalogue,
        options: &'o Options,
        read: impl FnOnce(&mut Crew<'_, '_, 'o>) -> Result<(), FileError>,
    ) -> Result<(Order<'o>, Tally<'o>), FileError> {
        let turns = Mutex::new(Turns { order, next: 0, broken: false });
        let shared = Shared { plan, catalogue, options, turns, changed: Condvar::new() };
        let tally = thread::scope(|scope| {
            let mut crew = Crew {
                scope,
                shared: &shared,
                tally: shared.tally(),
                workers: Vec::new(),
                queue: None,
                spare: None,
                handed_over: 0,
            };
            let read = read(&mut crew);
            let tally = crew.finish();
            read.map(|()| tally)
        })?;
        let turns = shared.turns.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok((turns.order, tally))
    }

    /// Reads a text. `progress` is told the lines of all texts so far.
    pub(super) fn read(&mut self, text: &mut dyn Read, progress: &mut dyn FnMut(u64)) -> Result<(), Stop> {
        let mut chunks = Chunks::new(text, self.shared.options.max_line);
        let (mut fresh, mut bytes) = (true, Vec::new());
        while chunks.next(&mut bytes)? {
            let chunk = Chunk { number: self.handed_over, fresh, bytes };
            bytes = self.take(chunk)?;
            fresh = false;
            progress(self.lines());
        }
        Ok(())
    }

    /// Lines read so far.
    pub(super) fn lines(&self) -> u64 {
        self.shared.lock().order.accounting.lines
    }

    /// Works on a chunk or has it worked on; answers a buffer for the next.
    fn take(&mut self, chunk: Chunk) -> Result<Vec<u8>, Stop> {
        let judged = self.shared.lock().order.judged;
        if !judged || self.shared.options.threads < 2 {
            self.work_alone(&chunk)?;
            return Ok(chunk.bytes);
        }
        let queue = match &self.queue {
            Some(queue) => queue,
            None => self.hire(),
        };
        queue.send(chunk).map_err(|_| io::Error::other("the threads that read the log ended"))?;
        self.handed_over += 1;
        let spare = self.spare.as_ref().and_then(|spare| spare.try_recv().ok());
        Ok(spare.unwrap_or_default())
    }

    fn work_alone(&mut self, chunk: &Chunk) -> Result<(), Stop> {
        let mut turns = self.shared.lock();
        let order = &mut turns.order;
        let mut parser = self.shared.parser(chunk, &order.layout);
        let mut lines = lines(&chunk.bytes, self.shared.options.max_line);
        while !order.judged {
            let Some(line) = lines.next() else { break };
            let mut batch = Batch::default();
            batch.read(line, &mut parser);
            let place = order.settle(&mut batch);
            self.tally.add_all(&batch.records, place);
            if order.misfits_so_far() {
                return Err(Stop::Lines(FileError::LogFormatMismatch(order.failure())));
            }
        }
        let mut batch = Batch::default();
        lines.for_each(|line| batch.read(line, &mut parser));
        let place = order.settle(&mut batch);
        self.tally.add_all(&batch.records, place);
        order.layout = parser.layout;
        Ok(())
    }

    fn hire(&mut self) -> &SyncSender<Chunk> {
        let threads = self.shared.options.threads;
        let (queue, chunks) = sync_channel(threads * 2);
        let (used, spare) = channel();
        let chunks = Arc::new(Mutex::new(chunks));
        for _ in 0..threads {
            let (shared, chunks, used) = (self.shared, chunks.clone(), used.clone());
            self.workers.push(self.scope.spawn(move || shared.work(&chunks, &used)));
        }
        self.spare = Some(spare);
        self.queue.insert(queue)
    }

    /// Waits until all is counted.
    fn finish(mut self) -> Tally<'o> {
        self.queue = None;
        for worker in self.workers {
            match worker.join() {
                Ok(tally) => self.tally.absorb(tally),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        self.tally
    }
}

impl<'o> Shared<'o> {
    fn tally(&self) -> Tally<'o> {
        Tally::new(self.catalogue, self.options.max_keys)
    }

    fn lock(&self) -> MutexGuard<'_, Turns<'o>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn parser(&self, chunk: &Chunk, layout: &Layout) -> Parser<'o> {
        let mut parser = Parser::new(self.plan, self.options);
        if !chunk.fresh {
            parser.layout = layout.clone();
        }
        parser
    }

    /// Works on chunks until there are no more.
    fn work(&self, chunks: &Mutex<Receiver<Chunk>>, used: &Sender<Vec<u8>>) -> Tally<'o> {
        let _leaving = Leaving(self);
        let mut tally = self.tally();
        while let Some(chunk) = next(chunks) {
            let assumed = self.lock().order.layout.clone();
            let mut parser = self.parser(&chunk, &assumed);
            let mut batch = self.parse(&chunk, &mut parser);
            let mut turns = self.lock();
            while turns.next != chunk.number && !turns.broken {
                turns = self.changed.wait(turns).unwrap_or_else(PoisonError::into_inner);
            }
            if turns.broken {
                break;
            }
            if !chunk.fresh && turns.order.layout != assumed {
                parser = self.parser(&chunk, &turns.order.layout);
                batch = self.parse(&chunk, &mut parser);
            }
            let place = turns.order.settle(&mut batch);
            turns.order.layout = parser.layout;
            turns.next += 1;
            drop(turns);
            self.changed.notify_all();
            tally.add_all(&batch.records, place);
            drop(batch);
            // Nobody to take it means that the file has been read.
            let _ = used.send(chunk.bytes);
        }
        tally
    }

    fn parse<'c>(&self, chunk: &'c Chunk, parser: &mut Parser<'_>) -> Batch<'c> {
        let mut batch = Batch::default();
        lines(&chunk.bytes, self.options.max_line).for_each(|line| batch.read(line, parser));
        batch
    }
}

fn next(chunks: &Mutex<Receiver<Chunk>>) -> Option<Chunk> {
    chunks.lock().ok()?.recv().ok()
}

/// Tells the others when a worker ends by a panic.
struct Leaving<'s, 'o>(&'s Shared<'o>);

impl Drop for Leaving<'_, '_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.lock().broken = true;
            self.0.changed.notify_all();
        }
    }
}
