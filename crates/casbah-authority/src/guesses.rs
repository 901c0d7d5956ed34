//! Wrong user codes at the device page: how many are looked at in a minute (RFC 8628, section 5.1).
//!
//! Whoever is signed in has a count of their own. All others share one, because nothing that a
//! stranger's browser sends tells it from another: while somebody guesses, those who have not signed
//! in yet may have to wait. As with passwords, a try is counted before it is looked at.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use casbah_model::{Guid, Timestamp};

use crate::codes;
use crate::error::OAuthError;

/// Wrong codes a minute from somebody who is signed in, on this node.
const OF_ONE_USER: u32 = 10;
/// Wrong codes a minute from all others together, on this node.
const OF_STRANGERS: u32 = 60;
const MINUTE: i64 = 60;

#[derive(Default)]
pub(crate) struct Guesses(Mutex<Minute>);

#[derive(Default)]
struct Minute {
    number: i64,
    counts: HashMap<Option<Guid>, u32>,
}

impl Guesses {
    /// Counts a try.
    ///
    /// # Errors
    /// 50053 when there were too many: the code must not even be looked at.
    pub(crate) fn take(&self, user: Option<Guid>, now: Timestamp) -> Result<(), OAuthError> {
        let mut minute = self.minute();
        let number = now.seconds() / MINUTE;
        if minute.number != number {
            *minute = Minute { number, counts: HashMap::new() };
        }
        let limit = if user.is_some() { OF_ONE_USER } else { OF_STRANGERS };
        let count = minute.counts.entry(user).or_default();
        if *count >= limit {
            let text = "Too many wrong codes were entered. Wait a minute and try again.";
            return Err(OAuthError::new(codes::LOCKED, text));
        }
        *count += 1;
        Ok(())
    }

    /// The code was not a guess.
    pub(crate) fn give_back(&self, user: Option<Guid>) {
        if let Some(count) = self.minute().counts.get_mut(&user) {
            *count = count.saturating_sub(1);
        }
    }

    fn minute(&self) -> MutexGuard<'_, Minute> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
