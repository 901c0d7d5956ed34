//! The endpoints, one row each.

use std::future::Future;
use std::pin::Pin;

use http::Method;

use super::error::GraphError;
use super::path::{self, Key, Segment};
use super::{Answer, Call};
use super::{
    app_role_assignments, applications, directory_roles, organization, permission_grants, service_principals,
    users,
};

type Handler = fn(Call) -> Pin<Box<dyn Future<Output = Result<Answer, GraphError>> + Send>>;

/// An endpoint.
pub(super) struct Endpoint {
    pub(super) method: Method,
    pub(super) path: &'static str,
    /// Permissions on *Microsoft Graph*: of each group, one is needed.
    pub(super) needs: &'static [&'static [&'static str]],
    pub(super) handler: Handler,
}

const READ: &[&str] = &["Directory.Read.All", "Application.ReadWrite.All", "Directory.ReadWrite.All"];
const WRITE: &[&str] = &["Application.ReadWrite.All"];
const READ_ROLES: &[&str] = &[
    "AppRoleAssignment.ReadWrite.All",
    "Directory.Read.All",
    "Application.ReadWrite.All",
    "Directory.ReadWrite.All",
];
const WRITE_ROLES: &[&str] = &["AppRoleAssignment.ReadWrite.All"];
const READ_GRANTS: &[&str] =
    &["DelegatedPermissionGrant.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const WRITE_GRANTS: &[&str] = &["DelegatedPermissionGrant.ReadWrite.All"];
const READ_USERS: &[&str] =
    &["User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const WRITE_USERS: &[&str] = &["User.ReadWrite.All", "Directory.ReadWrite.All"];
const READ_ME: &[&str] =
    &["User.Read", "User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const READ_DIRECTORY_ROLES: &[&str] =
    &["Directory.Read.All", "RoleManagement.ReadWrite.Directory", "Directory.ReadWrite.All"];
const WRITE_DIRECTORY_ROLES: &[&str] = &["RoleManagement.ReadWrite.Directory"];

macro_rules! endpoints {
    ($($method:ident $path:literal, [$($needs:ident),+], $handler:path;)*) => {
        &[$(Endpoint {
            method: Method::$method,
            path: $path,
            needs: &[$($needs),+],
            handler: |call| Box::pin($handler(call)),
        }),*]
    };
}

/// Every endpoint of the directory.
pub(super) static ENDPOINTS: &[Endpoint] = endpoints! {
    GET "/applications", [READ], applications::list;
    POST "/applications", [WRITE], applications::create;
    GET "/applications/{key}", [READ], applications::fetch;
    PATCH "/applications/{key}", [WRITE], applications::change;
    DELETE "/applications/{key}", [WRITE], applications::delete;
    POST "/applications/{key}/addPassword", [WRITE], applications::add_password;
    POST "/applications/{key}/removePassword", [WRITE], applications::remove_password;
    // Ours, not Graph's: admin consent to everything in requiredResourceAccess in one call.
    POST "/applications/{key}/casbah.grantAdminConsent", [WRITE_ROLES, WRITE_GRANTS], applications::consent;
    GET "/servicePrincipals", [READ], service_principals::list;
    POST "/servicePrincipals", [WRITE], service_principals::create;
    GET "/servicePrincipals/{key}", [READ], service_principals::fetch;
    PATCH "/servicePrincipals/{key}", [WRITE], service_principals::change;
    DELETE "/servicePrincipals/{key}", [WRITE], service_principals::delete;
    GET "/servicePrincipals/{key}/appRoleAssignments", [READ_ROLES], app_role_assignments::list_held;
    POST "/servicePrincipals/{key}/appRoleAssignments", [WRITE_ROLES], app_role_assignments::assign_to;
    DELETE "/servicePrincipals/{key}/appRoleAssignments/{id}", [WRITE_ROLES], app_role_assignments::remove;
    GET "/servicePrincipals/{key}/appRoleAssignedTo", [READ_ROLES], app_role_assignments::list_given;
    POST "/servicePrincipals/{key}/appRoleAssignedTo", [WRITE_ROLES], app_role_assignments::assign_on;
    DELETE "/servicePrincipals/{key}/appRoleAssignedTo/{id}", [WRITE_ROLES], app_role_assignments::remove;
    GET "/oauth2PermissionGrants", [READ_GRANTS], permission_grants::list;
    POST "/oauth2PermissionGrants", [WRITE_GRANTS], permission_grants::create;
    GET "/oauth2PermissionGrants/{id}", [READ_GRANTS], permission_grants::fetch;
    PATCH "/oauth2PermissionGrants/{id}", [WRITE_GRANTS], permission_grants::change;
    DELETE "/oauth2PermissionGrants/{id}", [WRITE_GRANTS], permission_grants::delete;
    GET "/users", [READ_USERS], users::list;
    POST "/users", [WRITE_USERS], users::create;
    GET "/users/{key}", [READ_USERS], users::fetch;
    PATCH "/users/{key}", [WRITE_USERS], users::change;
    GET "/users/{key}/memberOf", [READ_DIRECTORY_ROLES], users::list_roles;
    GET "/me", [READ_ME], users::me;
    GET "/directoryRoles", [READ_DIRECTORY_ROLES], directory_roles::list;
    POST "/directoryRoles/{key}/members/$ref", [WRITE_DIRECTORY_ROLES], directory_roles::add_member;
    DELETE "/directoryRoles/{key}/members/{id}/$ref", [WRITE_DIRECTORY_ROLES], directory_roles::remove_member;
    GET "/organization", [READ_ME], organization::list;
};

/// The endpoint for a path, with the keys in it.
pub(super) fn find(
    method: &Method,
    segments: &[Segment],
) -> Result<(&'static Endpoint, Vec<Key>), GraphError> {
    let mut allowed = Vec::new();
    for endpoint in ENDPOINTS {
        if let Some(keys) = path::matches(endpoint.path, segments) {
            if endpoint.method == method {
                return Ok((endpoint, keys));
            }
            allowed.push(&endpoint.method);
        }
    }
    Err(if allowed.is_empty() { GraphError::no_route() } else { GraphError::wrong_method(&allowed) })
}
