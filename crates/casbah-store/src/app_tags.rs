//! App tags, and which apps bear them.

use casbah_model::{AppTag, RecordId, TenantId, Timestamp};

use crate::{Result, Tx};

/// Adds a tag, unless one has the name.
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, tag: &AppTag, created: Timestamp) -> Result<()> {
    let sql = "insert into app_tags (tenant, id, name, name_key, built_in, created) values (?1, ?2, ?3, ?4, ?5, ?6) \
               on conflict (tenant, name_key) do nothing";
    let key = tag.name.to_lowercase();
    let values = [
        tenant.into(),
        (&tag.id).into(),
        (&tag.name).into(),
        key.into(),
        tag.built_in.into(),
        created.into(),
    ];
    tx.execute(sql, &values)?;
    Ok(())
}

/// All tags with their apps: built-in ones first, then by name.
pub fn list(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Vec<AppTag>> {
    let sql = "select id, name, built_in from app_tags where tenant = ?1 order by built_in desc, name, id";
    let mut tags = Vec::new();
    for row in tx.rows(sql, &[tenant.into()])? {
        let mut r = row.read();
        tags.push(AppTag { id: r.take()?, name: r.take()?, built_in: r.take()?, apps: Vec::new() });
    }
    for row in
        tx.rows("select tag, app from app_tag_apps where tenant = ?1 order by app", &[tenant.into()])?
    {
        let mut r = row.read();
        let (id, app): (RecordId, i64) = (r.take()?, r.take()?);
        if let Some(tag) = tags.iter_mut().find(|tag| tag.id == id) {
            tag.apps.push(app);
        }
    }
    Ok(tags)
}

/// Puts a tag on an app. False when it was there.
pub fn add(tx: &mut Tx<'_>, tenant: TenantId, tag: &RecordId, app: i64, at: Timestamp) -> Result<bool> {
    let sql = "insert into app_tag_apps (tenant, tag, app, created) values (?1, ?2, ?3, ?4) \
               on conflict (tenant, tag, app) do nothing";
    Ok(tx.execute(sql, &[tenant.into(), tag.into(), app.into(), at.into()])? > 0)
}

/// Removes a tag from all apps and altogether.
pub fn delete(tx: &mut Tx<'_>, tenant: TenantId, id: &RecordId) -> Result<()> {
    for sql in [
        "delete from app_tag_apps where tenant = ?1 and tag = ?2",
        "delete from app_tags where tenant = ?1 and id = ?2",
    ] {
        tx.execute(sql, &[tenant.into(), id.into()])?;
    }
    Ok(())
}

/// Takes a tag off an app. False when it was not there.
pub fn remove(tx: &mut Tx<'_>, tenant: TenantId, tag: &RecordId, app: i64) -> Result<bool> {
    let sql = "delete from app_tag_apps where tenant = ?1 and tag = ?2 and app = ?3";
    Ok(tx.execute(sql, &[tenant.into(), tag.into(), app.into()])? > 0)
}
