//! The demo's world: what it holds, by the API, and that it is the same on every run.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use serde_json::{Value, json};
use ureq::Agent;

use crate::harness::{agent, casbah};

/// A running `casbah dev`.
struct Dev {
    process: Child,
    agent: Agent,
    facts: Value,
    _folder: tempfile::TempDir,
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Dev {
    fn start(arguments: &[&str]) -> Dev {
        let folder = tempfile::tempdir().unwrap();
        let mut command = casbah();
        command.args(["dev", "--output", "json", "--listen", "127.0.0.1:0", "--test-mode", "--data-dir"]);
        command.arg(folder.path().join("data")).args(arguments).env("HOME", folder.path());
        command.env("CASBAH_CLOCK", "2026-11-23T12:00:00Z");
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut text = String::new();
        let mut lines = BufReader::new(process.stdout.take().unwrap());
        while !text.ends_with("}\n") {
            assert!(lines.read_line(&mut text).unwrap() > 0, "casbah dev ended: {text}");
        }
        let facts: Value = serde_json::from_str(&text).unwrap();
        let agent = agent(std::path::Path::new(facts["ca"].as_str().unwrap()));
        Dev { process, agent, facts, _folder: folder }
    }

    /// The moment at which its clock stands still.
    fn now(&self) -> i64 {
        1_795_435_200_000
    }

    fn get(&self, path: &str) -> Value {
        let url = format!("{}/api/v1/{path}/", self.facts["url"].as_str().unwrap());
        let token = format!("Token {}", self.facts["apiToken"].as_str().unwrap());
        let text = self.agent.get(&url).header("authorization", &token).call().unwrap();
        serde_json::from_str(&text.into_body().read_to_string().unwrap()).unwrap()
    }

    fn list(&self, list: &str, body: &Value) -> Value {
        let url = format!("{}/api/v1/{list}/", self.facts["url"].as_str().unwrap());
        let token = format!("Token {}", self.facts["apiToken"].as_str().unwrap());
        let request = self.agent.post(&url).header("authorization", &token).content_type("application/json");
        let mut answer = request.send(body.to_string()).unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        assert_eq!(answer.status(), 200, "{list}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    fn all(&self, list: &str) -> Vec<Value> {
        let mut all = Vec::new();
        loop {
            let page = self.list(list, &json!({ "skip": all.len(), "limit": 100, "sortDirection": "asc" }));
            all.extend(page["data"].as_array().unwrap().iter().cloned());
            if page["hasNext"] == false {
                return all;
            }
        }
    }
}

fn kinds(records: &[Value], pointer: &str) -> BTreeSet<String> {
    records.iter().filter_map(|r| r.pointer(pointer)).filter(|v| !v.is_null()).map(Value::to_string).collect()
}

/// What stays the same from run to run: ids of alerts do not.
fn told(dev: &Dev) -> (BTreeMap<String, usize>, Vec<String>, Vec<String>) {
    let mut alerts = BTreeMap::new();
    for alert in dev.all("alerts") {
        let key = format!("{} {} {}", alert["title"], alert["severityValue"], alert["resolutionStatusValue"]);
        *alerts.entry(key).or_default() += 1;
    }
    let activities = dev.all("activities");
    let mine = activities.iter().filter(|a| a["appId"] != 20595);
    let mut mine: Vec<String> =
        mine.map(|a| format!("{} {} {}", a["_id"], a["timestamp"], a["eventTypeValue"])).collect();
    mine.sort();
    let files = dev.all("files");
    let files =
        files.iter().map(|f| format!("{} {} {} {}", f["_id"], f["name"], f["modifiedDate"], f["facl"]));
    (alerts, mine, files.collect())
}

#[test]
fn the_world_of_the_demo_has_something_of_everything_and_is_the_same_on_every_run() {
    let dev = Dev::start(&["--world"]);
    let alerts = dev.all("alerts");
    let open: Vec<Value> = alerts.iter().filter(|a| a["resolutionStatusValue"] == 0).cloned().collect();
    assert!(open.len() >= 30, "{} open alerts", open.len());
    assert!(alerts.len() >= open.len() + 3, "some are closed");
    assert!(kinds(&alerts, "/resolutionStatusValue").len() >= 3, "in several ways");
    assert!(kinds(&open, "/severityValue").len() >= 3, "{:?}", kinds(&open, "/severityValue"));
    assert!(kinds(&open, "/policy/label").len() >= 4, "{:?}", kinds(&open, "/policy/label"));
    let entities: Vec<Value> = open.iter().flat_map(|a| a["entities"].as_array().unwrap().clone()).collect();
    let services: Vec<Value> = entities.into_iter().filter(|e| e["type"] == "service").collect();
    assert!(kinds(&services, "/label").len() >= 6, "{:?}", kinds(&services, "/label"));

    let activities: Vec<Value> = dev.all("activities").into_iter().filter(|a| a["appId"] != 20595).collect();
    assert!(activities.len() >= 500, "{} activities", activities.len());
    for (pointer, least) in [
        ("/eventTypeName", 10),
        ("/appId", 8),
        ("/device/countryCode", 6),
        ("/userAgent/deviceType", 3),
        ("/user/userName", 20),
        ("/location/categoryValue", 3),
    ] {
        assert!(kinds(&activities, pointer).len() >= least, "{pointer}: {:?}", kinds(&activities, pointer));
    }
    let guests = kinds(&activities, "/user/userName").iter().filter(|n| !n.contains("contoso")).count();
    assert_eq!(guests, 3);
    assert_eq!(dev.list("subnet", &json!({}))["total"], 4);
    let people = dev.list("entities", &json!({ "filters": { "type": { "eq": "user" } }, "limit": 100 }));
    let people = people["data"].as_array().unwrap();
    assert!(people.len() >= 20, "{} people", people.len());
    for (field, least) in [("isAdmin", 2), ("isExternal", 3)] {
        let (yes, no) = people.iter().partition::<Vec<&Value>, _>(|person| person[field] == true);
        assert!(yes.len() >= least && no.len() >= 10, "{field}: {} and {}", yes.len(), no.len());
    }
    let accounts =
        dev.list("entities", &json!({ "filters": { "type": { "eq": "account" } } }))["total"].as_i64();
    assert!(accounts >= Some(40), "{accounts:?}");
    files_of_the_company(&dev);
    assert_eq!(told(&dev), told(&Dev::start(&["--world"])));
}

fn files_of_the_company(dev: &Dev) {
    let files = dev.all("files");
    assert!(files.len() >= 60, "{} files", files.len());
    for (pointer, least) in [
        ("/fileType/1", 7),
        ("/fileAccessLevel/1", 5),
        ("/appName", 4),
        ("/ownerAddress", 15),
        ("/fTags/0", 1),
    ] {
        assert!(kinds(&files, pointer).len() >= least, "{pointer}: {:?}", kinds(&files, pointer));
    }
    let now = dev.now();
    for file in &files {
        let (made, changed) = (file["createdDate"].as_i64().unwrap(), file["modifiedDate"].as_i64().unwrap());
        assert!(made < changed && (now - 15 * 86_400_000..now).contains(&changed), "{file}");
    }
    let total = |filters: Value| dev.list("files", &json!({ "filters": filters }))["total"].as_i64().unwrap();
    let outside = json!({ "collaborators.domains": { "eq": ["lagoon.example", "fabrikam.example"] } });
    assert!(total(outside) >= 5);
    // People are found by all their accounts.
    let owner = json!({ "owner.username": { "eq": "anna.berg@contoso.example" } });
    assert!(total(owner) >= 3);
    assert_eq!(total(json!({ "trashed": { "eq": true } })), 1);
    assert_eq!(total(json!({ "quarantined": { "eq": true } })), 1);
    // Each file lies in a folder that is there.
    let inside = files.iter().find(|file| file["name"] == "Salaries.xlsx").unwrap();
    let above = dev.get(&format!("files/{}/effective_parents", inside["_id"].as_str().unwrap()));
    assert_eq!(above["data"][0]["name"], "People", "{above}");
}

#[test]
fn without_being_asked_a_stand_in_is_empty() {
    let dev = Dev::start(&[]);
    assert_eq!(dev.list("alerts", &json!({}))["total"], 0);
    assert_eq!(dev.list("subnet", &json!({}))["total"], 0);
    assert_eq!(dev.list("files", &json!({}))["total"], 0);
    let body = json!({ "filters": { "service": { "neq": [20595] } } });
    assert_eq!(dev.list("activities", &body)["total"], 0);
}
