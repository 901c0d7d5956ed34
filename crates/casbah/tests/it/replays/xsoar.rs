//! The SOAR integration that most installations use (sheet: 3.1 GET with a body and numbers as text, 4 empty lists
//! for "all", 5.1 a record without `data`, 6.1 closing and `alertsNotFound`, 6.2 `resolveTime` says what is open,
//! 5.2 the words that it looks for in errors).

use serde_json::{Value, json};

use super::{AN_HOUR_AGO, ids, records, take_in};
use crate::alerts::raise;
use crate::harness::{API_TOKEN, Casbah, Session};

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

/// It asks for everything by GET, with a JSON body.
fn ask(caller: &Session, path: &str, body: &Value) -> Value {
    caller.send("GET", &format!("/api/v1{path}"), &JSON, body.to_string().as_bytes()).ok()
}

fn close(caller: &Session, how: &str, ids: &[&str], more: Value) -> Value {
    let mut body = json!({ "filters": { "id": { "eq": ids } }, "comment": null });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    caller.send("POST", &format!("/api/v1/alerts/{how}/"), &JSON, body.to_string().as_bytes()).ok()
}

both! {
    fn incidents_are_fetched_in_ascending_order_and_each_once(casbah: &Casbah) {
        let caller = casbah.with_header(&format!("Token {API_TOKEN}"));
        let all = raise(&casbah.application());
        // Its test button.
        ask(&caller, "/alerts/", &json!({}));
        // "All" severities and states are empty lists.
        let filters = json!({
            "date": { "gte": AN_HOUR_AGO },
            "severity": { "eq": [] },
            "resolutionStatus": { "eq": [] },
        });
        let fetch = json!({ "filters": filters, "limit": "50", "sortDirection": "asc" });
        let page = ask(&caller, "/alerts/", &fetch);
        assert_eq!(records(&page).len(), all.len());
        let times: Vec<i64> = records(&page).iter().map(|a| a["timestamp"].as_i64().unwrap()).collect();
        assert!(times.is_sorted(), "{times:?}");
        for alert in records(&page) {
            // What its mapping reads.
            for name in ["title", "description"] {
                assert!(alert[name].is_string(), "{name}: {alert}");
            }
            for name in ["statusValue", "severityValue"] {
                assert!(alert[name].is_i64(), "{name}: {alert}");
            }
            assert!(alert["entities"].as_array().unwrap().iter().all(|e| e["type"].is_string()));
            assert!(alert["resolveTime"].as_str().unwrap_or_default().is_empty(), "it is open: {alert}");
        }
        // The next fetch begins behind the last.
        let next = json!({ "filters": { "date": { "gte": times.last().unwrap() + 1 } }, "sortDirection": "asc" });
        assert_eq!(records(&ask(&caller, "/alerts/", &next)).len(), 0);
        // By severity and state, one number or a list of texts.
        let by_severity = |severity: Value| {
            let filters = json!({ "severity": { "eq": severity }, "resolutionStatus": { "eq": ["0"] } });
            ids(&ask(&caller, "/alerts/", &json!({ "filters": filters, "skip": "0", "limit": "100" })))
        };
        let counted: usize = [0, 1, 2, 3].iter().map(|severity| by_severity(json!(severity)).len()).sum();
        assert_eq!(counted, all.len());
        assert_eq!(by_severity(json!(["0", "1", "2", "3"])).len(), all.len());
    }

    fn alerts_are_closed_with_the_answers_that_it_reads(casbah: &Casbah) {
        let caller = casbah.with_header(&format!("Token {API_TOKEN}"));
        let all = raise(&casbah.application());
        let id = |at: usize| all[at]["_id"].as_str().unwrap();
        // One record has no list around it, asked for with or without a body.
        for body in ["", "{}", r#"{"filters": {}}"#] {
            let alert = caller.send("GET", &format!("/api/v1/alerts/{}/", id(0)), &JSON, body.as_bytes()).ok();
            assert!(alert["_id"] == id(0) && alert.get("data").is_none(), "{alert}");
        }
        let more = json!({ "reasonId": 5, "sendFeedback": false, "feedbackText": null, "allowContact": false, "contactEmail": null });
        assert_eq!(close(&caller, "close_benign", &[id(0)], more.clone()), json!({ "closed_benign": 1 }));
        let misspelt = json!({ "reasonID": 3, "reason": 3, "feetbackText": "x", "reasonId": 3 });
        assert_eq!(close(&caller, "close_false_positive", &[id(1)], misspelt), json!({ "closed_false_positive": 1 }));
        assert_eq!(close(&caller, "close_true_positive", &[id(2)], json!({})), json!({ "closed_true_positive": 1 }));
        for (at, resolution) in [(0, 4), (1, 3), (2, 5)] {
            let alert = ask(&caller, &format!("/alerts/{}/", id(at)), &json!({}));
            assert_eq!(alert["resolutionStatusValue"], resolution);
            assert!(!alert["resolveTime"].as_str().unwrap().is_empty());
        }
        // An id that nobody has is in the answer; without one there is no such key.
        let nobody = "6a1f0c2b9d3e4f5a6b7c8d90";
        let answer = close(&caller, "close_benign", &[nobody], more);
        assert_eq!(answer, json!({ "closed_benign": 0, "alertsNotFound": [nobody] }));
        // Older versions.
        let filters = |at: usize| json!({ "filters": { "id": { "eq": [id(at)] } }, "comment": "known" });
        assert_eq!(caller.post("/api/v1/alerts/dismiss_bulk/", &filters(3)).ok(), json!({ "dismissed": 1 }));
        assert_eq!(caller.post("/api/v1/alerts/resolve/", &filters(0)).ok(), json!({ "resolved": 0 }));
        for what in ["read", "unread"] {
            caller.send("POST", &format!("/api/v1/alerts/{}/{what}/", id(0)), &[], b"").ok();
        }
        // What it looks for when something is wrong.
        let wrong = json!({ "filters": { "id": { "eq": ["zz9"] } } });
        let refusal = caller.post("/api/v1/alerts/close_benign/", &wrong).refused(400);
        assert!(refusal["errors"][0]["error"].is_string(), "{refusal}");
        assert_eq!(refusal["filters"][0]["errorMessageParams"]["value"], "zz9");
        let stranger = casbah.with_header("Token nonsense").get("/api/v1/alerts/").refused(401);
        assert!(stranger.to_string().contains("Invalid token"), "{stranger}");
        caller.get(&format!("/api/v1/alerts/{nobody}/")).refused(404);
    }

    fn activities_are_listed_by_its_arguments(casbah: &Casbah) {
        let caller = casbah.with_header(&format!("Token {API_TOKEN}"));
        take_in(&casbah.application(), [("of|mira_1-a", AN_HOUR_AGO), ("b", AN_HOUR_AGO + 1)]);
        let fetched = caller.send("GET", "/api/v1/activities/of%7Cmira_1-a/", &JSON, b"{}").ok();
        assert!(fetched["_id"] == "of|mira_1-a" && fetched.get("data").is_none(), "{fetched}");
        for (filters, count) in [
            (json!({ "service": { "eq": 20892 } }), 2),
            (json!({ "ip.address": { "eq": "198.51.100.7" }, "service": { "eq": "20892" } }), 2),
            (json!({ "ip.category": { "eq": [] }, "activity.takenAction": { "eq": "null" }, "service": { "eq": [20892] } }), 2),
            (json!({ "user.username": { "eq": "Mira@contoso.example" }, "date": { "gte_ndays": 1, "lte": AN_HOUR_AGO } }), 1),
            (json!({ "source": { "eq": 2 }, "location.country": { "eq": ["NO"] } }), 2),
        ] {
            let body = json!({ "filters": filters, "skip": "0", "limit": "50" });
            assert_eq!(records(&ask(&caller, "/activities/", &body)).len(), count, "{body}");
        }
    }
}
