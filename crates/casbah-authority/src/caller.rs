//! Who is calling, as far as the authority could prove it.

use casbah_model::{Access, Entitlements, Guid, Part, PermissionSet, Reach, Role, TenantId, Timestamp};
use casbah_store::audit::AuditRecord;

/// A caller whose credentials were verified. Only the authority makes one from a request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The tenant that issued the credentials, and the only one this caller can see.
    pub tenant: TenantId,
    /// That tenant's number, the `_tid` of records.
    pub tenant_number: i64,
    /// Who it is.
    pub principal: Principal,
    /// What it may do through the Cloud Apps API: for a user, the intersection of the delegated
    /// scopes and what the user's roles allow.
    pub permissions: PermissionSet,
    /// Which parts of Cloud Apps are open to it, and which records: for a user what the directory's roles
    /// and those of Cloud Apps give; an application that acts as itself reaches everything.
    pub entitlements: Entitlements,
    /// Permissions on the directory resource (Microsoft Graph's names), such as
    /// `Application.ReadWrite.All`; empty for a token that is not for the directory.
    pub directory_permissions: Vec<String>,
    /// Whether a legacy API token was used.
    pub legacy: bool,
}

/// Who a caller is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// An application acting as itself.
    Application {
        /// Application id.
        app_id: Guid,
        /// Object id of its service principal.
        id: Guid,
        /// Name for people.
        name: String,
    },
    /// A person, through an application or with a legacy token.
    User {
        /// Object id.
        id: Guid,
        /// Sign-in name.
        name: String,
        /// Application id of the client; none for a legacy token.
        client: Option<Guid>,
        /// Whether the user administers the directory.
        administrator: bool,
        /// The directory roles that the user holds now.
        roles: Vec<&'static Role>,
    },
    /// Casbah itself: bootstrap and jobs.
    System,
}

impl Caller {
    /// Casbah itself, acting in a tenant.
    pub fn system(tenant: TenantId, tenant_number: i64) -> Caller {
        Caller {
            tenant,
            tenant_number,
            principal: Principal::System,
            permissions: PermissionSet::ALL,
            entitlements: Entitlements::everything(),
            directory_permissions: Vec::new(),
            legacy: false,
        }
    }

    /// The records of a part that the caller may read, or change.
    pub fn reach(&self, part: Part, access: Access) -> Reach {
        self.entitlements.reach(part, access)
    }

    /// The caller's name, for `handledByUser` and the logs.
    pub fn name(&self) -> &str {
        match &self.principal {
            Principal::Application { name, .. } | Principal::User { name, .. } => name,
            Principal::System => "Casbah",
        }
    }

    /// An audit record of something that this caller does. Make it before the transaction: it draws an id.
    pub fn audit(
        &self,
        now: Timestamp,
        action: &str,
        target_kind: &str,
        target: impl ToString,
        details: serde_json::Value,
    ) -> AuditRecord {
        let (kind, id, client) = match &self.principal {
            Principal::Application { id, app_id, .. } => ("application", id.to_string(), Some(*app_id)),
            Principal::User { id, client, .. } => ("user", id.to_string(), *client),
            Principal::System => ("system", String::new(), None),
        };
        AuditRecord {
            actor_name: self.name().to_string(),
            client,
            ..AuditRecord::new(now, (kind, id), action, (target_kind, target), details)
        }
    }
}
