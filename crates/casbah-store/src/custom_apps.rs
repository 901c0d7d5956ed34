//! Apps that tenants add, and what they say of those of the catalogue.

use casbah_model::{AppOverride, CustomApp, TenantId, Timestamp};

use crate::{Result, Row, Tx, Value};

/// All custom apps of a tenant, by number.
pub fn list(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Vec<CustomApp>> {
    let sql = "select document from custom_apps where tenant = ?1 order by app";
    tx.rows(sql, &[tenant.into()])?.into_iter().map(|row| row.read().take_json()).collect()
}

/// Writes a custom app, new or changed.
pub fn save(tx: &mut Tx<'_>, tenant: TenantId, app: &CustomApp) -> Result<()> {
    let sql = "insert into custom_apps (tenant, app, document) values (?1, ?2, ?3) \
               on conflict (tenant, app) do update set document = excluded.document";
    tx.execute(sql, &[tenant.into(), app.id.into(), Value::json(app)])?;
    Ok(())
}

/// Removes a custom app, with its tags and what was said of it.
pub fn delete(tx: &mut Tx<'_>, tenant: TenantId, app: i64) -> Result<()> {
    for sql in [
        "delete from custom_apps where tenant = ?1 and app = ?2",
        "delete from app_tag_apps where tenant = ?1 and app = ?2",
        "delete from app_overrides where tenant = ?1 and app = ?2",
    ] {
        tx.execute(sql, &[tenant.into(), app.into()])?;
    }
    Ok(())
}

fn one(row: Row) -> Result<AppOverride> {
    let mut r = row.read();
    Ok(AppOverride { app: r.take()?, score: r.take()?, notes: r.take()?, modified: r.take()? })
}

/// What a tenant says of apps, by number.
pub fn overrides(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Vec<AppOverride>> {
    let sql = "select app, score, notes, modified from app_overrides where tenant = ?1 order by app";
    tx.rows(sql, &[tenant.into()])?.into_iter().map(one).collect()
}

/// Writes what a tenant says of an app; nothing at all removes the row.
pub fn save_override(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    (app, score, notes): (i64, Option<i64>, &str),
    at: Timestamp,
) -> Result<()> {
    if score.is_none() && notes.is_empty() {
        let sql = "delete from app_overrides where tenant = ?1 and app = ?2";
        tx.execute(sql, &[tenant.into(), app.into()])?;
        return Ok(());
    }
    let sql = "insert into app_overrides (tenant, app, score, notes, modified) values (?1, ?2, ?3, ?4, ?5) \
               on conflict (tenant, app) do update set score = excluded.score, notes = excluded.notes, \
               modified = excluded.modified";
    tx.execute(sql, &[tenant.into(), app.into(), score.into(), notes.into(), at.into()])?;
    Ok(())
}
