//! Filters that people keep under a name, each for themselves.

use casbah_model::{Guid, RecordId, TenantId, Timestamp};
use serde_json::Value as Json;

use crate::{Result, Row, Tx, Value};

/// Filters of a list under a name.
#[derive(Clone, PartialEq, Debug)]
pub struct SavedQuery {
    /// Its id.
    pub id: RecordId,
    /// Whose it is: an object id.
    pub user: Guid,
    /// The end of the list's path in the API, such as `alerts`.
    pub list: String,
    /// Its name; unique for the person and the list, without regard to case.
    pub name: String,
    /// Filters as the API takes them: an object.
    pub filters: Json,
    /// When it was kept.
    pub created: Timestamp,
}

const COLUMNS: &str = "id, user_id, list, name, filters, created";

fn query(row: Row) -> Result<SavedQuery> {
    let mut r = row.read();
    Ok(SavedQuery {
        id: r.take()?,
        user: r.take()?,
        list: r.take()?,
        name: r.take()?,
        filters: r.take_json()?,
        created: r.take()?,
    })
}

/// What a person keeps for a list, by name.
pub fn list(tx: &mut Tx<'_>, tenant: TenantId, user: Guid, list: &str) -> Result<Vec<SavedQuery>> {
    let sql = format!(
        "select {COLUMNS} from saved_queries where tenant = ?1 and user_id = ?2 and list = ?3 order by name_key"
    );
    tx.rows(&sql, &[tenant.into(), user.into(), list.into()])?.into_iter().map(query).collect()
}

/// One of them.
pub fn find(tx: &mut Tx<'_>, tenant: TenantId, user: Guid, id: &RecordId) -> Result<Option<SavedQuery>> {
    let sql = format!("select {COLUMNS} from saved_queries where tenant = ?1 and user_id = ?2 and id = ?3");
    tx.row(&sql, &[tenant.into(), user.into(), id.into()])?.map(query).transpose()
}

/// Keeps one; [`crate::Error::Duplicate`] when the person has one of that name for the list.
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, one: &SavedQuery) -> Result<()> {
    let sql = format!(
        "insert into saved_queries (tenant, {COLUMNS}, name_key) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
    );
    let values = [
        tenant.into(),
        (&one.id).into(),
        one.user.into(),
        (&one.list).into(),
        (&one.name).into(),
        Value::json(&one.filters),
        one.created.into(),
        one.name.to_lowercase().into(),
    ];
    tx.execute(&sql, &values)?;
    Ok(())
}

/// Forgets one.
pub fn delete(tx: &mut Tx<'_>, tenant: TenantId, user: Guid, id: &RecordId) -> Result<()> {
    let sql = "delete from saved_queries where tenant = ?1 and user_id = ?2 and id = ?3";
    tx.execute(sql, &[tenant.into(), user.into(), id.into()]).map(drop)
}

/// Forgets all of a person's.
pub fn delete_of(tx: &mut Tx<'_>, tenant: TenantId, user: Guid) -> Result<()> {
    tx.execute("delete from saved_queries where tenant = ?1 and user_id = ?2", &[tenant.into(), user.into()])
        .map(drop)
}
