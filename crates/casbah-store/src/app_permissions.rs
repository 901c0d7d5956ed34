//! Who uses the applications that hold permissions, and when they were last used.

use casbah_model::{Guid, TenantId, Timestamp};

use crate::alerts::conditions::one_of;
use crate::{Result, Row, Tx, Value};

/// Somebody who uses an application.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AppUser {
    /// Object id.
    pub id: Guid,
    /// Name for people.
    pub display_name: String,
    /// Sign-in name.
    pub user_name: String,
    /// When the person consented for themselves; none when that never was.
    pub consented: Option<Timestamp>,
    /// When the person's latest sign-in to it began; none when none is known.
    pub signed_in: Option<Timestamp>,
}

/// People by application: who consented for themselves, and who has signed in to it.
const USES: &str = "select g.client as app, g.principal as person from permission_grants g \
    where g.tenant = ?1 and g.principal <> '' \
    union select s.id as app, f.user_id as person from token_families f \
    join service_principals s on s.tenant = ?1 and s.app_id = f.application and s.deleted is null where f.tenant = ?1";

/// How many people use each application, by object id of its service principal: all, and how many of them
/// consented for themselves.
pub fn counts(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Vec<(Guid, i64, i64)>> {
    let sql = format!(
        "select x.app, count(distinct x.person), count(distinct g.principal) from ({USES}) x \
         join users u on u.tenant = ?1 and u.id = x.person and u.deleted is null \
         left join permission_grants g on g.tenant = ?1 and g.client = x.app and g.principal = x.person \
         group by x.app"
    );
    let read = |row: Row| {
        let mut r = row.read();
        Ok((r.take()?, r.take()?, r.take()?))
    };
    tx.rows(&sql, &[tenant.into()])?.into_iter().map(read).collect()
}

/// Who uses an application, by name: those behind `skip`, at most `limit`.
pub fn users(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    (principal, app_id): (Guid, Guid),
    (skip, limit): (i64, i64),
) -> Result<Vec<AppUser>> {
    let sql = format!(
        "select u.id, u.display_name, u.user_principal_name, \
         (select min(g.created) from permission_grants g where g.tenant = ?1 and g.client = ?2 and g.principal = u.id), \
         (select max(f.created) from token_families f where f.tenant = ?1 and f.application = ?3 and f.user_id = u.id) \
         from users u where u.tenant = ?1 and u.deleted is null \
         and u.id in (select x.person from ({USES}) x where x.app = ?2) \
         order by u.display_key, u.id limit ?4 offset ?5"
    );
    let read = |row: Row| {
        let mut r = row.read();
        Ok(AppUser {
            id: r.take()?,
            display_name: r.take()?,
            user_name: r.take()?,
            consented: r.take()?,
            signed_in: r.take()?,
        })
    };
    let values = [tenant.into(), principal.into(), app_id.into(), limit.into(), skip.into()];
    tx.rows(&sql, &values)?.into_iter().map(read).collect()
}

/// When each application was last used, by application id: a permission (to the hour), a credential (to the minute)
/// or a sign-in.
pub fn last_used(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Vec<(Guid, Timestamp)>> {
    let of = |table: &str| {
        format!(
            "union all select a.app_id as app, c.last_used as at from {table} c \
             join applications a on a.tenant = ?1 and a.id = c.application where c.tenant = ?1 and c.last_used is not null "
        )
    };
    let credentials: String =
        ["application_secrets", "application_certificates", "federated_credentials"].map(of).concat();
    let sql = format!(
        "select x.app, max(x.at) from ( \
         select client as app, last_used as at from permission_use where tenant = ?1 \
         union all select application as app, created as at from token_families where tenant = ?1 {credentials}) x \
         group by x.app"
    );
    let read = |row: Row| {
        let mut r = row.read();
        Ok((r.take()?, r.take()?))
    };
    tx.rows(&sql, &[tenant.into()])?.into_iter().map(read).collect()
}

/// The names of people and applications, by object id.
pub fn names(tx: &mut Tx<'_>, tenant: TenantId, ids: &[Guid]) -> Result<Vec<(Guid, String)>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut values = vec![tenant.into()];
    let list = one_of(ids.iter().map(Value::from).collect(), &mut values);
    let sql = format!(
        "select id, user_principal_name from users where tenant = ?1 and id in ({list}) \
         union all select id, display_name from service_principals where tenant = ?1 and id in ({list})"
    );
    let read = |row: Row| {
        let mut r = row.read();
        Ok((r.take()?, r.take()?))
    };
    tx.rows(&sql, &values)?.into_iter().map(read).collect()
}

/// Takes every consent of an application away, those that people gave for themselves too.
pub fn remove_grants(tx: &mut Tx<'_>, tenant: TenantId, principal: Guid) -> Result<u64> {
    let sql = "delete from permission_grants where tenant = ?1 and client = ?2";
    tx.execute(sql, &[tenant.into(), principal.into()])
}

/// Takes every app role of an application away.
pub fn remove_app_roles(tx: &mut Tx<'_>, tenant: TenantId, principal: Guid) -> Result<u64> {
    let sql = "delete from app_role_assignments where tenant = ?1 and principal = ?2";
    tx.execute(sql, &[tenant.into(), principal.into()])
}
