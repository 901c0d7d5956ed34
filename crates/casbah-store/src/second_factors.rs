//! What people prove themselves with besides a password: time-based codes and passkeys.

use casbah_model::{Guid, TenantId, Timestamp};

use crate::{Result, Row, Tx};

/// A second factor.
#[derive(Clone, Debug)]
pub struct SecondFactor {
    /// Its id.
    pub id: Guid,
    /// Object id of whose it is.
    pub user: Guid,
    /// Name that the owner gave it.
    pub name: String,
    /// When it was registered.
    pub created: Timestamp,
    /// When it was last used.
    pub last_used: Option<Timestamp>,
    /// What it is.
    pub kind: FactorKind,
}

/// What a second factor is, with what is needed to check it.
#[derive(Clone, Debug)]
pub enum FactorKind {
    /// Time-based one-time codes (RFC 6238).
    Totp {
        /// The shared key, sealed under the master key.
        sealed: Vec<u8>,
        /// The number of the last time step whose code was used; no earlier one is accepted.
        last_step: i64,
    },
    /// A passkey (WebAuthn).
    Passkey {
        /// The authenticator's id of it.
        credential: Vec<u8>,
        /// The public key, a COSE key in CBOR (RFC 9052).
        public_key: Vec<u8>,
        /// The signature counter; 0 when the authenticator has none.
        counter: i64,
    },
}

impl FactorKind {
    /// `totp` or `passkey`.
    pub fn name(&self) -> &'static str {
        match self {
            FactorKind::Totp { .. } => "totp",
            FactorKind::Passkey { .. } => "passkey",
        }
    }
}

const COLUMNS: &str =
    "id, user_id, name, created, last_used, kind, sealed, last_step, credential, public_key, counter";

fn second_factor(row: Row) -> Result<SecondFactor> {
    let mut r = row.read();
    let (id, user, name, created, last_used) = (r.take()?, r.take()?, r.take()?, r.take()?, r.take()?);
    let kind: String = r.take()?;
    let (sealed, last_step): (Option<Vec<u8>>, i64) = (r.take()?, r.take()?);
    let (credential, public_key, counter): (Option<Vec<u8>>, Option<Vec<u8>>, i64) =
        (r.take()?, r.take()?, r.take()?);
    let shape = || crate::Error::Shape(format!("a second factor of kind {kind}"));
    let kind = match (kind.as_str(), sealed, credential, public_key) {
        ("totp", Some(sealed), ..) => FactorKind::Totp { sealed, last_step },
        ("passkey", _, Some(credential), Some(public_key)) => {
            FactorKind::Passkey { credential, public_key, counter }
        }
        _ => return Err(shape()),
    };
    Ok(SecondFactor { id, user, name, created, last_used, kind })
}

/// Adds a second factor; a passkey that is registered already is [`crate::Error::Duplicate`].
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, factor: &SecondFactor) -> Result<()> {
    let sql = format!(
        "insert into second_factors (tenant, {COLUMNS}) \
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
    );
    let (sealed, last_step, credential, public_key, counter) = match &factor.kind {
        FactorKind::Totp { sealed, last_step } => (Some(sealed.as_slice()), *last_step, None, None, 0),
        FactorKind::Passkey { credential, public_key, counter } => {
            (None, 0, Some(credential.as_slice()), Some(public_key.as_slice()), *counter)
        }
    };
    let values = [
        tenant.into(),
        factor.id.into(),
        factor.user.into(),
        (&factor.name).into(),
        factor.created.into(),
        factor.last_used.into(),
        factor.kind.name().into(),
        sealed.into(),
        last_step.into(),
        credential.into(),
        public_key.into(),
        counter.into(),
    ];
    tx.execute(&sql, &values).map(drop)
}

/// The second factors of a user, the oldest first.
pub fn of_user(tx: &mut Tx<'_>, tenant: TenantId, user: Guid) -> Result<Vec<SecondFactor>> {
    let sql = format!(
        "select {COLUMNS} from second_factors where tenant = ?1 and user_id = ?2 order by created, id"
    );
    tx.rows(&sql, &[tenant.into(), user.into()])?.into_iter().map(second_factor).collect()
}

/// Whether a user has a second factor.
pub fn has_any(tx: &mut Tx<'_>, tenant: TenantId, user: Guid) -> Result<bool> {
    let sql = "select count(*) from second_factors where tenant = ?1 and user_id = ?2";
    Ok(tx.number(sql, &[tenant.into(), user.into()])? > 0)
}

/// The passkey with that id of the authenticator's.
pub fn find_passkey(tx: &mut Tx<'_>, tenant: TenantId, credential: &[u8]) -> Result<Option<SecondFactor>> {
    let sql = format!("select {COLUMNS} from second_factors where tenant = ?1 and credential = ?2");
    tx.row(&sql, &[tenant.into(), credential.into()])?.map(second_factor).transpose()
}

/// Uses a time step up. False when it, or a later one, was used before.
pub fn use_step(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    user: Guid,
    id: Guid,
    step: i64,
    now: Timestamp,
) -> Result<bool> {
    let sql = "update second_factors set last_step = ?4, last_used = ?5 \
               where tenant = ?1 and user_id = ?2 and id = ?3 and last_step < ?4";
    Ok(tx.execute(sql, &[tenant.into(), user.into(), id.into(), step.into(), now.into()])? == 1)
}

/// Notes that a passkey was used, with its new counter.
pub fn use_passkey(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    user: Guid,
    id: Guid,
    counter: i64,
    now: Timestamp,
) -> Result<()> {
    let sql = "update second_factors set counter = ?4, last_used = ?5 \
               where tenant = ?1 and user_id = ?2 and id = ?3";
    tx.execute(sql, &[tenant.into(), user.into(), id.into(), counter.into(), now.into()]).map(drop)
}

/// Removes a second factor; answers whether there was one.
pub fn remove(tx: &mut Tx<'_>, tenant: TenantId, user: Guid, id: Guid) -> Result<bool> {
    let sql = "delete from second_factors where tenant = ?1 and user_id = ?2 and id = ?3";
    Ok(tx.execute(sql, &[tenant.into(), user.into(), id.into()])? == 1)
}

/// Removes all second factors of a user; answers how many there were.
pub fn remove_of_user(tx: &mut Tx<'_>, tenant: TenantId, user: Guid) -> Result<u64> {
    let sql = "delete from second_factors where tenant = ?1 and user_id = ?2";
    tx.execute(sql, &[tenant.into(), user.into()])
}
