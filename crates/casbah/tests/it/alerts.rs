//! Alerts over HTTP: lists and filters in every way in which clients ask, and what becomes of them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{ADMINISTRATOR, API_TOKEN, CLIENT_SECRET, Casbah, READER, Session, TENANT};

/// Raises alerts by a real upload; the newest list of them.
fn raise(caller: &Session) -> Vec<Value> {
    let stream = json!({"displayName": "Office", "logType": 155, "receiverType": "ftp"});
    caller.post("/api/v1/discovery/data_sources/", &stream).ok();
    let address = caller.get("/api/v1/discovery/upload_url/?filename=a.log&source=SQUID_NATIVE").ok();
    let address = address["url"].as_str().unwrap();
    let log =
        std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../casbah-discovery/samples/SQUID_NATIVE.log"))
            .unwrap();
    assert_eq!(caller.send("PUT", address, &[("x-ms-blob-type", "BlockBlob")], &log).status, 201);
    caller
        .post("/api/v1/discovery/done_upload/", &json!({"uploadUrl": address, "inputStreamName": "Office"}))
        .ok();
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let list = caller.get("/api/v1/alerts/").ok()["data"].as_array().unwrap().clone();
        if !list.is_empty() {
            return list;
        }
        assert!(Instant::now() < deadline, "no alert: {}", caller.get("/api/v1/governance/").text());
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn id(alert: &Value) -> &str {
    alert["_id"].as_str().unwrap()
}

fn total(caller: &Session, filters: Value) -> i64 {
    let list = caller.post("/api/v1/alerts/", &json!({"filters": filters})).ok();
    list["total"].as_i64().unwrap()
}

both! {
    fn parameters_arrive_in_every_way(casbah: &Casbah) {
        let caller = casbah.application();
        let all = raise(&caller);
        let wanted = caller.post("/api/v1/alerts/", &json!({"limit": 1, "skip": 1, "sortDirection": "asc"})).ok();
        assert_eq!(wanted["data"].as_array().unwrap().len(), 1);
        assert_eq!(wanted["total"], all.len());
        let json_text = r#"{"limit": "1", "skip": "1", "sortDirection": "asc", "unknown": null}"#;
        let multipart = "--b\r\nContent-Disposition: form-data; name=\"limit\"\r\n\r\n1\r\n--b\r\nContent-Disposition: form-data; \
                         name=\"skip\"\r\n\r\n1\r\n--b\r\nContent-Disposition: form-data; name=\"sortDirection\"\r\n\r\nasc\r\n--b--\r\n";
        let form = "application/x-www-form-urlencoded";
        type Way<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a str);
        let ways: [Way; 7] = [
            ("GET", "/api/v1/alerts/?limit=1&skip=1&sortDirection=asc", &[], ""),
            ("GET", "/cas/api/v1/alerts", &[("content-type", "application/json")], json_text),
            ("POST", "/cas/api/v1/alerts/", &[("content-type", form)], json_text),
            ("POST", "/api/v1/alerts", &[], json_text),
            ("POST", "/api/v1/alerts/", &[("content-type", form)], "limit=1&skip=1&sortDirection=asc&filters=%7B%7D"),
            ("POST", "//api/v1/alerts/", &[("content-type", "multipart/form-data; boundary=b")], multipart),
            ("POST", "/api/v1/alerts/", &[("content-type", "application/json")], r#"{"limit":9,"limit":1,"skip":1,"sortDirection":"asc","filters":[]}"#),
        ];
        for (method, path, headers, body) in ways {
            let found = caller.send(method, path, headers, body.as_bytes()).ok();
            assert_eq!(found["data"], wanted["data"], "{method} {path} {body}");
        }
        for body in ["", "{}", r#"{"filters":null}"#] {
            let found = caller.send("POST", "/api/v1/alerts/", &[("content-type", "application/json")], body.as_bytes()).ok();
            assert_eq!(found["total"], all.len(), "{body:?}");
        }
    }

    fn filters_select_and_wrong_ones_are_named(casbah: &Casbah) {
        let caller = casbah.application();
        let all = raise(&caller);
        let count = i64::try_from(all.len()).unwrap();
        let first = id(&all[0]).to_string();
        assert_eq!(total(&caller, json!({"id": {"eq": [first]}})), 1);
        assert_eq!(total(&caller, json!({"id": {"neq": first}})), count - 1);
        assert_eq!(total(&caller, json!({"alertOpen": {"eq": "true"}, "severity": {"eq": []}})), count);
        assert_eq!(total(&caller, json!({"resolutionStatus": {"eq": ["0"]}, "read": {"eq": false}})), count);
        assert_eq!(total(&caller, json!({"date": {"gte_ndays": 30}})), count);
        assert_eq!(total(&caller, json!({"date": {"lte_ndays": 30}})), 0);
        assert_eq!(total(&caller, json!({"source": {"eq": "built-in"}})), count);
        let service = all[0]["entities"].as_array().unwrap().iter().find(|e| e["type"] == "service").unwrap()["id"].clone();
        let about = total(&caller, json!({"entity.service": {"eq": service}}));
        assert!(about >= 1 && about + total(&caller, json!({"entity.service": {"neq": [service]}})) == count);
        let wrong = [
            (json!({"colour": {"eq": 1}}), "colour"),
            (json!({"severity": {"startswith": "h"}}), "startswith"),
            (json!({"severity": {"eq": "very"}}), "very"),
            (json!({"id": {"eq": "zz9"}}), "zz9"),
            (json!({"date": {"gte": "yesterday"}}), "yesterday"),
        ];
        for (filters, named) in wrong {
            let refusal = caller.post("/api/v1/alerts/", &json!({"filters": filters})).refused(400);
            assert_eq!(refusal["error"], true);
            assert!(refusal["filters"][0]["error"].is_string() && refusal["errors"][0]["error"].is_string(), "{refusal}");
            assert!(refusal.to_string().contains(named), "{refusal} does not name {named}");
        }
        let json = [("content-type", "application/json")];
        caller.send("POST", "/api/v1/alerts/", &json, b"{\"filters\": {").refused(400);
        caller.send("POST", "/api/v1/alerts/", &json, b"[1, 2]").refused(400);
    }

    fn pages_visit_every_alert_once(casbah: &Casbah) {
        let caller = casbah.application();
        let all = raise(&caller);
        for direction in ["asc", "desc"] {
            for field in ["date", "severity"] {
                let mut seen = Vec::new();
                loop {
                    let body = json!({"skip": seen.len(), "limit": 3, "sortField": field, "sortDirection": direction});
                    let page = caller.post("/api/v1/alerts/", &body).ok();
                    seen.extend(page["data"].as_array().unwrap().iter().map(|a| id(a).to_string()));
                    if page["hasNext"] == false {
                        break;
                    }
                }
                let mut once = seen.clone();
                once.sort();
                once.dedup();
                assert_eq!((once.len(), seen.len()), (all.len(), all.len()), "{field} {direction}");
            }
        }
        let mut seen = Vec::new();
        let mut filters = json!({});
        loop {
            let page = caller.post("/api/v1/alerts/", &json!({"isScan": true, "limit": 4, "filters": filters})).ok();
            seen.extend(page["data"].as_array().unwrap().iter().map(|a| id(a).to_string()));
            match page.get("nextQueryFilters") {
                Some(next) => filters = next.clone(),
                None => break,
            }
            assert!(seen.len() <= all.len(), "the chain ends");
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), all.len());
    }

    fn an_alert_is_read_closed_and_reopened(casbah: &Casbah) {
        let caller = casbah.application();
        let all = raise(&caller);
        let path = |what: &str| format!("/api/v1/alerts/{}/{what}", id(&all[0]));
        let now = || caller.get(&path("")).ok();
        assert_eq!(now()["statusValue"], 0);
        caller.send("POST", &path("read/"), &[], b"").ok();
        assert_eq!(now()["statusValue"], 1);
        caller.post(&path("unread/"), &json!({})).ok();
        assert_eq!(now()["statusValue"], 0);
        let close = |how: &str, body: &Value| caller.post(&format!("/api/v1/alerts/{how}/"), body).ok();
        let body = json!({"filters": {"id": {"eq": [id(&all[0])]}}, "comment": "known", "reasonId": 5, "sendFeedback": null});
        assert_eq!(close("close_benign", &body), json!({"closed_benign": 1}));
        assert_eq!(close("close_benign", &body), json!({"closed_benign": 0}), "a closed alert is not closed again");
        let closed = now();
        assert_eq!((&closed["resolutionStatusValue"], &closed["statusValue"]), (&json!(4), &json!(2)));
        assert_eq!(closed["comment"], "known");
        assert!(closed["resolveTime"].as_str().unwrap().ends_with('Z') && closed["handledByUser"].is_string());
        caller.post("/api/v1/alerts/reopen/", &json!({"filters": {"id": {"eq": id(&all[0])}}})).ok();
        assert_eq!(now()["resolutionStatusValue"], 0);
        let one = |index: usize| json!({"filters": {"id": {"eq": [id(&all[index])]}}});
        assert_eq!(close("close_false_positive", &one(0)), json!({"closed_false_positive": 1}));
        assert_eq!(close("close_true_positive", &one(1)), json!({"closed_true_positive": 1}));
        assert_eq!(close("dismiss_bulk", &one(2)), json!({"dismissed": 1}));
        assert_eq!(close("resolve", &one(3)), json!({"resolved": 1}));
        caller.post(&format!("/api/v1/alerts/{}/dismiss/", id(&all[4])), &json!({"comment": "old way"})).ok();
        let unknown = json!({"filters": {"id": {"eq": ["000000000000000000000000"]}}});
        let answer = close("close_benign", &unknown);
        assert_eq!(answer, json!({"closed_benign": 0, "alertsNotFound": ["000000000000000000000000"]}));
        let bad = json!({"filters": {"id": {"eq": ["not-an-id"]}}});
        assert!(caller.post("/api/v1/alerts/close_benign/", &bad).refused(400)["filters"].is_array());
        caller.get("/api/v1/alerts/000000000000000000000000/").refused(404);
    }

    fn who_may_call_and_what_the_others_are_told(casbah: &Casbah) {
        let path = "/api/v1/alerts/";
        let nobody = casbah.anonymous().get(path);
        assert!(nobody.refused(401).to_string().contains("Invalid token"));
        casbah.with_header("Token nosuchtoken00000000000000000000000000000000000000000000000000000").get(path).refused(401);
        casbah.with_header("Basic YTpi").get(path).refused(401);
        let without = casbah.application_token(TENANT, "aaaaaaaa-0000-4000-8000-000000000004", CLIENT_SECRET);
        let refusal = casbah.bearer(&without).get(path);
        let text = refusal.refused(403).to_string();
        assert!(text.contains("Forbidden") && text.contains("Investigation.read"), "{text}");
        assert!(refusal.header("www-authenticate").contains("insufficient_scope"));
        casbah.user(READER).get(path).ok();
        casbah.user(ADMINISTRATOR).get(path).ok();
        casbah.anonymous().send("PUT", path, &[], b"").refused(405);
    }

    fn a_legacy_token_lives_and_dies(casbah: &Casbah) {
        for header in [format!("Token {API_TOKEN}"), format!("token {API_TOKEN}"), format!("TOKEN   {API_TOKEN}  ")] {
            let answer = casbah.with_header(&header).get("/api/v1/alerts/");
            answer.ok();
            assert!(!answer.header("deprecation").is_empty() && !answer.header("sunset").is_empty());
            // The page that the link names says what to do instead.
            let link = answer.header("link").trim_start_matches('<').split('>').next().unwrap().to_string();
            let page = casbah.anonymous().get(&link);
            assert!(page.status == 200 && page.text().contains("client_credentials"), "{link}: {}", page.status);
        }
        let user = casbah.user(ADMINISTRATOR);
        let made = user.post("/api/v1/tokens/", &json!({"name": "connector"})).ok();
        let secret = made["token"].as_str().unwrap();
        assert!(secret.len() >= 64 && secret.bytes().all(|b| b.is_ascii_alphanumeric()));
        let status = |wanted: &str| {
            let list = user.get("/api/v1/tokens/").ok();
            let found = list["data"].as_array().unwrap().iter().any(|t| t["name"] == "connector" && t["status"] == wanted);
            assert!(found, "{wanted} in {list}");
            assert!(!list.to_string().contains(secret), "a token is shown once");
        };
        status("generated");
        casbah.with_header(&format!("Token {secret}")).get("/api/v1/alerts/").ok();
        status("active");
        let id = made["_id"].as_str().unwrap();
        user.delete(&format!("/api/v1/tokens/{id}/")).ok();
        casbah.with_header(&format!("Token {secret}")).get("/api/v1/alerts/").refused(401);
    }
}
