//! Tenants and their domains.

use casbah_model::{Tenant, TenantId};

use crate::{Result, Row, Tx};

const COLUMNS: &str = "id, number, display_name, created";

/// Adds a tenant. A domain belongs to one tenant only; a second claim is [`crate::Error::Duplicate`].
pub fn insert(tx: &mut Tx<'_>, tenant: &Tenant) -> Result<()> {
    let sql = format!("insert into tenants ({COLUMNS}) values (?1, ?2, ?3, ?4)");
    let values =
        [tenant.id.into(), tenant.number.into(), (&tenant.display_name).into(), tenant.created.into()];
    tx.execute(&sql, &values)?;
    insert_domains(tx, tenant)
}

/// Writes a tenant's name and domains anew.
pub fn save(tx: &mut Tx<'_>, tenant: &Tenant) -> Result<()> {
    tx.execute(
        "update tenants set display_name = ?2 where id = ?1",
        &[tenant.id.into(), (&tenant.display_name).into()],
    )?;
    tx.execute("delete from tenant_domains where tenant = ?1", &[tenant.id.into()])?;
    insert_domains(tx, tenant)
}

/// A tenant by its id.
pub fn find(tx: &mut Tx<'_>, id: TenantId) -> Result<Option<Tenant>> {
    let sql = format!("select {COLUMNS} from tenants where id = ?1");
    let row = tx.row(&sql, &[id.into()])?;
    row.map(|row| tenant(tx, row)).transpose()
}

/// The tenant that a domain belongs to, whatever its case.
pub fn find_by_domain(tx: &mut Tx<'_>, domain: &str) -> Result<Option<Tenant>> {
    let sql = format!(
        "select {COLUMNS} from tenants where id = (select tenant from tenant_domains where domain = ?1)"
    );
    let row = tx.row(&sql, &[domain.to_lowercase().into()])?;
    row.map(|row| tenant(tx, row)).transpose()
}

/// Every tenant, the oldest first.
pub fn all(tx: &mut Tx<'_>) -> Result<Vec<Tenant>> {
    let sql = format!("select {COLUMNS} from tenants order by created, id");
    let rows = tx.rows(&sql, &[])?;
    rows.into_iter().map(|row| tenant(tx, row)).collect()
}

/// Whether a tenant carries this number already.
pub fn has_number(tx: &mut Tx<'_>, number: i64) -> Result<bool> {
    Ok(tx.number("select count(*) from tenants where number = ?1", &[number.into()])? > 0)
}

fn insert_domains(tx: &mut Tx<'_>, tenant: &Tenant) -> Result<()> {
    for (position, domain) in (0_i64..).zip(&tenant.domains) {
        tx.execute(
            "insert into tenant_domains (domain, tenant, position) values (?1, ?2, ?3)",
            &[domain.to_lowercase().into(), tenant.id.into(), position.into()],
        )?;
    }
    Ok(())
}

fn tenant(tx: &mut Tx<'_>, row: Row) -> Result<Tenant> {
    let mut r = row.read();
    let id: TenantId = r.take()?;
    let domains = tx
        .rows("select domain from tenant_domains where tenant = ?1 order by position", &[id.into()])?
        .into_iter()
        .map(|row| row.read().take())
        .collect::<Result<_>>()?;
    Ok(Tenant { id, number: r.take()?, display_name: r.take()?, domains, created: r.take()? })
}
