//! Entities: the people behind what is done, and the accounts in apps through which they do it.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{RecordId, Timestamp};

/// The number of the app that the people and applications of the directory belong to: Office 365.
pub const DIRECTORY_APP: i64 = 11161;

/// What an entity is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EntityKind {
    /// 1: an account in an app.
    Account,
    /// 2: a person.
    User,
}

impl EntityKind {
    /// The number of `type`.
    pub fn number(self) -> i64 {
        match self {
            EntityKind::Account => 1,
            EntityKind::User => 2,
        }
    }

    /// The kind of a `type`.
    pub fn from_number(number: i64) -> Option<EntityKind> {
        [EntityKind::Account, EntityKind::User].into_iter().find(|kind| kind.number() == number)
    }
}

/// Whether an entity can be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EntityStatus {
    /// 0: the app says nothing about it.
    Unknown,
    /// 1: made, and not yet taken over by its owner.
    Staged,
    /// 2
    Active,
    /// 3: may not sign in.
    Suspended,
    /// 4
    Deleted,
}

impl EntityStatus {
    /// The number of `status`.
    pub fn number(self) -> i64 {
        self as i64
    }

    /// The status of a `status`.
    pub fn from_number(number: i64) -> Option<EntityStatus> {
        use EntityStatus::{Active, Deleted, Staged, Suspended, Unknown};
        [Unknown, Staged, Active, Suspended, Deleted].into_iter().find(|status| status.number() == number)
    }
}

/// Where an entity is found: its id inside an instance of an app.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct EntityAddress {
    /// Id inside the app, as the app writes it.
    pub id: String,
    /// Number of the app.
    pub saas: i64,
    /// Number of the instance of that app.
    pub inst: i64,
}

impl EntityAddress {
    /// An address in the directory.
    pub fn of_directory(id: impl ToString) -> EntityAddress {
        EntityAddress { id: id.to_string(), saas: DIRECTORY_APP, inst: 0 }
    }

    /// The id as it is compared: without regard to case.
    pub fn id_key(&self) -> String {
        self.id.trim().to_lowercase()
    }

    /// `<saas>|<inst>|<id>`, the field `ii`.
    pub fn joined(&self) -> String {
        format!("{}|{}|{}", self.saas, self.inst, self.id)
    }

    /// The address in `<saas>|<inst>|<id>`.
    pub fn from_joined(text: &str) -> Option<EntityAddress> {
        let mut parts = text.splitn(3, '|');
        let (saas, inst) = (parts.next()?.trim().parse().ok()?, parts.next()?.trim().parse().ok()?);
        let id = parts.next().map(str::trim).filter(|id| !id.is_empty())?;
        Some(EntityAddress { id: id.to_string(), saas, inst })
    }
}

/// A person, an account or an application, with what is known of it.
#[derive(Clone, PartialEq, Debug)]
pub struct Entity {
    /// Its record id, which follows from tenant and address.
    pub record: RecordId,
    /// Where it is found.
    pub address: EntityAddress,
    /// What it is.
    pub kind: EntityKind,
    /// Whether the directory looks after it.
    pub of_directory: bool,
    /// Whether it is an application and no person.
    pub application: bool,
    /// Name for people.
    pub display_name: String,
    /// Sign-in name, address or id: what it is sorted by as `username`.
    pub user_name: String,
    /// Main address.
    pub email: Option<String>,
    /// Domain of that address, in lower case.
    pub domain: Option<String>,
    /// Whether it belongs to somebody else; none when neither an app nor a domain says so.
    pub external: Option<bool>,
    /// Organisational unit.
    pub organization: Option<String>,
    /// Whether it can be used.
    pub status: EntityStatus,
    /// Whether it holds a role of administrators.
    pub admin: bool,
    /// The role of an account in its app, as that app says; those of people are in the directory.
    pub role: Option<String>,
    /// Record id of the person behind an account.
    pub parent: Option<RecordId>,
    /// When it last did something.
    pub last_seen: Option<Timestamp>,
    /// Investigation priority, from its alerts; none when there never was one.
    pub score: Option<i64>,
    /// When that was computed.
    pub score_time: Option<Timestamp>,
    /// All the rest.
    pub facts: EntityFacts,
}

/// What is shown with an entity and never searched.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EntityFacts {
    /// Further ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub identifiers: Vec<String>,
    /// Further names and addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Security identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Whether it is the shadow of an account, made up by the app that reported it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub fake: bool,
    /// Number of the kind of its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_type: Option<i64>,
    /// Apps within the app, as they were reported.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sub_apps: Vec<Json>,
}

/// The score of an entity on one day.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DayScore {
    /// Days since 1970-01-01.
    pub day: i64,
    /// The score, as it was last computed on that day.
    pub score: i64,
    /// Of a hundred entities with a score, so many had a lower one.
    pub percentile: i64,
    /// Alerts that counted.
    pub alerts: i64,
}
