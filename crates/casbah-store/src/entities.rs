//! Entities: lists by filter, one by its key, and what follows from a key for other records.
//!
//! A row is written whenever something becomes known: by the directory ([`of_directory`]), by what is done
//! ([`seen`]) and by what is sent in ([`sent`]). Lists never look at activities. Roles, groups and the
//! domains of the tenant are looked up at the moment of the question.

mod conditions;
pub mod of_directory;
pub mod scores;
pub mod seen;
pub mod sent;
#[cfg(test)]
mod tests;

use aws_lc_rs::digest::{SHA256, digest};
use casbah_model::filter::{Condition, EntityField, EntityKey, EntityOrder, Operand, Page, Test};
use casbah_model::{Entity, EntityAddress, EntityKind, EntityStatus, Guid, Reach, RecordId, Role, TenantId};

use crate::alerts::{conditions::one_of, known};
use crate::reach::{Records, within};
use crate::{Error, Result, Row, Tx, Value};

/// Counting stops here; beyond it a list says only that there are more.
pub const COUNT_CAP: i64 = 100_000;
/// Accounts of one person that are followed.
const MOST_ACCOUNTS: i64 = 500;

/// Whoever holds a role of administrators, in the directory or of Cloud Apps.
pub(crate) const ADMINISTRATORS: &str = "select r.user_id from user_roles r where r.tenant = ?1 \
    union select m.member from user_roles r \
      join groups_of_people g on g.tenant = ?1 and g.id = r.user_id and g.deleted is null \
      join group_members m on m.tenant = ?1 and m.group_id = g.id where r.tenant = ?1 \
    union select d.user_id from administrators d where d.tenant = ?1";

/// 1 and 0; null when neither an app nor a domain says so.
pub(crate) const EXTERNAL: &str = "coalesce(e.external, case when e.domain is null then null \
    when e.domain in (select d.domain from tenant_domains d where d.tenant = ?1) then 0 else 1 end)";

fn admin() -> String {
    format!(
        "case when e.of_directory = 0 then e.admin when e.status <> 4 and e.id_key in ({ADMINISTRATORS}) then 1 \
         else 0 end"
    )
}

fn columns() -> String {
    let admin = admin();
    format!(
        "e.record, e.id, e.saas, e.inst, e.kind, e.of_directory, e.application, e.display_name, e.user_name, e.email, \
         e.domain, {EXTERNAL}, e.organization, e.status, {admin}, e.role, e.parent, e.last_seen, e.score, e.score_time, \
         e.facts"
    )
}

fn entity(row: Row) -> Result<Entity> {
    let mut r = row.read();
    Ok(Entity {
        record: r.take()?,
        address: EntityAddress { id: r.take()?, saas: r.take()?, inst: r.take()? },
        kind: known(EntityKind::from_number(r.take()?), "kind of entity")?,
        of_directory: r.take()?,
        application: r.take()?,
        display_name: r.take()?,
        user_name: r.take()?,
        email: r.take()?,
        domain: r.take()?,
        external: r.take()?,
        organization: r.take()?,
        status: known(EntityStatus::from_number(r.take()?), "status of an entity")?,
        admin: r.take()?,
        role: r.take()?,
        parent: r.take()?,
        last_seen: Some(r.take()?).filter(|at: &casbah_model::Timestamp| at.0 > 0),
        score: Some(r.take()?).filter(|score: &i64| *score >= 0),
        score_time: r.take()?,
        facts: r.take_json()?,
    })
}

/// 24 hex digits that follow from texts: the id of a record that is told from others by them.
pub fn derived_id(tenant: TenantId, parts: &[&str]) -> RecordId {
    let mut text = tenant.to_string();
    for part in parts {
        // With lengths, so that no two lists run together to the same text.
        text.push_str(&format!("\n{}:{part}", part.len()));
    }
    let hex: String =
        digest(&SHA256, text.as_bytes()).as_ref().iter().take(12).map(|b| format!("{b:02x}")).collect();
    hex.parse().expect("twelve bytes are 24 hex digits")
}

/// The record id of the entity with that address.
pub fn record_of(tenant: TenantId, address: &EntityAddress) -> RecordId {
    let (saas, inst) = (address.saas.to_string(), address.inst.to_string());
    derived_id(tenant, &["entity", &saas, &inst, &address.id_key()])
}

/// One page of the entities that satisfy all conditions, in a total order.
pub fn list(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    reach: &Reach,
    wanted: &[Condition<EntityField>],
    (order, ascending): (EntityOrder, bool),
    page: Page,
) -> Result<Vec<Entity>> {
    let mut values = vec![tenant.into()];
    let reach = within(reach, Records::Entities, &mut values);
    let conditions = conditions::compile(wanted, &mut values);
    values.extend([page.limit.into(), page.skip.into()]);
    let (limit, skip) = (values.len() - 1, values.len());
    let by = match order {
        EntityOrder::LastSeen => "last_seen",
        EntityOrder::Score => "score",
        EntityOrder::DisplayName => "display_key",
        EntityOrder::UserName => "name_key",
    };
    let direction = if ascending { "asc" } else { "desc" };
    let sql = format!(
        "select {} from entities e where e.tenant = ?1{reach}{conditions} \
         order by e.{by} {direction}, e.record {direction} limit ?{limit} offset ?{skip}",
        columns()
    );
    tx.rows(&sql, &values)?.into_iter().map(entity).collect()
}

/// The entities that satisfy all conditions, by record id, behind `after`: each once, whatever changes meanwhile.
pub fn scan(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    reach: &Reach,
    wanted: &[Condition<EntityField>],
    after: Option<&RecordId>,
    limit: i64,
) -> Result<Vec<Entity>> {
    let mut values = vec![tenant.into(), after.map_or("", RecordId::as_str).into()];
    let reach = within(reach, Records::Entities, &mut values);
    let conditions = conditions::compile(wanted, &mut values);
    values.push(limit.into());
    let sql = format!(
        "select {} from entities e where e.tenant = ?1 and e.record > ?2{reach}{conditions} order by e.record limit ?{}",
        columns(),
        values.len()
    );
    tx.rows(&sql, &values)?.into_iter().map(entity).collect()
}

/// How many entities satisfy all conditions; at most one more than [`COUNT_CAP`].
pub fn count(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    reach: &Reach,
    wanted: &[Condition<EntityField>],
) -> Result<i64> {
    let mut values = vec![tenant.into()];
    let reach = within(reach, Records::Entities, &mut values);
    let conditions = conditions::compile(wanted, &mut values);
    values.push((COUNT_CAP + 1).into());
    let sql = format!(
        "select count(*) from (select 1 as one from entities e where e.tenant = ?1{reach}{conditions} limit ?{}) \
         as counted",
        values.len()
    );
    tx.number(&sql, &values)
}

/// The entity with that address, if it exists within reach.
pub fn find(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    reach: &Reach,
    address: &EntityAddress,
) -> Result<Option<Entity>> {
    let mut values = vec![tenant.into(), address.saas.into(), address.inst.into(), address.id_key().into()];
    let reach = within(reach, Records::Entities, &mut values);
    let sql = format!(
        "select {} from entities e where e.tenant = ?1 and e.saas = ?2 and e.inst = ?3 and e.id_key = ?4{reach}",
        columns()
    );
    tx.row(&sql, &values)?.map(entity).transpose()
}

/// The entities with these record ids that exist within reach, in no order.
pub fn by_record(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    reach: &Reach,
    records: &[RecordId],
) -> Result<Vec<Entity>> {
    of_list(tx, tenant, reach, "e.record", records)
}

/// The accounts of these people within reach: by person, app and id.
pub fn accounts_of(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    reach: &Reach,
    people: &[RecordId],
) -> Result<Vec<Entity>> {
    let mut found = of_list(tx, tenant, reach, "e.parent", people)?;
    found.sort_by(|a, b| {
        (&a.parent, &a.address.saas, &a.address).cmp(&(&b.parent, &b.address.saas, &b.address))
    });
    Ok(found)
}

fn of_list(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    reach: &Reach,
    column: &str,
    records: &[RecordId],
) -> Result<Vec<Entity>> {
    if records.is_empty() {
        return Ok(Vec::new());
    }
    let mut values = vec![tenant.into()];
    let list = one_of(records.iter().map(Value::from).collect(), &mut values);
    let reach = within(reach, Records::Entities, &mut values);
    let sql = format!(
        "select {} from entities e where e.tenant = ?1 and {column} in ({list}){reach} order by e.record",
        columns()
    );
    tx.rows(&sql, &values)?.into_iter().map(entity).collect()
}

/// The roles of people in the directory, their own and those of groups that they are in: object id and role,
/// in the order of the roles.
pub fn roles_of(tx: &mut Tx<'_>, tenant: TenantId, people: &[Guid]) -> Result<Vec<(Guid, &'static Role)>> {
    if people.is_empty() {
        return Ok(Vec::new());
    }
    let mut values = vec![tenant.into()];
    let list = one_of(people.iter().map(Value::from).collect(), &mut values);
    let sql = format!(
        "select r.user_id as person, r.role from user_roles r where r.tenant = ?1 and r.user_id in ({list}) \
         union select m.member as person, r.role from user_roles r \
         join groups_of_people g on g.tenant = ?1 and g.id = r.user_id and g.deleted is null \
         join group_members m on m.tenant = ?1 and m.group_id = g.id \
         where r.tenant = ?1 and m.member in ({list}) order by role"
    );
    let read = |row: Row| {
        let mut r = row.read();
        let (person, template): (Guid, String) = (r.take()?, r.take()?);
        let role = Role::find(&template).ok_or_else(|| Error::Shape(format!("no role {template}")))?;
        Ok((person, role))
    };
    tx.rows(&sql, &values)?.into_iter().map(read).collect()
}

/// Conditions in which the keys of people stand for all that they are known by: their accounts, and their
/// sign-in names and addresses. `fields` are those whose operands are keys.
pub(crate) fn expanded<F: Copy + PartialEq>(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    wanted: &[Condition<F>],
    fields: &[F],
) -> Result<Vec<Condition<F>>> {
    let mut all = Vec::with_capacity(wanted.len());
    for condition in wanted {
        let test = match &condition.test {
            Test::AnyOf(some) if fields.contains(&condition.field) => {
                Test::AnyOf(known_by(tx, tenant, some)?)
            }
            Test::NoneOf(some) if fields.contains(&condition.field) => {
                Test::NoneOf(known_by(tx, tenant, some)?)
            }
            other => other.clone(),
        };
        all.push(Condition { field: condition.field, test });
    }
    Ok(all)
}

fn known_by(tx: &mut Tx<'_>, tenant: TenantId, operands: &[Operand]) -> Result<Vec<Operand>> {
    let mut all = operands.to_vec();
    for operand in operands {
        let Some(key) = crate::conditions::key(operand) else { continue };
        let mut values = vec![tenant.into(), key.id.trim().to_lowercase().into()];
        let place = place(&key, "p", &mut values);
        values.push(MOST_ACCOUNTS.into());
        let limit = values.len();
        let sql = format!(
            "select p.name_key, p.email_key, c.id, c.saas, c.inst from entities p \
             left join entities c on c.tenant = ?1 and c.parent = p.record \
             where p.tenant = ?1 and p.id_key = ?2{place} and p.kind = 2 order by c.record limit ?{limit}"
        );
        for row in tx.rows(&sql, &values)? {
            let mut r = row.read();
            let (name, email): (String, Option<String>) = (r.take()?, r.take()?);
            let (id, saas, inst): (Option<String>, Option<i64>, Option<i64>) =
                (r.take()?, r.take()?, r.take()?);
            all.extend(id.map(|id| Operand::Entity(EntityKey { id, saas, inst })));
            all.extend([Some(name), email].into_iter().flatten().map(Operand::Text));
        }
    }
    let mut kept: Vec<Operand> = Vec::with_capacity(all.len());
    for operand in all {
        if !kept.contains(&operand) {
            kept.push(operand);
        }
    }
    Ok(kept)
}

/// What a key says of app and instance, each after an `and`.
fn place(key: &EntityKey, alias: &str, values: &mut Vec<Value>) -> String {
    let mut sql = String::new();
    for (name, part) in [("saas", key.saas), ("inst", key.inst)] {
        if let Some(number) = part {
            values.push(number.into());
            sql.push_str(&format!(" and {alias}.{name} = ?{}", values.len()));
        }
    }
    sql
}
