//! User groups of Cloud Apps: three that come with every tenant, and groups of the directory.

use casbah_model::{GroupDetails, Guid, RecordId, TenantId, Timestamp};

use crate::alerts::conditions::one_of;
use crate::conditions::{begins, joined};
use crate::entities::{ADMINISTRATORS, EXTERNAL};
use crate::{Result, Row, Tx, Value};

/// Id of the group *External users*.
pub const EXTERNAL_USERS: &str = "000000200000000000000000";
/// Id of the group *Application*.
pub const APPLICATIONS: &str = "0000003b0000000000000000";
/// Id of the group *Administrators*; clients also name it by an object with a role.
pub const ADMINISTRATOR_USERS: &str = "000000210000000000000000";

const BUILT_IN: [&str; 3] = [EXTERNAL_USERS, APPLICATIONS, ADMINISTRATOR_USERS];

/// A group of the directory that is a user group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UserTag {
    /// Its id here.
    pub id: RecordId,
    /// Object id of the group.
    pub group: Guid,
    /// When it became a user group.
    pub created: Timestamp,
}

/// A user group, with what the directory says of its group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImportedGroup {
    /// Itself.
    pub tag: UserTag,
    /// Name of the group.
    pub name: String,
    /// What the group is for; may be empty.
    pub description: String,
    /// Whether the group is among the deleted items of the directory: nobody is in it.
    pub deleted: bool,
}

/// All groups of the directory that are user groups, deleted ones too, the oldest first.
pub fn imported(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Vec<ImportedGroup>> {
    let sql = "select t.id, t.group_id, t.created, g.display_name, g.details, g.deleted from user_tags t \
               join groups_of_people g on g.tenant = ?1 and g.id = t.group_id \
               where t.tenant = ?1 order by t.created, t.id";
    let read = |row: Row| {
        let mut r = row.read();
        let tag = UserTag { id: r.take()?, group: r.take()?, created: r.take()? };
        let name = r.take()?;
        let details: GroupDetails = r.take_json()?;
        let deleted: Option<Timestamp> = r.take()?;
        let description = details.description.unwrap_or_default();
        Ok(ImportedGroup { tag, name, description, deleted: deleted.is_some() })
    };
    tx.rows(sql, &[tenant.into()])?.into_iter().map(read).collect()
}

/// Makes a user group a group of the directory only; answers whether it was one.
pub fn delete(tx: &mut Tx<'_>, tenant: TenantId, id: &RecordId) -> Result<bool> {
    Ok(tx.execute("delete from user_tags where tenant = ?1 and id = ?2", &[tenant.into(), id.into()])? > 0)
}

/// The people in a group of the directory, themselves or through groups in it, by name: at most `limit`. Each
/// with sign-in name and address for mail.
pub fn members(tx: &mut Tx<'_>, tenant: TenantId, group: Guid, limit: i64) -> Result<Vec<GroupMember>> {
    let sql = format!(
        "{} select u.id, u.display_name, coalesce(u.mail, u.user_principal_name) from inside i \
         join users u on u.tenant = ?1 and u.id = i.id and u.deleted is null \
         order by u.display_key, u.id limit ?3",
        inside(ONE_GROUP)
    );
    let read = |row: Row| {
        let mut r = row.read();
        Ok(GroupMember { id: r.take()?, name: r.take()?, address: r.take()? })
    };
    tx.rows(&sql, &[tenant.into(), group.into(), limit.into()])?.into_iter().map(read).collect()
}

/// How many people are in a group of the directory.
pub fn count_members(tx: &mut Tx<'_>, tenant: TenantId, group: Guid) -> Result<i64> {
    let sql = format!(
        "{} select count(*) from inside i join users u on u.tenant = ?1 and u.id = i.id and u.deleted is null",
        inside(ONE_GROUP)
    );
    tx.number(&sql, &[tenant.into(), group.into()])
}

/// Somebody in a group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupMember {
    /// Object id.
    pub id: Guid,
    /// Name for people.
    pub name: String,
    /// Address for mail, or the sign-in name.
    pub address: String,
}

/// The group that the second value names, as if it were a user group.
const ONE_GROUP: &str =
    "select o.id as tag, o.id as group_id from groups_of_people o where o.tenant = ?1 and o.id = ?2";

/// Makes a group of the directory a user group; answers whether that is new.
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, tag: &UserTag) -> Result<bool> {
    let sql = "insert into user_tags (tenant, id, group_id, created) values (?1, ?2, ?3, ?4) \
               on conflict (tenant, group_id) do nothing";
    let values = [tenant.into(), (&tag.id).into(), tag.group.into(), tag.created.into()];
    Ok(tx.execute(sql, &values)? > 0)
}

/// `inside (tag, id)`: who is in the groups that a select names by tag and group, themselves or through groups
/// in them.
fn inside(groups: &str) -> String {
    format!(
        "with recursive inside (tag, id) as ( \
           select t.tag, m.member from ({groups}) t \
           join groups_of_people g on g.tenant = ?1 and g.id = t.group_id and g.deleted is null \
           join group_members m on m.tenant = ?1 and m.group_id = g.id \
           union \
           select i.tag, m.member from inside i \
           join groups_of_people g on g.tenant = ?1 and g.id = i.id and g.deleted is null \
           join group_members m on m.tenant = ?1 and m.group_id = g.id \
         )"
    )
}

const TAGGED: &str = "select t.id as tag, t.group_id from user_tags t where t.tenant = ?1";

/// The entity `alias` of the directory, or the person behind the account, has an id among these.
fn theirs(alias: &str, ids: &str) -> String {
    format!(
        "({alias}.of_directory = 1 and {alias}.id_key in ({ids})) or ({alias}.parent is not null and {alias}.parent in \
         (select p.record from entities p where p.tenant = ?1 and p.of_directory = 1 and p.id_key in ({ids})))"
    )
}

/// The condition that an entity is in a user group, by its id or by the object id of the directory's group.
pub(crate) fn in_group(alias: &str, id: &str, values: &mut Vec<Value>) -> String {
    let external = EXTERNAL.replace("e.", &format!("{alias}."));
    match id.trim().to_lowercase().as_str() {
        EXTERNAL_USERS => format!("coalesce({external}, 0) = 1"),
        APPLICATIONS => format!("{alias}.application = 1"),
        ADMINISTRATOR_USERS => format!("{alias}.status <> 4 and ({})", theirs(alias, ADMINISTRATORS)),
        id => {
            values.push(id.into());
            let place = values.len();
            let groups = format!("{TAGGED} and (t.id = ?{place} or t.group_id = ?{place})");
            theirs(alias, &format!("{} select id from inside", inside(&groups)))
        }
    }
}

/// The condition that an entity is in any user group.
pub(crate) fn in_any(alias: &str) -> String {
    let built_in: Vec<String> =
        BUILT_IN.iter().map(|id| format!("({})", in_group(alias, id, &mut Vec::new()))).collect();
    let of_directory = theirs(alias, &format!("{} select id from inside", inside(TAGGED)));
    format!("{} or {of_directory}", built_in.join(" or "))
}

/// The condition that a text column holds a name or id of somebody in a user group, or in any.
pub(crate) fn of_people_in(columns: &[&str], id: Option<&str>, values: &mut Vec<Value>) -> String {
    let condition = match id {
        Some(id) => in_group("e", id, values),
        None => in_any("e"),
    };
    of_people_who(columns, &condition)
}

/// The same for every user group whose id begins so.
pub(crate) fn of_people_in_beginning(columns: &[&str], start: &str, values: &mut Vec<Value>) -> String {
    let start = start.trim().to_lowercase();
    let built_in = BUILT_IN.iter().filter(|id| id.starts_with(&start));
    let mut any: Vec<String> = built_in.map(|id| format!("({})", in_group("e", id, values))).collect();
    let groups = format!("{TAGGED} and {}", begins("t.id", &start, values));
    any.push(theirs("e", &format!("{} select id from inside", inside(&groups))));
    of_people_who(columns, &any.join(" or "))
}

fn of_people_who(columns: &[&str], condition: &str) -> String {
    let known = format!(
        "select e.id from entities e where e.tenant = ?1 and ({condition}) union \
         select e.name_key from entities e where e.tenant = ?1 and ({condition})"
    );
    joined(columns.iter().map(|name| format!("({name} is not null and {name} in ({known}))")).collect())
}

/// Which of these people of the directory are in which user groups: object id and id of the group.
pub fn of_people(tx: &mut Tx<'_>, tenant: TenantId, people: &[Guid]) -> Result<Vec<(Guid, RecordId)>> {
    if people.is_empty() {
        return Ok(Vec::new());
    }
    let mut values = vec![tenant.into()];
    let list = one_of(people.iter().map(Value::from).collect(), &mut values);
    let sql = format!("{} select id, tag from inside where id in ({list}) order by id, tag", inside(TAGGED));
    let read = |row: Row| {
        let mut r = row.read();
        Ok((r.take()?, r.take()?))
    };
    tx.rows(&sql, &values)?.into_iter().map(read).collect()
}

/// How many people are in each user group of the directory.
pub fn counts(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Vec<(RecordId, i64)>> {
    let sql = format!(
        "{} select i.tag, count(*) from inside i join users u on u.tenant = ?1 and u.id = i.id and u.deleted is null \
         group by i.tag",
        inside(TAGGED)
    );
    let read = |row: Row| {
        let mut r = row.read();
        Ok((r.take()?, r.take()?))
    };
    tx.rows(&sql, &[tenant.into()])?.into_iter().map(read).collect()
}
