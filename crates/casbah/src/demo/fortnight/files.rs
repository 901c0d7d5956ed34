//! What lies in the apps of the company: folders of departments, what people keep for themselves, and what they
//! share with other companies or with everybody.

use casbah_model::Timestamp;
use casbah_model::activity::app_name;
use serde_json::{Value, json};

use super::midnight;
use super::people::{PEOPLE, Person};
use crate::demo::draw::Draw;
use crate::demo::world;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
/// So many days before the fortnight the oldest files were made.
const OLDEST: u64 = 400;

const SHAREPOINT: i64 = 20_892;
const ONEDRIVE: i64 = 15_600;
const BOX: i64 = 10_489;
const DROPBOX: i64 = 11_627;

/// A department: its folder, the group that reads it, and what lies there.
type Department = (&'static str, &'static str, &'static [&'static str]);

const DEPARTMENTS: [Department; 5] = [
    ("Finance", "Finance", &["Budget.xlsx", "Price list.xlsx", "Audit.pdf", "Forecast.xlsx", "Board.pptx"]),
    ("People", "Human resources", &["Salaries.xlsx", "Onboarding.docx", "Holidays.xlsx", "Handbook.pdf"]),
    (
        "Sales",
        "Sales",
        &["Offer Lagoon.docx", "Contract Fabrikam.docx", "Pipeline.xlsx", "Pitch.pptx", "References.docx"],
    ),
    (
        "Engineering",
        "Engineering",
        &["Roadmap.pptx", "Runbook.md", "deploy.yaml", "Architecture.pdf", "incidents.csv", "schema.sql"],
    ),
    (
        "Marketing",
        "Marketing",
        &["Logo.png", "Campaign.pptx", "Booth.jpg", "Press release.docx", "Icons.zip"],
    ),
];

/// What people keep for themselves.
const OWN: [&str; 9] = [
    "Minutes.docx",
    "Notes.txt",
    "Travel.xlsx",
    "Floor plan.pdf",
    "Draft.docx",
    "Team photo.jpg",
    "Questions.md",
    "Backup.zip",
    "Talk.pptx",
];

/// Shared beyond the company: app, name, who owns it, with whom (addresses), and how far (see the access levels).
type Shared = (i64, &'static str, usize, &'static [&'static str], i64);

const SHARED: [Shared; 12] = [
    (BOX, "Offer Lagoon signed.pdf", 4, &["mira.holt@lagoon.example"], 2),
    (BOX, "Plans Lagoon.pptx", 4, &["mira.holt@lagoon.example", "noor.visser@lagoon.example"], 2),
    (BOX, "Contract Fabrikam signed.pdf", 9, &["otto.kranz@fabrikam.example"], 2),
    (BOX, "Deliveries.xlsx", 9, &["otto.kranz@fabrikam.example", "orders@fabrikam.example"], 2),
    (BOX, "Product sheet.pdf", 16, &[], 4),
    (BOX, "Press photo.jpg", 16, &[], 4),
    (DROPBOX, "Salaries copy.xlsx", 3, &["david.duarte@mail.example"], 2),
    (DROPBOX, "Customers.csv", 7, &["hugo@mail.example"], 2),
    (DROPBOX, "Holiday photos.zip", 14, &[], 3),
    (SHAREPOINT, "Tender Fabrikam.docx", 9, &["otto.kranz@fabrikam.example"], 2),
    (SHAREPOINT, "Open positions.docx", 8, &[], 4),
    (ONEDRIVE, "Customer list.xlsx", 12, &["noor.visser@lagoon.example"], 2),
];

/// All of them, as they are taken in: folders before what is in them.
pub(super) fn records(now: Timestamp) -> Vec<Value> {
    let mut told = Told { draw: Draw(0x00ca_5bab_f0a7_0002), now, records: Vec::new() };
    told.departments();
    told.own();
    told.shared();
    told.gone();
    told.records
}

struct Told {
    draw: Draw,
    now: Timestamp,
    records: Vec<Value>,
}

impl Told {
    fn departments(&mut self) {
        for (number, (department, group, names)) in DEPARTMENTS.iter().enumerate() {
            let site = format!("/sites/{}", department.to_lowercase());
            let folder = self.add(
                SHAREPOINT,
                department,
                &PEOPLE[number],
                &json!({ "isFolder": true, "sitePath": site }),
            );
            for name in *names {
                let owner = self.somebody();
                let mut more = json!({ "parentId": folder, "groups": [group], "sitePath": site, "filePath": format!("{site}/{name}"),
                    "collaborators": [{ "id": format!("group-{department}"), "name": group, "type": 2 }] });
                if matches!(*name, "Salaries.xlsx" | "Board.pptx" | "Contract Fabrikam.docx") {
                    more["fTags"] = json!(["Confidential"]);
                }
                self.add(SHAREPOINT, name, owner, &more);
            }
        }
    }

    /// Two or three files of everybody who works there, some of them shared with a colleague.
    fn own(&mut self) {
        for owner in PEOPLE.iter().filter(|person| !person.is_guest()) {
            let folder = self.add(ONEDRIVE, "Documents", owner, &json!({ "isFolder": true }));
            let first = self.draw.below(OWN.len() as u64);
            for step in 0..=1 + self.draw.below(2) {
                let name = OWN[usize::try_from((first + step) % OWN.len() as u64).unwrap_or(0)];
                let mut more = json!({ "parentId": folder });
                if self.draw.below(3) == 0 {
                    let colleague = self.somebody();
                    more["collaborators"] =
                        json!([{ "name": colleague.display_name(), "email": colleague.name(), "role": 2 }]);
                }
                self.add(ONEDRIVE, name, owner, &more);
            }
        }
    }

    fn shared(&mut self) {
        for (app, name, owner, with, level) in SHARED {
            let collaborators: Vec<Value> =
                with.iter().map(|address| json!({ "name": address, "email": address, "role": 3 })).collect();
            let more = json!({ "collaborators": collaborators, "fileAccessLevel": level });
            self.add(app, name, &PEOPLE[owner], &more);
        }
    }

    /// What was thrown away, and what is kept where nobody reaches it.
    fn gone(&mut self) {
        for (name, state, quarantined) in
            [("Old budget.xlsx", 1, false), ("Draft offer.docx", 2, false), ("Passwords.txt", 0, true)]
        {
            let more = json!({ "fileStatus": state, "quarantined": quarantined });
            self.add(ONEDRIVE, name, &PEOPLE[10], &more);
        }
    }

    /// Adds a file and answers its id in the app.
    fn add(&mut self, app: i64, name: &str, owner: &Person, more: &Value) -> String {
        let id = format!("demo-{:04}", self.records.len() + 1);
        let folder = more["isFolder"] == true;
        let created = midnight(self.now, 15 + i64::try_from(self.draw.below(OLDEST)).unwrap_or(0)) + 9 * HOUR;
        let modified = midnight(self.now, 1 + i64::try_from(self.draw.below(14)).unwrap_or(0))
            + 8 * HOUR
            + MINUTE * i64::try_from(self.draw.below(540)).unwrap_or(0);
        let mut record = json!({
            "id": id,
            "appId": app,
            "appName": app_name(app),
            "name": name,
            "fileSize": if folder { 0 } else { 2_000 + self.draw.below(4_000_000) },
            "createdDate": created,
            "modifiedDate": modified,
            "snapshotLastModifiedDate": modified,
            "ownerName": owner.display_name(),
            "ownerAddress": owner.name(),
            "spDomain": world::DOMAIN,
        });
        if let (Value::Object(record), Value::Object(more)) = (&mut record, more) {
            record.extend(more.clone());
        }
        self.records.push(record);
        id
    }

    fn somebody(&mut self) -> &'static Person {
        let people = PEOPLE.iter().filter(|person| !person.is_guest()).count();
        let number = usize::try_from(self.draw.below(people as u64)).unwrap_or(0);
        &PEOPLE[number]
    }
}
