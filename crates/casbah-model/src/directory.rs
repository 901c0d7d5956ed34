//! The directory: tenants, people, applications and what these may do.
//!
//! Shapes follow the Microsoft Graph resources of the same names.

use serde::{Deserialize, Serialize};

use crate::{Guid, TenantId, Timestamp};

/// An organisation. Everything else belongs to exactly one.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// The directory id that stands in URLs and in the `tid` claim.
    pub id: TenantId,
    /// The number that Cloud Apps records carry as `_tid`; eight digits.
    pub number: i64,
    /// The name shown to people.
    pub display_name: String,
    /// Its domains in lower case, the default one first.
    pub domains: Vec<String>,
    /// When it was made.
    pub created: Timestamp,
}

/// A person who can sign in.
#[derive(Clone, Debug)]
pub struct User {
    /// Object id, the `oid` claim.
    pub id: Guid,
    /// Sign-in name, `alice@contoso.example`, as it was entered; compared without regard to case.
    pub user_principal_name: String,
    /// Full name.
    pub display_name: String,
    /// First name, if known.
    pub given_name: Option<String>,
    /// Family name, if known.
    pub surname: Option<String>,
    /// Address for mail, if known.
    pub mail: Option<String>,
    /// Whether the person may sign in.
    pub enabled: bool,
    /// Argon2id hash (PHC text) of the password; none means that nobody can sign in with one.
    pub password_hash: Option<String>,
    /// When the person was made.
    pub created: Timestamp,
    /// Tokens and sessions older than this are refused: set by a password change, a reset, or
    /// "sign out everywhere".
    pub sessions_valid_from: Timestamp,
}

/// Which kind of client a redirect URI is for; decides how it is matched and what it may get.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RedirectUriKind {
    /// A server-side web application.
    Web,
    /// A single-page application.
    Spa,
    /// An installed application.
    PublicClient,
}

/// An address to which codes may be sent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RedirectUri {
    /// Exactly as registered.
    pub uri: String,
    /// For which kind of client.
    pub kind: RedirectUriKind,
}

/// A permission that an application holds as itself, defined by the resource.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppRole {
    /// Its id within the resource.
    pub id: Guid,
    /// What the `roles` claim carries.
    pub value: String,
    /// Name for people.
    pub display_name: String,
    /// What it allows.
    pub description: String,
}

/// A permission that a user delegates to an application, defined by the resource.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DelegatedScope {
    /// Its id within the resource.
    pub id: Guid,
    /// What the `scp` claim carries.
    pub value: String,
    /// Name for people.
    pub display_name: String,
    /// What it allows.
    pub description: String,
    /// Whether only an administrator may consent to it (`type` is `Admin` in Graph).
    pub admin_only: bool,
}

/// One permission that an application asks for; an entry of `requiredResourceAccess`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequiredAccess {
    /// Application id of the resource.
    pub resource_app_id: Guid,
    /// Id of the app role or scope.
    pub id: Guid,
    /// Whether `id` names an app role (`Role` in Graph) or a delegated scope (`Scope`).
    pub is_role: bool,
}

/// An application, registered once.
#[derive(Clone, Debug)]
pub struct Application {
    /// Object id.
    pub id: Guid,
    /// Application (client) id.
    pub app_id: Guid,
    /// Name for people.
    pub display_name: String,
    /// Whether it may sign people in without a credential of its own (`isFallbackPublicClient`).
    pub public_client: bool,
    /// URIs that name it as a resource, besides its application id.
    pub identifier_uris: Vec<String>,
    /// Where codes may be sent.
    pub redirect_uris: Vec<RedirectUri>,
    /// App roles that it defines as a resource.
    pub app_roles: Vec<AppRole>,
    /// Delegated scopes that it defines as a resource.
    pub scopes: Vec<DelegatedScope>,
    /// Permissions that it asks for as a client.
    pub required_access: Vec<RequiredAccess>,
    /// Version of the access tokens issued for it as a resource: 1 or 2.
    pub token_version: u8,
    /// When it was registered.
    pub created: Timestamp,
}

/// An application inside a tenant: what consent and assignments attach to.
#[derive(Clone, Debug)]
pub struct ServicePrincipal {
    /// Object id, the `oid` claim of app-only tokens.
    pub id: Guid,
    /// Application id.
    pub app_id: Guid,
    /// Name for people.
    pub display_name: String,
    /// Whether it may get tokens and whether tokens for it are issued.
    pub enabled: bool,
    /// When it was made.
    pub created: Timestamp,
}

/// A client secret: what remains of it after it was shown once.
#[derive(Clone, Debug)]
pub struct ApplicationSecret {
    /// Its id (`keyId`); not secret.
    pub key_id: Guid,
    /// Object id of its application.
    pub application: Guid,
    /// Name for people.
    pub display_name: String,
    /// First three characters, so that people can tell secrets apart.
    pub hint: String,
    /// Keyed hash of the secret.
    pub digest: Vec<u8>,
    /// Valid from.
    pub starts: Timestamp,
    /// Valid until.
    pub ends: Timestamp,
    /// When a token was last issued for it, to the minute.
    pub last_used: Option<Timestamp>,
}

/// An app role that a service principal holds on a resource.
#[derive(Clone, Debug)]
pub struct AppRoleAssignment {
    /// Its id.
    pub id: Guid,
    /// Object id of the service principal that holds the role.
    pub principal: Guid,
    /// Object id of the resource's service principal.
    pub resource: Guid,
    /// The role's id within the resource.
    pub app_role: Guid,
    /// When it was assigned.
    pub created: Timestamp,
}

/// Who a delegated permission grant is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConsentType {
    /// Everybody in the tenant: an administrator consented.
    AllPrincipals,
    /// One user, who consented.
    Principal(Guid),
}

/// Delegated scopes that an application holds on a resource: the record of a consent.
#[derive(Clone, Debug)]
pub struct PermissionGrant {
    /// Its id.
    pub id: Guid,
    /// Object id of the client's service principal.
    pub client: Guid,
    /// Object id of the resource's service principal.
    pub resource: Guid,
    /// For whom.
    pub consent_type: ConsentType,
    /// The scopes' values.
    pub scopes: Vec<String>,
    /// When consent was first given.
    pub created: Timestamp,
}
