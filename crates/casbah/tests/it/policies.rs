//! Policies: what tenants set is what raises alerts.

mod detection;
mod files;

use serde_json::{Value, json};

use crate::discovery::{sample, stream, upload};
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
}
