//! Activities: who did what, from where, and whether it worked. Casbah's own audit trail is made of
//! them, and so is what other apps report.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{Guid, IpLocation, Timestamp};

pub use crate::user_agent::device_type;

/// The number of the app *Casbah* among the apps of activities: that of the broker itself.
pub const CASBAH_APP: i64 = 20595;

/// The apps whose numbers are known, with their names (the sheet of records, 18.1).
const APPS: &[(i64, &str)] = &[
    (10489, "Box"),
    (10980, "Okta"),
    (11114, "Salesforce"),
    (11161, "Office 365"),
    (11522, "Yammer"),
    (11599, "Amazon Web Services"),
    (11627, "Dropbox"),
    (11770, "Google Workspace"),
    (12260, "Microsoft Azure"),
    (14509, "ServiceNow"),
    (15600, "Microsoft OneDrive for Business"),
    (CASBAH_APP, "Microsoft Cloud App Security"),
    (20892, "Microsoft SharePoint Online"),
    (20893, "Microsoft Exchange Online"),
    (20940, "Active Directory"),
    (25275, "Skype for Business"),
    (26069, "Google Drive"),
    (26324, "Microsoft Power BI"),
    (28375, "Microsoft Teams"),
];

/// The name of an app that is known by its number.
pub fn app_name(number: i64) -> Option<&'static str> {
    APPS.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}

/// Longest user agent that is kept, in bytes.
const LONGEST_AGENT: usize = 512;

/// Where a request came from, as far as the server itself saw it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Origin {
    /// Address of the client; none for what Casbah does by itself.
    pub address: Option<IpAddr>,
    /// `User-Agent`, shortened.
    pub user_agent: Option<String>,
}

impl Origin {
    /// An origin; an IPv4 address in IPv6 clothes is undressed, control characters and the tail of an
    /// endless user agent are dropped.
    pub fn new(address: Option<IpAddr>, user_agent: Option<&str>) -> Origin {
        let clean = |text: &str| -> String {
            let mut kept: String = text.chars().filter(|c| !c.is_control()).collect();
            let mut end = LONGEST_AGENT.min(kept.len());
            while !kept.is_char_boundary(end) {
                end -= 1;
            }
            kept.truncate(end);
            kept
        };
        let user_agent = user_agent.map(clean).filter(|text| !text.trim().is_empty());
        Origin { address: address.map(|a| a.to_canonical()), user_agent }
    }
}

/// One thing that somebody did.
#[derive(Clone, PartialEq, Debug)]
pub struct Activity {
    /// Its place in the order of time, unique within the tenant; see [`Activity::first_at`].
    pub seq: i64,
    /// Its id: free text, unique within the tenant.
    pub id: String,
    /// When it was taken in.
    pub created: Timestamp,
    /// Where it comes from: 0 access control, 1 session control, 2 an app's own report, 3 analysis of such
    /// reports, 5 discovery, 6 an endpoint.
    pub source: i64,
    /// Number of the app that it happened in.
    pub service: i64,
    /// Number of the instance of that app.
    pub instance: i64,
    /// What was done, verb and noun: `create user`.
    pub action: String,
    /// `EVENT_CATEGORY_…`
    pub category: String,
    /// `EVENT_…`, finer.
    pub action_type: String,
    /// `user`, `application` or `system`.
    pub actor_kind: String,
    /// Object id of whoever did it.
    pub actor: Option<String>,
    /// Sign-in name of the person, or name of the application.
    pub user_name: Option<String>,
    /// Application id of the client that it was done through.
    pub client: Option<Guid>,
    /// Address that it came from.
    pub address: Option<String>,
    /// Number of the category of that address, 0 for none.
    pub ip_category: i64,
    /// Country of that address, two letters.
    pub country: Option<String>,
    /// Whose address it is.
    pub organization: Option<String>,
    /// DESKTOP, MOBILE, TABLET or OTHER.
    pub device_type: Option<String>,
    /// Whether it changes how things are set up.
    pub admin: bool,
    /// Why it failed, the number of an AADSTS code; none when it worked.
    pub failure: Option<i64>,
    /// All the rest.
    pub facts: ActivityFacts,
}

/// What is shown with an activity and never searched one by one.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ActivityFacts {
    /// Name of the app.
    pub service_name: String,
    /// Name of the client.
    pub client_name: Option<String>,
    /// The user agent as it was sent.
    pub user_agent: Option<String>,
    /// What it was done to.
    pub objects: Vec<ActivityObject>,
    /// Where the address is.
    pub location: Option<IpLocation>,
    /// Ids of the tags of the address.
    pub ip_tags: Vec<String>,
    /// More, by the action: `before` and `after` of a change, `grantType` of a sign-in.
    pub details: Json,
    /// The sentence for people, where the app that reported it has one of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What the app said of the outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The event as the app wrote it; null for Casbah's own.
    #[serde(skip_serializing_if = "Json::is_null")]
    pub raw: Json,
}

/// Something that an activity was done to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ActivityObject {
    /// Kind of thing: `user`, `application`.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its name at that time; empty when it has none.
    pub name: String,
}

/// The details of a sign-in; what is absent is not known or does not apply.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SignInFacts {
    /// The `grant_type`; none at the sign-in page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_type: Option<String>,
    /// What was proved, as the claim `amr` has it (RFC 8176): `pwd`, `otp`, `fido`, `mfa`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub factors: Vec<String>,
    /// Whether a person was there: not when a refresh token is used or an application acts as itself.
    pub interactive: bool,
    /// The browser session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<Guid>,
    /// The token family, which all tokens of one sign-in belong to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<Guid>,
    /// The other provider that vouched for the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_provider: Option<Guid>,
    /// Application id of the resource that the token is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<Guid>,
    /// Key id of the secret or certificate that the client proved itself with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<Guid>,
    /// How many equal sign-ins this record stands for, when it is more than one: the first of a minute has a
    /// record of its own, the others of that minute share a second one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Whether these sign-ins were too many to be told apart: then only their number is known.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub summary: bool,
}

impl SignInFacts {
    /// As the details of a record.
    pub fn details(&self) -> Json {
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// Bits of [`Activity::seq`] below the time.
pub const BELOW: u32 = 21;
/// Times from here on (year 2109) and before 1970 are counted as the last and the first.
const LAST_MOMENT: i64 = (1 << (63 - BELOW)) - 1;

impl Activity {
    /// When it happened.
    pub fn at(&self) -> Timestamp {
        Activity::at_place(self.seq)
    }

    /// The moment of a [`Activity::seq`].
    pub fn at_place(seq: i64) -> Timestamp {
        Timestamp(seq >> BELOW)
    }

    /// The lowest [`Activity::seq`] of that moment.
    pub fn first_at(at: Timestamp) -> i64 {
        at.0.clamp(0, LAST_MOMENT) << BELOW
    }

    /// The highest [`Activity::seq`] of that moment.
    pub fn last_at(at: Timestamp) -> i64 {
        Activity::first_at(at) | ((1 << BELOW) - 1)
    }

    /// A place in the order of time: the moment, and noise that keeps two of one moment apart.
    pub fn place(at: Timestamp, noise: u32) -> i64 {
        Activity::first_at(at) | (i64::from(noise) & ((1 << BELOW) - 1))
    }
}

/// Those properties that differ, as they were and as they are; what is null on both sides is left out.
/// Objects are compared property by property, everything else as a whole.
pub fn difference(before: &Json, after: &Json) -> (Json, Json) {
    let (Json::Object(old), Json::Object(new)) = (before, after) else {
        return (before.clone(), after.clone());
    };
    let (mut was, mut is) = (serde_json::Map::new(), serde_json::Map::new());
    for key in old.keys().chain(new.keys().filter(|key| !old.contains_key(*key))) {
        let (a, b) = (old.get(key).unwrap_or(&Json::Null), new.get(key).unwrap_or(&Json::Null));
        if a != b {
            was.insert(key.clone(), a.clone());
            is.insert(key.clone(), b.clone());
        }
    }
    (Json::Object(was), Json::Object(is))
}

#[cfg(test)]
mod tests;
