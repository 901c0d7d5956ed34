//! A fortnight of a small company, so that lists, filters and pages have something to show: its people, offices,
//! activities, files, the logs of its branches, and what became of some alerts. All of it goes through the public interface;
//! alerts are raised by policies only. It is the same on every run, but for its dates, which end with yesterday.

mod activities;
mod files;
mod people;
#[cfg(test)]
mod tests;

use std::io::Write;

use casbah_model::{Secret, Timestamp};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::narrator::Narrator;
use super::{traffic, world};
use crate::client::directory::{items, text};
use crate::client::failure::{Exit, Failure};
use crate::client::oauth::Audience;
use crate::client::upload::Upload;
use crate::client::{Credentials, Server, Session};
use crate::commands::discovery;
use crate::output::count;
use people::{ATTACKERS, OFFICES, PEOPLE};

/// The role that lets people look after Cloud Apps, by its template.
const CLOUD_APP_SECURITY_ADMINISTRATOR: &str = "892c5842-a9a6-463a-8041-72aa08ca3cf6";
/// The branches with a proxy of their own.
const BRANCHES: [(&str, &traffic::Site); 2] =
    [("Oslo-proxy", &traffic::OSLO), ("Lisbon-proxy", &traffic::LISBON)];
/// What the range of addresses is called that attacks came from.
const RISKY: &str = "Attacks of last spring";
const SOURCE: &str = "SQUID_NATIVE";
/// What somebody in this company wants to know beside what the built-in policies tell.
const POLICIES: [(&str, &str, &str); 7] = [
    ("Source code may leave the company", "CODE_HOSTING", "high"),
    ("Files shared with strangers", "CONTENT_SHARING", "high"),
    ("Texts given to an app that nobody knows", "PRODUCTIVITY", "medium"),
    ("Messages outside the company", "PERSONAL_INSTANT_MESSAGING", "medium"),
    ("Planning in an app of its own", "PROJECT_MANAGEMENT", "low"),
    ("Meetings in an app of its own", "ONLINE_MEETINGS", "informational"),
    ("Social network at work", "SOCIAL_NETWORK", "informational"),
];
/// The policy on its files.
const ON_FILES: &str = "Spreadsheets shared outside";

/// Makes the fortnight in a server that has only the well-known world, without a word.
pub fn fill(server: Server, clock: casbah_model::Clock) -> Result<(), Failure> {
    let credentials = Credentials::User {
        client_id: world::PUBLIC_CLIENT_ID.to_string(),
        user: world::USER.to_string(),
        password: Secret::new(world::PASSWORD),
    };
    let fortnight = Fortnight { admin: &Session::new(server, credentials, clock)?, narrator: None };
    fortnight.make()
}

/// Makes it, and says so.
pub(super) fn tell(admin: &Session, narrator: &Narrator) -> Result<(), Failure> {
    narrator.part(
        "A fortnight of the company",
        "What its directory, apps and branches have told, taken in through the same interface.",
    )?;
    Fortnight { admin, narrator: Some(narrator) }.make()
}

struct Fortnight<'s> {
    admin: &'s Session,
    narrator: Option<&'s Narrator>,
}

impl Fortnight<'_> {
    fn make(&self) -> Result<(), Failure> {
        self.say("People, with accounts inside and outside the company")?;
        self.people()?;
        self.say("Offices, by their addresses")?;
        self.offices()?;
        self.say("What people did in their apps")?;
        self.activities()?;
        self.say("What lies in those apps, and with whom it is shared")?;
        self.files()?;
        self.say("The proxies of two branches, and policies of the company's own")?;
        self.policies()?;
        for (name, site) in BRANCHES {
            self.branch(name, site)?;
        }
        self.say("Some alerts are dealt with")?;
        self.closed()
    }

    fn say(&self, title: &str) -> Result<(), Failure> {
        self.narrator.map_or(Ok(()), |narrator| narrator.step(title))
    }

    fn result(&self, text: &str) -> Result<(), Failure> {
        self.narrator.map_or(Ok(()), |narrator| narrator.result(text))
    }

    /// Makes what is not there yet.
    fn people(&self) -> Result<(), Failure> {
        for person in PEOPLE {
            let name = person.name();
            match self.admin.directory("GET", &format!("/v1.0/users/{name}"), None) {
                Ok(_) => continue,
                Err(failure) if failure.exit == Exit::NotFound => {}
                Err(failure) => return Err(failure),
            }
            let made = if person.is_guest() {
                let body = json!({ "invitedUserEmailAddress": name, "invitedUserDisplayName": person.display_name(),
                    "inviteRedirectUrl": self.admin.server.url });
                self.admin.directory("POST", "/v1.0/invitations", Some(&body))?["invitedUser"].clone()
            } else {
                let body = json!({ "userPrincipalName": name, "mail": name, "displayName": person.display_name(),
                    "givenName": person.given, "surname": person.family, "mailNickname": person.nickname(),
                    "accountEnabled": true });
                self.admin.directory("POST", "/v1.0/users", Some(&body))?
            };
            if person.administrator {
                let id = text(&made, "id");
                let path = format!(
                    "/v1.0/directoryRoles(roleTemplateId='{CLOUD_APP_SECURITY_ADMINISTRATOR}')/members/$ref"
                );
                let body =
                    json!({ "@odata.id": format!("{}/v1.0/directoryObjects/{id}", self.admin.server.url) });
                self.admin.call(Audience::Directory, "POST", &path, Some(&body))?.checked()?;
            }
        }
        let guests = PEOPLE.iter().filter(|person| person.is_guest()).count();
        self.result(&format!("{} people, {guests} of them guests", PEOPLE.len()))
    }

    fn offices(&self) -> Result<(), Failure> {
        let known = self.admin.api("POST", "/api/v1/subnet/", Some(&json!({})))?;
        let known: Vec<&str> = items(&known, "data").iter().map(|range| text(range, "name")).collect();
        for office in OFFICES.iter().filter(|office| !known.contains(&office.range_name().as_str())) {
            let body = json!({ "name": office.range_name(), "category": 1, "subnets": [office.range], "tags": ["Office"],
                "organization": "Contoso",
                "location": { "name": office.city, "countryCode": office.country, "latitude": office.latitude, "longitude": office.longitude } });
            self.admin.api("POST", "/api/v1/subnet/create_rule/", Some(&body))?;
        }
        if !known.contains(&RISKY) {
            let body = json!({ "name": RISKY, "category": 3, "subnets": [ATTACKERS.range] });
            self.admin.api("POST", "/api/v1/subnet/create_rule/", Some(&body))?;
        }
        self.result(&format!("{} offices, and addresses that attacks came from", OFFICES.len()))
    }

    fn activities(&self) -> Result<(), Failure> {
        self.take_in("activities", &activities::records(self.admin.clock.now()))
    }

    fn files(&self) -> Result<(), Failure> {
        self.take_in("files", &files::records(self.admin.clock.now()))
    }

    fn take_in(&self, list: &str, records: &[Value]) -> Result<(), Failure> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        for record in records {
            writeln!(packed, "{record}")?;
        }
        let taken = self.admin.ingest(&format!("/api/v1/{list}/ingest/"), &packed.finish()?)?;
        match taken["rejected"].as_u64() {
            Some(0) => self.result(&format!("{} {list}", count(records.len() as i64))),
            _ => Err(Failure::failed(format!("{list} were refused: {}", taken["errors"]))),
        }
    }

    fn policies(&self) -> Result<(), Failure> {
        let known = self.admin.api("GET", "/api/v1/policies/", None)?;
        for (name, category, severity) in POLICIES {
            if items(&known, "data").iter().any(|policy| text(policy, "name") == name) {
                continue;
            }
            let body = json!({ "name": name, "type": "NEW_SERVICE", "severity": severity,
                "description": "Ask who needs it, and for what.", "filters": { "category": { "eq": [category] } } });
            self.admin.api("POST", "/api/v1/policies/create_rule/", Some(&body))?;
            self.result(&format!("policy: {name}"))?;
        }
        if items(&known, "data").iter().all(|policy| text(policy, "name") != ON_FILES) {
            let body = json!({ "name": ON_FILES, "type": "FILE", "severity": "high",
                "description": "Ask the owner whether that is meant.", "dailyAlertLimit": 0,
                "filters": { "fileType": { "eq": [2] }, "sharing": { "eq": [2, 3, 4] } } });
            self.admin.api("POST", "/api/v1/policies/create_rule/", Some(&body))?;
            self.result(&format!("policy: {ON_FILES}"))?;
        }
        Ok(())
    }

    fn branch(&self, name: &str, site: &traffic::Site) -> Result<(), Failure> {
        let log = traffic::log(site, self.admin.clock.now());
        let (file, size) = (format!("{}.log", name.to_lowercase()), log.len() as u64);
        discovery::ensure_stream(self.admin, name, SOURCE)?;
        let known = discovery::known_tasks(self.admin)?;
        let upload = Upload { filename: &file, source: SOURCE, stream: name, snapshot: false };
        let done = self.admin.upload(&upload, &mut log.as_bytes(), Some(size), &mut |_| ())?;
        let task = discovery::wait_for_report(self.admin, &done, &file, &known, true)?;
        discovery::outcome(&task).map_err(Failure::failed)?;
        let lines = task.pointer("/figures/lines").and_then(Value::as_i64).unwrap_or(0);
        self.result(&format!("{name}: {} lines", count(lines)))
    }

    /// Two of each severity are closed, in one of the three ways.
    fn closed(&self) -> Result<(), Failure> {
        let filters = json!({ "resolutionStatus": { "neq": [0] } });
        let body = json!({ "filters": filters, "limit": 1 });
        if self.admin.api("POST", "/api/v1/alerts/", Some(&body))?["total"].as_i64().unwrap_or(0) > 0 {
            return Ok(());
        }
        for (severity, way, reason) in [
            (0, "close_benign", Some(5)),
            (1, "close_false_positive", Some(3)),
            (2, "close_true_positive", None),
        ] {
            let filters = json!({ "severity": { "eq": severity } });
            let found = self.admin.api("POST", "/api/v1/alerts/", Some(&json!({ "filters": filters })))?;
            // By what they say: their times and ids are not the same on every run.
            let mut found: Vec<(&str, &str)> = items(&found, "data")
                .iter()
                .map(|alert| (text(alert, "title"), text(alert, "_id")))
                .collect();
            found.sort_unstable();
            let ids: Vec<&str> = found.iter().take(2).map(|(_, id)| *id).collect();
            if ids.is_empty() {
                continue;
            }
            let body = json!({ "filters": { "id": { "eq": ids } }, "comment": "Talked to the people concerned.", "reasonId": reason });
            self.admin.api("POST", &format!("/api/v1/alerts/{way}/"), Some(&body))?;
        }
        let open = json!({ "filters": { "alertOpen": { "eq": true } }, "limit": 1 });
        let open = self.admin.api("POST", "/api/v1/alerts/", Some(&open))?;
        self.result(&format!("{} alerts are open", open["total"]))
    }
}

/// Midnight (UTC) so many days before the day of `now`.
fn midnight(now: Timestamp, days: i64) -> i64 {
    const MS_OF_DAY: i64 = 86_400_000;
    (now.0.div_euclid(MS_OF_DAY) - days) * MS_OF_DAY
}
