//! The integration of a security operations suite (sheet: 2.1, a blank behind the key; 3.1, numbers as text; 10.1, a
//! range changed twice in a row, as a whole record with `_id` and `_tid` in it, by way of a temporary name).

use serde_json::{Value, json};

use super::{AN_HOUR_AGO, records, take_in};
use crate::alerts::raise;
use crate::harness::{API_TOKEN, Casbah};

both! {
    fn its_key_has_a_blank_behind_it(casbah: &Casbah) {
        let caller = casbah.with_header(&format!("Token {API_TOKEN} "));
        raise(&casbah.application());
        take_in(&casbah.application(), [("a", AN_HOUR_AGO), ("b", AN_HOUR_AGO + 1)]);
        // Its test button asks for one record, and the number is text.
        let page = caller.post("/api/v1/alerts/", &json!({ "limit": "1", "skip": "0" })).ok();
        assert_eq!(records(&page).len(), 1);
        // What a person did, and what happened at an address.
        for filters in [
            json!({ "user.username": { "eq": ["mira@contoso.example"] }, "date": { "gte_ndays": "30" } }),
            json!({ "ip.address": { "eq": ["198.51.100.7"] }, "date": { "gte": AN_HOUR_AGO as f64 } }),
        ] {
            let page = caller.post("/api/v1/activities/", &json!({ "filters": filters, "limit": "10", "sortDirection": "desc" })).ok();
            assert_eq!(records(&page).len(), 2, "{filters}");
        }
        // Alerts since the last run, the oldest first.
        let filters = json!({ "date": { "gte": AN_HOUR_AGO }, "severity": { "eq": ["0", "1", "2"] } });
        let page = caller.post("/api/v1/alerts/", &json!({ "filters": filters, "limit": "100", "sortField": "date", "sortDirection": "asc" })).ok();
        assert!(!records(&page).is_empty());
    }

    fn an_address_is_added_to_a_range_and_taken_out(casbah: &Casbah) {
        let caller = casbah.with_header(&format!("Token {API_TOKEN} "));
        let range = json!({ "name": "Offices", "category": 1, "subnets": ["203.0.113.0/28"], "organization": null, "tags": null });
        let id = caller.post("/api/v1/subnet/create_rule/", &range).ok();
        let id = id.as_str().unwrap();
        let found = || -> Value {
            let list = caller.post("/api/v1/subnet/", &json!({ "skip": "0", "limit": "100" })).ok();
            records(&list).iter().find(|range| range["_id"] == id).unwrap().clone()
        };
        let originals = |range: &Value| -> Vec<String> {
            let all = range["subnets"].as_array().unwrap();
            all.iter().map(|subnet| subnet["originalString"].as_str().unwrap().to_string()).collect()
        };
        // The record as it came, the list of subnets as texts: first under a temporary name, then under its own.
        let twice = |subnets: Vec<String>| {
            for name in ["Offices (being changed)", "Offices"] {
                let mut body = found();
                body["subnets"] = json!(subnets);
                body["name"] = json!(name);
                caller.post(&format!("/api/v1/subnet/{id}/update_rule/"), &body).ok();
                assert_eq!(found()["name"], name);
            }
        };
        let mut subnets = originals(&found());
        subnets.push("198.51.100.7".to_string());
        twice(subnets);
        let changed = found();
        assert_eq!(originals(&changed), ["203.0.113.0/28", "198.51.100.7"]);
        assert_eq!(changed["subnets"][1]["mask"], 128);
        twice(vec!["203.0.113.0/28".to_string()]);
        assert_eq!(originals(&found()), ["203.0.113.0/28"]);
        assert_eq!(found()["category"], 1);
        // The last subnet cannot go, and the reason says which field.
        let refusal = caller.post(&format!("/api/v1/subnet/{id}/update_rule/"), &json!({ "name": "Offices", "category": 1, "subnets": [] })).refused(400);
        assert!(refusal["subnets"][0]["error"].is_string(), "{refusal}");
    }
}
