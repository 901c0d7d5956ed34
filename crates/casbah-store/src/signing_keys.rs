//! Signing keys of the authority; they serve all tenants, so no query here has one.

use casbah_model::Timestamp;

use crate::{Result, Row, Tx};

/// A signing key as it rests: the private half sealed under the master key.
#[derive(Clone)]
pub struct SigningKey {
    /// Key id: the thumbprint of the certificate.
    pub id: String,
    /// The private key, encrypted; only the authority can open it.
    pub sealed: Vec<u8>,
    /// The self-signed certificate, DER.
    pub certificate: Vec<u8>,
    /// When it was made.
    pub created: Timestamp,
    /// It signs from here ...
    pub signs_from: Timestamp,
    /// ... to here, when the next key is ready.
    pub signs_until: Timestamp,
    /// Until when the public half is published.
    pub published_until: Timestamp,
}

const COLUMNS: &str = "id, sealed, certificate, created, signs_from, signs_until, published_until";

fn signing_key(row: Row) -> Result<SigningKey> {
    let mut r = row.read();
    Ok(SigningKey {
        id: r.take()?,
        sealed: r.take()?,
        certificate: r.take()?,
        created: r.take()?,
        signs_from: r.take()?,
        signs_until: r.take()?,
        published_until: r.take()?,
    })
}

/// All keys, the one that signs first first.
pub fn all(tx: &mut Tx<'_>) -> Result<Vec<SigningKey>> {
    let sql = format!("select {COLUMNS} from signing_keys order by signs_from, id");
    tx.rows(&sql, &[])?.into_iter().map(signing_key).collect()
}

/// Adds a key.
pub fn insert(tx: &mut Tx<'_>, key: &SigningKey) -> Result<()> {
    let sql = format!("insert into signing_keys ({COLUMNS}) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    let values = [
        (&key.id).into(),
        (&key.sealed).into(),
        (&key.certificate).into(),
        key.created.into(),
        key.signs_from.into(),
        key.signs_until.into(),
        key.published_until.into(),
    ];
    tx.execute(&sql, &values)?;
    Ok(())
}

/// Changes how long a key signs and is published.
pub fn set_end(tx: &mut Tx<'_>, id: &str, signs_until: Timestamp, published_until: Timestamp) -> Result<()> {
    let sql = "update signing_keys set signs_until = ?2, published_until = ?3 where id = ?1";
    tx.execute(sql, &[id.into(), signs_until.into(), published_until.into()])?;
    Ok(())
}

/// Changes from when on a key signs.
pub fn set_start(tx: &mut Tx<'_>, id: &str, signs_from: Timestamp) -> Result<()> {
    tx.execute("update signing_keys set signs_from = ?2 where id = ?1", &[id.into(), signs_from.into()])?;
    Ok(())
}

/// Forgets a key.
pub fn delete(tx: &mut Tx<'_>, id: &str) -> Result<()> {
    tx.execute("delete from signing_keys where id = ?1", &[id.into()])?;
    Ok(())
}

/// Forgets the keys that nobody needs any more; answers how many.
pub fn remove_unpublished(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64> {
    tx.execute("delete from signing_keys where published_until < ?1", &[now.into()])
}
