//! Parsers that tenants define.

use casbah_model::{CustomParserRecord, RecordId, TenantId};

use crate::{Result, Row, Tx};

const COLUMNS: &str = "id, name, definition, created, modified";

fn parser(row: Row) -> Result<CustomParserRecord> {
    let mut r = row.read();
    Ok(CustomParserRecord {
        id: r.take()?,
        name: r.take()?,
        definition: r.take()?,
        created: r.take()?,
        modified: r.take()?,
    })
}

/// All parsers of a tenant, by name.
pub fn list(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Vec<CustomParserRecord>> {
    let sql = format!("select {COLUMNS} from custom_parsers where tenant = ?1 order by name_key, id");
    tx.rows(&sql, &[tenant.into()])?.into_iter().map(parser).collect()
}

/// A parser, if it exists.
pub fn find(tx: &mut Tx<'_>, tenant: TenantId, id: &RecordId) -> Result<Option<CustomParserRecord>> {
    let sql = format!("select {COLUMNS} from custom_parsers where tenant = ?1 and id = ?2");
    tx.row(&sql, &[tenant.into(), id.into()])?.map(parser).transpose()
}

/// Writes a parser, new or changed; [`crate::Error::Duplicate`] when another has the name.
pub fn save(tx: &mut Tx<'_>, tenant: TenantId, one: &CustomParserRecord) -> Result<()> {
    let sql = format!(
        "insert into custom_parsers (tenant, {COLUMNS}, name_key) values (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
         on conflict (tenant, id) do update set name = excluded.name, definition = excluded.definition, \
         modified = excluded.modified, name_key = excluded.name_key"
    );
    let values = [
        tenant.into(),
        (&one.id).into(),
        (&one.name).into(),
        (&one.definition).into(),
        one.created.into(),
        one.modified.into(),
        one.name.trim().to_lowercase().into(),
    ];
    tx.execute(&sql, &values)?;
    Ok(())
}

/// Removes a parser.
pub fn delete(tx: &mut Tx<'_>, tenant: TenantId, id: &RecordId) -> Result<()> {
    tx.execute("delete from custom_parsers where tenant = ?1 and id = ?2", &[tenant.into(), id.into()])?;
    Ok(())
}

/// Names of the data sources that a parser reads for.
pub fn used_by(tx: &mut Tx<'_>, tenant: TenantId, id: &RecordId) -> Result<Vec<String>> {
    let sql = "select name from streams where tenant = ?1 and parser = ?2 and kind = 1 order by name";
    tx.rows(sql, &[tenant.into(), id.into()])?.into_iter().map(|row| row.read().take()).collect()
}
