//! Programs that send logs.

use casbah_model::{LogCollector, RecordId, TenantId};

use crate::{Result, Row, Tx, Value};

const COLUMNS: &str = "id, name, health, created, last_seen";

fn collector(row: Row) -> Result<LogCollector> {
    let mut r = row.read();
    Ok(LogCollector {
        id: r.take()?,
        name: r.take()?,
        health: r.take_json()?,
        created: r.take()?,
        last_seen: r.take()?,
    })
}

/// All collectors of a tenant, by name.
pub fn list(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Vec<LogCollector>> {
    let sql = format!("select {COLUMNS} from log_collectors where tenant = ?1 order by name_key, id");
    tx.rows(&sql, &[tenant.into()])?.into_iter().map(collector).collect()
}

/// Writes what a collector says of itself. A name that is known stays under its id; answers the id.
pub fn report(tx: &mut Tx<'_>, tenant: TenantId, one: &LogCollector) -> Result<(RecordId, bool)> {
    let key = one.name.trim().to_lowercase();
    let sql = format!(
        "insert into log_collectors (tenant, {COLUMNS}, name_key) values (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
         on conflict (tenant, name_key) do update set health = excluded.health, last_seen = excluded.last_seen"
    );
    let values = [
        tenant.into(),
        (&one.id).into(),
        (&one.name).into(),
        Value::json(&one.health),
        one.created.into(),
        one.last_seen.into(),
        key.as_str().into(),
    ];
    tx.execute(&sql, &values)?;
    let sql = "select id from log_collectors where tenant = ?1 and name_key = ?2";
    let id: Option<RecordId> =
        tx.row(sql, &[tenant.into(), key.as_str().into()])?.map(|row| row.read().take()).transpose()?;
    let id = id.unwrap_or_else(|| one.id.clone());
    let is_new = id == one.id;
    Ok((id, is_new))
}

/// Removes a collector.
pub fn delete(tx: &mut Tx<'_>, tenant: TenantId, id: &RecordId) -> Result<()> {
    tx.execute("delete from log_collectors where tenant = ?1 and id = ?2", &[tenant.into(), id.into()])?;
    Ok(())
}
