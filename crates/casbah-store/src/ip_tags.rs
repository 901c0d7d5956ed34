//! Tags of IP addresses: those of the product, which every tenant has, and a tenant's own.

use casbah_model::{IpTag, RecordId, TenantId, Timestamp};

use crate::{Result, Tx};

/// All tags by name, without regard to case.
pub fn list(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Vec<IpTag>> {
    let mut tags = IpTag::built_in();
    let sql = "select id, name from ip_tags where tenant = ?1 order by name_key";
    for row in tx.rows(sql, &[tenant.into()])? {
        let mut r = row.read();
        let (id, name) = (r.take()?, r.take()?);
        tags.push(IpTag { id, name, description: String::new(), built_in: false });
    }
    tags.sort_by_cached_key(|tag| tag.name.to_lowercase());
    Ok(tags)
}

/// Adds a tag of the tenant; [`crate::Error::Duplicate`] when one has the name.
pub fn insert(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    id: &RecordId,
    name: &str,
    created: Timestamp,
) -> Result<IpTag> {
    let sql = "insert into ip_tags (tenant, id, name, name_key, created) values (?1, ?2, ?3, ?4, ?5)";
    let values = [tenant.into(), id.into(), name.into(), name.to_lowercase().into(), created.into()];
    tx.execute(sql, &values)?;
    Ok(IpTag { id: id.clone(), name: name.to_string(), description: String::new(), built_in: false })
}
