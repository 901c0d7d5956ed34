//! People, their roles, and how often a wrong password was tried on them.

use casbah_model::{Guid, Role, TenantId, Timestamp, User};

use crate::{Error, Result, Row, Tx, Value};

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
    name.trim().to_lowercase()
}

/// Adds a person; a name that is taken, in whatever case, is [`Error::Duplicate`].
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, user: &User) -> Result<()> {
    let sql = format!(
        "insert into users (tenant, name_key, {COLUMNS}) \
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
    );
    let values = [
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
    tx.execute(&sql, &values)?;
    Ok(())
}

/// Writes a person anew; creation stays as it was.
pub fn save(tx: &mut Tx<'_>, tenant: TenantId, user: &User) -> Result<()> {
    let sql = "update users set user_principal_name = ?3, name_key = ?4, display_name = ?5, \
               given_name = ?6, surname = ?7, mail = ?8, enabled = ?9, password_hash = ?10, \
               sessions_valid_from = ?11, details = ?12 where tenant = ?1 and id = ?2";
    let values = [
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
    tx.execute(sql, &values)?;
    Ok(())
}

/// A person by object id.
pub fn find(tx: &mut Tx<'_>, tenant: TenantId, id: Guid) -> Result<Option<User>> {
    let sql = format!("select {COLUMNS} from users where tenant = ?1 and id = ?2");
    tx.row(&sql, &[tenant.into(), id.into()])?.map(user).transpose()
}

/// A person by sign-in name, without regard to case.
pub fn find_by_name(tx: &mut Tx<'_>, tenant: TenantId, name: &str) -> Result<Option<User>> {
    let sql = format!("select {COLUMNS} from users where tenant = ?1 and name_key = ?2");
    tx.row(&sql, &[tenant.into(), name_key(name).into()])?.map(user).transpose()
}

/// People in the order of their names: at most `limit`, those behind the name `after`.
pub fn list(tx: &mut Tx<'_>, tenant: TenantId, after: Option<&str>, limit: i64) -> Result<Vec<User>> {
    let sql =
        format!("select {COLUMNS} from users where tenant = ?1 and name_key > ?2 order by name_key limit ?3");
    let after = after.map(name_key).unwrap_or_default();
    tx.rows(&sql, &[tenant.into(), after.into(), limit.into()])?.into_iter().map(user).collect()
}

/// The roles that a person holds.
pub fn roles(tx: &mut Tx<'_>, tenant: TenantId, user: Guid) -> Result<Vec<&'static Role>> {
    let sql = "select role from user_roles where tenant = ?1 and user_id = ?2 order by role";
    let role = |row: Row| {
        let template: String = row.read().take()?;
        Role::find(&template).ok_or_else(|| Error::Shape(format!("no role {template}")))
    };
    tx.rows(sql, &[tenant.into(), user.into()])?.into_iter().map(role).collect()
}

/// Gives a role; answers whether that is new.
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
    let sql = "select count(*) from user_roles r join users u on u.tenant = r.tenant and u.id = r.user_id \
               where r.tenant = ?1 and r.role = ?2 and u.enabled = 1";
    tx.number(sql, &[tenant.into(), role.into()])
}

/// Wrong passwords tried on a person since the last right one, and until when no other is looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Failures {
    /// How many.
    pub count: i64,
    /// The end of the lock-out; in the past when there is none.
    pub until: Timestamp,
}

/// The wrong passwords tried on a person; none for a person who does not exist.
pub fn failures(tx: &mut Tx<'_>, tenant: TenantId, user: Guid) -> Result<Failures> {
    let sql = "select failed_count, failed_until from users where tenant = ?1 and id = ?2";
    let Some(row) = tx.row(sql, &[tenant.into(), user.into()])? else { return Ok(Failures::default()) };
    let mut r = row.read();
    Ok(Failures { count: r.take()?, until: r.take()? })
}

/// Notes wrong passwords, or with [`Failures::default`] a right one.
pub fn set_failures(tx: &mut Tx<'_>, tenant: TenantId, user: Guid, failures: Failures) -> Result<()> {
    let sql = "update users set failed_count = ?3, failed_until = ?4 where tenant = ?1 and id = ?2";
    tx.execute(sql, &[tenant.into(), user.into(), failures.count.into(), failures.until.into()])?;
    Ok(())
}
