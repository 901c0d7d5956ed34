//! The audit trail: who changed what, written in the transaction that makes the change.

use casbah_model::{RecordId, TenantId, Timestamp};
use serde_json::Value as Json;

use crate::{Result, Row, Tx, Value};

/// One change.
#[derive(Clone, Debug)]
pub struct AuditRecord {
    /// Its id.
    pub id: RecordId,
    /// When.
    pub at: Timestamp,
    /// `user`, `application` or `system`.
    pub actor_kind: String,
    /// Object id of the actor; empty for the system.
    pub actor: String,
    /// What was done, verb and noun: `add secret`, `close alert`.
    pub action: String,
    /// Kind of the thing changed.
    pub target_kind: String,
    /// Its id.
    pub target: String,
    /// More facts; never a secret.
    pub details: Json,
}

const COLUMNS: &str = "id, at, actor_kind, actor, action, target_kind, target, details";

fn record(row: Row) -> Result<AuditRecord> {
    let mut r = row.read();
    Ok(AuditRecord {
        id: r.take()?,
        at: r.take()?,
        actor_kind: r.take()?,
        actor: r.take()?,
        action: r.take()?,
        target_kind: r.take()?,
        target: r.take()?,
        details: r.take_json()?,
    })
}

/// Adds a record.
pub fn append(tx: &mut Tx<'_>, tenant: TenantId, record: &AuditRecord) -> Result<()> {
    let sql =
        format!("insert into audit_records (tenant, {COLUMNS}) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
    let values = [
        tenant.into(),
        (&record.id).into(),
        record.at.into(),
        (&record.actor_kind).into(),
        (&record.actor).into(),
        (&record.action).into(),
        (&record.target_kind).into(),
        (&record.target).into(),
        Value::json(&record.details),
    ];
    tx.execute(&sql, &values)?;
    Ok(())
}

/// The newest `limit` records.
pub fn newest(tx: &mut Tx<'_>, tenant: TenantId, limit: i64) -> Result<Vec<AuditRecord>> {
    let sql =
        format!("select {COLUMNS} from audit_records where tenant = ?1 order by at desc, id desc limit ?2");
    tx.rows(&sql, &[tenant.into(), limit.into()])?.into_iter().map(record).collect()
}
