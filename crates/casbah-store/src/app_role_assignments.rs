//! App roles that service principals hold on resources.

use casbah_model::{AppRoleAssignment, Guid, ObjectKind, TenantId, Timestamp};

use crate::{Error, Result, Row, Tx};

const COLUMNS: &str = "id, principal, resource, app_role, created, principal_kind, granted_by";

fn assignment(row: Row) -> Result<AppRoleAssignment> {
    let mut r = row.read();
    let (id, principal, resource, app_role, created) =
        (r.take()?, r.take()?, r.take()?, r.take()?, r.take()?);
    let kind: String = r.take()?;
    let granted_by = r.take()?;
    let principal_kind =
        ObjectKind::find(&kind).ok_or_else(|| Error::Shape(format!("no kind of object {kind}")))?;
    Ok(AppRoleAssignment { id, principal, principal_kind, resource, app_role, created, granted_by })
}

/// Assigns a role; one that is held already is [`crate::Error::Duplicate`].
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, assignment: &AppRoleAssignment) -> Result<()> {
    let sql = format!(
        "insert into app_role_assignments (tenant, {COLUMNS}) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
    );
    let values = [
        tenant.into(),
        assignment.id.into(),
        assignment.principal.into(),
        assignment.resource.into(),
        assignment.app_role.into(),
        assignment.created.into(),
        assignment.principal_kind.name().into(),
        assignment.granted_by.into(),
    ];
    tx.execute(&sql, &values)?;
    Ok(())
}

/// An assignment by its id.
pub fn find(tx: &mut Tx<'_>, tenant: TenantId, id: Guid) -> Result<Option<AppRoleAssignment>> {
    let sql = format!("select {COLUMNS} from app_role_assignments where tenant = ?1 and id = ?2");
    tx.row(&sql, &[tenant.into(), id.into()])?.map(assignment).transpose()
}

/// Takes a role away; answers whether it was held.
pub fn delete(tx: &mut Tx<'_>, tenant: TenantId, id: Guid) -> Result<bool> {
    let sql = "delete from app_role_assignments where tenant = ?1 and id = ?2";
    Ok(tx.execute(sql, &[tenant.into(), id.into()])? > 0)
}

/// An assignment with the names of both sides.
#[derive(Clone, Debug)]
pub struct NamedAssignment {
    /// The assignment.
    pub assignment: AppRoleAssignment,
    /// Who holds the role.
    pub principal_name: String,
    /// On what.
    pub resource_name: String,
}

/// In whose list assignments stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// What this object holds.
    Principal(Guid),
    /// What others hold on this resource.
    Resource(Guid),
}

/// A page of assignments, the oldest first: at most `limit`, behind the one that `after` names by time and id.
/// Those of deleted objects are left out.
pub fn page(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    side: Side,
    after: Option<(Timestamp, Guid)>,
    limit: i64,
) -> Result<Vec<NamedAssignment>> {
    let (column, object) = match side {
        Side::Principal(id) => ("principal", id),
        Side::Resource(id) => ("resource", id),
    };
    let (at, id) = after.map_or((i64::MIN, String::new()), |(at, id)| (at.0, id.to_string()));
    let columns = COLUMNS.split(", ").map(|name| format!("a.{name}")).collect::<Vec<_>>().join(", ");
    let sql = format!(
        "select coalesce(p.display_name, u.display_name, g.display_name), r.display_name, {columns} \
         from app_role_assignments a \
         join service_principals r on r.tenant = ?1 and r.id = a.resource and r.deleted is null \
         left join service_principals p on p.tenant = ?1 and p.id = a.principal and p.deleted is null \
         left join users u on u.tenant = ?1 and u.id = a.principal and u.deleted is null \
         left join groups_of_people g on g.tenant = ?1 and g.id = a.principal and g.deleted is null \
         where a.tenant = ?1 and a.{column} = ?2 and (a.created, a.id) > (?3, ?4) \
         and coalesce(p.id, u.id, g.id) is not null \
         order by a.created, a.id limit ?5"
    );
    let rows = tx.rows(&sql, &[tenant.into(), object.into(), at.into(), id.into(), limit.into()])?;
    let named = |row: Row| {
        let ((assignment, resource_name), principal_name) =
            row.split_first(|row| row.split_first(assignment))?;
        Ok(NamedAssignment { assignment, principal_name, resource_name })
    };
    rows.into_iter().map(named).collect()
}

/// Takes a role from everybody who holds it: the resource no longer has it. Answers how many held it.
pub fn delete_of_role(tx: &mut Tx<'_>, tenant: TenantId, resource: Guid, app_role: Guid) -> Result<u64> {
    let sql = "delete from app_role_assignments where tenant = ?1 and resource = ?2 and app_role = ?3";
    tx.execute(sql, &[tenant.into(), resource.into(), app_role.into()])
}

/// The roles that a service principal holds.
pub fn of_principal(tx: &mut Tx<'_>, tenant: TenantId, principal: Guid) -> Result<Vec<AppRoleAssignment>> {
    let sql = format!(
        "select {COLUMNS} from app_role_assignments where tenant = ?1 and principal = ?2 \
         order by created, id"
    );
    tx.rows(&sql, &[tenant.into(), principal.into()])?.into_iter().map(assignment).collect()
}

/// The roles that applications hold as themselves, the oldest first.
pub fn of_applications(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Vec<AppRoleAssignment>> {
    let sql = format!(
        "select {COLUMNS} from app_role_assignments where tenant = ?1 and principal_kind = ?2 order by created, id"
    );
    let kind = ObjectKind::ServicePrincipal.name();
    tx.rows(&sql, &[tenant.into(), kind.into()])?.into_iter().map(assignment).collect()
}

/// The roles that a person has on a resource: the person's own, and those of groups that the person is
/// in itself. As in Entra ID, groups in those groups do not count.
pub fn of_person_on(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    resource: Guid,
    person: Guid,
) -> Result<Vec<AppRoleAssignment>> {
    let sql = format!(
        "select {COLUMNS} from app_role_assignments where tenant = ?1 and resource = ?2 and (principal = ?3 \
         or principal in (select m.group_id from group_members m \
         join groups_of_people g on g.tenant = m.tenant and g.id = m.group_id and g.deleted is null \
         where m.tenant = ?1 and m.member = ?3)) order by created, id"
    );
    tx.rows(&sql, &[tenant.into(), resource.into(), person.into()])?.into_iter().map(assignment).collect()
}

/// The roles that others hold on a resource.
pub fn of_resource(tx: &mut Tx<'_>, tenant: TenantId, resource: Guid) -> Result<Vec<AppRoleAssignment>> {
    let sql = format!(
        "select {COLUMNS} from app_role_assignments where tenant = ?1 and resource = ?2 \
         order by created, id"
    );
    tx.rows(&sql, &[tenant.into(), resource.into()])?.into_iter().map(assignment).collect()
}
