//! Wrong passwords and codes: how many are looked at before nobody's are.
//!
//! A try is counted before it is looked at, in the transaction that also decides whether it may be,
//! so that a thousand tries at once, on any number of nodes, are worth no more than ten one after the
//! other. A right one sets the count back.
//!
//! The owner is not locked out by somebody who guesses: a browser, or else an address, from which the
//! account was signed in to before has a count of its own. All unfamiliar places share one; and an
//! address, or a client, with many wrong tries for whatever names waits before it may try unfamiliar
//! ones again. Names that do not exist are counted in the same way, with the same statements, because
//! a lock that only real accounts have would tell which accounts are real.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use casbah_model::{Guid, TenantId, Timestamp};
use casbah_store::sign_in_attempts::{self, Attempts};
use casbah_store::{Tx, users};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::codes;
use crate::error::OAuthError;
use crate::visitor::Seen;

/// Wrong tries that are looked at before an account rests.
const TRIES: i64 = 10;
/// Wrong tries from one address before it rests: many people may share one.
const TRIES_OF_ADDRESS: i64 = 100;
/// Wrong tries through one client before it rests.
const TRIES_OF_CLIENT: i64 = 1000;
/// How long an account rests at first; each further wrong try doubles it.
const REST: Duration = Duration::from_secs(60);
const LONGEST_REST: Duration = Duration::from_secs(60 * 60);
/// Tries older than this do not count any more.
const MEMORY: Duration = Duration::from_secs(24 * 60 * 60);
/// Tries of an address or a client do not count any more after this.
const SHORT_MEMORY: Duration = Duration::from_secs(60 * 60);
/// A place that was not used for this long is not familiar any more.
pub(crate) const FAMILIAR: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// Turns are shared by accounts that fall on the same number.
const TURNS: usize = 64;
/// Tries for one account that are under way at once on this node. Without this bound, many right
/// passwords at the same moment would be taken for guessing.
const AT_ONCE: usize = 4;
/// The account under which addresses are counted.
const NOBODY: Guid = Guid::from_u128(0);

pub(crate) struct Throttle {
    turns: Vec<Semaphore>,
    hasher: RandomState,
}

impl Default for Throttle {
    fn default() -> Throttle {
        let turns = (0..TURNS).map(|_| Semaphore::new(AT_ONCE)).collect();
        Throttle { turns, hasher: RandomState::new() }
    }
}

impl Throttle {
    /// Waits until a try for this account may begin.
    pub(crate) async fn turn(&self, tenant: TenantId, name: &str) -> Result<SemaphorePermit<'_>, OAuthError> {
        let number = self.hasher.hash_one((tenant, users::name_key(name))) as usize % TURNS;
        self.turns[number].acquire().await.map_err(OAuthError::internal)
    }
}

/// What is tried. Each has counts of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tried {
    Password,
    SecondFactor,
}

/// A try that was counted and may be looked at.
#[derive(Clone, Debug)]
pub(crate) struct Counted {
    account: Guid,
    place: String,
}

/// Counts a try on an account.
///
/// # Errors
/// 50053 when the account rests, or where the try comes from: it must not even be looked at.
pub(crate) fn count(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    account: Guid,
    tried: Tried,
    from: &Seen,
    client: Option<Guid>,
    now: Timestamp,
) -> Result<Counted, OAuthError> {
    let mut familiar = None;
    for place in from.places() {
        let known = sign_in_attempts::is_familiar(tx, tenant, account, &place, now.minus(FAMILIAR))?;
        familiar = familiar.or(known.then_some(place));
    }
    if familiar.is_none() {
        for (account, place) in shared(from, client) {
            if sign_in_attempts::find(tx, tenant, account, &place)?.until > now {
                return Err(OAuthError::plain(codes::LOCKED));
            }
        }
    }
    let place = format!("{tried:?} {}", familiar.unwrap_or_default());
    let attempts = sign_in_attempts::find(tx, tenant, account, &place)?;
    if attempts.until > now {
        return Err(OAuthError::plain(codes::LOCKED));
    }
    sign_in_attempts::save(tx, tenant, account, &place, next(attempts, TRIES, MEMORY, now))?;
    Ok(Counted { account, place })
}

/// The try was right: the count begins anew.
pub(crate) fn clear(tx: &mut Tx<'_>, tenant: TenantId, counted: &Counted) -> casbah_store::Result<()> {
    sign_in_attempts::clear(tx, tenant, counted.account, &counted.place)
}

/// The try was wrong: that counts for where it came from, too.
pub(crate) fn note_wrong(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    from: &Seen,
    client: Option<Guid>,
    now: Timestamp,
) -> casbah_store::Result<()> {
    for (account, place) in shared(from, client) {
        let limit = if account == NOBODY { TRIES_OF_ADDRESS } else { TRIES_OF_CLIENT };
        let attempts = sign_in_attempts::find(tx, tenant, account, &place)?;
        let attempts = next(attempts, limit, SHORT_MEMORY, now);
        sign_in_attempts::save(tx, tenant, account, &place, attempts)?;
    }
    Ok(())
}

/// Somebody has signed in from here, all steps of it.
pub(crate) fn make_familiar(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    user: Guid,
    from: &Seen,
    now: Timestamp,
) -> casbah_store::Result<()> {
    from.places().try_for_each(|place| sign_in_attempts::make_familiar(tx, tenant, user, &place, now))
}

/// What counts for more than one account.
fn shared(from: &Seen, client: Option<Guid>) -> Vec<(Guid, String)> {
    let address = from.address_place().map(|place| (NOBODY, place));
    let client = client.map(|client| (client, "client".to_string()));
    address.into_iter().chain(client).collect()
}

fn next(attempts: Attempts, limit: i64, memory: Duration, now: Timestamp) -> Attempts {
    let forgotten = attempts.updated.plus(memory) < now;
    let count = if forgotten { 1 } else { attempts.count.saturating_add(1) };
    let until = if count < limit { Timestamp::default() } else { now.plus(rest(count - limit)) };
    Attempts { count, until, updated: now }
}

/// How long to rest after so many wrong tries beyond the first that led to a rest.
fn rest(beyond: i64) -> Duration {
    let doublings = u32::try_from(beyond.clamp(0, 16)).unwrap_or_default();
    REST.saturating_mul(2_u32.saturating_pow(doublings)).min(LONGEST_REST)
}

#[cfg(test)]
mod tests;
