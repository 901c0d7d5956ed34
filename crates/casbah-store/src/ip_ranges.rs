//! IP address ranges: lists by filter, and what an address may not be in twice.

#[cfg(test)]
mod tests;

use std::collections::HashSet;

use casbah_model::filter::{Condition, IpRangeField, IpRangeSort, Operand, Page, Test};
use casbah_model::{IpCategory, IpRange, IpTag, RecordId, Subnet, TenantId, full_address};

use crate::alerts::conditions::one_of;
use crate::alerts::known;
use crate::{Error, Result, Row, Tx, Value, ip_tags};

const COLUMNS: &str = "id, name, category, subnets, organization, location, tags, modified";
const NEVER: &str = "1 = 0";

/// Reads a row; `tags` holds all tags of the tenant.
fn ip_range(row: Row, tags: &[IpTag]) -> Result<IpRange> {
    let mut r = row.read();
    Ok(IpRange {
        id: r.take()?,
        name: r.take()?,
        category: known(IpCategory::from_number(r.take()?), "category of IP range")?,
        subnets: r.take_json()?,
        organization: r.take()?,
        location: match r.take::<Option<String>>()? {
            None => None,
            Some(text) => {
                Some(serde_json::from_str(&text).map_err(|e| Error::Shape(format!("location: {e}")))?)
            }
        },
        tags: {
            let ids: Vec<RecordId> = r.take_json()?;
            let tag = |id: &RecordId| known(tags.iter().find(|t| t.id == *id).cloned(), "IP tag");
            ids.iter().map(tag).collect::<Result<_>>()?
        },
        modified: r.take()?,
    })
}

/// What both `insert` and `save` write, after the tenant.
fn values(tenant: TenantId, range: &IpRange) -> [Value; 11] {
    let ids: Vec<&RecordId> = range.tags.iter().map(|tag| &tag.id).collect();
    let names: Vec<String> = range.tags.iter().map(|tag| tag.name.to_lowercase()).collect();
    [
        tenant.into(),
        (&range.id).into(),
        (&range.name).into(),
        range.category.number().into(),
        Value::json(&range.subnets),
        range.organization.as_ref().into(),
        range.location.as_ref().map_or(Value::Null, Value::json),
        Value::json(&ids),
        range.modified.into(),
        range.name.to_lowercase().into(),
        names.join("\n").into(),
    ]
}

/// Adds a range; [`Error::Duplicate`] when one has the name.
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, range: &IpRange) -> Result<()> {
    let sql = format!(
        "insert into ip_ranges (tenant, {COLUMNS}, name_key, tags_key) \
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
    );
    tx.execute(&sql, &values(tenant, range))?;
    insert_parts(tx, tenant, range)
}

/// Replaces a range by its new state; [`Error::Duplicate`] when another one has the name.
pub fn save(tx: &mut Tx<'_>, tenant: TenantId, range: &IpRange) -> Result<()> {
    let sql = "update ip_ranges set name = ?3, category = ?4, subnets = ?5, organization = ?6, location = ?7, \
               tags = ?8, modified = ?9, name_key = ?10, tags_key = ?11 where tenant = ?1 and id = ?2";
    tx.execute(sql, &values(tenant, range))?;
    delete_parts(tx, tenant, &range.id)?;
    insert_parts(tx, tenant, range)
}

/// Removes a range. False when there is none.
pub fn delete(tx: &mut Tx<'_>, tenant: TenantId, id: &RecordId) -> Result<bool> {
    delete_parts(tx, tenant, id)?;
    Ok(tx.execute("delete from ip_ranges where tenant = ?1 and id = ?2", &[tenant.into(), id.into()])? > 0)
}

fn insert_parts(tx: &mut Tx<'_>, tenant: TenantId, range: &IpRange) -> Result<()> {
    for subnet in range.disjoint_subnets() {
        let sql = "insert into ip_range_subnets (tenant, ip_range, lowest, highest, original) \
                   values (?1, ?2, ?3, ?4, ?5)";
        let (lowest, highest) = (full_address(subnet.lowest()), full_address(subnet.highest()));
        let values =
            [tenant.into(), (&range.id).into(), lowest.into(), highest.into(), subnet.original().into()];
        tx.execute(sql, &values)?;
    }
    for tag in &range.tags {
        let sql = "insert into ip_range_tags (tenant, ip_range, tag) values (?1, ?2, ?3)";
        tx.execute(sql, &[tenant.into(), (&range.id).into(), (&tag.id).into()])?;
    }
    Ok(())
}

fn delete_parts(tx: &mut Tx<'_>, tenant: TenantId, id: &RecordId) -> Result<()> {
    for sql in [
        "delete from ip_range_subnets where tenant = ?1 and ip_range = ?2",
        "delete from ip_range_tags where tenant = ?1 and ip_range = ?2",
    ] {
        tx.execute(sql, &[tenant.into(), id.into()])?;
    }
    Ok(())
}

/// A range, if it exists.
pub fn find(tx: &mut Tx<'_>, tenant: TenantId, id: &RecordId) -> Result<Option<IpRange>> {
    let sql = format!("select {COLUMNS} from ip_ranges where tenant = ?1 and id = ?2");
    let Some(row) = tx.row(&sql, &[tenant.into(), id.into()])? else { return Ok(None) };
    let tags = ip_tags::list(tx, tenant)?;
    ip_range(row, &tags).map(Some)
}

/// The id of the range with that name, if there is one; names are compared without regard to case.
pub fn find_by_name(tx: &mut Tx<'_>, tenant: TenantId, name: &str) -> Result<Option<RecordId>> {
    let sql = "select id from ip_ranges where tenant = ?1 and name_key = ?2";
    tx.row(sql, &[tenant.into(), name.to_lowercase().into()])?.map(|row| row.read().take()).transpose()
}

/// A subnet of a range, by name of the range and as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occupied {
    /// Name of the range.
    pub name: String,
    /// Its subnet.
    pub original: String,
}

/// What overlaps with a subnet, outside the range `except`.
pub fn find_overlap(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    subnet: &Subnet,
    except: &RecordId,
) -> Result<Option<Occupied>> {
    let sql = "select s.highest, s.original, r.name from ip_range_subnets s \
               join ip_ranges r on r.tenant = s.tenant and r.id = s.ip_range \
               where s.tenant = ?1 and s.lowest <= ?2 and s.ip_range <> ?3 order by s.lowest desc limit 1";
    let highest = full_address(subnet.highest());
    let Some(row) = tx.row(sql, &[tenant.into(), highest.into(), except.into()])? else { return Ok(None) };
    let mut r = row.read();
    let (highest, original, name): (String, String, String) = (r.take()?, r.take()?, r.take()?);
    Ok((highest >= full_address(subnet.lowest())).then_some(Occupied { name, original }))
}

/// The range that an address is in, if any.
pub fn holding(tx: &mut Tx<'_>, tenant: TenantId, address: std::net::IpAddr) -> Result<Option<IpRange>> {
    let full = match address {
        std::net::IpAddr::V4(v4) => full_address(v4.to_ipv6_mapped()),
        std::net::IpAddr::V6(v6) => full_address(v6),
    };
    let sql = "select ip_range from ip_range_subnets where tenant = ?1 and highest >= ?2 and lowest = \
               (select max(lowest) from ip_range_subnets where tenant = ?1 and lowest <= ?2)";
    let row = tx.row(sql, &[tenant.into(), full.into()])?;
    let id: Option<RecordId> = row.map(|row| row.read().take()).transpose()?;
    id.map_or(Ok(None), |id| find(tx, tenant, &id))
}

/// One page of the ranges that satisfy all conditions, in a total order; and how many there are.
pub fn list(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    conditions: &[Condition<IpRangeField>],
    (sort, ascending): (IpRangeSort, bool),
    page: Page,
) -> Result<(Vec<IpRange>, i64)> {
    let tags = ip_tags::list(tx, tenant)?;
    let mut values = vec![tenant.into()];
    let wanted: String =
        conditions.iter().map(|c| format!(" and ({})", compile(c, &tags, &mut values))).collect();
    let total = tx.number(&format!("select count(*) from ip_ranges r where tenant = ?1{wanted}"), &values)?;
    let direction = if ascending { "asc" } else { "desc" };
    let first = match sort {
        IpRangeSort::Name => String::new(),
        IpRangeSort::Category => format!("category {direction}, "),
        IpRangeSort::Tags => format!("tags_key {direction}, "),
    };
    values.extend([page.limit.into(), page.skip.into()]);
    let (limit, skip) = (values.len() - 1, values.len());
    let sql = format!(
        "select {COLUMNS} from ip_ranges r where tenant = ?1{wanted} \
         order by {first}name_key {direction} limit ?{limit} offset ?{skip}"
    );
    let rows = tx.rows(&sql, &values)?;
    let ranges = rows.into_iter().map(|row| ip_range(row, &tags)).collect::<Result<_>>()?;
    Ok((ranges, total))
}

fn compile(condition: &Condition<IpRangeField>, tags: &[IpTag], values: &mut Vec<Value>) -> String {
    match &condition.test {
        Test::AnyOf(operands) => any_of(condition.field, operands, tags, values),
        // A field is never unknown to `any_of`, so "not" is its plain opposite.
        Test::NoneOf(operands) => format!("not ({})", any_of(condition.field, operands, tags, values)),
        _ => NEVER.into(),
    }
}

fn any_of(field: IpRangeField, operands: &[Operand], tags: &[IpTag], values: &mut Vec<Value>) -> String {
    const BEARS: &str = "exists (select 1 from ip_range_tags t where t.tenant = ?1 and t.ip_range = r.id";
    // Only what exists can be found: a long list of other values must not become a long statement.
    match field {
        IpRangeField::Category => {
            let numbers = IpCategory::ALL.map(IpCategory::number).into_iter();
            let asked: Vec<Value> =
                numbers.filter(|n| operands.contains(&Operand::Number(*n))).map(Value::from).collect();
            if asked.is_empty() { NEVER.into() } else { format!("r.category in ({})", one_of(asked, values)) }
        }
        IpRangeField::Tag => {
            let asked: HashSet<&str> = operands
                .iter()
                .filter_map(|o| if let Operand::Text(id) = o { Some(id.as_str()) } else { None })
                .collect();
            let known = tags.iter().filter(|tag| asked.contains(tag.id.as_str()));
            let list = one_of(known.map(|tag| (&tag.id).into()).collect(), values);
            let bears_one = format!("{BEARS} and t.tag in ({list}))");
            if operands.contains(&Operand::Nothing) {
                format!("{bears_one} or not {BEARS})")
            } else {
                bears_one
            }
        }
        // All are the tenant's own.
        IpRangeField::BuiltIn => {
            if operands.contains(&Operand::Flag(false)) { "1 = 1" } else { NEVER }.into()
        }
    }
}
