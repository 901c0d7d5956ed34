//! When a secret was last used: written once a minute, by one of the requests of that minute.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use casbah_model::{Guid, Timestamp};

const EVERY: Duration = Duration::from_secs(60);
/// Secrets remembered. Forgetting one costs a write too many.
const MOST: usize = 10_000;

#[derive(Default)]
pub(crate) struct UseNotes(Mutex<HashMap<Guid, Timestamp>>);

impl UseNotes {
    /// Whether a use at `now` is to be written; then whoever asks writes it, and nobody else does.
    pub(crate) fn is_due(&self, id: Guid, last: Option<Timestamp>, now: Timestamp) -> bool {
        let fresh = |at: &Timestamp| at.plus(EVERY) > now;
        if last.as_ref().is_some_and(fresh) {
            return false;
        }
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if notes.get(&id).is_some_and(fresh) {
            return false;
        }
        if notes.len() >= MOST {
            notes.clear();
        }
        notes.insert(id, now);
        true
    }
}
