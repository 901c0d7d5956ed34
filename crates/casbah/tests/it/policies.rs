//! Policies: what tenants set is what raises alerts.

mod detection;
mod files;

use serde_json::{Value, json};

use crate::discovery::{sample, stream, stream_id, upload};
use crate::harness::{CLIENT_SECRET, Casbah, OTHER_CLIENT, OTHER_TENANT, Session};

const LIST: &str = "/api/v1/policies/";
const CREATE: &str = "/api/v1/policies/create_rule/";

/// Makes a policy; its id.
#[track_caller]
pub(crate) fn create(caller: &Session, body: &Value) -> String {
    caller.post(CREATE, body).ok()["_id"].as_str().expect("an id").to_string()
}

pub(crate) fn alerts_of(caller: &Session, policy: &str) -> Vec<Value> {
    let body = json!({ "filters": { "entity.policy": { "eq": policy } }, "sortDirection": "asc" });
    caller.post("/api/v1/alerts/", &body).ok()["data"].as_array().unwrap().clone()
}

fn all(caller: &Session) -> Vec<Value> {
    caller.get(LIST).ok()["data"].as_array().unwrap().clone()
}

both! {
    /// A policy of the tenant's own raises alerts, as many a day as it may; a disabled one raises none.
    fn policies_on_new_apps_do_as_they_are_told(casbah: &Casbah) {
        let caller = casbah.application();
        for policy in all(&caller) {
            caller.post(&format!("{LIST}{}/disable/", policy["_id"].as_str().unwrap()), &json!({})).ok();
        }
        let body = |name: &str, filters: Value, limit: i64| json!({
            "name": name, "type": "NEW_SERVICE", "severity": 2, "filters": filters, "dailyAlertLimit": limit,
        });
        let any = create(&caller, &body("Anything new", json!({}), 0));
        let two = create(&caller, &body("Two of them", json!({}), 2));
        let storage = create(&caller, &body("Storage", json!({ "category": { "eq": "CLOUD_STORAGE" } }), 0));
        let huge = create(&caller, &body("Huge", json!({ "trafficTotalBytes": { "gt": 10_000_000_000_000_i64 } }), 0));

        stream(&caller, "Office", 155);
        let task = upload(&caller, &sample("SQUID_NATIVE.log"), "a.log", "SQUID_NATIVE", "Office", false);
        let apps = task["figures"]["apps"].as_u64().unwrap() as usize;
        assert!(apps > 3, "{task}");
        let found = alerts_of(&caller, &any);
        assert_eq!(found.len(), apps);
        assert!(found.iter().all(|a| a["severityValue"] == 2 && a["policy"]["label"] == "Anything new"));
        assert_eq!(alerts_of(&caller, &two).len(), 2);
        let stored = alerts_of(&caller, &storage);
        assert!(!stored.is_empty() && stored.len() < apps);
        assert_eq!(alerts_of(&caller, &huge).len(), 0);
        let total = caller.get("/api/v1/alerts/").ok()["total"].as_u64().unwrap() as usize;
        assert_eq!(total, apps + 2 + stored.len(), "disabled policies raise nothing");
        assert_eq!(caller.get(&format!("{LIST}{any}/")).ok()["alertsCount"], apps);

        // Its alerts stay when a policy goes.
        caller.delete(&format!("{LIST}{any}/")).ok();
        assert_eq!(alerts_of(&caller, &any).len(), apps);
        let other = casbah.bearer(&casbah.application_token(OTHER_TENANT, OTHER_CLIENT, CLIENT_SECRET));
        assert!(all(&other).iter().all(|p| p["isBuiltIn"] == true && p["enabled"] == true));
        other.get(&format!("{LIST}{two}/")).refused(404);
        other.delete(&format!("{LIST}{two}/")).refused(404);
    }

    /// A policy on apps in use looks at one report only, tags what it finds, speaks of an app once in 90 days, and
    /// starts afresh when it is changed.
    fn policies_on_apps_in_use_tag_them_and_start_afresh(casbah: &Casbah) {
        let caller = casbah.application();
        for policy in all(&caller) {
            caller.post(&format!("{LIST}{}/disable/", policy["_id"].as_str().unwrap()), &json!({})).ok();
        }
        stream(&caller, "Office", 114);
        let office = stream_id(&caller, "Office");
        stream(&caller, "Plant", 114);
        let log = |day: u32, host: &str, bytes: u64| format!(
            "10.0.0.1 - alice [{day:02}/Nov/2026:09:14:22 +0000] \"GET https://{host}/x HTTP/1.1\" 200 {bytes} TCP_MISS:HIER_DIRECT\n"
        );
        let number = std::cell::Cell::new(0);
        let send = |text: String, report: &str| {
            number.set(number.get() + 1);
            let name = format!("{}.log", number.get());
            let task = upload(&caller, text.as_bytes(), &name, "SQUID", report, false);
            assert_eq!(task["status"]["isSuccess"], true, "{task}");
            task["figures"]["alerts"].as_i64().unwrap()
        };
        // Known for longer than an app is new, before there is a policy.
        send(log(1, "www.dropbox.com", 10) + &log(1, "www.box.com", 10), "Office");
        let body = json!({
            "name": "Much at Dropbox", "type": "NEW_SERVICE", "severity": "high",
            "filters": { "appName": { "eq": "dropbox" }, "streamId": { "eq": office }, "trafficTotalEvents": { "gt": 1 } },
            "actions": [{ "type": "tag", "tag": "Unsanctioned" }],
        });
        let policy = create(&caller, &body);
        let new_only = create(&caller, &json!({ "name": "New", "type": "NEW_SERVICE", "filters": {}, "onlyNewApps": true }));
        assert_eq!(send(log(20, "www.dropbox.com", 10), "Office"), 0, "one transaction of that day");
        assert_eq!(send(log(20, "www.dropbox.com", 11) + &log(20, "www.box.com", 11).repeat(5), "Office"), 1, "the second");
        assert_eq!(send(log(20, "www.dropbox.com", 12), "Office"), 0, "once in 90 days");
        assert_eq!(send(log(20, "www.dropbox.com", 13).repeat(9), "Plant"), 1, "another report: new there, and that is all");
        let found = alerts_of(&caller, &policy);
        assert_eq!(found.len(), 1);
        let alert = &found[0];
        assert_eq!((&alert["title"], &alert["severityValue"]), (&json!("Much at Dropbox: Dropbox"), &json!(2)));
        assert!(alert["description"].as_str().unwrap().starts_with("Dropbox is in use"), "{alert}");
        assert!(alert["evidence"][0]["description"].as_str().unwrap().starts_with("transactions: 2, bytes: 21"), "{alert}");
        assert_eq!(alerts_of(&caller, &new_only).len(), 1);
        let tagged = json!({ "filters": { "tag": { "eq": "Unsanctioned" } } });
        let tagged = caller.post("/api/v1/discovery/discovered_apps/", &tagged).ok();
        assert_eq!((&tagged["total"], &tagged["data"][0]["name"]), (&json!(1), &json!("Dropbox")));

        // A name is no new question; a filter is.
        let path = format!("{LIST}{policy}/update_rule/");
        caller.post(&path, &json!({ "name": "Dropbox in use" })).ok();
        assert_eq!(send(log(20, "www.dropbox.com", 14), "Office"), 0);
        caller.post(&path, &json!({ "filters": { "domain": { "contains": "DROPBOX.com" }, "ipAddressesCount": { "gte": 1 } } })).ok();
        assert_eq!(send(log(20, "www.dropbox.com", 15), "Office"), 1);
        let tagged = json!({ "filters": { "activity.eventType": { "eq": "EVENT_CATEGORY_TAG_APP" } } });
        let audit = caller.post("/api/v1/activities/", &tagged).ok();
        assert_eq!(audit["total"], 1, "said once: {audit}");
    }
}
