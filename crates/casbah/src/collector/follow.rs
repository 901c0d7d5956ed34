//! A plain file that grows, wherever rotation takes it.
//!
//! Lines are packed into the spool straight from the file. What is packed and how far the file was read become true in
//! one step, the replacement of the position on disk, which names the pack:
//!
//! ```text
//! pack under a name that ends in .part ──> position, with the name of the pack ──> pack under its final name
//! ```
//!
//! Whoever dies before the middle step has read nothing; whoever dies after it is completed at the next start.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use super::Stop;
use super::family::{self, Member};
use super::position::{self, HEAD, Mark, Position, WEAK, bytes_at, packed_head, unpacked};
use super::spool::Spool;
use crate::client::failure::Failure;
use crate::output::note;

/// How often the file is looked at.
const LOOK: Duration = Duration::from_millis(500);
const PIECE: usize = 64 * 1024;

pub(super) fn follow(path: PathBuf, spool: Arc<Spool>, stop: Stop) -> Result<JoinHandle<()>, Failure> {
    let shown = path.display().to_string();
    let mut follower =
        Follower::open(path, spool.clone()).map_err(|e| Failure::failed(format!("{shown}: {e}")))?;
    note(&format!("following {shown} for {}", spool.stream));
    Ok(std::thread::spawn(move || {
        let mut said = String::new();
        while !stop.load(Ordering::Relaxed) {
            let problem = follower.look().err().map(|e| e.to_string()).unwrap_or_default();
            // Said once, not with every look.
            if !problem.is_empty() && problem != said {
                note(&format!("{shown}: {problem}"));
            }
            said = problem;
            std::thread::sleep(LOOK);
        }
    }))
}

pub(super) struct Follower {
    path: PathBuf,
    spool: Arc<Spool>,
    position: Position,
    /// As it is on disk.
    saved: Position,
    /// Open files that are, or were a moment ago, of the family.
    files: HashMap<u64, Held>,
    /// Packed files that cannot be read, as they were then.
    broken: HashMap<u64, (u64, SystemTime)>,
}

/// A file that is read, and kept open so that it can be read to its end when its last name goes away.
struct Held {
    file: File,
    len: u64,
    /// Since when it is as long as that.
    since: Instant,
    /// Since when there is something to be read.
    waiting: Option<Instant>,
    is_first: bool,
    is_listed: bool,
}

impl Follower {
    pub(super) fn open(path: PathBuf, spool: Arc<Spool>) -> io::Result<Follower> {
        let known = Position::read(&spool.position())?;
        let is_new = known.is_none();
        let position = known.unwrap_or_default();
        if let Some(batch) = &position.batch {
            spool.settle(batch)?;
        }
        spool.remove_parts()?;
        let (saved, files, broken) = (position.clone(), HashMap::new(), HashMap::new());
        let mut follower = Follower { path, spool, position, saved, files, broken };
        if is_new {
            follower.begin()?;
        }
        Ok(follower)
    }

    /// What was rotated away before anybody followed is not taken.
    fn begin(&mut self) -> io::Result<()> {
        for member in family::members(&self.path)? {
            if member.is_packed {
                if let Some(head) = packed_head(&member.file)? {
                    self.position.marks.push(Mark::packed(member.inode, head));
                }
            } else if !member.is_first {
                self.position.marks.push(Mark::at(member.inode, &member.file, member.len)?);
            }
        }
        self.position.write(&self.spool.position())?;
        self.saved = self.position.clone();
        Ok(())
    }

    /// Finds out what became of the files, and takes what is due.
    pub(super) fn look(&mut self) -> io::Result<()> {
        let members = family::members(&self.path)?;
        self.recognise(&members)?;
        // The first one before the others, which may be copies of it.
        for member in members.into_iter().rev() {
            if member.len > 0 && self.position.living(member.inode).is_none() {
                if member.is_packed { self.meet_packed(&member)? } else { self.meet(member)? }
            }
        }
        self.position.forget_the_oldest();
        if self.position != self.saved {
            self.position.write(&self.spool.position())?;
            self.saved = self.position.clone();
        }
        self.take()
    }

    /// What became of the files that are known.
    fn recognise(&mut self, members: &[Member]) -> io::Result<()> {
        let mut kept = Vec::new();
        for mut mark in std::mem::take(&mut self.position.marks) {
            if mark.gone {
                kept.push(mark);
                continue;
            }
            let member = members.iter().find(|member| member.inode == mark.inode);
            if mark.packed {
                // The number may have gone to another file.
                let same = match member.filter(|member| member.is_packed) {
                    Some(member) => packed_head(&member.file)?.is_some_and(|head| head == mark.head.0),
                    None => false,
                };
                kept.extend(same.then_some(mark));
                continue;
            }
            match member {
                Some(member) => self.hold(member)?,
                None => {
                    if let Some(held) = self.files.get_mut(&mark.inode) {
                        (held.is_first, held.is_listed) = (false, false);
                        held.measure()?;
                    }
                }
            }
            let is_there = match self.files.get(&mark.inode) {
                Some(held) => mark.continues_in(&held.file)?,
                None => false,
            };
            if !is_there {
                self.files.remove(&mark.inode);
                mark.gone = true;
            }
            // Of what was never taken there is nothing to be found again.
            kept.extend((is_there || mark.offset > 0).then_some(mark));
        }
        self.position.marks = kept;
        Ok(())
    }

    fn hold(&mut self, member: &Member) -> io::Result<()> {
        // As long as it is open, its number is not given to another file.
        if let Entry::Vacant(place) = self.files.entry(member.inode) {
            let (file, len) = (member.file.try_clone()?, member.len);
            let since = Instant::now();
            place.insert(Held { file, len, since, waiting: None, is_first: false, is_listed: true });
        }
        if let Some(held) = self.files.get_mut(&member.inode) {
            (held.is_first, held.is_listed) = (member.is_first, true);
            held.measure()?;
        }
        Ok(())
    }

    /// A plain file that is not known: a new one, the copy of one, or one that goes on under another number.
    fn meet(&mut self, member: Member) -> io::Result<()> {
        let mut goes_on: Option<(usize, u64)> = None;
        for (place, mark) in self.position.marks.iter().enumerate().filter(|(_, mark)| mark.gone) {
            // At the first name stands a new file, unless there is no doubt.
            let is_certain = !member.is_first || mark.offset >= WEAK as u64;
            if is_certain
                && goes_on.is_none_or(|(_, offset)| offset < mark.offset)
                && mark.continues_in(&member.file)?
            {
                goes_on = Some((place, mark.offset));
            }
        }
        if let Some((place, _)) = goes_on {
            let mark = &mut self.position.marks[place];
            (mark.inode, mark.gone) = (member.inode, false);
            return self.hold(&member);
        }
        if !member.is_first {
            let head = bytes_at(&member.file, 0, HEAD)?;
            for held in self.files.values() {
                if member.len <= held.len && begin_alike(&held.file, &member.file, member.len)? {
                    // A copy, perhaps not complete. It is looked at again when the other is overwritten.
                    return Ok(());
                }
            }
            let shorter = |mark: &Mark| {
                mark.gone && member.len < mark.offset && position::begin_alike(&mark.head.0, &head)
            };
            if self.position.marks.iter().any(shorter) {
                self.position.marks.push(Mark::at(member.inode, &member.file, member.len)?);
                return self.hold(&member);
            }
        }
        self.position.marks.push(Mark::new(member.inode, &member.file)?);
        self.hold(&member)
    }

    /// A packed file that is not known: what is left of a known one, or one that came and went while nobody looked.
    fn meet_packed(&mut self, member: &Member) -> io::Result<()> {
        let as_it_is = (member.len, member.modified);
        if member.is_being_packed || self.broken.get(&member.inode) == Some(&as_it_is) {
            return Ok(());
        }
        let Some(head) = packed_head(&member.file)? else { return Ok(()) };
        for held in self.files.values() {
            if position::begin_alike(&bytes_at(&held.file, 0, HEAD)?, &head) {
                // Its plain form is still there, and is read.
                return Ok(());
            }
        }
        if !self.spool.takes(member.len) {
            return Ok(());
        }
        let mut known: Vec<usize> = (0..self.position.marks.len()).collect();
        known.retain(|place| self.position.marks[*place].gone && self.position.marks[*place].fits(&head));
        known.sort_by_key(|place| std::cmp::Reverse(self.position.marks[*place].offset));
        let mark = Mark::packed(member.inode, head);
        let mut taken = Ok(Rest::Other);
        for place in known {
            taken = self.take_packed(member, Some(place), mark.clone());
            if !matches!(taken, Ok(Rest::Other)) {
                break;
            }
        }
        if matches!(taken, Ok(Rest::Other)) {
            taken = self.take_packed(member, None, mark);
        }
        if taken.is_err() {
            self.broken.insert(member.inode, as_it_is);
        }
        taken.map(|_| ())
    }

    /// Takes what of a packed file was not taken in its plain form.
    fn take_packed(&mut self, member: &Member, place: Option<usize>, new: Mark) -> io::Result<Rest> {
        let known = place.map(|place| self.position.marks[place].clone()).unwrap_or_default();
        let mut content = unpacked(&member.file)?;
        let before = known.offset - known.tail.0.len() as u64;
        let skipped = io::copy(&mut (&mut content).take(before), &mut io::sink())?;
        let mut tail = Vec::new();
        (&mut content).take(known.tail.0.len() as u64).read_to_end(&mut tail)?;
        let is_short = skipped < before || tail.len() < known.tail.0.len();
        if !is_short && tail != known.tail.0 {
            return Ok(Rest::Other);
        }
        let mut position = self.position.clone();
        // What is shorter than what was taken is no form of all of it.
        if let Some(place) = place.filter(|_| !is_short) {
            position.marks.remove(place);
        }
        position.marks.push(new);
        let mut header = known.header;
        let mut first = vec![0; PIECE];
        let read = if is_short { 0 } else { content.read(&mut first)? };
        if read == 0 {
            self.position = position;
            return Ok(Rest::Taken);
        }
        first.truncate(read);
        let mut batch = self.spool.begin()?;
        batch.write_all(&header.before(&first))?;
        let lines = copy_lines(&mut first.chain(content), &mut batch, &mut header, true)?;
        self.commit(batch, position, lines)?;
        Ok(Rest::Taken)
    }

    /// Takes what is due of the plain files.
    fn take(&mut self) -> io::Result<()> {
        let inodes: Vec<u64> = self
            .position
            .marks
            .iter()
            .filter(|mark| !mark.gone && !mark.packed)
            .map(|mark| mark.inode)
            .collect();
        for inode in inodes {
            while self.take_due(inode)? {}
        }
        let behind =
            |mark: &Mark| self.files.get(&mark.inode).map_or(0, |held| held.len.saturating_sub(mark.offset));
        let behind = self.position.marks.iter().filter(|mark| !mark.gone && !mark.packed).map(behind).sum();
        self.spool.behind.store(behind, Ordering::Relaxed);
        Ok(())
    }

    /// Takes one batch of one file; false when nothing is due.
    fn take_due(&mut self, inode: u64) -> io::Result<bool> {
        let (Some(place), Some(held)) = (self.position.living(inode), self.files.get_mut(&inode)) else {
            return Ok(false);
        };
        let mark = &self.position.marks[place];
        let is_quiet = held.since.elapsed() >= self.spool.rotate_after;
        let unread = held.len.saturating_sub(mark.offset);
        if unread == 0 {
            held.waiting = None;
            if !held.is_listed && is_quiet {
                self.files.remove(&inode);
                self.position.marks[place].gone = true;
            }
            return Ok(false);
        }
        let waiting = *held.waiting.get_or_insert_with(Instant::now);
        let is_due = unread >= self.spool.rotate_size || waiting.elapsed() >= self.spool.rotate_after;
        if held.is_first && !is_due {
            return Ok(false);
        }
        let end = end_of_lines(&held.file, mark.offset, held.len, self.spool.rotate_size)?;
        // The last line of a file that nobody writes to any more needs no end.
        let is_cut = end.is_none();
        let Some(end) = end.or_else(|| (!held.is_first && is_quiet).then_some(held.len)) else {
            return Ok(false);
        };
        if !self.spool.takes(end - mark.offset) {
            return Ok(false);
        }
        let before = mark.clone();
        let mut mark = mark.clone();
        let mut content = Region { file: &held.file, place: mark.offset, end };
        let mut batch = self.spool.begin()?;
        batch.write_all(&mark.header.before(&bytes_at(&held.file, mark.offset, 1)?))?;
        let lines = copy_lines(&mut content, &mut batch, &mut mark.header, is_cut)?;
        mark.advance(&held.file, end)?;
        // It may have been overwritten while it was read.
        if content.place < end || !before.continues_in(&held.file)? {
            return Ok(false);
        }
        held.waiting = None;
        let mut position = self.position.clone();
        position.marks[place] = mark;
        self.commit(batch, position, lines)?;
        Ok(true)
    }

    fn commit(&mut self, batch: super::spool::Batch, mut position: Position, lines: u64) -> io::Result<()> {
        let name = batch.finish()?;
        position.batch = Some(name.clone());
        if let Err(e) = position.write(&self.spool.position()) {
            self.spool.discard(&name);
            return Err(e);
        }
        (self.position, self.saved) = (position.clone(), position);
        self.spool.settle(&name)?;
        self.spool.note_lines(lines);
        Ok(())
    }
}

enum Rest {
    /// It is another file.
    Other,
    /// Whatever there was.
    Taken,
}

impl Held {
    fn measure(&mut self) -> io::Result<()> {
        let len = self.file.metadata()?.len();
        if len != self.len {
            (self.len, self.since) = (len, Instant::now());
        }
        Ok(())
    }
}

/// Bytes of a file, by place.
struct Region<'f> {
    file: &'f File,
    place: u64,
    end: u64,
}

impl Read for Region<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.end - self.place).unwrap_or(PIECE).min(out.len()).min(PIECE);
        let bytes = bytes_at(self.file, self.place, most)?;
        out[..bytes.len()].copy_from_slice(&bytes);
        self.place += bytes.len() as u64;
        Ok(bytes.len())
    }
}

/// Copies lines; answers how many. Where the last has no end, it is given one.
fn copy_lines(
    from: &mut impl Read,
    to: &mut impl Write,
    header: &mut position::Header,
    ends: bool,
) -> io::Result<u64> {
    let mut piece = vec![0; PIECE];
    let (mut lines, mut last) = (0, b'\n');
    loop {
        let read = from.read(&mut piece)?;
        let Some(end) = piece[..read].last() else { break };
        last = *end;
        lines += piece[..read].iter().filter(|byte| **byte == b'\n').count() as u64;
        header.learn(&piece[..read]);
        to.write_all(&piece[..read])?;
    }
    if ends && last != b'\n' {
        to.write_all(b"\n")?;
        header.learn(b"\n");
        lines += 1;
    }
    Ok(lines)
}

/// The end of the last whole line of the next `most` bytes, or of the first line where that is longer; none where no
/// line has an end.
fn end_of_lines(file: &File, offset: u64, len: u64, most: u64) -> io::Result<Option<u64>> {
    let mut end = None;
    let mut place = offset;
    while place < len {
        if place - offset >= most && end.is_some() {
            break;
        }
        let piece = bytes_at(file, place, PIECE.min(usize::try_from(len - place).unwrap_or(PIECE)))?;
        if piece.is_empty() {
            break;
        }
        if let Some(last) = piece.iter().rposition(|byte| *byte == b'\n') {
            end = Some(place + last as u64 + 1);
        }
        place += piece.len() as u64;
    }
    Ok(end)
}

/// Whether two files begin with the same so many bytes. Of long ones, both ends of these are compared.
fn begin_alike(one: &File, other: &File, len: u64) -> io::Result<bool> {
    let near = usize::try_from(len).unwrap_or(PIECE).min(PIECE);
    let far = len - near as u64;
    Ok(bytes_at(one, 0, near)? == bytes_at(other, 0, near)?
        && bytes_at(one, far, near)? == bytes_at(other, far, near)?)
}

#[cfg(test)]
mod tests;
