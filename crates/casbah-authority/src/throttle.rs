//! Wrong passwords: how many are looked at before nobody's are.
//!
//! A try is counted before it is looked at, in the transaction that also decides whether it may be,
//! so that a thousand tries at once are worth no more than ten one after the other. A right password
//! sets the count back. Tries for names that do not exist are counted as well, in memory, because a
//! lock that only real accounts have would tell which accounts are real.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use casbah_model::{TenantId, Timestamp, User};
use casbah_store::users::{self, Failures};
use casbah_store::{Store, Tx};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::codes;
use crate::error::OAuthError;

/// Wrong tries that are looked at before the account rests.
const TRIES: i64 = 10;
/// How long it rests then, after each further wrong try.
const REST: Duration = Duration::from_secs(60);
/// Names remembered that do not exist.
const UNKNOWN_NAMES: usize = 10_000;
/// Turns are shared by accounts that fall on the same number.
const TURNS: usize = 64;
/// Tries for one account that are under way at once on this node. Without this bound, many right
/// passwords at the same moment would be taken for guessing.
const AT_ONCE: usize = 4;

pub(crate) struct Throttle {
    turns: Vec<Semaphore>,
    hasher: RandomState,
    unknown: Mutex<HashMap<(TenantId, String), Failures>>,
}

impl Default for Throttle {
    fn default() -> Throttle {
        let turns = (0..TURNS).map(|_| Semaphore::new(AT_ONCE)).collect();
        Throttle { turns, hasher: RandomState::new(), unknown: Mutex::default() }
    }
}

impl Throttle {
    /// Waits until a try for this account may begin.
    pub(crate) async fn turn(&self, tenant: TenantId, name: &str) -> Result<SemaphorePermit<'_>, OAuthError> {
        let number = self.hasher.hash_one((tenant, users::name_key(name))) as usize % TURNS;
        self.turns[number].acquire().await.map_err(OAuthError::internal)
    }

    /// Counts a try and answers whose it is; none for an unknown name.
    ///
    /// # Errors
    /// 50053 when the account rests: the password must not even be looked at.
    pub(crate) async fn count(
        &self,
        store: &Store,
        tenant: TenantId,
        name: String,
        now: Timestamp,
    ) -> Result<Option<User>, OAuthError> {
        let key = (tenant, users::name_key(&name));
        let user = store.write(move |tx| count(tx, tenant, &name, now)).await?;
        if user.is_none() {
            self.count_unknown(key, now)?;
        }
        Ok(user)
    }

    fn count_unknown(&self, key: (TenantId, String), now: Timestamp) -> Result<(), OAuthError> {
        let mut unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        if unknown.len() >= UNKNOWN_NAMES && !unknown.contains_key(&key) {
            unknown.clear();
        }
        let failures = unknown.entry(key).or_default();
        *failures = next(*failures, now)?;
        Ok(())
    }
}

fn count(tx: &mut Tx<'_>, tenant: TenantId, name: &str, now: Timestamp) -> Result<Option<User>, OAuthError> {
    let Some(user) = users::find_by_name(tx, tenant, name)? else { return Ok(None) };
    let failures = next(users::failures(tx, tenant, user.id)?, now)?;
    users::set_failures(tx, tenant, user.id, failures)?;
    Ok(Some(user))
}

fn next(failures: Failures, now: Timestamp) -> Result<Failures, OAuthError> {
    if failures.until > now {
        return Err(OAuthError::plain(codes::LOCKED));
    }
    let count = failures.count.saturating_add(1);
    Ok(Failures { count, until: if count >= TRIES { now.plus(REST) } else { failures.until } })
}
