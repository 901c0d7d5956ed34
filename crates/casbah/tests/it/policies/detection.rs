//! Activities as they arrive, and the alerts that policies make of them.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{alerts_of, create};
use crate::harness::{ADMINISTRATOR, Casbah, Database, Session};

/// The harness's clock stands at 2026-11-23T12:00:00Z; activities happened before.
const NOON: i64 = 1_795_435_200_000;
const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;
const LOGIN: &str = "EVENT_CATEGORY_LOGIN";
const FAILED: &str = "EVENT_CATEGORY_FAILED_LOGIN";
const DOWNLOAD: &str = "EVENT_CATEGORY_DOWNLOAD_FILE";
/// The app of a sentinel.
const SENTINEL: i64 = 14_509;

pub(crate) fn activity(user: &str, category: &str, at: i64) -> Value {
    json!({
        "_id": format!("{user} {category} {at}"), "timestamp": at, "appId": 20893, "eventTypeName": category,
        "user": { "userName": format!("{user}@lagoon.example") }, "device": { "clientIP": "198.51.100.7" },
    })
}

pub(crate) fn ingest(caller: &Session, records: &[Value]) {
    let lines: Vec<String> = records.iter().map(Value::to_string).collect();
    let headers = [("content-type", "application/x-ndjson")];
    let answer =
        caller.send("POST", "/api/v1/activities/ingest/", &headers, lines.join("\n").as_bytes()).ok();
    assert_eq!(answer["stored"], records.len(), "{answer}");
}

/// Makes a policy that finds sentinels.
pub(crate) fn sentinels(caller: &Session) -> String {
    create(
        caller,
        &json!({ "name": "Sentinels", "type": "AUDIT", "filters": { "service": { "eq": SENTINEL } }, "dailyAlertLimit": 0 }),
    )
}

/// Waits until everything that was taken in before has been looked at: activities of a tenant are looked at in
/// the order of time, and the sentinel is the last.
pub(crate) fn settle(caller: &Session, sentinels: &str) {
    let before = alerts_of(caller, sentinels).len();
    let mut last = activity("sentinel", LOGIN, NOON + DAY + before as i64);
    last["appId"] = json!(SENTINEL);
    last["device"]["clientIP"] = Value::Null;
    ingest(caller, &[last]);
    for _ in 0..5_000 {
        if alerts_of(caller, sentinels).len() > before {
            return;
        }
    }
    panic!("the sentinel raised no alert");
}

fn ids(activities: &[Value]) -> Vec<&str> {
    activities.iter().map(|a| a["_id"].as_str().unwrap()).collect()
}

fn found(caller: &Session, filters: &Value) -> Vec<Value> {
    let body = json!({ "filters": filters, "sortDirection": "asc" });
    caller.post("/api/v1/activities/", &body).ok()["data"].as_array().unwrap().clone()
}

fn named(caller: &Session, name: &str) -> String {
    let all = caller.get("/api/v1/policies/?limit=100").ok();
    let found = all["data"].as_array().unwrap().iter().find(|p| p["name"] == name);
    found.unwrap_or_else(|| panic!("no policy {name}"))["_id"].as_str().unwrap().to_string()
}

both! {
    /// One alert for each activity that fits, which lead to each other; no more a day than the policy may raise.
    fn each_activity_that_fits_is_an_alert(casbah: &Casbah) {
        let caller = casbah.application();
        let sentinel = sentinels(&caller);
        let policy = create(&caller, &json!({
            "name": "Mira downloads", "type": "AUDIT", "severity": "high", "description": "Ask her.",
            "filters": { "user.username": { "eq": "mira@lagoon.example" }, "activity.eventType": { "eq": DOWNLOAD } },
            "dailyAlertLimit": 2,
        }));
        let mira: Vec<Value> = (0..3).map(|n| activity("mira", DOWNLOAD, NOON - 3 * DAY + n * DAY)).collect();
        ingest(&caller, &mira);
        ingest(&caller, &[activity("mira", LOGIN, NOON), activity("olaf", DOWNLOAD, NOON)]);
        settle(&caller, &sentinel);

        let alerts = alerts_of(&caller, &policy);
        assert_eq!(alerts.len(), 2, "the limit of a day");
        let of_policy = found(&caller, &json!({ "policy": { "eq": policy } }));
        assert_eq!(ids(&of_policy), ids(&mira), "what came after the limit is known all the same");
        let unmatched = found(&caller, &json!({ "policy": { "isset": false }, "user.username": { "eq": "mira@lagoon.example" } }));
        assert_eq!(unmatched.len(), 1);
        for activity in &of_policy[..2] {
            // Both were raised at the same moment, so that their order says nothing.
            let alert = alerts.iter().find(|alert| alert["audits"] == json!([activity["_id"]])).unwrap();
            assert_eq!(activity["alertIds"], json!([alert["_id"]]));
            assert_eq!(activity["policies"], json!([policy]));
            let id = &alert["_id"];
            assert_eq!(found(&caller, &json!({ "activity.alertId": { "eq": id } })), std::slice::from_ref(activity));
            assert_eq!(alert["title"], "Mira downloads");
            assert_eq!((&alert["severityValue"], &alert["policy"]["policyType"]), (&json!(2), &json!("AUDIT")));
            assert!(alert["description"].as_str().unwrap().ends_with("Ask her."));
            let entities = alert["entities"].as_array().unwrap();
            let has = |kind: &str, label: &str| entities.iter().any(|e| e["type"] == kind && e["label"] == label);
            assert!(has("account", "mira@lagoon.example") && has("ip", "198.51.100.7") && has("policyRule", "Mira downloads"));
            assert!(entities.iter().any(|e| e["type"] == "service" && e["id"] == 20893));
        }
        assert_eq!(of_policy[2]["alertIds"], json!([]));
        let hers = json!({ "filters": { "entity.user": { "eq": "mira@lagoon.example" } } });
        assert_eq!(caller.post("/api/v1/alerts/", &hers).ok()["total"], 2);
    }

    /// A burst is one alert, in whatever order and however many at once it comes in; what others do, and what is
    /// spread out, is none.
    fn repeated_activities_are_one_alert(casbah: &Casbah) {
        let caller = casbah.application();
        let sentinel = sentinels(&caller);
        let body = |name: &str, single: bool| json!({
            "name": name, "type": "AUDIT", "filters": { "activity.eventType": { "eq": DOWNLOAD } },
            "repetition": { "minimum": 4, "withinMinutes": 10, "inSingleApp": single },
        });
        let any_app = create(&caller, &body("Four downloads", false));
        let one_app = create(&caller, &body("Four downloads of one app", true));
        let at = |user: &str, minute: i64| activity(user, DOWNLOAD, NOON - DAY + minute * MINUTE);
        // Backwards, one after the other; then more of the same.
        for minute in [9, 6, 3, 0] {
            ingest(&caller, &[at("mira", minute)]);
        }
        ingest(&caller, &[at("mira", 12), at("mira", 15)]);
        // All at once, in two apps.
        let mut mixed: Vec<Value> = (0..4).map(|n| at("olaf", n)).collect();
        mixed[0]["appId"] = json!(15600);
        ingest(&caller, &mixed);
        // Too far apart, and of two people.
        let few: Vec<Value> = (0..6).map(|n| at("spread", n * 4)).collect();
        ingest(&caller, &few);
        ingest(&caller, &[at("one", 1), at("two", 1), at("three", 1), at("one", 2), at("two", 2)]);
        settle(&caller, &sentinel);

        let alerts = alerts_of(&caller, &any_app);
        assert_eq!(alerts.len(), 2, "{alerts:#?}");
        let of = |user: &str| alerts.iter().find(|a| a["description"].as_str().unwrap().starts_with(user));
        assert_eq!(of("mira").unwrap()["audits"].as_array().unwrap().len(), 6);
        assert_eq!(of("olaf").unwrap()["audits"].as_array().unwrap().len(), 4);
        assert!(of("mira").unwrap()["description"].as_str().unwrap().contains("4 activities within 10 minutes"));
        let alerts = alerts_of(&caller, &one_app);
        assert_eq!(alerts.len(), 1);
        assert!(alerts[0]["description"].as_str().unwrap().starts_with("mira"));
    }

    /// What Casbah itself records is looked at like everything else; what a disabled policy would find is not.
    fn the_audit_trail_is_looked_at(casbah: &Casbah) {
        let caller = casbah.application();
        let sentinel = sentinels(&caller);
        let filters = json!({ "actionType": { "eq": "EVENT_CASBAH_CREATE_IP_RANGE" } });
        let policy = create(&caller, &json!({ "name": "New ranges", "type": "AUDIT", "filters": filters }));
        let off = create(&caller, &json!({ "name": "Not looked at", "type": "AUDIT", "filters": filters, "enabled": false }));
        let range = json!({ "name": "Office", "category": 1, "subnets": ["192.0.2.0/24"] });
        caller.post("/api/v1/subnet/create_rule/", &range).ok();
        settle(&caller, &sentinel);
        let alerts = alerts_of(&caller, &policy);
        assert_eq!(alerts.len(), 1);
        assert!(alerts[0]["description"].as_str().unwrap().contains("create IP range"));
        assert_eq!(alerts_of(&caller, &off).len(), 0);

        // An administrator gives somebody a role: that is worth an alert, and only while it is wanted.
        let new_administrator = named(&caller, "New administrator");
        let administrator = casbah.user(ADMINISTRATOR);
        let body = |role: &str| json!({ "username": crate::harness::READER, "role": role });
        administrator.post("/api/v1/manage_admin_access/", &body("security-reader")).ok();
        settle(&caller, &sentinel);
        assert_eq!(alerts_of(&caller, &new_administrator).len(), 1);
        caller.post(&format!("/api/v1/policies/{new_administrator}/disable/"), &json!({})).ok();
        administrator.post("/api/v1/manage_admin_access/", &body("compliance")).ok();
        settle(&caller, &sentinel);
        assert_eq!(alerts_of(&caller, &new_administrator).len(), 1);
    }

    /// Each built-in detection finds what its description says, and nothing in what only looks like it.
    fn built_in_detections_find_what_they_say(casbah: &Casbah) {
        let caller = casbah.application();
        let sentinel = sentinels(&caller);
        for (name, category, tag, subnet) in [
            ("Proxy", 6, "Anonymous proxy", "203.0.113.0/28"),
            ("Bots", 6, "Botnet", "203.0.113.16/28"),
            ("Bad", 3, "", "203.0.113.32/28"),
            ("Tunnel", 4, "", "203.0.113.48/28"),
        ] {
            let tags = if tag.is_empty() { json!([]) } else { json!([tag]) };
            let body = json!({ "name": name, "category": category, "subnets": [subnet], "tags": tags });
            caller.post("/api/v1/subnet/create_rule/", &body).ok();
        }
        let at = |user: &str, category: &str, minutes: i64| activity(user, category, NOON - DAY + minutes * MINUTE);
        let many = |user: &str, category: &str, count: i64, apart: i64| -> Vec<Value> {
            (0..count).map(|n| activity(user, category, NOON - DAY + n * apart)).collect()
        };
        let from = |user: &str, address: &str, minutes: i64| {
            let mut record = at(user, LOGIN, minutes);
            record["device"]["clientIP"] = json!(address);
            record
        };
        let place = |user: &str, address: &str, minutes: i64, (latitude, longitude): (f64, f64)| {
            let mut record = from(user, address, minutes);
            record["location"] = json!({ "latitude": latitude, "longitude": longitude, "city": address });
            record
        };
        let did = |user: &str, operation: &str, days_ago: i64| {
            let mut record = activity(user, "EVENT_CATEGORY_UNSPECIFIED", NOON - days_ago * DAY);
            record["_id"] = json!(format!("{user} {operation} {days_ago}"));
            record["eventTypeValue"] = json!(operation);
            record
        };
        let failed = |mut record: Value| {
            record["mainInfo"] = json!({ "activityResult": { "isSuccess": false } });
            record
        };
        let (oslo, singapore) = ((59.91, 10.75), (1.35, 103.82));
        let add = "EVENT_ADD_SERVICE_PRINCIPAL_CREDENTIALS_";
        let raised: Vec<(&str, Vec<Value>)> = vec![
            ("Multiple failed log-ons", many("guess", FAILED, 10, 29_000)),
            ("Mass download by a single user", many("taker", DOWNLOAD, 30, 9_000)),
            ("Mass delete by a single user", many("wiper", "EVENT_CATEGORY_DELETE_OBJECT", 30, 9_000)),
            ("Activity from an anonymous IP address", vec![from("hidden", "203.0.113.1", 0), from("hidden", "203.0.113.1", 5)]),
            ("Activity from a risky IP address", vec![from("bot", "203.0.113.17", 0), from("bot", "203.0.113.33", 1)]),
            ("Impossible travel activity", vec![place("flyer", "192.0.2.1", 0, oslo), place("flyer", "192.0.2.2", 60, singapore)]),
            ("New administrator", vec![did("boss", "EVENT_ADD_MEMBER_TO_ROLE_", 1)]),
            ("Unusual addition of credentials to an application", vec![did("intruder", add, 1)]),
        ];
        let silent = vec![
            many("typist", FAILED, 9, 29_000),
            many("slow", FAILED, 10, 60_000),
            many("reader", DOWNLOAD, 29, 9_000),
            many("tidy", "EVENT_CATEGORY_DELETE_OBJECT", 30, 20_000),
            vec![from("office", "192.0.2.7", 0)],
            // A flight; a VPN; a failure; and nobody knows where.
            vec![place("guest", "192.0.2.1", 0, oslo), place("guest", "192.0.2.2", 14 * 60, singapore)],
            vec![place("home", "192.0.2.1", 0, oslo), place("home", "203.0.113.49", 60, singapore)],
            vec![place("victim", "192.0.2.1", 0, oslo), failed(place("victim", "192.0.2.2", 60, singapore))],
            vec![from("vague", "192.0.2.1", 0), from("vague", "192.0.2.2", 60)],
            vec![failed(did("almost", "EVENT_ADD_MEMBER_TO_ROLE_", 1))],
            // Has done it before; and early on there is nothing to compare with.
            vec![did("keeper", add, 60), did("keeper", add, 2), did("early", add, 59)],
        ];
        // The quiet ones first: a week of them is what the rest is compared with.
        for records in silent.iter().chain(raised.iter().map(|(_, records)| records)) {
            ingest(&caller, records);
        }
        settle(&caller, &sentinel);
        let mut expected: HashMap<&str, usize> = raised.iter().map(|(name, _)| (*name, 1)).collect();
        // The two addresses of the bot are two findings.
        expected.insert("Activity from a risky IP address", 2);
        for (name, records) in &raised {
            let alerts = alerts_of(&caller, &named(&caller, name));
            assert_eq!(alerts.len(), expected[name], "{name}: {alerts:#?}");
            let activities: usize = alerts.iter().map(|a| a["audits"].as_array().unwrap().len()).sum();
            assert_eq!(activities, records.len(), "{name}");
            assert!(alerts.iter().all(|a| a["policy"]["policyType"] == "ANOMALY_DETECTION" && a["title"] == *name));
        }
        let travel = alerts_of(&caller, &named(&caller, "Impossible travel activity"));
        assert_eq!(travel[0]["idValue"], 15_859_716);
        assert!(travel[0]["description"].as_str().unwrap().contains("within 60 minutes"), "{travel:#?}");
        let all = caller.post("/api/v1/alerts/", &json!({ "filters": { "entity.policy": { "neq": [sentinel] } } })).ok();
        assert_eq!(all["total"], expected.values().sum::<usize>(), "{all:#}");
    }
}

/// Whatever is taken in is looked at, once, also when the node dies at once.
#[test]
fn a_node_that_dies_misses_nothing_and_finds_nothing_twice() {
    let mut casbah = Casbah::start(Database::sqlite());
    let sentinel = sentinels(&casbah.application());
    let body = json!({
        "name": "Downloads", "type": "AUDIT", "filters": { "activity.eventType": { "eq": DOWNLOAD } }, "dailyAlertLimit": 0,
    });
    let policy = create(&casbah.application(), &body);
    for round in 0..5 {
        let records: Vec<Value> =
            (0..300).map(|n| activity("mira", DOWNLOAD, NOON - DAY + round * 1_000 + n)).collect();
        ingest(&casbah.application(), &records);
        casbah = casbah.kill_and_restart();
    }
    let caller = casbah.application();
    settle(&caller, &sentinel);
    let body = json!({ "filters": { "entity.policy": { "eq": policy } }, "limit": 100 });
    assert_eq!(caller.post("/api/v1/alerts/", &body).ok()["total"], 1_500);
    let matched = json!({ "filters": { "policy": { "eq": policy } } });
    assert_eq!(caller.post("/api/v1/activities/", &matched).ok()["total"], 1_500);
}
