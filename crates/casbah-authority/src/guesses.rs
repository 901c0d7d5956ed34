//! Wrong user codes at the device page: how many are looked at in a minute (RFC 8628, section 5.1).
//!
//! Whoever is signed in has a count of their own. All others share one, because nothing that a
//! stranger's browser sends tells it from another: while somebody guesses, those who have not signed
//! in yet may have to wait. The counts are in the database, so that more nodes are not more guesses,
//! and a code is looked at in the transaction that counts it.

use casbah_model::{Guid, TenantId, Timestamp};
use casbah_store::Tx;
use casbah_store::sign_in_attempts::{self, Attempts};

use crate::codes;
use crate::error::OAuthError;

/// Wrong codes a minute from somebody who is signed in.
const OF_ONE_USER: i64 = 10;
/// Wrong codes a minute from all others together.
const OF_STRANGERS: i64 = 60;
const MINUTE: i64 = 60;
/// The place under which they are counted.
const PLACE: &str = "user code";
/// Nobody, of no tenant: which tenant a code belongs to is not known before it is found.
const STRANGERS: (TenantId, Guid) = (TenantId(Guid::from_u128(0)), Guid::from_u128(0));

/// Whose guesses they are: the user's, or those of everybody who is not signed in.
#[derive(Clone, Copy)]
pub(crate) struct Guesser(Option<(TenantId, Guid)>);

impl Guesser {
    pub(crate) fn new(user: Option<(TenantId, Guid)>) -> Guesser {
        Guesser(user)
    }

    /// Refuses another try when there were too many wrong ones.
    ///
    /// # Errors
    /// 50053: the code must not even be looked at.
    pub(crate) fn check(self, tx: &mut Tx<'_>, now: Timestamp) -> Result<(), OAuthError> {
        let limit = if self.0.is_some() { OF_ONE_USER } else { OF_STRANGERS };
        if self.count(tx, now)? < limit {
            return Ok(());
        }
        let text = "Too many wrong codes were entered. Wait a minute and try again.";
        Err(OAuthError::new(codes::LOCKED, text))
    }

    /// Counts a wrong code.
    pub(crate) fn note_wrong(self, tx: &mut Tx<'_>, now: Timestamp) -> Result<(), OAuthError> {
        let count = self.count(tx, now)?.saturating_add(1);
        let (tenant, account) = self.0.unwrap_or(STRANGERS);
        let attempts = Attempts { count, until: Timestamp::default(), updated: now };
        Ok(sign_in_attempts::save(tx, tenant, account, PLACE, attempts)?)
    }

    /// Wrong codes in this minute.
    fn count(self, tx: &mut Tx<'_>, now: Timestamp) -> Result<i64, OAuthError> {
        let (tenant, account) = self.0.unwrap_or(STRANGERS);
        let attempts = sign_in_attempts::find(tx, tenant, account, PLACE)?;
        let same = attempts.updated.seconds() / MINUTE == now.seconds() / MINUTE;
        Ok(if same { attempts.count } else { 0 })
    }
}
