//! Groups and who is in them.

use casbah_model::{Group, Guid, ObjectKind, ObjectRef, TenantId, Timestamp};

use crate::search::{self, Table};
use crate::{Error, Result, Row, Search, Tx, Value};

const COLUMNS: &str = "id, display_name, details, created";

fn group(row: Row) -> Result<Group> {
    let mut r = row.read();
    Ok(Group { id: r.take()?, display_name: r.take()?, details: r.take_json()?, created: r.take()? })
}

/// An object by id and kind, from two columns.
pub(crate) fn object_ref(row: Row) -> Result<ObjectRef> {
    let mut r = row.read();
    let (id, kind): (Guid, String) = (r.take()?, r.take()?);
    let kind = ObjectKind::find(&kind).ok_or_else(|| Error::Shape(format!("no kind of object {kind}")))?;
    Ok(ObjectRef { id, kind })
}

fn reference(group: &Group) -> ObjectRef {
    ObjectRef { id: group.id, kind: ObjectKind::Group }
}

/// Adds a group.
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, group: &Group) -> Result<()> {
    let sql = format!(
        "insert into groups_of_people (tenant, {COLUMNS}, display_key, nickname_key) \
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
    );
    let values = [
        tenant.into(),
        group.id.into(),
        (&group.display_name).into(),
        Value::json(&group.details),
        group.created.into(),
        search::key(&group.display_name).into(),
        search::key(&group.details.mail_nickname).into(),
    ];
    tx.execute(&sql, &values)?;
    search::add_words(tx, tenant, reference(group), &group.display_name)
}

/// Writes a group anew; creation stays as it was.
pub fn save(tx: &mut Tx<'_>, tenant: TenantId, group: &Group) -> Result<()> {
    let sql = "update groups_of_people set display_name = ?3, details = ?4, display_key = ?5, \
               nickname_key = ?6 \
               where tenant = ?1 and id = ?2";
    let values = [
        tenant.into(),
        group.id.into(),
        (&group.display_name).into(),
        Value::json(&group.details),
        search::key(&group.display_name).into(),
        search::key(&group.details.mail_nickname).into(),
    ];
    tx.execute(sql, &values)?;
    search::put_words(tx, tenant, reference(group), &group.display_name)
}

/// A group by object id.
pub fn find(tx: &mut Tx<'_>, tenant: TenantId, id: Guid) -> Result<Option<Group>> {
    let sql =
        format!("select {COLUMNS} from groups_of_people where tenant = ?1 and id = ?2 and deleted is null");
    tx.row(&sql, &[tenant.into(), id.into()])?.map(group).transpose()
}

/// A page of the groups that fulfil a condition.
pub fn search(tx: &mut Tx<'_>, tenant: TenantId, wanted: &Search) -> Result<Vec<Group>> {
    search::page(tx, tenant, Table::Groups, COLUMNS, wanted)?.into_iter().map(group).collect()
}

/// How many groups fulfil a condition.
pub fn count(tx: &mut Tx<'_>, tenant: TenantId, wanted: &Search) -> Result<i64> {
    search::count(tx, tenant, Table::Groups, wanted)
}

/// Puts a group among the deleted items: it is seen nowhere else, and nobody is in it.
pub fn soft_delete(tx: &mut Tx<'_>, tenant: TenantId, id: Guid, now: Timestamp) -> Result<bool> {
    let sql = "update groups_of_people set deleted = ?3 where tenant = ?1 and id = ?2 and deleted is null";
    Ok(tx.execute(sql, &[tenant.into(), id.into(), now.into()])? > 0)
}

/// A deleted group and when that was.
pub fn find_deleted(tx: &mut Tx<'_>, tenant: TenantId, id: Guid) -> Result<Option<(Group, Timestamp)>> {
    let sql = format!(
        "select deleted, {COLUMNS} from groups_of_people where tenant = ?1 and id = ?2 and deleted is not null"
    );
    tx.row(&sql, &[tenant.into(), id.into()])?.map(|row| row.split_first(group)).transpose()
}

/// The deleted groups, the latest first; at most `limit`, behind the one that `after` names by time and id.
pub fn list_deleted(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    after: Option<(Timestamp, Guid)>,
    limit: i64,
) -> Result<Vec<(Group, Timestamp)>> {
    let (at, id) = after.map_or((i64::MAX, String::new()), |(at, id)| (at.0, id.to_string()));
    let sql = format!(
        "select deleted, {COLUMNS} from groups_of_people where tenant = ?1 and deleted is not null \
         and (deleted < ?2 or (deleted = ?2 and id > ?3)) order by deleted desc, id limit ?4"
    );
    let rows = tx.rows(&sql, &[tenant.into(), at.into(), id.into(), limit.into()])?;
    rows.into_iter().map(|row| row.split_first(group)).collect()
}

/// Takes a group back from the deleted items, with everybody in it; answers whether it was there.
pub fn restore(tx: &mut Tx<'_>, tenant: TenantId, id: Guid) -> Result<bool> {
    let sql = "update groups_of_people set deleted = null \
               where tenant = ?1 and id = ?2 and deleted is not null";
    Ok(tx.execute(sql, &[tenant.into(), id.into()])? > 0)
}

/// Deletes a group for good; answers whether there was one.
pub fn purge(tx: &mut Tx<'_>, tenant: TenantId, id: Guid) -> Result<bool> {
    tx.execute("delete from group_members where tenant = ?1 and group_id = ?2", &[tenant.into(), id.into()])?;
    tx.execute("delete from user_roles where tenant = ?1 and user_id = ?2", &[tenant.into(), id.into()])?;
    tx.execute("delete from user_tags where tenant = ?1 and group_id = ?2", &[tenant.into(), id.into()])?;
    forget(tx, tenant, ObjectRef { id, kind: ObjectKind::Group })?;
    let sql = "delete from groups_of_people where tenant = ?1 and id = ?2";
    Ok(tx.execute(sql, &[tenant.into(), id.into()])? > 0)
}

/// Removes an object that goes for good from every group, from what it owns and who owns it, and from
/// the words it is found by.
pub fn forget(tx: &mut Tx<'_>, tenant: TenantId, object: ObjectRef) -> Result<()> {
    let values = [tenant.into(), object.id.into()];
    tx.execute("delete from group_members where tenant = ?1 and member = ?2", &values)?;
    tx.execute("delete from owners where tenant = ?1 and (owner = ?2 or owned = ?2)", &values)?;
    tx.execute("delete from app_role_assignments where tenant = ?1 and principal = ?2", &values)?;
    search::put_words(tx, tenant, object, "")
}

/// Puts an object into a group; answers whether it was not in it before.
pub fn add_member(tx: &mut Tx<'_>, tenant: TenantId, group: Guid, member: ObjectRef) -> Result<bool> {
    let sql = "insert into group_members (tenant, group_id, member, member_kind) values (?1, ?2, ?3, ?4) \
               on conflict (tenant, group_id, member) do nothing";
    let values = [tenant.into(), group.into(), member.id.into(), member.kind.name().into()];
    Ok(tx.execute(sql, &values)? > 0)
}

/// Takes an object out of a group; answers whether it was in it.
pub fn remove_member(tx: &mut Tx<'_>, tenant: TenantId, group: Guid, member: Guid) -> Result<bool> {
    let sql = "delete from group_members where tenant = ?1 and group_id = ?2 and member = ?3";
    Ok(tx.execute(sql, &[tenant.into(), group.into(), member.into()])? > 0)
}

/// Who is in a group itself, by id: at most `limit`, those behind `after`. Deleted objects are among
/// them: they are in it again when they are restored.
pub fn members(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    group: Guid,
    after: Option<Guid>,
    limit: i64,
) -> Result<Vec<ObjectRef>> {
    let sql = "select member, member_kind from group_members \
               where tenant = ?1 and group_id = ?2 and member > ?3 order by member limit ?4";
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    tx.rows(sql, &[tenant.into(), group.into(), after.into(), limit.into()])?
        .into_iter()
        .map(object_ref)
        .collect()
}

/// Who is in a group, itself or through groups in it, by id: at most `limit`, those behind `after`.
pub fn transitive_members(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    group: Guid,
    after: Option<Guid>,
    limit: i64,
) -> Result<Vec<ObjectRef>> {
    let sql = "with recursive inside (id, kind) as ( \
                 select member, member_kind from group_members where tenant = ?1 and group_id = ?2 \
                 union \
                 select m.member, m.member_kind from inside i \
                 join groups_of_people g on g.tenant = ?1 and g.id = i.id and g.deleted is null \
                 join group_members m on m.tenant = ?1 and m.group_id = g.id \
               ) select id, kind from inside where id > ?3 order by id limit ?4";
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    tx.rows(sql, &[tenant.into(), group.into(), after.into(), limit.into()])?
        .into_iter()
        .map(object_ref)
        .collect()
}

/// The groups that an object is in, itself or through other groups, by id. Circles are harmless.
pub fn of_member(tx: &mut Tx<'_>, tenant: TenantId, member: Guid) -> Result<Vec<Guid>> {
    let sql = "with recursive held (id) as ( \
                 select m.group_id from group_members m \
                 join groups_of_people g on g.tenant = ?1 and g.id = m.group_id and g.deleted is null \
                 where m.tenant = ?1 and m.member = ?2 \
                 union \
                 select m.group_id from held h \
                 join group_members m on m.tenant = ?1 and m.member = h.id \
                 join groups_of_people g on g.tenant = ?1 and g.id = m.group_id and g.deleted is null \
               ) select id from held order by id";
    ids(tx, sql, tenant, member)
}

/// The groups that an object is in itself, by id.
pub fn direct_of_member(tx: &mut Tx<'_>, tenant: TenantId, member: Guid) -> Result<Vec<Guid>> {
    let sql = "select m.group_id from group_members m \
               join groups_of_people g on g.tenant = ?1 and g.id = m.group_id and g.deleted is null \
               where m.tenant = ?1 and m.member = ?2 order by m.group_id";
    ids(tx, sql, tenant, member)
}

fn ids(tx: &mut Tx<'_>, sql: &str, tenant: TenantId, member: Guid) -> Result<Vec<Guid>> {
    tx.rows(sql, &[tenant.into(), member.into()])?.into_iter().map(|row| row.read().take()).collect()
}
