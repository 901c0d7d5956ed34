//! What people did: a fortnight of ordinary days, and a few stories among them that policies notice.

use casbah_model::Timestamp;
use casbah_model::activity::app_name;
use serde_json::{Value, json};

use super::midnight;
use super::people::{AGENTS, ATTACKERS, ELSEWHERE, OFFICES, PEOPLE, Person, Place};
use crate::demo::draw::Draw;

const DAYS: i64 = 14;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

const OFFICE_365: i64 = 11_161;
const SHAREPOINT: i64 = 20_892;
const EXCHANGE: i64 = 20_893;
const TEAMS: i64 = 28_375;
const ONEDRIVE: i64 = 15_600;
const SALESFORCE: i64 = 11_114;
const SERVICENOW: i64 = 14_509;
const BOX: i64 = 10_489;
const AWS: i64 = 11_599;

/// Something that people do on an ordinary day: app, category, fine type, operation.
type Habit = (i64, &'static str, &'static str, &'static str);

const HABITS: [Habit; 12] = [
    (SHAREPOINT, "DOWNLOAD_FILE", "EVENT_O365_SHAREPOINT_FILEDOWNLOADED", "FileDownloaded"),
    (SHAREPOINT, "UPLOAD_FILE", "EVENT_O365_SHAREPOINT_FILEUPLOADED", "FileUploaded"),
    (ONEDRIVE, "UPLOAD_FILE", "EVENT_O365_ONEDRIVE_FILEUPLOADED", "FileUploaded"),
    (ONEDRIVE, "ADD_FOLDER", "EVENT_O365_ONEDRIVE_FOLDERCREATED", "FolderCreated"),
    (ONEDRIVE, "DELETE_OBJECT", "EVENT_O365_ONEDRIVE_FILERECYCLED", "FileRecycled"),
    (EXCHANGE, "UNSPECIFIED", "EVENT_O365_EXCHANGE_SEND", "Send"),
    (EXCHANGE, "RUN_COMMAND", "EVENT_O365_EXCHANGE_SET_MAILBOX", "Set-Mailbox"),
    (TEAMS, "UNSPECIFIED", "EVENT_O365_TEAMS_MESSAGESENT", "MessageSent"),
    (SALESFORCE, "VIEW_REPORT", "EVENT_SALESFORCE_REPORT_VIEWED", "Report viewed"),
    (SERVICENOW, "CREATE_OBJECT", "EVENT_SERVICENOW_TICKET_CREATED", "Ticket created"),
    (BOX, "GRANT_WRITE_PERMISSION", "EVENT_BOX_COLLABORATION_INVITE", "COLLABORATION_INVITE"),
    (AWS, "RUN_COMMAND", "EVENT_AWS_ASSUMEROLE", "AssumeRole"),
];

const FILES: [&str; 12] = [
    "Budget.xlsx",
    "Offer Lagoon.docx",
    "Roadmap.pptx",
    "Minutes.docx",
    "Price list.xlsx",
    "Floor plan.pdf",
    "Onboarding.docx",
    "Salaries.xlsx",
    "Logo.png",
    "Audit.pdf",
    "Contract Fabrikam.docx",
    "Holidays.xlsx",
];

/// All of them, the oldest days first.
pub(super) fn records(now: Timestamp) -> Vec<Value> {
    let mut told = Told { draw: Draw(0x00ca_5bab_f0a7_0001), records: Vec::new() };
    for day in (1..=DAYS).rev() {
        told.ordinary_day(midnight(now, day));
    }
    told.stories(now);
    told.records
}

/// One activity, before it is a record.
struct Event<'e> {
    at: i64,
    who: &'e Person,
    habit: Habit,
    from: (&'e Place, u64),
    object: Option<String>,
    failed: bool,
    administrative: bool,
}

struct Told {
    draw: Draw,
    records: Vec<Value>,
}

const LOG_ON: Habit = (OFFICE_365, "LOGIN", "EVENT_AAD_LOGIN", "UserLoggedIn");
const FAILED_LOG_ON: Habit = (OFFICE_365, "FAILED_LOGIN", "EVENT_AAD_LOGIN_FAILED", "UserLoginFailed");

impl Told {
    /// Everybody logs on in the morning and does two or three things.
    fn ordinary_day(&mut self, day: i64) {
        for (number, who) in PEOPLE.iter().enumerate() {
            // A few are away on a given day.
            if self.draw.below(8) == 0 {
                continue;
            }
            let place = OFFICES.get(who.office).unwrap_or(&OFFICES[0]);
            let from = (place, 10 + number as u64);
            let start = day + 7 * HOUR + self.within(90 * MINUTE);
            self.add(Event {
                at: start,
                who,
                habit: LOG_ON,
                from,
                object: None,
                failed: false,
                administrative: false,
            });
            for _ in 0..=1 + self.draw.below(2) {
                let habit = HABITS[usize::try_from(self.draw.below(HABITS.len() as u64)).unwrap_or(0)];
                let object = habit.1.contains("FILE").then(|| self.draw.one(&FILES).to_string());
                let at = start + MINUTE + self.within(8 * HOUR);
                let administrative = habit.1 == "RUN_COMMAND";
                self.add(Event { at, who, habit, from, object, failed: false, administrative });
            }
        }
    }

    /// What somebody should look at.
    fn stories(&mut self, now: Timestamp) {
        let plain = |at, who, habit, from| Event {
            at,
            who,
            habit,
            from,
            object: None,
            failed: false,
            administrative: false,
        };
        // A password is guessed, and in the end found.
        let guessed = &PEOPLE[10];
        let begin = midnight(now, 2) + 2 * HOUR;
        for attempt in 0..14 {
            let at = begin + attempt * 15_000;
            self.add(Event { failed: true, ..plain(at, guessed, FAILED_LOG_ON, (&ATTACKERS, 230)) });
        }
        self.add(plain(begin + 5 * MINUTE, guessed, LOG_ON, (&ATTACKERS, 230)));
        // Two people in two places at once.
        for (person, place, days) in [(3, &ELSEWHERE[3], 3), (5, &ELSEWHERE[4], 6)] {
            let who = &PEOPLE[person];
            let at = midnight(now, days) + 11 * HOUR;
            self.add(plain(at, who, LOG_ON, (&OFFICES[who.office], 40)));
            self.add(plain(at + 40 * MINUTE, who, LOG_ON, (place, 7)));
        }
        // Somebody takes the files of a project along, and somebody else throws them away.
        for (person, category, days, many) in [(6, 0, 1, 45), (1, 4, 5, 36)] {
            let who = &PEOPLE[person];
            let begin = midnight(now, days) + 16 * HOUR;
            for number in 0..many {
                let object = Some(format!("Project Lagoon/{:02} {}", number + 1, self.draw.one(&FILES)));
                let event = plain(begin + number * 5_000, who, HABITS[category], (&OFFICES[who.office], 41));
                self.add(Event { object, ..event });
            }
        }
        // Business trips, which are nothing special.
        for (person, place, days) in [(8, 0, 9), (12, 1, 8), (0, 2, 11)] {
            let who = &PEOPLE[person];
            let at = midnight(now, days) + 20 * HOUR;
            self.add(plain(at, who, LOG_ON, (&ELSEWHERE[place], 12)));
        }
        // Late at night somebody becomes an administrator.
        let at = midnight(now, 4) + 23 * HOUR;
        let assigned: Habit =
            (OFFICE_365, "ADD_MEMBER_TO_ROLE", "EVENT_ADD_MEMBER_TO_ROLE", "Add member to role");
        let event = plain(at, &PEOPLE[0], assigned, (&OFFICES[0], 10));
        self.add(Event { object: Some(PEOPLE[14].name()), administrative: true, ..event });
    }

    fn within(&mut self, milliseconds: i64) -> i64 {
        i64::try_from(self.draw.below(milliseconds.unsigned_abs())).unwrap_or(0)
    }

    fn add(&mut self, event: Event<'_>) {
        let (app, category, action_type, operation) = event.habit;
        let (place, number) = event.from;
        let agent = self.draw.one(&AGENTS);
        let kind = if category.contains("MEMBER") { 23 } else { 2 };
        let objects: Vec<Value> = event
            .object
            .iter()
            .map(|name| json!({ "objType": kind, "role": 1, "name": name, "id": name.to_lowercase() }))
            .collect();
        let mut record = json!({
            "_id": format!("demo-{:05}", self.records.len() + 1),
            "timestamp": event.at,
            "appId": app,
            "appName": app_name(app),
            "eventTypeName": format!("EVENT_CATEGORY_{category}"),
            "eventTypeValue": action_type,
            "user": { "userName": event.who.name() },
            "device": { "clientIP": place.address(number), "userAgent": agent },
            "mainInfo": {
                "rawOperationName": operation,
                "eventObjects": objects,
                "activityResult": { "isSuccess": !event.failed },
            },
            "eventRouting": { "adminEvent": event.administrative },
        });
        if !place.country.is_empty() {
            record["device"]["countryCode"] = json!(place.country);
            record["location"] = json!({
                "countryCode": place.country,
                "city": place.city,
                "latitude": place.latitude,
                "longitude": place.longitude,
            });
        }
        self.records.push(record);
    }
}
