//! The requests that the vendor's own documentation prints (sheet: 3.1, everything in one body; 4, every operator in
//! one place; 6 to 11, paths without the last slash). The same with Python's own library is `e2e/python/records_checks.py`.

use serde_json::json;

use super::{AN_HOUR_AGO, ids, records, take_in};
use crate::alerts::raise;
use crate::harness::Casbah;

both! {
    fn what_the_pages_print_is_answered(casbah: &Casbah) {
        let caller = casbah.application();
        let alerts = raise(&caller);
        take_in(&caller, [("90210417_1778399990000_0f9e8d7c6b5a49382716051423324150", AN_HOUR_AGO)]);
        let list = json!({ "filters": { "alertOpen": { "eq": true }, "date": { "range": [{ "start": AN_HOUR_AGO, "end": null }] } }, "limit": 10, "skip": 0 });
        assert_eq!(records(&caller.post("/api/v1/alerts/", &list).ok()).len(), alerts.len().min(10));
        let scan = json!({ "isScan": true, "filters": { "service": { "eq": 20892 } }, "performAsyncTotal": true });
        assert_eq!(ids(&caller.post("/api/v1/activities/", &scan).ok()).len(), 1);
        let activity = "/api/v1/activities/90210417_1778399990000_0f9e8d7c6b5a49382716051423324150";
        caller.get(&format!("{activity}/")).ok();
        let feedback = json!({ "feedbackValue": "0", "feedbackText": "fine", "allowContact": true, "contactEmail": "ops@contoso.example" });
        assert_eq!(records(&caller.post(&format!("{activity}/feedback/"), &feedback).ok()).len(), 1);
        let id = caller.post("/api/v1/subnet/create_rule/", &json!({ "name": "Oslo", "category": "1", "organization": "Fjord Net", "subnets": ["192.0.2.0/24", "2001:db8::/48"], "tags": ["office"] })).ok();
        let id = id.as_str().unwrap();
        let sorted = caller.post("/api/subnet/", &json!({ "filters": { "category": { "eq": 1 } }, "sortField": "category", "sortDirection": "asc" })).ok();
        assert!(ids(&sorted).contains(&id.to_string()));
        caller.post(&format!("/api/v1/subnet/{id}/update_rule"), &json!({ "name": "Oslo 2", "category": 4, "subnets": ["192.0.2.0/24"] })).ok();
        let range = caller.get(&format!("/api/v1/subnet/{id}/")).ok();
        assert_eq!((&range["category"], &range["tags"], &range["organization"]), (&json!(4), &json!([]), &json!(null)));
        assert_eq!(caller.delete(&format!("/api/v1/subnet/{id}/")).status, 200);
        caller.get(&format!("/api/v1/subnet/{id}/")).refused(404);
        let streams = caller.get("/api/discovery/streams/").ok();
        let stream = streams["streams"].as_array().unwrap().iter().find(|s| s["displayName"] == "Global View").unwrap()["_id"].clone();
        let categories = caller.post("/api/v1/discovery/discovered_apps/categories/", &json!({ "streamId": stream, "sortField": "score", "sortDirection": "desc", "skip": 0, "limit": 5 })).ok();
        assert!(categories.as_array().unwrap().iter().all(|c| c["id"].as_str().unwrap().starts_with("SAASDB_") && c["total"].is_i64()), "{categories}");
    }
}
