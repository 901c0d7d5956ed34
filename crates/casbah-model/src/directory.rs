//! The directory: tenants, people, applications and what these may do.
//!
//! Shapes follow the Microsoft Graph resources of the same names.

use serde::{Deserialize, Serialize};

use crate::{Guid, Invitation, TenantId, Timestamp};

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
    /// What only matters with the person at hand.
    pub details: UserDetails,
}

impl User {
    /// `mailNickname`: the part of the sign-in name before the @, unless another was given.
    pub fn mail_nickname(&self) -> &str {
        let own = self.user_principal_name.split('@').next().unwrap_or_default().trim();
        self.details.mail_nickname.as_deref().unwrap_or(own)
    }
}

/// Facts about a person that nothing is found by.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UserDetails {
    /// `mailNickname`, if given.
    pub mail_nickname: Option<String>,
    /// `Guest` for people of elsewhere; otherwise `Member`.
    pub guest: bool,
    /// Whether the next sign-in must choose a new password (`forceChangePasswordNextSignIn`).
    pub must_change_password: bool,
    /// When the password was last set.
    pub password_changed: Option<Timestamp>,
    /// Of a guest who was invited.
    pub invitation: Option<Invitation>,
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

/// The kind of a directory object, as Graph names it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum ObjectKind {
    /// An application inside a tenant.
    ServicePrincipal,
    /// A person.
    User,
    /// A group.
    Group,
}

impl ObjectKind {
    /// Graph's word: `ServicePrincipal`, `User`, `Group`.
    pub fn name(self) -> &'static str {
        match self {
            ObjectKind::ServicePrincipal => "ServicePrincipal",
            ObjectKind::User => "User",
            ObjectKind::Group => "Group",
        }
    }

    /// The kind of that name.
    pub fn find(name: &str) -> Option<ObjectKind> {
        [ObjectKind::ServicePrincipal, ObjectKind::User, ObjectKind::Group]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// An object of the directory: a member of a group, an owner.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ObjectRef {
    /// Object id.
    pub id: Guid,
    /// What it is.
    pub kind: ObjectKind,
}

/// Who may hold an app role.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum MemberType {
    /// Other applications, as themselves.
    Application,
    /// People and groups.
    User,
}

fn applications_only() -> Vec<MemberType> {
    vec![MemberType::Application]
}

fn yes() -> bool {
    true
}

/// A permission that an application holds as itself, or a role that people have in it, defined by the
/// resource.
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
    /// Who may hold it.
    #[serde(default = "applications_only")]
    pub allowed_member_types: Vec<MemberType>,
    /// Whether it can be assigned and stands in tokens.
    #[serde(default = "yes")]
    pub enabled: bool,
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
    /// Name for people who consent for themselves, where it differs.
    #[serde(default)]
    pub user_consent_display_name: Option<String>,
    /// What it allows, in words for people who consent for themselves.
    #[serde(default)]
    pub user_consent_description: Option<String>,
    /// Whether it can be consented to and stands in tokens.
    #[serde(default = "yes")]
    pub enabled: bool,
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
    /// What only matters with the application at hand.
    pub details: ApplicationDetails,
}

/// Facts about an application that nothing is found by; names as in Graph.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ApplicationDetails {
    /// `signInAudience`; none means `AzureADMyOrg`.
    pub sign_in_audience: Option<String>,
    /// Words that tools attach.
    pub tags: Vec<String>,
    /// A note for administrators.
    pub notes: Option<String>,
    /// `serviceManagementReference`.
    pub service_management_reference: Option<String>,
    /// `web.homePageUrl`.
    pub home_page_url: Option<String>,
    /// `web.logoutUrl`: told when a session ends in which the application took part.
    pub logout_url: Option<String>,
    /// `web.implicitGrantSettings.enableIdTokenIssuance`.
    pub implicit_id_tokens: bool,
    /// `groupMembershipClaims`: `None`, `SecurityGroup`, `DirectoryRole`, `ApplicationGroup`, `All`.
    pub group_membership_claims: Option<String>,
    /// Claims that it wants in tokens besides the usual ones.
    pub optional_claims: OptionalClaims,
    /// `api.knownClientApplications`: clients whose consent covers this API too.
    pub known_client_applications: Vec<Guid>,
    /// `api.preAuthorizedApplications`: clients that need no consent for the scopes named.
    pub pre_authorized: Vec<PreAuthorizedApplication>,
    /// `info`: addresses shown to people who consent.
    pub information: InformationalUrls,
    /// What it is, for people.
    pub description: Option<String>,
    /// `api.acceptMappedClaims`.
    pub accept_mapped_claims: Option<bool>,
    /// `isFallbackPublicClient` was set and is not null.
    pub public_client_stated: bool,
    /// `publisherDomain`: the tenant's default domain when it was registered; none in applications that come
    /// with every tenant, and in those of versions that did not note it.
    pub publisher_domain: Option<String>,
}

/// `optionalClaims` of an application.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OptionalClaims {
    /// For ID tokens issued to it.
    pub id_token: Vec<OptionalClaim>,
    /// For access tokens issued for it as a resource.
    pub access_token: Vec<OptionalClaim>,
    /// For SAML tokens, which Casbah does not issue: kept, so that tools read what they wrote.
    pub saml2_token: Vec<OptionalClaim>,
}

/// One optional claim.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OptionalClaim {
    /// Its name.
    pub name: String,
    /// Where its value comes from; none for claims that Casbah knows.
    pub source: Option<String>,
    /// Whether the client cannot do without.
    pub essential: bool,
    /// Settings of the claim.
    pub additional_properties: Vec<String>,
}

/// A client that a resource trusts with some of its scopes without consent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PreAuthorizedApplication {
    /// Application id of the client.
    pub app_id: Guid,
    /// Ids of the scopes.
    pub delegated_permission_ids: Vec<Guid>,
}

/// `info` of an application.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct InformationalUrls {
    /// Where it is advertised.
    pub marketing_url: Option<String>,
    /// Its privacy statement.
    pub privacy_statement_url: Option<String>,
    /// Where to get help.
    pub support_url: Option<String>,
    /// Its terms of service.
    pub terms_of_service_url: Option<String>,
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
    /// What only matters with the service principal at hand.
    pub details: ServicePrincipalDetails,
}

/// Facts about a service principal that nothing is found by; names as in Graph.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServicePrincipalDetails {
    /// `appRoleAssignmentRequired`: only who was assigned to it gets a token for it or signs in to it.
    pub app_role_assignment_required: bool,
    /// Words that tools attach.
    pub tags: Vec<String>,
    /// A note for administrators.
    pub notes: Option<String>,
    /// `description`.
    pub description: Option<String>,
    /// `alternativeNames`.
    pub alternative_names: Vec<String>,
    /// `notificationEmailAddresses`.
    pub notification_email_addresses: Vec<String>,
    /// `loginUrl`.
    pub login_url: Option<String>,
    /// `preferredSingleSignOnMode`.
    pub preferred_single_sign_on_mode: Option<String>,
    /// What an administrator decided of it in Cloud Apps; none while nobody did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<AppVerdict>,
}

/// What an administrator decided of an application that holds permissions.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AppVerdict {
    /// It may go on.
    Approved,
    /// It is shut out.
    Banned,
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
    /// First three characters, so that people can tell secrets apart; kept in clear, so they count for
    /// nothing in the secret's strength.
    pub hint: String,
    /// Keyed hash of the secret.
    pub digest: Vec<u8>,
    /// Valid from.
    pub starts: Timestamp,
    /// Valid until.
    pub ends: Timestamp,
    /// When a token was last issued for it, to the minute.
    pub last_used: Option<Timestamp>,
    /// The address from which that was asked, if known.
    pub last_address: Option<String>,
}

/// An app role that a service principal, a person or a group holds on a resource.
#[derive(Clone, Debug)]
pub struct AppRoleAssignment {
    /// Its id.
    pub id: Guid,
    /// Object id of whoever holds the role.
    pub principal: Guid,
    /// What that is.
    pub principal_kind: ObjectKind,
    /// Object id of the resource's service principal.
    pub resource: Guid,
    /// The role's id within the resource.
    pub app_role: Guid,
    /// When it was assigned.
    pub created: Timestamp,
    /// Object id of the person or application that assigned it, where that is known.
    pub granted_by: Option<Guid>,
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
    /// Object id of the person or application that gave it last, where that is known.
    pub granted_by: Option<Guid>,
}

/// A group of people, service principals and other groups.
#[derive(Clone, Debug)]
pub struct Group {
    /// Object id.
    pub id: Guid,
    /// Name for people.
    pub display_name: String,
    /// What only matters with the group at hand.
    pub details: GroupDetails,
    /// When it was made.
    pub created: Timestamp,
}

/// Facts about a group that nothing is found by; names as in Graph.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GroupDetails {
    /// What it is for.
    pub description: Option<String>,
    /// `mailNickname`, which Graph demands.
    pub mail_nickname: String,
    /// `mailEnabled`; Casbah sends no mail, so it is kept and shown only.
    pub mail_enabled: bool,
    /// `securityEnabled`.
    pub security_enabled: bool,
    /// `isAssignableToRole`.
    pub is_assignable_to_role: bool,
}
