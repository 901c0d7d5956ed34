//! The endpoints, one row each.

use std::future::Future;
use std::pin::Pin;

use http::Method;

use super::error::GraphError;
use super::path::{self, Key, Segment};
use super::{Answer, Call};
use super::{
    app_role_assignments, applications, audit_logs, authentication, cloud_app_discovery, deleted_items,
    directory_roles, federated_identity_credentials, groups, identity_providers, invitations,
    key_credentials, members, objects, organization, owners, permission_grants, role_management,
    rotate_password, service_principals, signing_keys, tenant_settings, users,
};

type Handler = fn(Call) -> Pin<Box<dyn Future<Output = Result<Answer, GraphError>> + Send>>;

/// An endpoint.
pub(super) struct Endpoint {
    pub(super) method: Method,
    pub(super) path: &'static str,
    /// What the caller must hold; all of it.
    pub(super) needs: &'static [Need],
    pub(super) handler: Handler,
}

/// Permissions on *Microsoft Graph*, of which one is enough, and of a person a directory role as well: the
/// delegated scope bounds the application, the role the person.
#[derive(Clone, Copy, Debug)]
pub(super) struct Need {
    /// App roles, for an application acting as itself.
    pub(super) application: &'static [&'static str],
    /// Delegated scopes, for an application acting for a person.
    pub(super) delegated: &'static [&'static str],
    /// Names of directory roles, of which the person must hold one; none: anybody may.
    pub(super) roles: &'static [&'static str],
    /// Whether owning the object stands in for a role. The use case then looks at the owners, as it does
    /// for applications that hold only a permission ending in `OwnedBy`.
    pub(super) owner: bool,
}

impl Need {
    /// The same names as app roles and scopes, whoever the person is.
    pub(super) const fn any(names: &'static [&'static str]) -> Need {
        Need { application: names, delegated: names, roles: &[], owner: false }
    }

    /// Of a person, one of these roles too.
    pub(super) const fn of_roles(self, roles: &'static [&'static str]) -> Need {
        Need { roles, ..self }
    }
}

/// Who administers applications.
const APPLICATION_ADMINISTRATORS: &[&str] =
    &["Global Administrator", "Application Administrator", "Cloud Application Administrator"];
/// Who consents: also to permissions that only administrators may give.
const CONSENT_ADMINISTRATORS: &[&str] = &[
    "Global Administrator",
    "Privileged Role Administrator",
    "Application Administrator",
    "Cloud Application Administrator",
];
const ROLE_ADMINISTRATORS: &[&str] = &["Global Administrator", "Privileged Role Administrator"];
/// Who administers people; whom each reaches is decided by the use case.
const USER_ADMINISTRATORS: &[&str] =
    &["Global Administrator", "User Administrator", "Authentication Administrator"];
const GROUP_ADMINISTRATORS: &[&str] =
    &["Global Administrator", "User Administrator", "Privileged Role Administrator"];

pub(super) const READ: Need = Need {
    application: &[
        "Application.Read.All",
        "Application.ReadWrite.OwnedBy",
        "Application.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ],
    ..Need::any(&[
        "Application.Read.All",
        "Application.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ])
};
pub(super) const WRITE: Need = Need {
    application: &["Application.ReadWrite.OwnedBy", "Application.ReadWrite.All", "Directory.ReadWrite.All"],
    owner: true,
    ..Need::any(&["Application.ReadWrite.All", "Directory.ReadWrite.All"])
        .of_roles(APPLICATION_ADMINISTRATORS)
};
/// Deleted items of any kind; the kind then decides.
pub(super) const READ_DELETED: Need = Need::any(&[
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "Application.Read.All",
    "Application.ReadWrite.OwnedBy",
    "Application.ReadWrite.All",
    "User.Read.All",
    "User.ReadWrite.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
]);
const WRITE_DELETED: Need = Need {
    owner: true,
    ..Need::any(&[
        "Directory.ReadWrite.All",
        "Application.ReadWrite.OwnedBy",
        "Application.ReadWrite.All",
        "User.ReadWrite.All",
        "Group.ReadWrite.All",
    ])
    .of_roles(APPLICATION_ADMINISTRATORS)
};
const READ_OBJECTS: Need = Need::any(&[
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "Application.Read.All",
    "Application.ReadWrite.All",
]);
const READ_ROLES: Need = Need::any(&[
    "AppRoleAssignment.ReadWrite.All",
    "Application.Read.All",
    "Application.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
]);
const WRITE_ROLES: Need = Need::any(&["AppRoleAssignment.ReadWrite.All"]).of_roles(CONSENT_ADMINISTRATORS);
const READ_GRANTS: Need =
    Need::any(&["DelegatedPermissionGrant.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"]);
const WRITE_GRANTS: Need =
    Need::any(&["DelegatedPermissionGrant.ReadWrite.All"]).of_roles(CONSENT_ADMINISTRATORS);
/// Who sees what others did.
const AUDITORS: &[&str] = &[
    "Global Administrator",
    "Security Administrator",
    "Security Operator",
    "Security Reader",
    "Global Reader",
];
const READ_AUDIT: Need = Need::any(&["AuditLog.Read.All"]).of_roles(AUDITORS);
pub(super) const READ_USERS: Need =
    Need::any(&["User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"]);
pub(super) const WRITE_USERS: Need =
    Need::any(&["User.ReadWrite.All", "Directory.ReadWrite.All"]).of_roles(USER_ADMINISTRATORS);
/// What people prove who they are with: also under the names that Graph has for it. What may write users may
/// set their passwords, which is no less.
const READ_FACTORS: Need = Need::any(&[
    "UserAuthenticationMethod.Read.All",
    "UserAuthenticationMethod.ReadWrite.All",
    "User.ReadWrite.All",
    "Directory.ReadWrite.All",
])
.of_roles(USER_ADMINISTRATORS);
const WRITE_FACTORS: Need =
    Need::any(&["UserAuthenticationMethod.ReadWrite.All", "User.ReadWrite.All", "Directory.ReadWrite.All"])
        .of_roles(USER_ADMINISTRATORS);
const READ_ME: Need = Need::any(&[
    "User.Read",
    "User.Read.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
]);
const WRITE_ME: Need = Need::any(&["User.ReadWrite.All", "Directory.ReadWrite.All"]);
pub(super) const READ_GROUPS: Need = Need::any(&[
    "Group.Read.All",
    "Group.ReadWrite.All",
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
]);
/// Of a person, a role or owning the group: the use case looks.
pub(super) const WRITE_GROUPS: Need =
    Need { owner: true, ..Need::any(&["Group.ReadWrite.All", "Directory.ReadWrite.All"]) }
        .of_roles(GROUP_ADMINISTRATORS);
const READ_MEMBERS: Need = Need::any(&[
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
]);
const WRITE_MEMBERS: Need = Need {
    owner: true,
    ..Need::any(&["GroupMember.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"])
}
.of_roles(GROUP_ADMINISTRATORS);
const READ_DOMAINS: Need = Need::any(&["Directory.Read.All", "Directory.ReadWrite.All"]);
const READ_DIRECTORY_ROLES: Need = Need::any(&[
    "RoleManagement.Read.Directory",
    "RoleManagement.ReadWrite.Directory",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
]);
const WRITE_DIRECTORY_ROLES: Need =
    Need::any(&["RoleManagement.ReadWrite.Directory"]).of_roles(ROLE_ADMINISTRATORS);
/// Other providers through which people sign in; Graph's *External Identity Provider Administrator* is no role
/// here.
const READ_PROVIDERS: Need = Need::any(&["IdentityProvider.Read.All", "IdentityProvider.ReadWrite.All"])
    .of_roles(&["Global Administrator", "Global Reader"]);
const WRITE_PROVIDERS: Need =
    Need::any(&["IdentityProvider.ReadWrite.All"]).of_roles(&["Global Administrator"]);
/// Discovered apps; which reports a person reaches, the use case asks.
const READ_DISCOVERY: Need = Need::any(&["CloudApp-Discovery.Read.All"]);
/// Guests are people: who may make one may invite one.
const INVITE: Need = Need::any(&["User.Invite.All", "User.ReadWrite.All", "Directory.ReadWrite.All"])
    .of_roles(&["Global Administrator", "User Administrator"]);
/// Settings of the whole tenant: what can make administrators can have these, too.
const READ_SETTINGS: Need =
    Need::any(&["Directory.Read.All", "Directory.ReadWrite.All", "RoleManagement.ReadWrite.Directory"]);
const WRITE_SETTINGS: Need =
    Need::any(&["RoleManagement.ReadWrite.Directory"]).of_roles(&["Global Administrator"]);

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
    GET "/applications/$count", [READ], applications::count;
    GET "/applications/{key}", [READ], applications::fetch;
    GET "/applications/{key}/owners", [READ], owners::list_of_application;
    GET "/applications/{key}/owners/$ref", [READ], owners::links_of_application;
    POST "/applications/{key}/owners/$ref", [WRITE], owners::add_to_application;
    DELETE "/applications/{key}/owners/{id}/$ref", [WRITE], owners::remove_from_application;
    PATCH "/applications/{key}", [WRITE], applications::change;
    DELETE "/applications/{key}", [WRITE], applications::delete;
    POST "/applications/{key}/addPassword", [WRITE], applications::add_password;
    POST "/applications/{key}/removePassword", [WRITE], applications::remove_password;
    // Ours, not Graph's: a new secret and an end for the old ones.
    POST "/applications/{key}/casbah.rotatePassword", [WRITE], rotate_password::rotate;
    POST "/applications/{key}/addKey", [WRITE], key_credentials::add;
    POST "/applications/{key}/removeKey", [WRITE], key_credentials::remove;
    GET "/applications/{key}/federatedIdentityCredentials", [READ], federated_identity_credentials::list;
    POST "/applications/{key}/federatedIdentityCredentials", [WRITE], federated_identity_credentials::create;
    GET "/applications/{key}/federatedIdentityCredentials/{name}", [READ], federated_identity_credentials::fetch;
    PATCH "/applications/{key}/federatedIdentityCredentials/{name}", [WRITE], federated_identity_credentials::change;
    DELETE "/applications/{key}/federatedIdentityCredentials/{name}", [WRITE], federated_identity_credentials::delete;
    // Ours, not Graph's: admin consent to everything in requiredResourceAccess in one call.
    POST "/applications/{key}/casbah.grantAdminConsent", [WRITE_ROLES, WRITE_GRANTS], applications::consent;
    GET "/servicePrincipals", [READ], service_principals::list;
    POST "/servicePrincipals", [WRITE], service_principals::create;
    GET "/servicePrincipals/$count", [READ], service_principals::count;
    GET "/servicePrincipals/{key}", [READ], service_principals::fetch;
    POST "/servicePrincipals/{key}/addPassword", [WRITE], service_principals::add_password;
    POST "/servicePrincipals/{key}/removePassword", [WRITE], service_principals::remove_password;
    GET "/servicePrincipals/{key}/owners", [READ], owners::list_of_service_principal;
    GET "/servicePrincipals/{key}/owners/$ref", [READ], owners::links_of_service_principal;
    POST "/servicePrincipals/{key}/owners/$ref", [WRITE], owners::add_to_service_principal;
    DELETE "/servicePrincipals/{key}/owners/{id}/$ref", [WRITE], owners::remove_from_service_principal;
    GET "/servicePrincipals/{key}/oauth2PermissionGrants", [READ_GRANTS],
        permission_grants::list_of_service_principal;
    PATCH "/servicePrincipals/{key}", [WRITE], service_principals::change;
    DELETE "/servicePrincipals/{key}", [WRITE], service_principals::delete;
    GET "/servicePrincipals/{key}/appRoleAssignments", [READ_ROLES], app_role_assignments::list_held;
    POST "/servicePrincipals/{key}/appRoleAssignments", [WRITE_ROLES], app_role_assignments::assign_to;
    GET "/servicePrincipals/{key}/appRoleAssignments/{id}", [READ_ROLES], app_role_assignments::fetch_held;
    DELETE "/servicePrincipals/{key}/appRoleAssignments/{id}", [WRITE_ROLES],
        app_role_assignments::remove_held;
    GET "/servicePrincipals/{key}/appRoleAssignedTo", [READ_ROLES], app_role_assignments::list_given;
    POST "/servicePrincipals/{key}/appRoleAssignedTo", [WRITE_ROLES], app_role_assignments::assign_on;
    GET "/servicePrincipals/{key}/appRoleAssignedTo/{id}", [READ_ROLES], app_role_assignments::fetch_given;
    DELETE "/servicePrincipals/{key}/appRoleAssignedTo/{id}", [WRITE_ROLES],
        app_role_assignments::remove_given;
    GET "/users/{key}/appRoleAssignments", [READ_ROLES], app_role_assignments::list_of_user;
    POST "/users/{key}/appRoleAssignments", [WRITE_ROLES], app_role_assignments::assign_to_user;
    GET "/users/{key}/appRoleAssignments/{id}", [READ_ROLES], app_role_assignments::fetch_of_user;
    DELETE "/users/{key}/appRoleAssignments/{id}", [WRITE_ROLES], app_role_assignments::remove_of_user;
    GET "/users/{key}/oauth2PermissionGrants", [READ_GRANTS], permission_grants::list_of_user;
    GET "/groups/{key}/appRoleAssignments", [READ_ROLES], app_role_assignments::list_of_group;
    POST "/groups/{key}/appRoleAssignments", [WRITE_ROLES], app_role_assignments::assign_to_group;
    GET "/groups/{key}/appRoleAssignments/{id}", [READ_ROLES], app_role_assignments::fetch_of_group;
    DELETE "/groups/{key}/appRoleAssignments/{id}", [WRITE_ROLES], app_role_assignments::remove_of_group;
    GET "/directory/deletedItems/{key}", [READ_DELETED], deleted_items::fetch;
    POST "/directory/deletedItems/{key}/restore", [WRITE_DELETED], deleted_items::restore;
    DELETE "/directory/deletedItems/{key}", [WRITE_DELETED], deleted_items::purge;
    POST "/directoryObjects/getByIds", [READ_OBJECTS], objects::by_ids;
    GET "/directoryObjects/{key}", [READ_OBJECTS], objects::fetch;
    GET "/oauth2PermissionGrants", [READ_GRANTS], permission_grants::list;
    POST "/oauth2PermissionGrants", [WRITE_GRANTS], permission_grants::create;
    GET "/oauth2PermissionGrants/{id}", [READ_GRANTS], permission_grants::fetch;
    PATCH "/oauth2PermissionGrants/{id}", [WRITE_GRANTS], permission_grants::change;
    DELETE "/oauth2PermissionGrants/{id}", [WRITE_GRANTS], permission_grants::delete;
    // Ours, not Graph's: what was granted against what was used.
    GET "/servicePrincipals/{key}/casbah.permissionUse", [READ], service_principals::permission_use;
    GET "/auditLogs/signIns", [READ_AUDIT], audit_logs::sign_ins;
    GET "/auditLogs/signIns/{id}", [READ_AUDIT], audit_logs::fetch_sign_in;
    GET "/auditLogs/directoryAudits", [READ_AUDIT], audit_logs::directory_audits;
    GET "/auditLogs/directoryAudits/{id}", [READ_AUDIT], audit_logs::fetch_directory_audit;
    GET "/users", [READ_USERS], users::list;
    POST "/users", [WRITE_USERS], users::create;
    GET "/users/$count", [READ_USERS], users::count;
    GET "/users/{key}/authentication/methods", [READ_FACTORS], authentication::list;
    DELETE "/users/{key}/authentication/fido2Methods/{id}", [WRITE_FACTORS], authentication::remove;
    DELETE "/users/{key}/authentication/softwareOathMethods/{id}", [WRITE_FACTORS], authentication::remove;
    GET "/users/{key}", [READ_USERS], users::fetch;
    PATCH "/users/{key}", [WRITE_USERS], users::change;
    DELETE "/users/{key}", [WRITE_USERS], users::delete;
    POST "/users/{key}/revokeSignInSessions", [WRITE_USERS], users::revoke;
    GET "/users/{key}/memberOf", [READ_MEMBERS], members::of_user;
    GET "/users/{key}/transitiveMemberOf", [READ_MEMBERS], members::transitive_of_user;
    GET "/users/{key}/ownedObjects", [READ_USERS], members::owned_by_user;
    POST "/users/{key}/checkMemberGroups", [READ_MEMBERS], members::check_of_user;
    POST "/users/{key}/getMemberGroups", [READ_MEMBERS], members::get_of_user;
    POST "/users/{key}/getMemberObjects", [READ_MEMBERS], members::get_objects_of_user;
    GET "/me", [READ_ME], users::me;
    POST "/me/revokeSignInSessions", [WRITE_ME], users::revoke_mine;
    POST "/me/changePassword", [WRITE_ME], users::change_password;
    GET "/me/memberOf", [READ_ME], members::of_me;
    GET "/me/transitiveMemberOf", [READ_ME], members::transitive_of_me;
    GET "/me/ownedObjects", [READ_ME], members::owned_by_me;
    POST "/me/checkMemberGroups", [READ_ME], members::check_of_me;
    POST "/me/getMemberGroups", [READ_ME], members::get_of_me;
    GET "/groups", [READ_GROUPS], groups::list;
    POST "/groups", [WRITE_GROUPS], groups::create;
    GET "/groups/$count", [READ_GROUPS], groups::count;
    GET "/groups/{key}", [READ_GROUPS], groups::fetch;
    PATCH "/groups/{key}", [WRITE_GROUPS], groups::change;
    DELETE "/groups/{key}", [WRITE_GROUPS], groups::delete;
    GET "/groups/{key}/members", [READ_MEMBERS], members::list_members;
    POST "/groups/{key}/members/$ref", [WRITE_MEMBERS], groups::add_member;
    DELETE "/groups/{key}/members/{id}/$ref", [WRITE_MEMBERS], groups::remove_member;
    GET "/groups/{key}/transitiveMembers", [READ_MEMBERS], members::list_transitive_members;
    GET "/groups/{key}/owners", [READ_MEMBERS], members::list_owners;
    POST "/groups/{key}/owners/$ref", [WRITE_GROUPS], groups::add_owner;
    DELETE "/groups/{key}/owners/{id}/$ref", [WRITE_GROUPS], groups::remove_owner;
    GET "/groups/{key}/memberOf", [READ_MEMBERS], members::of_group;
    GET "/groups/{key}/transitiveMemberOf", [READ_MEMBERS], members::transitive_of_group;
    POST "/groups/{key}/checkMemberGroups", [READ_MEMBERS], members::check_of_object;
    POST "/groups/{key}/getMemberGroups", [READ_MEMBERS], members::get_of_object;
    GET "/servicePrincipals/{key}/memberOf", [READ_MEMBERS], members::of_service_principal;
    GET "/servicePrincipals/{key}/transitiveMemberOf", [READ_MEMBERS], members::transitive_of_service_principal;
    POST "/directoryObjects/{key}/checkMemberGroups", [READ_MEMBERS], members::check_of_object;
    POST "/directoryObjects/{key}/getMemberGroups", [READ_MEMBERS], members::get_of_object;
    POST "/directoryObjects/{key}/getMemberObjects", [READ_MEMBERS], members::get_objects_of_object;
    GET "/directoryRoles", [READ_DIRECTORY_ROLES], directory_roles::list;
    POST "/directoryRoles", [WRITE_DIRECTORY_ROLES], directory_roles::activate;
    GET "/directoryRoles/{key}", [READ_DIRECTORY_ROLES], directory_roles::fetch;
    GET "/directoryRoles/{key}/members", [READ_DIRECTORY_ROLES], directory_roles::list_members;
    POST "/directoryRoles/{key}/members/$ref", [WRITE_DIRECTORY_ROLES], directory_roles::add_member;
    DELETE "/directoryRoles/{key}/members/{id}/$ref", [WRITE_DIRECTORY_ROLES], directory_roles::remove_member;
    GET "/directoryRoleTemplates", [READ_DIRECTORY_ROLES], directory_roles::list_templates;
    GET "/directoryRoleTemplates/{key}", [READ_DIRECTORY_ROLES], directory_roles::fetch_template;
    GET "/roleManagement/directory/roleDefinitions", [READ_DIRECTORY_ROLES], role_management::list_definitions;
    GET "/roleManagement/directory/roleDefinitions/{key}", [READ_DIRECTORY_ROLES], role_management::fetch_definition;
    GET "/roleManagement/directory/roleAssignments", [READ_DIRECTORY_ROLES], role_management::list;
    POST "/roleManagement/directory/roleAssignments", [WRITE_DIRECTORY_ROLES], role_management::create;
    GET "/roleManagement/directory/roleAssignments/{key}", [READ_DIRECTORY_ROLES], role_management::fetch;
    DELETE "/roleManagement/directory/roleAssignments/{key}", [WRITE_DIRECTORY_ROLES], role_management::delete;
    GET "/identity/identityProviders", [READ_PROVIDERS], identity_providers::list;
    POST "/identity/identityProviders", [WRITE_PROVIDERS], identity_providers::create;
    GET "/identity/identityProviders/{key}", [READ_PROVIDERS], identity_providers::fetch;
    PATCH "/identity/identityProviders/{key}", [WRITE_PROVIDERS], identity_providers::change;
    DELETE "/identity/identityProviders/{key}", [WRITE_PROVIDERS], identity_providers::delete;
    GET "/security/dataDiscovery/cloudAppDiscovery/uploadedStreams", [READ_DISCOVERY],
        cloud_app_discovery::list_streams;
    GET "/security/dataDiscovery/cloudAppDiscovery/uploadedStreams/{key}", [READ_DISCOVERY],
        cloud_app_discovery::fetch_stream;
    GET "/security/dataDiscovery/cloudAppDiscovery/uploadedStreams/{key}/aggregatedAppsDetails/{period}",
        [READ_DISCOVERY], cloud_app_discovery::list_apps;
    GET "/security/dataDiscovery/cloudAppDiscovery/uploadedStreams/{key}/aggregatedAppsDetails/{period}/{id}",
        [READ_DISCOVERY], cloud_app_discovery::fetch_app;
    GET "/security/dataDiscovery/cloudAppDiscovery/uploadedStreams/{key}/aggregatedAppsDetails/{period}/{id}/appInfo",
        [READ_DISCOVERY], cloud_app_discovery::fetch_app_info;
    GET "/security/dataDiscovery/cloudAppDiscovery/uploadedStreams/{key}/aggregatedAppsDetails/{period}/{id}/users",
        [READ_DISCOVERY], cloud_app_discovery::list_users;
    GET "/security/dataDiscovery/cloudAppDiscovery/uploadedStreams/{key}/aggregatedAppsDetails/{period}/{id}/ipAddresses",
        [READ_DISCOVERY], cloud_app_discovery::list_ip_addresses;
    POST "/invitations", [INVITE], invitations::create;
    GET "/organization", [READ_ME], organization::list;
    // Ours, not Graph's: what a tenant's administrators set, and the keys of the installation.
    GET "/policies/tenantSettings", [READ_SETTINGS], tenant_settings::fetch;
    PATCH "/policies/tenantSettings", [WRITE_SETTINGS], tenant_settings::change;
    GET "/casbah/signingKeys", [WRITE_SETTINGS], signing_keys::list;
    POST "/casbah/signingKeys/rotate", [WRITE_SETTINGS], signing_keys::rotate;
    POST "/casbah/signingKeys/{key}/revoke", [WRITE_SETTINGS], signing_keys::revoke;
    GET "/organization/{key}", [READ_ME], organization::fetch;
    GET "/domains", [READ_DOMAINS], organization::list_domains;
    GET "/domains/{key}", [READ_DOMAINS], organization::fetch_domain;
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
