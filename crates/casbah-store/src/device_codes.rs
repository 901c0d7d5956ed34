//! Device codes: a sign-in that starts on one device and is confirmed on another.

use casbah_model::{Guid, TenantId, Timestamp};
use serde_json::Value as Json;

use crate::{Error, Result, Row, Tx, Value};

/// How far a device sign-in has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeviceCodeState {
    /// Nobody has confirmed it yet.
    Pending,
    /// A user confirmed it.
    Approved {
        /// Object id of that user.
        user: Guid,
    },
    /// A user refused it.
    Declined,
    /// The tokens were fetched.
    Redeemed,
}

/// A device sign-in; the device's code is known by its digest only.
#[derive(Clone, Debug)]
pub struct DeviceCode {
    /// Keyed hash of the code that the device holds.
    pub digest: Vec<u8>,
    /// The code that the user types, upper case.
    pub user_code: String,
    /// Application id of the client.
    pub application: Guid,
    /// What was asked for; the authority's own shape.
    pub details: Json,
    /// Valid until.
    pub expires: Timestamp,
    /// How far it has come.
    pub state: DeviceCodeState,
}

const COLUMNS: &str = "digest, user_code, application, details, expires, state, user_id";

fn device_code(r: &mut crate::Reader) -> Result<DeviceCode> {
    let (digest, user_code, application) = (r.take()?, r.take()?, r.take()?);
    let (details, expires) = (r.take_json()?, r.take()?);
    let (state, user): (String, Option<Guid>) = (r.take()?, r.take()?);
    let state = match (state.as_str(), user) {
        ("pending", _) => DeviceCodeState::Pending,
        ("approved", Some(user)) => DeviceCodeState::Approved { user },
        ("declined", _) => DeviceCodeState::Declined,
        ("redeemed", _) => DeviceCodeState::Redeemed,
        (other, _) => return Err(Error::Shape(format!("a device code in state {other}"))),
    };
    Ok(DeviceCode { digest, user_code, application, details, expires, state })
}

/// Adds a device sign-in; it starts as pending.
///
/// # Errors
/// [`Error::Duplicate`] when the user code is in use: draw another.
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, code: &DeviceCode) -> Result<()> {
    let sql = format!(
        "insert into device_codes (tenant, {COLUMNS}) values (?1, ?2, ?3, ?4, ?5, ?6, 'pending', null)"
    );
    let values = [
        tenant.into(),
        (&code.digest).into(),
        (&code.user_code).into(),
        code.application.into(),
        Value::json(&code.details),
        code.expires.into(),
    ];
    tx.execute(&sql, &values)?;
    Ok(())
}

/// The device sign-in with that digest.
pub fn find(tx: &mut Tx<'_>, tenant: TenantId, digest: &[u8]) -> Result<Option<DeviceCode>> {
    let sql = format!("select {COLUMNS} from device_codes where tenant = ?1 and digest = ?2");
    tx.row(&sql, &[tenant.into(), digest.into()])?.map(|row| device_code(&mut row.read())).transpose()
}

/// The device sign-in whose user code was typed, and its tenant: the typed code is all that the
/// page knows.
pub fn find_by_user_code(tx: &mut Tx<'_>, user_code: &str) -> Result<Option<(TenantId, DeviceCode)>> {
    fn read(row: Row) -> Result<(TenantId, DeviceCode)> {
        let mut r = row.read();
        Ok((r.take()?, device_code(&mut r)?))
    }
    let sql = format!("select tenant, {COLUMNS} from device_codes where user_code = ?1");
    tx.row(&sql, &[user_code.into()])?.map(read).transpose()
}

/// Records a user's decision, and in the details how that user had signed in. False when the sign-in is
/// not pending any more.
pub fn decide(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    digest: &[u8],
    user: Guid,
    approved: bool,
    details: &Json,
) -> Result<bool> {
    let sql = "update device_codes set state = ?3, user_id = ?4, details = ?5 \
               where tenant = ?1 and digest = ?2 and state = 'pending'";
    let state = if approved { "approved" } else { "declined" };
    let values = [tenant.into(), digest.into(), state.into(), user.into(), Value::json(details)];
    Ok(tx.execute(sql, &values)? == 1)
}

/// Uses an approved sign-in up. False when it is not approved, or somebody did before.
pub fn redeem(tx: &mut Tx<'_>, tenant: TenantId, digest: &[u8]) -> Result<bool> {
    let sql = "update device_codes set state = 'redeemed' \
               where tenant = ?1 and digest = ?2 and state = 'approved'";
    Ok(tx.execute(sql, &[tenant.into(), digest.into()])? == 1)
}

/// Removes the device codes of an application, which is being deleted.
pub fn remove_of_application(tx: &mut Tx<'_>, tenant: TenantId, application: Guid) -> Result<u64> {
    let sql = "delete from device_codes where tenant = ?1 and application = ?2";
    tx.execute(sql, &[tenant.into(), application.into()])
}

/// Forgets device sign-ins of all tenants that ended before `before`.
pub fn remove_ended(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64> {
    tx.execute("delete from device_codes where expires < ?1", &[before.into()])
}
