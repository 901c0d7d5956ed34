//! Alerts that others have raised, taken in through the API.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::harness::{
    ADMINISTRATOR, API_TOKEN, CLIENT_SECRET, Casbah, OTHER_CLIENT, OTHER_TENANT, READER, Session,
};

const NOW_MS: i64 = 1_795_435_200_000;

fn ingest(caller: &Session, lines: &[u8]) -> Value {
    caller.send("POST", "/api/v1/alerts/ingest/", &[("content-type", "application/x-ndjson")], lines).ok()
}

fn lines(all: &[Value]) -> Vec<u8> {
    all.iter().flat_map(|line| format!("{line}\n").into_bytes()).collect()
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn found(caller: &Session, filters: Value) -> Vec<Value> {
    let answer = caller.post("/api/v1/alerts/", &json!({ "filters": filters, "sortDirection": "asc" })).ok();
    assert_eq!(answer["total"], answer["data"].as_array().unwrap().len());
    answer["data"].as_array().unwrap().clone()
}

both! {
    fn alerts_of_others_are_taken_in_once_and_resolved(casbah: &Casbah) {
        let caller = casbah.with_header(&format!("Token {API_TOKEN}"));
        let activity = json!({ "_id": "a-1", "timestamp": NOW_MS - 60_000, "appId": 10489, "eventTypeName": "EVENT_CATEGORY_LOGIN",
            "user": { "userName": ADMINISTRATOR }, "resolvedActor": { "id": "Box-17" } });
        caller.send("POST", "/api/v1/activities/ingest/", &[("content-type", "application/x-ndjson")], activity.to_string().as_bytes()).ok();

        let first = json!({
            "_id": "sentinel/4711", "timestamp": "2026-11-23T11:00:00Z", "title": "Risky sign-in", "severityValue": 2,
            "description": "<b>Ada</b> from afar", "isMarkdown": true, "threatScore": 42, "isPreview": true,
            "alertType": "MCAS_ALERT_ANUBIS_DETECTION_VELOCITY", "stories": [0], "intent": [2, 6],
            "evidence": ["two countries", { "title": "Speed", "description": "900 km/h" }],
            "entities": [
                { "type": "account", "id": "Box-17", "saas": 10489, "inst": 0, "pa": ADMINISTRATOR },
                { "type": "account", "id": "Box-99", "saas": 10489, "inst": 0, "pa": READER, "label": "Rita at Box" },
                { "type": "ip", "id": "198.51.100.7", "triggeredAlert": true },
                { "type": "service", "id": 10489 },
                { "type": "country", "id": "NO", "label": "Norway" },
            ],
            "audits": ["a-1", "never-seen"],
        });
        let closed = json!({ "timestamp": NOW_MS - 86_400_000, "title": "Old", "severityValue": 0, "resolutionStatusValue": 5,
            "handledByUser": "ops@lagoon.example", "comment": "was real", "policy": { "id": "6a1f0c2b9d3e4f5a6b7c8d99", "label": "Sharing", "policyType": "FILE" } });
        let bad = [
            json!({ "timestamp": NOW_MS, "title": "No severity", "idValue": 1 }),
            json!({ "timestamp": NOW_MS, "title": "No type", "severityValue": 1 }),
            json!({ "timestamp": NOW_MS, "title": "Half good", "severityValue": 1, "idValue": 1, "entities": [{ "type": "ip", "id": "203.0.113.9" }, { "id": "x" }] }),
        ];
        let mut body = lines(&[first.clone(), bad[0].clone(), closed.clone(), bad[1].clone(), bad[2].clone()]);
        body.extend(b"{ broken\n\n");
        let answer = ingest(&caller, &packed(&body));
        assert_eq!((&answer["received"], &answer["stored"], &answer["rejected"]), (&json!(6), &json!(2), &json!(4)), "{answer}");
        let told: Vec<Value> = answer["errors"].as_array().unwrap().iter().map(|e| json!([e["line"], e["field"]])).collect();
        assert_eq!(told, [json!([2, "severityValue"]), json!([4, "idValue"]), json!([5, "entities.1.type"]), json!([6, null])]);
        assert!(found(&caller, json!({ "entity.ip": { "eq": "203.0.113.9" } })).is_empty(), "nothing of a bad line is kept");

        // Sent again, plain or packed, it is the same alert, whatever has been done about it.
        let again = ingest(&caller, &lines(&[first.clone(), closed.clone()]));
        assert_eq!((&again["stored"], &again["unchanged"]), (&json!(0), &json!(2)));
        let all = found(&caller, json!({}));
        assert_eq!(all.len(), 2);
        let (old, alert) = (&all[0], &all[1]);
        let id = alert["_id"].as_str().unwrap();
        assert_eq!((&alert["title"], &alert["timestamp"], &alert["idValue"]), (&json!("Risky sign-in"), &json!(NOW_MS - 3_600_000), &json!(15_859_716)));
        assert_eq!((&alert["isMarkdown"], &alert["isPreview"], &alert["isSystemAlert"], &alert["threatScore"]), (&json!(true), &json!(true), &json!(false), &json!(42)));
        assert_eq!((&alert["stories"], &alert["intent"], &alert["evidence"]), (&first["stories"], &first["intent"], &first["evidence"]));
        assert_eq!((&alert["audits"], &alert["statusValue"], &alert["resolveTime"]), (&json!(["a-1"]), &json!(0), &Value::Null));
        assert_eq!((&old["resolutionStatusValue"], &old["statusValue"], &old["handledByUser"]), (&json!(5), &json!(2), &json!("ops@lagoon.example")));
        assert_eq!((&old["idValue"], &old["resolveTime"], &old["policy"]["id"]), (&json!(15_728_642), &json!("2026-11-22T12:00:00.000Z"), &json!("6a1f0c2b9d3e4f5a6b7c8d99")));
        let of_kind = |kind: &str| alert["entities"].as_array().unwrap().iter().find(|e| e["type"] == kind).unwrap().clone();
        assert_eq!((&of_kind("account")["label"], &of_kind("service")["label"], &of_kind("service")["id"]), (&json!("Ada Lindqvist"), &json!("Box"), &json!(10489)));
        assert_eq!(of_kind("policyRule")["label"], "Risky sign-in");

        // Found by everything that it says, by the person behind an account too; and an activity knows it.
        let people = caller.post("/api/v1/entities/", &json!({ "filters": { "type": { "eq": 2 } } })).ok();
        let person = |address: &str| people["data"].as_array().unwrap().iter().find(|e| e["email"] == address).unwrap().clone();
        let key = |entity: &Value| -> Value { serde_json::from_str(entity["username"].as_str().unwrap()).unwrap() };
        for filters in [
            json!({ "entity.entity": { "eq": key(&person(ADMINISTRATOR)) } }), json!({ "entity.entity": { "eq": key(&person(READER)) } }),
            json!({ "entity.service": { "eq": 10489 } }), json!({ "alertType": { "eq": 15_859_716 } }), json!({ "source": { "eq": "built-in" } }),
            json!({ "text": { "text": "risky afar" } }), json!({ "alertOpen": { "eq": true } }), json!({ "entity.ip": { "eq": "198.51.100.7" } }),
        ] {
            let ids: Vec<Value> = found(&caller, filters.clone()).iter().map(|a| a["_id"].clone()).collect();
            assert_eq!(ids, [id], "{filters}");
        }
        assert_eq!(found(&caller, json!({ "source": { "eq": "policy" } })).len(), 1);
        let filters = json!({ "filters": { "activity.alertId": { "eq": id } } });
        assert_eq!(caller.post("/api/v1/activities/", &filters).ok()["data"][0]["_id"], "a-1");

        // The account that only the alert names is there, belongs to the person, and both are scored by it.
        let accounts = caller.post("/api/v1/entities/", &json!({ "filters": { "app": { "eq": 10489 } }, "sortField": "displayName", "sortDirection": "asc" })).ok();
        let names: Vec<&Value> = accounts["data"].as_array().unwrap().iter().map(|e| &e["id"]).collect();
        assert_eq!(names, ["Box-17", "Box-99"]);
        let scores = |open: bool| {
            for who in [ADMINISTRATOR, READER] {
                let list = caller.post("/api/v1/entities/", &json!({ "filters": { "entity": { "eq": key(&person(who)) }, "score": { "isset": true } } })).ok();
                let all: Vec<i64> = list["data"].as_array().unwrap().iter().map(|e| e["threatScore"].as_i64().unwrap()).collect();
                // High severity, an hour old: 40 points; nothing once it is closed as benign.
                assert!(!all.is_empty() && all.iter().all(|score| *score == if open { 40 } else { 0 }), "{who}: {all:?}");
            }
        };
        scores(true);
        caller.post("/api/v1/alerts/close_benign/", &json!({ "filters": { "id": { "eq": [id] } }, "comment": "a train" })).ok();
        scores(false);
        assert_eq!(ingest(&caller, &lines(&[first]))["unchanged"], 1);
        assert_eq!(caller.get(&format!("/api/v1/alerts/{id}/")).ok()["resolutionStatusValue"], 4, "what was done here stays");

        // Many at once, and another tenant has none of it.
        let many: Vec<Value> = (0..1_700).map(|n| json!({ "_id": format!("n-{n}"), "timestamp": NOW_MS - n, "title": "T", "severityValue": 1, "idValue": 7 })).collect();
        assert_eq!(ingest(&caller, &packed(&lines(&many)))["stored"], 1_700);
        assert_eq!(caller.post("/api/v1/alerts/", &json!({})).ok()["total"], 1_702);
        let other = casbah.bearer(&casbah.application_token(OTHER_TENANT, OTHER_CLIENT, CLIENT_SECRET));
        other.get(&format!("/api/v1/alerts/{id}/")).refused(404);
        assert_eq!(ingest(&other, &lines(&many[..2]))["stored"], 2, "ids of another tenant are not taken there");
        casbah.user(READER).send("POST", "/api/v1/alerts/ingest/", &[], b"{}").refused(403);
        caller.send("POST", "/api/v1/alerts/ingest/", &[("content-encoding", "br")], b"x").refused(415);
    }
}
