//! Users and addresses whose transactions are not counted.

use casbah_model::{Exclusion, ExclusionKind, RecordId, TenantId};

use crate::alerts::known;
use crate::{Result, Row, Tx};

const COLUMNS: &str = "id, kind, value, note, created, created_by";

fn exclusion(row: Row) -> Result<Exclusion> {
    let mut r = row.read();
    Ok(Exclusion {
        id: r.take()?,
        kind: known(ExclusionKind::from_number(r.take()?), "kind of exclusion")?,
        value: r.take()?,
        note: r.take()?,
        created: r.take()?,
        created_by: r.take()?,
    })
}

/// All exclusions of a tenant, oldest first.
pub fn list(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Vec<Exclusion>> {
    let sql = format!("select {COLUMNS} from discovery_exclusions where tenant = ?1 order by created, id");
    tx.rows(&sql, &[tenant.into()])?.into_iter().map(exclusion).collect()
}

/// Adds one; [`crate::Error::Duplicate`] when the same is left out already.
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, one: &Exclusion) -> Result<()> {
    let sql =
        format!("insert into discovery_exclusions (tenant, {COLUMNS}) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    let values = [
        tenant.into(),
        (&one.id).into(),
        one.kind.number().into(),
        (&one.value).into(),
        (&one.note).into(),
        one.created.into(),
        (&one.created_by).into(),
    ];
    tx.execute(&sql, &values)?;
    Ok(())
}

/// Removes one.
pub fn delete(tx: &mut Tx<'_>, tenant: TenantId, id: &RecordId) -> Result<()> {
    tx.execute(
        "delete from discovery_exclusions where tenant = ?1 and id = ?2",
        &[tenant.into(), id.into()],
    )?;
    Ok(())
}
