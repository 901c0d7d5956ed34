//! People and their roles.

use casbah_model::{Guid, ObjectKind, ObjectRef, Role, TenantId, Timestamp, User};

use crate::search::{self, Table};
use crate::{Error, Result, Row, Search, Tx, Value, entities};

const COLUMNS: &str = "id, user_principal_name, display_name, given_name, surname, mail, enabled, \
                       password_hash, created, sessions_valid_from, details";

fn user(row: Row) -> Result<User> {
    let mut r = row.read();
    Ok(User {
        id: r.take()?,
        user_principal_name: r.take()?,
        display_name: r.take()?,
        given_name: r.take()?,
        surname: r.take()?,
        mail: r.take()?,
        enabled: r.take()?,
        password_hash: r.take()?,
        created: r.take()?,
        sessions_valid_from: r.take()?,
        details: r.take_json()?,
    })
}

/// What names are compared by: the same for `Alice@Contoso.example` and `alice@contoso.example`.
pub fn name_key(name: &str) -> String {
    search::key(name)
}

/// The columns that people are found by, beside the sign-in name.
const KEYS: &str = "display_key, mail_key, given_key, surname_key, nickname_key, guest";

fn keys(user: &User) -> [Value; 6] {
    let key = |text: Option<&str>| Value::from(search::key(text.unwrap_or_default()));
    [
        key(Some(&user.display_name)),
        key(user.mail.as_deref()),
        key(user.given_name.as_deref()),
        key(user.surname.as_deref()),
        key(Some(user.mail_nickname())),
        user.details.guest.into(),
    ]
}

fn reference(id: Guid) -> ObjectRef {
    ObjectRef { id, kind: ObjectKind::User }
}

/// Adds a person; a name that is taken, in whatever case, is [`Error::Duplicate`].
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, user: &User) -> Result<()> {
    let sql = format!(
        "insert into users (tenant, name_key, {COLUMNS}, {KEYS}) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, \
         ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)"
    );
    let mut values = vec![
        tenant.into(),
        name_key(&user.user_principal_name).into(),
        user.id.into(),
        (&user.user_principal_name).into(),
        (&user.display_name).into(),
        user.given_name.as_deref().into(),
        user.surname.as_deref().into(),
        user.mail.as_deref().into(),
        user.enabled.into(),
        user.password_hash.as_deref().into(),
        user.created.into(),
        user.sessions_valid_from.into(),
        Value::json(&user.details),
    ];
    values.extend(keys(user));
    tx.execute(&sql, &values)?;
    entities::of_directory::put(tx, tenant, user)?;
    search::add_words(tx, tenant, reference(user.id), &user.display_name)
}

/// Fills the columns that people are found by, for those who were made before there were such columns.
pub(crate) fn fill_keys(tx: &mut Tx<'_>) -> Result<()> {
    let sql = format!("select {COLUMNS}, tenant from users where display_key = ''");
    for mut row in tx.rows(&sql, &[])? {
        let tenant = row.0.pop().ok_or_else(|| Error::Shape("no column".to_string()))?;
        let tenant = crate::FromValue::from_value(tenant).map_err(Error::Shape)?;
        write(tx, tenant, &user(row)?)?;
    }
    Ok(())
}

/// Writes a person anew; creation stays as it was.
pub fn save(tx: &mut Tx<'_>, tenant: TenantId, user: &User) -> Result<()> {
    write(tx, tenant, user)?;
    entities::of_directory::put(tx, tenant, user)
}

fn write(tx: &mut Tx<'_>, tenant: TenantId, user: &User) -> Result<()> {
    let sql = "update users set user_principal_name = ?3, name_key = ?4, display_name = ?5, \
               given_name = ?6, surname = ?7, mail = ?8, enabled = ?9, password_hash = ?10, \
               sessions_valid_from = ?11, details = ?12, display_key = ?13, mail_key = ?14, \
               given_key = ?15, surname_key = ?16, nickname_key = ?17, guest = ?18 where tenant = ?1 and id = ?2";
    let mut values = vec![
        tenant.into(),
        user.id.into(),
        (&user.user_principal_name).into(),
        name_key(&user.user_principal_name).into(),
        (&user.display_name).into(),
        user.given_name.as_deref().into(),
        user.surname.as_deref().into(),
        user.mail.as_deref().into(),
        user.enabled.into(),
        user.password_hash.as_deref().into(),
        user.sessions_valid_from.into(),
        Value::json(&user.details),
    ];
    values.extend(keys(user));
    tx.execute(sql, &values)?;
    search::put_words(tx, tenant, reference(user.id), &user.display_name)
}

/// The names by which logs may know a person, in lower case; the sign-in name as it is written.
#[derive(Clone, Debug)]
pub struct LoginNames {
    /// Sign-in name.
    pub sign_in: String,
    /// Address for mail; empty when there is none.
    pub mail: String,
    /// Short name.
    pub nickname: String,
}

/// The names of everybody in a tenant.
pub fn login_names(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Vec<LoginNames>> {
    let sql = "select user_principal_name, mail_key, nickname_key from users \
               where tenant = ?1 and deleted is null";
    let rows = tx.rows(sql, &[tenant.into()])?.into_iter();
    rows.map(|row| {
        let mut r = row.read();
        Ok(LoginNames { sign_in: r.take()?, mail: r.take()?, nickname: r.take()? })
    })
    .collect()
}

/// A person by object id.
pub fn find(tx: &mut Tx<'_>, tenant: TenantId, id: Guid) -> Result<Option<User>> {
    let sql = format!("select {COLUMNS} from users where tenant = ?1 and id = ?2 and deleted is null");
    tx.row(&sql, &[tenant.into(), id.into()])?.map(user).transpose()
}

/// A person by sign-in name, without regard to case.
pub fn find_by_name(tx: &mut Tx<'_>, tenant: TenantId, name: &str) -> Result<Option<User>> {
    let sql = format!("select {COLUMNS} from users where tenant = ?1 and name_key = ?2 and deleted is null");
    tx.row(&sql, &[tenant.into(), name_key(name).into()])?.map(user).transpose()
}

/// People with an address for mail, without regard to case; at most two, which is enough to know that it is
/// not one.
pub fn find_by_mail(tx: &mut Tx<'_>, tenant: TenantId, mail: &str) -> Result<Vec<User>> {
    let sql = format!(
        "select {COLUMNS} from users where tenant = ?1 and mail_key = ?2 and deleted is null order by id limit 2"
    );
    tx.rows(&sql, &[tenant.into(), search::key(mail).into()])?.into_iter().map(user).collect()
}

/// A page of the people who fulfil a condition.
pub fn search(tx: &mut Tx<'_>, tenant: TenantId, wanted: &Search) -> Result<Vec<User>> {
    search::page(tx, tenant, Table::Users, COLUMNS, wanted)?.into_iter().map(user).collect()
}

/// How many people fulfil a condition.
pub fn count(tx: &mut Tx<'_>, tenant: TenantId, wanted: &Search) -> Result<i64> {
    search::count(tx, tenant, Table::Users, wanted)
}

/// Puts a person among the deleted items: seen nowhere else, and the sign-in name is free again.
pub fn soft_delete(tx: &mut Tx<'_>, tenant: TenantId, id: Guid, now: Timestamp) -> Result<bool> {
    // The id in front keeps the key unique; no sign-in name holds a colon.
    let sql = "update users set deleted = ?3, name_key = id || ':' || name_key \
               where tenant = ?1 and id = ?2 and deleted is null";
    let found = tx.execute(sql, &[tenant.into(), id.into(), now.into()])? > 0;
    if found {
        entities::of_directory::deleted(tx, tenant, id)?;
    }
    Ok(found)
}

/// Everybody, those too who are deleted and can be taken back: each with whether that is so.
pub(crate) fn everybody(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Vec<(User, bool)>> {
    let sql = format!(
        "select case when deleted is null then 0 else 1 end, {COLUMNS} from users where tenant = ?1 order by id"
    );
    tx.rows(&sql, &[tenant.into()])?
        .into_iter()
        .map(|row| row.split_first(user).map(|(user, deleted): (User, i64)| (user, deleted == 1)))
        .collect()
}

/// A deleted person and when that was.
pub fn find_deleted(tx: &mut Tx<'_>, tenant: TenantId, id: Guid) -> Result<Option<(User, Timestamp)>> {
    let sql =
        format!("select deleted, {COLUMNS} from users where tenant = ?1 and id = ?2 and deleted is not null");
    tx.row(&sql, &[tenant.into(), id.into()])?.map(|row| row.split_first(user)).transpose()
}

/// The deleted people, the latest first; at most `limit`, behind the one that `after` names by time and id.
pub fn list_deleted(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    after: Option<(Timestamp, Guid)>,
    limit: i64,
) -> Result<Vec<(User, Timestamp)>> {
    let (at, id) = after.map_or((i64::MAX, String::new()), |(at, id)| (at.0, id.to_string()));
    let sql = format!(
        "select deleted, {COLUMNS} from users where tenant = ?1 and deleted is not null \
         and (deleted < ?2 or (deleted = ?2 and id > ?3)) order by deleted desc, id limit ?4"
    );
    let rows = tx.rows(&sql, &[tenant.into(), at.into(), id.into(), limit.into()])?;
    rows.into_iter().map(|row| row.split_first(user)).collect()
}

/// Takes a person back from the deleted items under the sign-in name that they had; answers whether they
/// were there. A name that somebody else has by now is [`Error::Duplicate`].
pub fn restore(tx: &mut Tx<'_>, tenant: TenantId, id: Guid) -> Result<bool> {
    let Some((user, _)) = find_deleted(tx, tenant, id)? else { return Ok(false) };
    let sql = "update users set deleted = null, name_key = ?3 where tenant = ?1 and id = ?2";
    let values = [tenant.into(), id.into(), name_key(&user.user_principal_name).into()];
    let found = tx.execute(sql, &values)? > 0;
    if found {
        entities::of_directory::put(tx, tenant, &user)?;
    }
    Ok(found)
}

/// Deletes a person for good, with roles, consents, API tokens and memberships; answers whether there was one.
pub fn purge(tx: &mut Tx<'_>, tenant: TenantId, id: Guid) -> Result<bool> {
    let values = [tenant.into(), id.into()];
    tx.execute("delete from user_roles where tenant = ?1 and user_id = ?2", &values)?;
    tx.execute("delete from administrators where tenant = ?1 and user_id = ?2", &values)?;
    tx.execute("delete from api_tokens where tenant = ?1 and owner = ?2", &values)?;
    tx.execute("delete from permission_grants where tenant = ?1 and principal = ?2", &values)?;
    tx.execute("delete from user_identities where tenant = ?1 and user_id = ?2", &values)?;
    crate::saved_queries::delete_of(tx, tenant, id)?;
    crate::groups::forget(tx, tenant, reference(id))?;
    // As an entity the person stays: what they did is still to be looked into.
    entities::of_directory::deleted(tx, tenant, id)?;
    Ok(tx.execute("delete from users where tenant = ?1 and id = ?2", &values)? > 0)
}

/// The roles that a person holds: their own, and those of groups that they are in themselves (Entra allows
/// no groups in groups that hold roles).
pub fn roles(tx: &mut Tx<'_>, tenant: TenantId, user: Guid) -> Result<Vec<&'static Role>> {
    let sql = "select distinct role from user_roles where tenant = ?1 and (user_id = ?2 or user_id in ( \
                 select m.group_id from group_members m \
                 join groups_of_people g on g.tenant = ?1 and g.id = m.group_id and g.deleted is null \
                 where m.tenant = ?1 and m.member = ?2)) order by role";
    let role = |row: Row| {
        let template: String = row.read().take()?;
        Role::find(&template).ok_or_else(|| Error::Shape(format!("no role {template}")))
    };
    tx.rows(sql, &[tenant.into(), user.into()])?.into_iter().map(role).collect()
}

/// A role and who holds it: a person, or a group whose members all hold it.
#[derive(Clone, Copy, Debug)]
pub struct RoleAssignment {
    /// Object id of the person or group.
    pub holder: Guid,
    /// Template id of the role.
    pub role: Guid,
    /// When it was given.
    pub created: Timestamp,
}

/// The roles that are given, by role and holder; of one role or to one holder if asked for.
pub fn role_assignments(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    role: Option<Guid>,
    holder: Option<Guid>,
) -> Result<Vec<RoleAssignment>> {
    let sql = "select user_id, role, created from user_roles where tenant = ?1 \
               and (?2 = '' or role = ?2) and (?3 = '' or user_id = ?3) order by role, user_id";
    let text = |id: Option<Guid>| Value::from(id.map(|id| id.to_string()).unwrap_or_default());
    let read = |row: Row| {
        let mut r = row.read();
        Ok(RoleAssignment { holder: r.take()?, role: r.take()?, created: r.take()? })
    };
    tx.rows(sql, &[tenant.into(), text(role), text(holder)])?.into_iter().map(read).collect()
}

/// Gives a role to a person or a group; answers whether that is new.
pub fn add_role(tx: &mut Tx<'_>, tenant: TenantId, user: Guid, role: Guid, now: Timestamp) -> Result<bool> {
    let sql = "insert into user_roles (tenant, user_id, role, created) values (?1, ?2, ?3, ?4) \
               on conflict (tenant, user_id, role) do nothing";
    Ok(tx.execute(sql, &[tenant.into(), user.into(), role.into(), now.into()])? > 0)
}

/// Takes a role away; answers whether it was held.
pub fn remove_role(tx: &mut Tx<'_>, tenant: TenantId, user: Guid, role: Guid) -> Result<bool> {
    let sql = "delete from user_roles where tenant = ?1 and user_id = ?2 and role = ?3";
    Ok(tx.execute(sql, &[tenant.into(), user.into(), role.into()])? > 0)
}

/// How many people who may sign in hold a role.
pub fn count_enabled_with_role(tx: &mut Tx<'_>, tenant: TenantId, role: Guid) -> Result<i64> {
    let sql = "select count(*) from users u where u.tenant = ?1 and u.enabled = 1 and u.deleted is null \
               and u.id in ( \
                 select user_id from user_roles where tenant = ?1 and role = ?2 \
                 union \
                 select m.member from user_roles r \
                 join groups_of_people g on g.tenant = ?1 and g.id = r.user_id and g.deleted is null \
                 join group_members m on m.tenant = ?1 and m.group_id = g.id \
                 where r.tenant = ?1 and r.role = ?2)";
    tx.number(sql, &[tenant.into(), role.into()])
}
