//! How signing keys take over from each other: by schedule, when an administrator asks, and when one must
//! not be trusted any more.
//!
//! All of it happens in one transaction on the rows, so that several nodes agree.

use std::time::Duration;

use casbah_model::{Timestamp, TokenLifetimes};
use casbah_store::Tx;
use casbah_store::signing_keys::{self, SigningKey as Row};

use super::{KeyError, make};
use crate::authority::Authority;

/// How long a key signs.
const SIGNS: Duration = Duration::from_secs(45 * 24 * 60 * 60);
/// How long before its first signature a key is published: the `max-age` of the key document and more.
const AHEAD: Duration = Duration::from_secs(26 * 60 * 60);
/// How long a key is published after its last signature: 48 hours longer than any token lives.
const BEHIND: Duration = Duration::from_secs(48 * 60 * 60 + TokenLifetimes::LONGEST_TOKEN as u64);
/// How much longer a key stays published than planned at first, should the next one come late.
const LATE: Duration = Duration::from_secs(24 * 60 * 60);

/// What a published key is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyState {
    /// Published, so that clients know it when it takes over.
    Next,
    /// Signs tokens.
    Signing,
    /// Signs no more; verifies what it signed.
    Verifying,
}

/// A published key, as administrators see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeySummary {
    /// Key id, the `kid` of tokens.
    pub id: String,
    /// What it is doing.
    pub state: KeyState,
    /// When it was made and published.
    pub created: Timestamp,
    /// It signs from here ...
    pub signs_from: Timestamp,
    /// ... to here.
    pub signs_until: Timestamp,
    /// Until when it verifies.
    pub published_until: Timestamp,
}

/// How fast the next key takes over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pace {
    /// As soon as clients that keep the key document for a day have seen it.
    Published,
    /// At once; clients that have not seen it must fetch the key document again.
    Now,
}

/// What is done in the transaction that changes the keys, with the keys before and after: the audit
/// record. May run twice.
pub type InSameTransaction =
    dyn Fn(&mut Tx<'_>, &[KeySummary], &[KeySummary]) -> casbah_store::Result<()> + Send + Sync + 'static;

impl Authority {
    /// The published keys, the next one first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_keys(&self) -> Result<Vec<KeySummary>, KeyError> {
        let now = self.clock.now();
        Ok(self.store.read(move |tx| summaries(tx, now)).await?)
    }

    /// Makes the next key take over earlier than planned. What the old one signed stays good.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rotate_keys(
        &self,
        pace: Pace,
        record: Box<InSameTransaction>,
    ) -> Result<Vec<KeySummary>, KeyError> {
        self.change_keys(record, move |tx, fresh, now| rotate(tx, fresh, now, pace).map(|()| true)).await
    }

    /// Withdraws a key that must not be trusted any more: every token that it signed is refused, here and
    /// by whoever fetches the key document again. Refresh tokens and browser sessions are not signed with
    /// it, so nobody is signed out. If it is the key that signs, the next one takes over at once.
    ///
    /// # Errors
    /// [`KeyError::NoSuchKey`]; and when the database fails.
    pub async fn revoke_key(
        &self,
        id: String,
        record: Box<InSameTransaction>,
    ) -> Result<Vec<KeySummary>, KeyError> {
        self.change_keys(record, move |tx, fresh, now| revoke(tx, fresh, now, &id)).await
    }

    async fn change_keys(
        &self,
        record: Box<InSameTransaction>,
        change: impl Fn(&mut Tx<'_>, &[Row; 2], Timestamp) -> casbah_store::Result<bool> + Send + Sync + 'static,
    ) -> Result<Vec<KeySummary>, KeyError> {
        let now = self.clock.now();
        // Two at the most are needed, and making one takes too long for a transaction.
        let fresh = [make(&self.master, now).await?, make(&self.master, now).await?];
        let changed = self
            .store
            .write(move |tx| {
                let before = summaries(tx, now)?;
                if !change(tx, &fresh, now)? {
                    return Ok(None);
                }
                let after = summaries(tx, now)?;
                record(tx, &before, &after)?;
                Ok::<_, casbah_store::Error>(Some(after))
            })
            .await?;
        self.look_at_keys_again().await?;
        changed.ok_or(KeyError::NoSuchKey)
    }
}

/// Puts a key behind the last one: at once when there is none that signs, otherwise so that it was
/// published long enough before it takes over. False when there is a next key already.
pub(super) fn add_if_due(tx: &mut Tx<'_>, made: &Row, now: Timestamp) -> casbah_store::Result<bool> {
    let rows = published(tx, now)?;
    if rows.iter().any(|row| row.signs_from > now) {
        return Ok(false);
    }
    append(tx, made, now)?;
    Ok(true)
}

fn append(tx: &mut Tx<'_>, made: &Row, now: Timestamp) -> casbah_store::Result<()> {
    let rows = published(tx, now)?;
    let last = rows.iter().max_by_key(|row| row.signs_from);
    let signs_from = last.map_or(now, |last| last.signs_until.max(now.plus(AHEAD)));
    if let Some(last) = last {
        // Late rotation: the old key goes on until the new one was published long enough.
        signing_keys::set_end(tx, &last.id, signs_from, signs_from.plus(BEHIND))?;
    }
    signing_keys::insert(tx, &from(made, signs_from))
}

fn rotate(tx: &mut Tx<'_>, fresh: &[Row; 2], now: Timestamp, pace: Pace) -> casbah_store::Result<()> {
    let rows = published(tx, now)?;
    let [first, second] = fresh;
    let successor = match rows.iter().find(|row| row.signs_from > now) {
        Some(next) => next.clone(),
        None => {
            let next = from(first, now.plus(AHEAD));
            signing_keys::insert(tx, &next)?;
            next
        }
    };
    let at = match pace {
        Pace::Now => now,
        Pace::Published => successor.created.plus(AHEAD).max(now).min(successor.signs_from),
    };
    for row in rows.iter().filter(|row| row.signs_from <= now && row.signs_until > at) {
        signing_keys::set_end(tx, &row.id, at, at.plus(BEHIND))?;
    }
    let successor = from(&successor, at);
    signing_keys::set_start(tx, &successor.id, at)?;
    signing_keys::set_end(tx, &successor.id, successor.signs_until, successor.published_until)?;
    // It is not the next one any more, so there must be another.
    if at <= now { append(tx, second, now) } else { Ok(()) }
}

fn revoke(tx: &mut Tx<'_>, fresh: &[Row; 2], now: Timestamp, id: &str) -> casbah_store::Result<bool> {
    let before = summaries(tx, now)?;
    let Some(state) = before.iter().find(|key| key.id == id).map(|key| key.state) else { return Ok(false) };
    if state == KeyState::Signing {
        rotate(tx, fresh, now, Pace::Now)?;
    }
    signing_keys::delete(tx, id)?;
    if state == KeyState::Next {
        append(tx, &fresh[0], now)?;
    }
    Ok(true)
}

/// A key that signs from then on, with its planned end.
fn from(row: &Row, signs_from: Timestamp) -> Row {
    let signs_until = signs_from.plus(SIGNS);
    Row { signs_from, signs_until, published_until: signs_until.plus(BEHIND + LATE), ..row.clone() }
}

fn published(tx: &mut Tx<'_>, now: Timestamp) -> casbah_store::Result<Vec<Row>> {
    Ok(signing_keys::all(tx)?.into_iter().filter(|row| row.published_until >= now).collect())
}

fn summaries(tx: &mut Tx<'_>, now: Timestamp) -> casbah_store::Result<Vec<KeySummary>> {
    let rows = published(tx, now)?;
    let begun = rows.iter().filter(|row| row.signs_from <= now);
    let signing = begun.max_by_key(|row| (row.signs_from, row.signs_until));
    let signing = signing.map(|row| row.id.clone());
    let summary = |row: Row| KeySummary {
        state: match &signing {
            _ if row.signs_from > now => KeyState::Next,
            Some(id) if *id == row.id => KeyState::Signing,
            _ => KeyState::Verifying,
        },
        id: row.id,
        created: row.created,
        signs_from: row.signs_from,
        signs_until: row.signs_until,
        published_until: row.published_until,
    };
    Ok(rows.into_iter().rev().map(summary).collect())
}
