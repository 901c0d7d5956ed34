//! Files as they come in, change and go, and the alerts that policies make of them.

use serde_json::{Value, json};

use super::{LIST, alerts_of, create};
use crate::harness::{ADMINISTRATOR, Casbah, Database, Options, Session};

/// The harness's clock stands at 2026-11-23T12:00:00Z.
const NOON: i64 = 1_795_435_200_000;
const DAY: i64 = 86_400_000;
const EXTERNAL: i64 = 2;

fn file(name: &str, level: i64) -> Value {
    json!({ "id": name, "name": name, "appId": 10489, "fileAccessLevel": level, "ownerAddress": ADMINISTRATOR,
        "modifiedDate": NOON - DAY })
}

fn ingest(caller: &Session, records: &[Value]) {
    let lines: Vec<String> = records.iter().map(Value::to_string).collect();
    let headers = [("content-type", "application/x-ndjson")];
    let answer = caller.send("POST", "/api/v1/files/ingest/", &headers, lines.join("\n").as_bytes()).ok();
    assert_eq!(answer["rejected"], 0, "{answer}");
}

/// The names of the files that match a policy, by name.
fn matching(caller: &Session, policy: &str) -> Vec<String> {
    let body = json!({ "filters": { "policy": { "cabinetmatchedrulesequals": [policy] } } });
    let found = caller.post("/api/v1/files/", &body).ok();
    let mut names: Vec<String> =
        found["data"].as_array().unwrap().iter().map(|f| f["name"].as_str().unwrap().to_string()).collect();
    names.sort();
    names
}

/// Asks again until these files match the policy.
#[track_caller]
fn until_matching(caller: &Session, policy: &str, names: &[&str]) {
    let mut found = Vec::new();
    for _ in 0..5_000 {
        found = matching(caller, policy);
        if found == names {
            return;
        }
    }
    panic!("{found:?} match, not {names:?}");
}

/// Makes a policy that finds sentinels.
fn sentinels(caller: &Session) -> String {
    let filters = json!({ "extension": { "eq": "sentinel" } });
    create(caller, &json!({ "name": "Sentinels", "type": "FILE", "filters": filters, "dailyAlertLimit": 0 }))
}

/// Waits until every file that was taken in before has been looked at: what waits is looked at together.
fn settle(caller: &Session, sentinels: &str) {
    let before = alerts_of(caller, sentinels).len();
    ingest(caller, &[file(&format!("{before}.sentinel"), 0)]);
    for _ in 0..5_000 {
        if alerts_of(caller, sentinels).len() > before {
            return;
        }
    }
    panic!("the sentinel raised no alert");
}

both! {
    /// One alert for each file that comes to match; what no longer matches is found no longer, and what matches again is new.
    fn files_that_match_are_alerts(casbah: &Casbah) {
        let caller = casbah.application();
        ingest(&caller, &[file("a.xlsx", EXTERNAL), file("b.xlsx", 0), file("c.pdf", 4)]);
        let mut trashed = file("d.xlsx", EXTERNAL);
        trashed["fileStatus"] = json!(1);
        ingest(&caller, &[trashed]);
        let filters = json!({ "sharing": { "eq": [2, 3, 4] }, "folder": { "eq": false } });
        let body = json!({ "name": "Shared outside", "type": "file", "severity": "high", "description": "Ask the owner.",
            "filters": filters, "dailyAlertLimit": 0 });
        let policy = create(&caller, &body);
        // What was there before the policy is found.
        until_matching(&caller, &policy, &["a.xlsx", "c.pdf"]);
        let alerts = alerts_of(&caller, &policy);
        assert_eq!(alerts.len(), 2, "{alerts:#?}");
        let first = alerts.iter().find(|a| a["description"].as_str().unwrap().contains("a.xlsx")).unwrap();
        assert_eq!((&first["title"], &first["idValue"], &first["severityValue"]), (&json!("Shared outside"), &json!(15_728_642), &json!(2)));
        assert_eq!((&first["policy"]["policyType"], &first["stories"]), (&json!("FILE"), &json!([3])));
        assert!(first["description"].as_str().unwrap().ends_with("shared with others outside the organization. Ask the owner."), "{first:#}");
        let one = caller.post("/api/v1/files/", &json!({ "filters": { "filename": { "eq": "a.xlsx" } } })).ok()["data"][0].clone();
        let entities = first["entities"].as_array().unwrap();
        assert!(entities.iter().any(|e| e["type"] == "file" && e["id"] == one["_id"] && e["label"] == "a.xlsx"), "{first:#}");
        assert!(entities.iter().any(|e| e["type"] == "service" && e["id"] == 10489));
        assert!(entities.iter().any(|e| e["type"] == "account" && e["label"] == ADMINISTRATOR));
        let about = json!({ "filters": { "entity.file": { "eq": one["_id"] } } });
        assert_eq!(caller.post("/api/v1/alerts/", &about).ok()["data"][0]["_id"], first["_id"]);
        let record = caller.get(&format!("{LIST}FILE/{policy}/")).ok();
        assert_eq!((&record["type"], &record["filters"], &record["aggregateAlerts"], &record["alertsCount"]),
            (&json!("FILE"), &filters, &json!(false), &json!(2)));

        // What comes in is found; told again, or changed in something else, it is nothing new.
        let sentinel = sentinels(&caller);
        ingest(&caller, &[file("e.docx", EXTERNAL), file("f.docx", 1)]);
        ingest(&caller, &[file("e.docx", EXTERNAL)]);
        let mut larger = file("e.docx", EXTERNAL);
        larger["fileSize"] = json!(5);
        ingest(&caller, &[larger]);
        settle(&caller, &sentinel);
        assert_eq!(matching(&caller, &policy), ["a.xlsx", "c.pdf", "e.docx"]);
        assert_eq!(alerts_of(&caller, &policy).len(), 3);
        let unmatched = json!({ "filters": { "policy": { "isset": false } }, "sortDirection": "asc" });
        assert_eq!(caller.post("/api/v1/files/", &unmatched).ok()["total"], 2);
        assert_eq!(caller.post("/api/v1/files/count/", &json!({ "filters": { "policy": { "neq": [policy] } } })).text(), "3");

        // No longer shared, deleted, shared again.
        let mut deleted = file("c.pdf", 4);
        deleted["fileStatus"] = json!(2);
        ingest(&caller, &[file("a.xlsx", 0), deleted]);
        settle(&caller, &sentinel);
        assert_eq!(matching(&caller, &policy), ["e.docx"]);
        assert_eq!(alerts_of(&caller, &policy).len(), 3, "alerts stay");
        ingest(&caller, &[file("a.xlsx", EXTERNAL)]);
        settle(&caller, &sentinel);
        assert_eq!(matching(&caller, &policy), ["a.xlsx", "e.docx"]);
        assert_eq!(alerts_of(&caller, &policy).len(), 4);

        // Disabled, it finds nothing new, and loses what matches no longer; enabled, it makes up for it.
        caller.post(&format!("{LIST}{policy}/disable/"), &json!({})).ok();
        ingest(&caller, &[file("g.docx", EXTERNAL), file("a.xlsx", 0)]);
        settle(&caller, &sentinel);
        assert_eq!(matching(&caller, &policy), ["e.docx"]);
        caller.post(&format!("{LIST}{policy}/enable/"), &json!({})).ok();
        until_matching(&caller, &policy, &["e.docx", "g.docx"]);
        assert_eq!(alerts_of(&caller, &policy).len(), 5);
        // A record sent back as it came changes nothing.
        let mut record = caller.get(&format!("{LIST}{policy}/")).ok();
        let same = caller.post(&format!("{LIST}{policy}/update_rule/"), &record).ok();
        assert_eq!(same["lastModified"], record["lastModified"]);
        // Changed, it looks at everything again.
        record["filters"] = json!({ "extension": { "eq": ["xlsx", "docx"] }, "sharing": { "eq": 0 } });
        caller.post(&format!("{LIST}{policy}/update_rule/"), &record).ok();
        until_matching(&caller, &policy, &["a.xlsx", "b.xlsx"]);
        assert_eq!(alerts_of(&caller, &policy).len(), 7);
        // Deleted, it is forgotten, and its alerts stay.
        caller.delete(&format!("{LIST}{policy}/")).ok();
        assert!(matching(&caller, &policy).is_empty());
        assert_eq!(alerts_of(&caller, &policy).len(), 7);
    }

    /// Files that are found at once come in one alert where that is asked for; a day has no more alerts than it may.
    fn alerts_can_be_few(casbah: &Casbah) {
        let caller = casbah.application();
        let some: Vec<Value> = (0..7).map(|n| file(&format!("{n}.csv"), EXTERNAL)).collect();
        ingest(&caller, &some);
        let body = |name: &str, together: bool, limit: Value| json!({ "name": name, "type": "FILE", "dailyAlertLimit": limit,
            "filters": { "sharing": { "eq": "EXTERNAL" } }, "aggregateAlerts": together });
        let all = ["0.csv", "1.csv", "2.csv", "3.csv", "4.csv", "5.csv", "6.csv"];
        let together = create(&caller, &body("Together", true, json!(0)));
        let each = create(&caller, &body("Each", false, json!(2)));
        let usual = create(&caller, &body("Usual", false, Value::Null));
        for policy in [&together, &each, &usual] {
            until_matching(&caller, policy, &all);
        }
        assert_eq!((alerts_of(&caller, &each).len(), alerts_of(&caller, &usual).len()), (2, 5));
        let one = alerts_of(&caller, &together);
        assert_eq!(one.len(), 1, "{one:#?}");
        let named = one[0]["entities"].as_array().unwrap().iter().filter(|e| e["type"] == "file").count();
        assert_eq!(named, 7);
        assert!(one[0]["description"].as_str().unwrap().starts_with("7 files: "), "{one:#?}");

        // What a policy on files cannot say is refused, and named.
        for (field, more) in [
            ("filters", json!({ "filters": { "policy": { "isset": true } } })),
            ("filters", json!({ "filters": { "nothing": { "eq": 1 } } })),
            ("filters", json!({ "filters": { "modifiedDate": { "gte_ndays": "soon" } } })),
            ("repetition", json!({ "repetition": { "minimum": 4, "withinMinutes": 10 } })),
            ("travel", json!({ "travel": { "kilometres": 4 } })),
            ("actions", json!({ "actions": [{ "task_name": "TrashFileTask" }] })),
        ] {
            let mut wrong = body("Wrong", false, json!(0));
            wrong.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let refused = caller.post("/api/v1/policies/create_rule/", &wrong).refused(400);
            assert!(refused[field].is_array(), "{field}: {refused}");
        }
        let audit = json!({ "name": "Wrong", "type": "AUDIT", "filters": {}, "aggregateAlerts": true });
        let refused = caller.post("/api/v1/policies/create_rule/", &audit).refused(400);
        assert!(refused["aggregateAlerts"].is_array(), "{refused}");
    }
}

/// Whatever is taken in is looked at, once, also when the node dies at once; and what comes to match only because
/// time goes by is found within a day.
#[test]
fn a_node_that_dies_misses_no_file_and_finds_none_twice() {
    let mut casbah = Casbah::start(Database::sqlite());
    let body = json!({ "name": "Outside", "type": "FILE", "filters": { "sharing": { "eq": 2 } }, "dailyAlertLimit": 0 });
    let policy = create(&casbah.application(), &body);
    let mut name = 0;
    for _ in 0..4 {
        let some: Vec<Value> = (0..300).map(|n| file(&format!("{}.bin", name + n), EXTERNAL)).collect();
        name += some.len();
        ingest(&casbah.application(), &some);
        casbah = casbah.kill_and_restart();
    }
    // The round of a second policy is interrupted, too.
    let body = json!({ "name": "Old", "type": "FILE", "dailyAlertLimit": 0,
        "filters": { "modifiedDate": { "lte_ndays": 3 }, "fileId": { "eq": ["7.bin", "8.bin"] } } });
    let old = create(&casbah.application(), &body);
    casbah = casbah.kill_and_restart();
    let total = |caller: &Session, policy: &str| {
        let body = json!({ "filters": { "entity.policy": { "eq": policy } }, "limit": 1 });
        caller.post("/api/v1/alerts/", &body).ok()["total"].as_u64().unwrap() as usize
    };
    let count = |caller: &Session, policy: &str| {
        let body = json!({ "filters": { "policy": { "cabinetmatchedrulesequals": policy } } });
        caller.post("/api/v1/files/count/", &body).text().parse::<usize>().unwrap()
    };
    let caller = casbah.application();
    assert!((0..5_000).any(|_| count(&caller, &policy) == name), "{} match", count(&caller, &policy));
    assert_eq!(total(&caller, &policy), name);
    assert_eq!(count(&caller, &old), 0, "they are a day old");
    drop(caller);
    let clock = "2026-11-26T12:00:00Z".to_string();
    casbah = casbah.kill_and_restart_with(&Options { clock, ..Options::default() });
    let caller = casbah.application();
    until_matching(&caller, &old, &["7.bin", "8.bin"]);
    assert_eq!((total(&caller, &old), total(&caller, &policy)), (2, name));
}
