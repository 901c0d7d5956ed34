//! The roles that Cloud Apps has of its own, and who holds them.

use crate::{Bound, Guid, Reach, RecordId, Rights, Timestamp};

/// A built-in role of Cloud Apps, beside the directory's roles.
#[derive(Debug, PartialEq, Eq)]
pub struct AdministratorRole {
    /// Short name, as the command line and our API spell it.
    pub id: &'static str,
    /// Name for people.
    pub name: &'static str,
    /// What people with the role may do, within its limits.
    pub rights: Rights,
    /// What each assignment is limited to.
    pub limit: Limit,
    /// `permission_type` on the wire.
    pub permission_type: i64,
    /// What it is for, in a sentence.
    pub description: &'static str,
}

/// What the assignments of a role are limited to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Limit {
    /// Nothing: they are for everything.
    Nothing,
    /// Chosen apps or instances of them.
    Apps,
    /// The people in chosen groups.
    Groups,
    /// Cloud discovery.
    Discovery,
    /// Chosen reports of cloud discovery.
    Reports,
}

impl AdministratorRole {
    /// Finds a role by either name, without regard to case.
    pub fn find(name: &str) -> Option<&'static AdministratorRole> {
        let same = |text: &str| text.eq_ignore_ascii_case(name.trim());
        ADMINISTRATOR_ROLES.iter().find(|role| same(role.id) || same(role.name))
    }

    /// Whether an assignment can be to read only.
    pub fn can_be_read_only(&self) -> bool {
        matches!(self.limit, Limit::Apps | Limit::Groups | Limit::Reports)
    }
}

/// The roles, as Microsoft's page *Configure admin access* has them.
pub const ADMINISTRATOR_ROLES: &[AdministratorRole] = &[
    AdministratorRole {
        id: "global",
        name: "Global administrator",
        rights: Rights::FULL,
        limit: Limit::Nothing,
        permission_type: 0,
        description: "Full access to Cloud Apps and to nothing else.",
    },
    AdministratorRole {
        id: "compliance",
        name: "Compliance administrator",
        rights: Rights::COMPLIANCE,
        limit: Limit::Nothing,
        permission_type: 2,
        description: "Reads everything in Cloud Apps and manages alerts.",
    },
    AdministratorRole {
        id: "security-operator",
        name: "Security operator",
        rights: Rights::OPERATOR,
        limit: Limit::Nothing,
        permission_type: 1,
        description: "Reads alerts, activities and discovery reports, and manages alerts; no settings.",
    },
    AdministratorRole {
        id: "security-reader",
        name: "Security reader",
        rights: Rights::READER,
        limit: Limit::Nothing,
        permission_type: 1,
        description: "Reads alerts, activities and discovery reports; no settings.",
    },
    AdministratorRole {
        id: "app",
        name: "App/instance admin",
        rights: Rights::APP,
        limit: Limit::Apps,
        permission_type: 3,
        description: "Reads and manages what is about chosen apps or instances of them.",
    },
    AdministratorRole {
        id: "group",
        name: "User group admin",
        rights: Rights::GROUP,
        limit: Limit::Groups,
        permission_type: 4,
        description: "Reads and manages what is about the people in chosen groups.",
    },
    AdministratorRole {
        id: "discovery",
        name: "Cloud Discovery global admin",
        rights: Rights::DISCOVERY,
        limit: Limit::Discovery,
        permission_type: 5,
        description: "Reads and manages all of cloud discovery, and its alerts.",
    },
    AdministratorRole {
        id: "discovery-report",
        name: "Cloud Discovery report admin",
        rights: Rights::DISCOVERY_REPORT,
        limit: Limit::Reports,
        permission_type: 5,
        description: "Reads chosen discovery reports with their alerts, and uploads logs to them.",
    },
];

/// A person who holds a role of Cloud Apps.
#[derive(Clone, Debug)]
pub struct Administrator {
    /// The id of the assignment.
    pub id: RecordId,
    /// Object id of the person.
    pub user: Guid,
    /// The role.
    pub role: &'static AdministratorRole,
    /// Whether the person may change nothing, whatever the role allows.
    pub read_only: bool,
    /// The apps, groups or reports, where the role is limited to some.
    pub bounds: Vec<Bound>,
    /// When it was given.
    pub created: Timestamp,
}

impl Administrator {
    /// What the assignment gives.
    pub fn entitlement(&self) -> (Rights, Reach) {
        let rights = if self.read_only { self.role.rights.read_only() } else { self.role.rights };
        let reach = match self.role.limit {
            Limit::Nothing => Reach::Everything,
            Limit::Discovery => Reach::Within(vec![Bound::Discovery]),
            Limit::Apps | Limit::Groups | Limit::Reports => Reach::Within(self.bounds.clone()),
        };
        (rights, reach)
    }
}
