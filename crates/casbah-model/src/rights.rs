//! What roles let people do in Cloud Apps, in one table, and which records they reach with it.
//!
//! After Microsoft's page *Configure admin access* (its table *Roles and permissions* and the lists below
//! each role). Where that page says two things, what it forbids in words counts.

use serde::{Deserialize, Serialize};

use crate::Permission::{
    self, DiscoveryManage, DiscoveryRead, InvestigationManage, InvestigationRead, SettingsManage,
    SettingsRead,
};
use crate::{Guid, PermissionSet, RecordId};

/// A part of Cloud Apps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// Alerts.
    Alerts,
    /// Activities.
    Activities,
    /// People and accounts.
    Entities,
    /// Files.
    Files,
    /// What was discovered: streams, apps and their tags, block scripts.
    Discovery,
    /// Logs sent in for discovery.
    Uploads,
    /// Data sources.
    DiscoverySettings,
    /// What a tenant thinks of an app: sanctioned, unsanctioned, monitored.
    AppTags,
    /// The governance log.
    GovernanceLog,
    /// Policies.
    Policies,
    /// IP ranges.
    IpRanges,
    /// Who holds the roles of Cloud Apps.
    Administrators,
    /// What is sent elsewhere: webhooks and SIEM agents.
    Integrations,
}

impl Part {
    /// All of them, in the order of the table.
    pub const ALL: [Part; 13] = [
        Part::Alerts,
        Part::Activities,
        Part::Entities,
        Part::Files,
        Part::Discovery,
        Part::Uploads,
        Part::DiscoverySettings,
        Part::AppTags,
        Part::GovernanceLog,
        Part::Policies,
        Part::IpRanges,
        Part::Administrators,
        Part::Integrations,
    ];

    /// Its name in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Part::Alerts => "alerts",
            Part::Activities => "activities",
            Part::Entities => "people and accounts",
            Part::Files => "files",
            Part::Discovery => "discovery reports",
            Part::Uploads => "discovery logs",
            Part::DiscoverySettings => "discovery settings",
            Part::AppTags => "app tags",
            Part::GovernanceLog => "the governance log",
            Part::Policies => "policies",
            Part::IpRanges => "IP ranges",
            Part::Administrators => "administrators",
            Part::Integrations => "webhooks and SIEM agents",
        }
    }

    /// The permissions that a role with a right to this part needs at the least: to read, and to change.
    fn permissions(self) -> (Permission, Permission) {
        match self {
            // What is sent elsewhere is what investigators read.
            Part::Alerts
            | Part::Activities
            | Part::Entities
            | Part::Files
            | Part::Policies
            | Part::Integrations => (InvestigationRead, InvestigationManage),
            Part::Discovery
            | Part::Uploads
            | Part::DiscoverySettings
            | Part::AppTags
            | Part::GovernanceLog => (DiscoveryRead, DiscoveryManage),
            Part::IpRanges | Part::Administrators => (SettingsRead, SettingsManage),
        }
    }
}

/// What somebody may do with a part.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Access {
    /// Nothing.
    None,
    /// Read it.
    Read,
    /// Read and change it.
    Change,
}

/// What a role lets people do with each part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rights([Access; Part::ALL.len()]);

const N: Access = Access::None;
const R: Access = Access::Read;
const C: Access = Access::Change;

/// The table. A row is a role; the columns are [`Part::ALL`].
#[rustfmt::skip]
impl Rights {
    //                                                 alerts
    //                                                 |  activities
    //                                                 |  |  people and accounts
    //                                                 |  |  |  files
    //                                                 |  |  |  |  discovery
    //                                                 |  |  |  |  |  uploads
    //                                                 |  |  |  |  |  |  discovery settings
    //                                                 |  |  |  |  |  |  |  app tags
    //                                                 |  |  |  |  |  |  |  |  governance log
    //                                                 |  |  |  |  |  |  |  |  |  policies
    //                                                 |  |  |  |  |  |  |  |  |  |  IP ranges
    //                                                 |  |  |  |  |  |  |  |  |  |  |  administrators
    //                                                 |  |  |  |  |  |  |  |  |  |  |  |  webhooks, SIEM agents
    /// Global, Security and Cloud App Security Administrator.
    pub const FULL: Rights                  = Rights([C, C, C, C, C, C, C, C, C, C, C, C, C]);
    /// Compliance Administrator.
    pub const COMPLIANCE: Rights            = Rights([C, R, R, R, R, N, R, R, R, R, R, R, R]);
    /// Compliance Data Administrator.
    pub const COMPLIANCE_DATA: Rights       = Rights([C, R, R, R, R, N, R, R, R, R, R, R, R]);
    /// Security Operator.
    pub const OPERATOR: Rights              = Rights([C, R, R, R, R, N, N, R, N, R, N, R, N]);
    /// Security Reader.
    pub const READER: Rights                = Rights([R, R, R, R, R, N, N, R, N, R, N, R, N]);
    /// Global Reader.
    pub const GLOBAL_READER: Rights         = Rights([R, R, R, R, R, N, R, R, R, R, R, R, R]);
    /// App/instance admin, within the apps.
    pub const APP: Rights                   = Rights([C, C, C, C, N, N, N, N, C, C, N, N, N]);
    /// User group admin, within the groups.
    pub const GROUP: Rights                 = Rights([C, C, C, C, N, N, N, N, C, C, N, N, N]);
    /// Cloud Discovery global admin, within discovery.
    pub const DISCOVERY: Rights             = Rights([C, N, N, N, C, C, C, C, C, C, N, N, N]);
    /// Cloud Discovery report admin, within the reports.
    pub const DISCOVERY_REPORT: Rights      = Rights([R, N, N, N, R, C, R, R, R, R, N, N, N]);
    /// Roles that are about something else.
    pub const NONE: Rights                  = Rights([N, N, N, N, N, N, N, N, N, N, N, N, N]);
}

impl Rights {
    /// What they say of a part.
    pub fn access(self, part: Part) -> Access {
        self.0[part as usize]
    }

    /// The same without any right to change something.
    #[must_use]
    pub fn read_only(self) -> Rights {
        Rights(self.0.map(|access| access.min(Access::Read)))
    }

    /// The permissions on the API that they come to: what a legacy token carries, and what a person can
    /// lend to an application. They open a call; which records it reaches, and whether the part is open at
    /// all, is asked beside them.
    pub fn permissions(self) -> PermissionSet {
        let of = |part: Part| {
            let (read, change) = part.permissions();
            match self.access(part) {
                Access::None => None,
                Access::Read => Some(read),
                Access::Change => Some(change),
            }
        };
        Part::ALL.into_iter().filter_map(of).collect()
    }
}

/// Something that a role can be limited to. Which records belong to it is said in one place,
/// `casbah-store/src/reach.rs`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bound {
    /// An app, or one instance of it.
    App {
        /// Its number.
        app: i64,
        /// The instance; none for all of them.
        instance: Option<i64>,
    },
    /// The people in a group, itself or through groups in it.
    Group(Guid),
    /// All of cloud discovery.
    Discovery,
    /// A report of cloud discovery: a stream.
    Report(RecordId),
}

/// Which records of its tenant somebody reaches.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reach {
    /// All of them.
    Everything,
    /// Those that belong to one of these; with none, nothing at all.
    Within(Vec<Bound>),
}

/// What a caller may do in Cloud Apps, and with which records: what each role gives, added up.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Entitlements(Vec<(Rights, Reach)>);

impl Entitlements {
    /// Everything: an application that acts as itself is bounded by its permissions alone.
    pub fn everything() -> Entitlements {
        Entitlements(vec![(Rights::FULL, Reach::Everything)])
    }

    /// What may be done with a part, with whichever records.
    pub fn access(&self, part: Part) -> Access {
        self.0.iter().map(|(rights, _)| rights.access(part)).max().unwrap_or(Access::None)
    }

    /// The records of a part that may be read, or changed.
    pub fn reach(&self, part: Part, access: Access) -> Reach {
        let mut bounds = Vec::new();
        for (_, reach) in self.0.iter().filter(|(rights, _)| rights.access(part) >= access) {
            match reach {
                Reach::Everything => return Reach::Everything,
                Reach::Within(some) => bounds.extend(some.iter().cloned()),
            }
        }
        Reach::Within(bounds)
    }

    /// The permissions that they come to together.
    pub fn permissions(&self) -> PermissionSet {
        self.0.iter().flat_map(|(rights, _)| rights.permissions().iter()).collect()
    }
}

impl FromIterator<(Rights, Reach)> for Entitlements {
    fn from_iter<I: IntoIterator<Item = (Rights, Reach)>>(all: I) -> Entitlements {
        Entitlements(all.into_iter().collect())
    }
}

#[cfg(test)]
mod tests;
