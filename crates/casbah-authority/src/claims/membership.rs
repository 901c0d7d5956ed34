//! What a person is in the directory, as far as one application wants to know it: app roles, groups,
//! directory roles. And who may use an application that only people and applications assigned to it may use.

use casbah_model::{Application, Guid, MemberType, ObjectKind, OptionalClaim, ServicePrincipal, TenantId};
use casbah_store::{Tx, app_role_assignments, groups, users};
use serde_json::{Value as Json, json};

use super::optional;
use crate::client::label;
use crate::codes;
use crate::error::OAuthError;

/// More groups than this do not fit into a token: it says where to ask instead.
const MOST_GROUPS: usize = 200;

/// App roles, groups and directory roles of one person towards one application.
#[derive(Clone, Default, Debug)]
pub(crate) struct Membership {
    /// Values of the app roles, or groups instead when the application wants them there.
    roles: Vec<String>,
    groups: Groups,
    /// Template ids of directory roles.
    directory_roles: Vec<Guid>,
}

#[derive(Clone, Default, Debug)]
enum Groups {
    #[default]
    NotAsked,
    /// Ids or names.
    Are(Vec<String>),
    TooMany,
}

/// The words of `groupMembershipClaims`, which can be several with commas between.
#[derive(Clone, Copy, Default)]
struct Wanted {
    security_groups: bool,
    application_groups: bool,
    all_groups: bool,
    directory_roles: bool,
}

impl Wanted {
    fn of(application: &Application) -> Wanted {
        let mut wanted = Wanted::default();
        let words = application.details.group_membership_claims.as_deref().unwrap_or_default();
        for word in words.split(',').map(str::trim) {
            match word {
                "SecurityGroup" => wanted.security_groups = true,
                "ApplicationGroup" => wanted.application_groups = true,
                "DirectoryRole" => wanted.directory_roles = true,
                "All" => (wanted.all_groups, wanted.directory_roles) = (true, true),
                _ => {}
            }
        }
        wanted
    }
}

impl Membership {
    /// What a user is towards an application, whose tokens want `optional` claims. Looks only at what
    /// the application can want to know.
    pub(crate) fn find(
        tx: &mut Tx<'_>,
        tenant: TenantId,
        user: Guid,
        (application, principal): (&Application, &ServicePrincipal),
        optional: &[OptionalClaim],
    ) -> casbah_store::Result<Membership> {
        let mut found = Membership::default();
        let wanted = Wanted::of(application);
        let is_for_people = |member_types: &[MemberType]| member_types.contains(&MemberType::User);
        let has_roles = application.app_roles.iter().any(|r| is_for_people(&r.allowed_member_types));
        let assigned = if has_roles || wanted.application_groups {
            app_role_assignments::of_person_on(tx, tenant, principal.id, user)?
        } else {
            Vec::new()
        };
        for role in
            application.app_roles.iter().filter(|r| r.enabled && is_for_people(&r.allowed_member_types))
        {
            if assigned.iter().any(|a| a.app_role == role.id) {
                found.roles.push(role.value.clone());
            }
        }
        if wanted.directory_roles {
            found.directory_roles =
                users::roles(tx, tenant, user)?.iter().map(|role| role.template).collect();
        }
        if wanted.security_groups || wanted.application_groups || wanted.all_groups {
            let assigned =
                assigned.iter().filter(|a| a.principal_kind == ObjectKind::Group).map(|a| a.principal);
            let assigned: Vec<Guid> = assigned.collect();
            let names = optional::has_property(optional, "groups", "cloud_displayname");
            found.groups = find_groups(tx, tenant, user, wanted, &assigned, names)?;
        }
        if let Groups::Are(groups) = &mut found.groups
            && optional::has_property(optional, "groups", "emit_as_roles")
        {
            // As Entra ID has it: the groups stand in place of the app roles.
            found.roles = std::mem::take(groups);
            found.groups = Groups::NotAsked;
        }
        Ok(found)
    }

    /// Adds `roles`, `groups` (or where to ask for them) and `wids`.
    pub(super) fn add_to(&self, claims: &mut Json, public_url: &str, user: Guid) {
        if !self.roles.is_empty() {
            claims["roles"] = json!(self.roles);
        }
        if !self.directory_roles.is_empty() {
            claims["wids"] = json!(self.directory_roles);
        }
        match &self.groups {
            Groups::Are(groups) if !groups.is_empty() => claims["groups"] = json!(groups),
            Groups::Are(_) | Groups::NotAsked => {}
            // A distributed claim (OpenID Connect Core, section 5.6.2).
            Groups::TooMany => {
                let endpoint = format!("{public_url}/v1.0/users/{user}/getMemberObjects");
                claims["_claim_names"] = json!({ "groups": "src1" });
                claims["_claim_sources"] = json!({ "src1": { "endpoint": endpoint } });
            }
        }
    }
}

fn find_groups(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    user: Guid,
    wanted: Wanted,
    assigned: &[Guid],
    names: bool,
) -> casbah_store::Result<Groups> {
    let mut found = Vec::new();
    for id in groups::of_member(tx, tenant, user)? {
        let is_assigned = wanted.application_groups && assigned.contains(&id);
        if !(is_assigned || wanted.all_groups || wanted.security_groups) {
            continue;
        }
        // What is wanted without regard to the group's kind needs no second look.
        if names || !(is_assigned || wanted.all_groups) {
            let Some(group) = groups::find(tx, tenant, id)? else { continue };
            if !(is_assigned || wanted.all_groups || group.details.security_enabled) {
                continue;
            }
            found.push(if names { group.display_name } else { id.to_string() });
        } else {
            found.push(id.to_string());
        }
        if found.len() > MOST_GROUPS {
            return Ok(Groups::TooMany);
        }
    }
    Ok(Groups::Are(found))
}

/// Whether a person may use an application: it is open to everybody, or the person is assigned to it,
/// directly or as a member of a group.
pub(crate) fn is_assigned(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    user: Guid,
    principal: &ServicePrincipal,
) -> casbah_store::Result<bool> {
    Ok(!principal.details.app_role_assignment_required
        || !app_role_assignments::of_person_on(tx, tenant, principal.id, user)?.is_empty())
}

/// Refuses a person who is not assigned to an application that wants that.
pub(crate) fn check_user_assigned(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    user: Guid,
    application: &Application,
    principal: &ServicePrincipal,
) -> Result<(), OAuthError> {
    if is_assigned(tx, tenant, user, principal)? {
        return Ok(());
    }
    let text = format!(
        "The signed in user is not assigned to a role for the application {}. An administrator assigns the \
         user, or a group that the user is in.",
        label(application)
    );
    Err(OAuthError::new(codes::USER_NOT_ASSIGNED, text).of_user(user))
}

/// Refuses an application that holds no role on a resource that wants one.
pub(crate) fn check_application_assigned(
    has_role: bool,
    client: &Application,
    resource: &Application,
    principal: &ServicePrincipal,
) -> Result<(), OAuthError> {
    if has_role || !principal.details.app_role_assignment_required {
        return Ok(());
    }
    let text = format!(
        "The application {} is not assigned to a role for the application {}.",
        label(client),
        label(resource)
    );
    Err(OAuthError::new(codes::APPLICATION_NOT_ASSIGNED, text))
}
