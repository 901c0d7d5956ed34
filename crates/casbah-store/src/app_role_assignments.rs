//! App roles that service principals hold on resources.

use casbah_model::{AppRoleAssignment, Guid, ObjectKind, TenantId};

use crate::{Error, Result, Row, Tx};

const COLUMNS: &str = "id, principal, resource, app_role, created, principal_kind";

fn assignment(row: Row) -> Result<AppRoleAssignment> {
    let mut r = row.read();
    let (id, principal, resource, app_role, created) =
        (r.take()?, r.take()?, r.take()?, r.take()?, r.take()?);
    let kind: String = r.take()?;
    let principal_kind =
        ObjectKind::find(&kind).ok_or_else(|| Error::Shape(format!("no kind of object {kind}")))?;
    Ok(AppRoleAssignment { id, principal, principal_kind, resource, app_role, created })
}

/// Assigns a role; one that is held already is [`crate::Error::Duplicate`].
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, assignment: &AppRoleAssignment) -> Result<()> {
    let sql =
        format!("insert into app_role_assignments (tenant, {COLUMNS}) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    let values = [
        tenant.into(),
        assignment.id.into(),
        assignment.principal.into(),
        assignment.resource.into(),
        assignment.app_role.into(),
        assignment.created.into(),
        assignment.principal_kind.name().into(),
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

/// The roles that a service principal holds.
pub fn of_principal(tx: &mut Tx<'_>, tenant: TenantId, principal: Guid) -> Result<Vec<AppRoleAssignment>> {
    let sql = format!(
        "select {COLUMNS} from app_role_assignments where tenant = ?1 and principal = ?2 \
         order by created, id"
    );
    tx.rows(&sql, &[tenant.into(), principal.into()])?.into_iter().map(assignment).collect()
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
