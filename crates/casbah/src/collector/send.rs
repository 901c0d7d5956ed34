//! Uploads what is spooled, and says how the collector is.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use casbah_model::Clock;
use serde_json::{Value, json};

use super::Stop;
use super::settings::Settings;
use super::spool::{Spool, size_of};
use crate::client::failure::Failure;
use crate::client::upload::Upload;
use crate::client::{ConnectionArgs, Session};
use crate::output::note;

const LOOK: Duration = Duration::from_millis(500);
/// How often the server hears of the collector.
const REPORT: Duration = Duration::from_secs(60);
/// How long after a failure it is tried again: first, and at the most.
const WAITS: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(300)];

pub(super) struct Sender {
    name: String,
    root: PathBuf,
    limit: u64,
    connection: ConnectionArgs,
    clock: Clock,
    spools: Vec<Arc<Spool>>,
}

/// What the sender remembers.
#[derive(Default)]
struct State {
    sent: u64,
    error: Option<String>,
    reported: Option<Instant>,
    /// Not before.
    again: Option<Instant>,
    wait: Option<Duration>,
}

impl Sender {
    pub(super) fn new(
        settings: &Settings,
        connection: ConnectionArgs,
        clock: Clock,
        spools: Vec<Arc<Spool>>,
    ) -> Sender {
        let (name, root, limit) = (settings.name.clone(), settings.spool.clone(), settings.spool_limit);
        Sender { name, root, limit, connection, clock, spools }
    }

    pub(super) fn run(&self, stop: &Stop) {
        let mut state = State::default();
        while !stop.load(Ordering::Relaxed) {
            for spool in &self.spools {
                if let Err(e) = spool.tend() {
                    note(&format!("{}: the spool cannot be written: {}", spool.stream, e.message));
                }
            }
            if state.again.is_none_or(|again| Instant::now() >= again) {
                match self.round(&mut state, stop) {
                    Ok(()) => (state.error, state.again, state.wait) = (None, None, None),
                    Err(failure) => {
                        // Said once, not with every attempt.
                        if state.error.as_ref() != Some(&failure.message) {
                            note(&format!("{}; it will be tried again", failure.message));
                        }
                        state.error = Some(failure.message);
                        let wait = state.wait.map_or(WAITS[0], |wait| (wait * 2).min(WAITS[1]));
                        (state.wait, state.again) = (Some(wait), Some(Instant::now() + wait));
                    }
                }
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Sends all that waits, then says how things are. The first failure ends the round, but what failed for one
    /// data source does not keep back the others.
    fn round(&self, state: &mut State, stop: &Stop) -> Result<(), Failure> {
        let mut failed = None;
        for spool in &self.spools {
            for path in spool.waiting()? {
                if stop.load(Ordering::Relaxed) {
                    return Ok(());
                }
                match self.send(spool, &path) {
                    Ok(()) => {
                        spool.sent(&path)?;
                        state.sent += 1;
                        state.reported = None;
                    }
                    Err(failure) => {
                        failed = Some(Failure::new(
                            failure.exit,
                            format!("{}: a log was not taken: {}", spool.stream, failure.message),
                        ));
                        break;
                    }
                }
            }
        }
        if let Some(failure) = failed {
            state.error = Some(failure.message.clone());
            // So that the list of collectors says what is wrong, if the server is there at all.
            let _ = self.report(state);
            return Err(failure);
        }
        if state.reported.is_none_or(|at| at.elapsed() >= REPORT) {
            state.error = None;
            self.report(state)?;
            state.reported = Some(Instant::now());
        }
        Ok(())
    }

    /// A session for each log: tokens of applications end, and credentials may be changed meanwhile.
    fn session(&self) -> Result<Session, Failure> {
        Session::open(&self.connection, self.clock)
    }

    fn send(&self, spool: &Spool, path: &Path) -> Result<(), Failure> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (mut content, size) = crate::commands::content(path)?;
        let filename = format!("{}-{name}", self.name);
        let upload =
            Upload { filename: &filename, source: &spool.source, stream: &spool.stream, snapshot: false };
        self.session()?.upload(&upload, &mut *content, size, &mut |_| {}).map(|_| ())
    }

    fn report(&self, state: &State) -> Result<(), Failure> {
        let latest = self.spools.iter().map(|spool| spool.last_data.load(Ordering::Relaxed)).max();
        let input = |spool: &Arc<Spool>| {
            json!({
                "stream": spool.stream,
                "source": spool.source,
                "from": spool.from,
                "received": spool.received.load(Ordering::Relaxed),
                "dropped": spool.dropped.load(Ordering::Relaxed),
                "behind": spool.behind.load(Ordering::Relaxed),
                "waiting": spool.waiting().map_or(0, |all| all.len()),
                "lastData": moment(spool.last_data.load(Ordering::Relaxed)),
            })
        };
        let health = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "inputs": self.spools.iter().map(input).collect::<Vec<_>>(),
            "spoolBytes": size_of(&self.root),
            "spoolLimit": self.limit,
            "sent": state.sent,
            "error": state.error,
            "lastData": moment(latest.unwrap_or(0)),
        });
        let body = json!({ "name": self.name, "health": health });
        self.session()?.api("POST", "/api/v1/discovery/log_collectors/", Some(&body)).map(|_| ())
    }
}

/// Milliseconds since 1970; null for never.
fn moment(at: i64) -> Value {
    if at == 0 { Value::Null } else { json!(at) }
}
