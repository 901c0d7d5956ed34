//! The words of Casbah: ids, secrets, time, tenants, permissions, alerts and reports.
//!
//! Everything else builds on these types. This crate does no I/O but asking the machine for the
//! time and for random bytes, and it is the only place that does so: [`Clock`] and [`random`]
//! are what tests replace and what `clippy.toml` keeps the other crates to.

pub mod activity;
mod administrator;
mod alert;
pub mod alert_type;
mod client_secret;
mod clock;
mod cloud_discovery_settings;
mod credential;
mod directory;
mod discovery;
mod entity;
mod file;
pub mod filter;
mod forwarder;
mod id;
mod identity_provider;
mod ip_range;
pub mod names;
mod permission;
mod policy;
pub mod random;
mod rights;
mod role;
mod secret;
mod tenant_settings;
pub mod user_agent;
pub mod words;

pub use activity::{Activity, ActivityFacts, ActivityObject, Origin, SignInFacts};
pub use administrator::{ADMINISTRATOR_ROLES, Administrator, AdministratorRole, Limit};
pub use alert::{Alert, AlertEntity, AlertStatus, Resolution, Severity};
pub use client_secret::{
    CLIENT_SECRET_LENGTH, CLIENT_SECRET_PATTERN, ClientSecretForm, find_client_secrets, new_client_secret,
};
pub use clock::{Clock, ClockSetting, Timestamp};
pub use cloud_discovery_settings::{
    AppOverride, BlockList, CustomApp, CustomParserRecord, DiscoverySettings, Exclusion, ExclusionKind,
    Importance, LogCollector, SCORE_FACTORS, ScoreWeights, UnmatchedDomain,
};
pub use credential::{ApplicationCertificate, FederatedCredential};
pub use directory::{
    AppRole, AppRoleAssignment, AppVerdict, Application, ApplicationDetails, ApplicationSecret, ConsentType,
    DelegatedScope, Group, GroupDetails, InformationalUrls, MemberType, ObjectKind, ObjectRef, OptionalClaim,
    OptionalClaims, PermissionGrant, PreAuthorizedApplication, RedirectUri, RedirectUriKind, RequiredAccess,
    ServicePrincipal, ServicePrincipalDetails, Tenant, User, UserDetails,
};
pub use discovery::{
    AppTag, AppUsage, DestinationUsage, DiscoveryTask, KeyedUsage, Stream, StreamKind, TaskState, Upload,
    UploadPart, UploadState, UsageFigures, UsageKey, UsageOrder, UsageRow,
};
pub use entity::{DIRECTORY_APP, DayScore, Entity, EntityAddress, EntityFacts, EntityKind, EntityStatus};
pub use file::{
    ACCESS_LEVELS, Collaborator, FILE_STATES, FILE_TYPES, FOLDER, File, FileFacts, extension, file_type,
};
pub use forwarder::{
    Chosen, EventFormat, Forwarder, ForwarderHealth, Outlet, SyslogReceiver, SyslogTransport,
};
pub use id::{Guid, InvalidId, RecordId, TenantId};
pub use identity_provider::{
    ClaimMapping, IdentityProvider, IdentityProviderDetails, Invitation, Provisioning, UserIdentity,
    well_known_endpoint,
};
pub use ip_range::{InvalidSubnet, IpCategory, IpLocation, IpRange, IpTag, Place, Subnet, full_address};
pub use permission::{Permission, PermissionSet};
pub use policy::PolicyRecord;
pub use rights::{Access, Bound, Entitlements, Part, Reach, Rights};
pub use role::{ROLES, Role};
pub use secret::Secret;
pub use tenant_settings::{
    AssertionSettings, OutOfRange, RetentionSettings, SignInSettings, TenantSettings, TokenLifetimes,
};
