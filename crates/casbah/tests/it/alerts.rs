//! Alerts over HTTP: lists and filters in every way in which clients ask, and what becomes of them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{
    ADMINISTRATOR, API_TOKEN, CLIENT_SECRET, Casbah, Database, Options, READER, Session, TENANT,
};

/// Raises alerts by a real upload; the newest list of them.
pub(crate) fn raise(caller: &Session) -> Vec<Value> {
    raise_in(caller, "Office", 0)
}

/// The same in a stream of that name; waits until there are more than `before`.
fn raise_in(caller: &Session, name: &str, before: usize) -> Vec<Value> {
    let stream = json!({"displayName": name, "logType": 155, "receiverType": "ftp"});
    caller.post("/api/v1/discovery/data_sources/", &stream).ok();
    let address = caller.get("/api/v1/discovery/upload_url/?filename=a.log&source=SQUID_NATIVE").ok();
    let address = address["url"].as_str().unwrap();
    let log =
        std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../casbah-discovery/samples/SQUID_NATIVE.log"))
            .unwrap();
    assert_eq!(caller.send("PUT", address, &[("x-ms-blob-type", "BlockBlob")], &log).status, 201);
    caller
        .post("/api/v1/discovery/done_upload/", &json!({"uploadUrl": address, "inputStreamName": name}))
        .ok();
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let list = caller.get("/api/v1/alerts/").ok()["data"].as_array().unwrap().clone();
        if list.len() > before {
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

/// Whether the fields are there, each of its type.
#[track_caller]
fn has_types(record: &Value, fields: &[(&str, &str)]) {
    for (name, kind) in fields {
        let value = &record[*name];
        let text = value.as_str().unwrap_or_default();
        let right = match *kind {
            "text" => value.is_string(),
            "hex" => {
                text.len() == 24 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
            }
            "iso" => text.len() == 24 && text.ends_with('Z') && &text[10..11] == "T" && &text[19..20] == ".",
            "integer" => value.is_i64(),
            "flag" => value.is_boolean(),
            "list" => value.is_array(),
            "object" => value.is_object(),
            _ => record.get(*name).is_some_and(Value::is_null),
        };
        assert!(right, "{name} must be {kind}: {record}");
    }
}

/// No object has two keys that differ by case alone: a widespread client cannot read such a one.
#[track_caller]
pub(crate) fn no_clash(value: &Value, place: &str) {
    match value {
        Value::Array(all) => all.iter().for_each(|one| no_clash(one, place)),
        Value::Object(all) => {
            let keys: std::collections::BTreeSet<String> = all.keys().map(|key| key.to_lowercase()).collect();
            assert_eq!(keys.len(), all.len(), "{place}: {value}");
            all.values().for_each(|one| no_clash(one, place));
        }
        _ => {}
    }
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

    fn every_filter_takes_every_form_of_its_values(casbah: &Casbah) {
        let caller = casbah.application();
        let all = raise(&caller);
        let count = i64::try_from(all.len()).unwrap();
        let at = all[0]["timestamp"].as_i64().unwrap();
        let having = |field: &str, value: &Value| all.iter().filter(|a| a[field] == *value).count() as i64;
        let about = |kind: &str, id: &Value| {
            let holds = |a: &&Value| a["entities"].as_array().unwrap().iter().any(|e| e["type"] == kind && e["id"] == *id);
            all.iter().filter(holds).count() as i64
        };
        let entity = |kind: &str| {
            let found = all.iter().flat_map(|a| a["entities"].as_array().unwrap()).find(|e| e["type"] == kind);
            found.unwrap()["id"].clone()
        };
        let (severity, story, kind) = (&all[0]["severityValue"], &all[0]["stories"][0], &all[0]["idValue"]);
        let (user, ip, service) = (entity("discovery_user"), entity("discovery_ip"), entity("service"));
        let policy = all[0]["policy"]["id"].clone();
        let of_policy = all.iter().filter(|a| a["policy"]["id"] == policy).count() as i64;
        let (of_user, of_ip, of_service) = (about("discovery_user", &user), about("discovery_ip", &ip), about("service", &service));
        let of_severity = having("severityValue", severity);
        let name = user.as_str().unwrap();
        let check = |filters: Value, expected: i64| assert_eq!(total(&caller, filters.clone()), expected, "{filters}");
        for none in [json!({}), json!([]), json!(null), json!(""), json!("{}"), json!({"severity": {}}), json!({"severity": null})] {
            check(none, count);
        }
        for value in [severity.clone(), json!([severity]), json!(severity.to_string()), json!([severity.to_string(), null])] {
            check(json!({"severity": {"eq": value}}), of_severity);
            check(json!({"severity": {"neq": value}}), count - of_severity);
        }
        for (value, eq, neq) in [(json!([]), count, count), (json!({}), count, count), (json!(null), 0, count), (json!([null]), 0, count), (json!("null"), 0, count)] {
            check(json!({"severity": {"eq": value}}), eq);
            check(json!({"severity": {"neq": value}}), neq);
        }
        for yes in [json!(true), json!("true"), json!(["true"]), json!([true]), json!("True"), json!([true, false])] {
            check(json!({"alertOpen": {"eq": yes}}), count);
        }
        for no in [json!(false), json!("False"), json!([false])] {
            check(json!({"alertOpen": {"eq": no}}), 0);
            check(json!({"read": {"eq": no}}), count);
        }
        for value in [json!(at), json!(at as f64), json!(at.to_string()), json!([at]), json!(at as f64 - 0.5)] {
            check(json!({"date": {"gte": value}}), count);
        }
        check(json!({"date": {"gte": at + 1}}), 0);
        check(json!({"date": {"lte": at - 1}}), 0);
        for range in [json!({"start": at, "end": at}), json!([{"start": at.to_string(), "end": null}]), json!([{"start": 0, "end": 5}, {"end": at}]), json!({}), json!([{}]), json!([])] {
            check(json!({"date": {"range": range}}), count);
        }
        check(json!({"date": {"range": {"start": at + 1}}}), 0);
        check(json!({"date": {"gte_ndays": "0.5", "lte": at}}), count);
        check(json!({"date": {"gte_ndays": 30, "lte_ndays": 0}}), count);
        check(json!({"date": {"lte_ndays": [1]}}), 0);
        check(json!({"resolutionDate": {"gte": 0}}), 0);
        check(json!({"resolutionStatus": {"neq": [0]}}), 0);
        check(json!({"risk": {"eq": [story, 0]}}), count);
        check(json!({"risk": {"neq": story}}), 0);
        check(json!({"alertType": {"eq": kind.to_string()}}), count);
        check(json!({"alertType": {"neq": [kind]}}), 0);
        check(json!({"ID": {"eq": [id(&all[0]).to_uppercase()]}}), 1);
        check(json!({"source": {"eq": ["built-in"]}}), count);
        check(json!({"source": {"eq": "policy"}}), 0);
        check(json!({"entity.policy": {"eq": policy}}), of_policy);
        check(json!({"entity.policy": {"neq": [policy]}}), count - of_policy);
        for value in [service.clone(), json!([service]), json!(service.to_string())] {
            check(json!({"entity.service": {"eq": value}}), of_service);
        }
        check(json!({"entity.ip": {"eq": ip}}), of_ip);
        check(json!({"entity.ip": {"neq": [ip]}}), count - of_ip);
        for value in [json!(name), json!([name.to_uppercase()]), json!({"id": name}), json!([{"inst": null, "id": name}]), json!([{"id": name}, {"id": "nobody", "saas": 11161}])] {
            check(json!({"entity.entity": {"eq": value}}), of_user);
            check(json!({"entity.entity": {"neq": value}}), count - of_user);
        }
        check(json!({"entity.entity": {"eq": [{"id": name, "saas": 11161, "inst": 0}]}}), 0);
        check(json!({"entity.user": {"eq": name.to_uppercase()}}), of_user);
        check(json!({"entity.file": {"eq": "drive|item"}}), 0);
        check(json!({"entity.file": {"eq": null}}), count);
        for instance in ["instance", "entity.instance"] {
            check(json!({instance: {"eq": 0}}), 0);
            check(json!({instance: {"neq": [0]}}), count);
        }
        check(json!({"text": {"text": name.to_uppercase()}}), of_user);
        check(json!({"text": {"text": [name, "no such word"]}}), of_user);
        // A search goes by words, and this is none: nothing is asked for.
        check(json!({"text": {"text": "%"}}), count);
        check(json!({"text": {"text": "no-such-word"}}), 0);
        for wrong in [
            json!({"severity": {"eq": true}}), json!({"severity": {"eq": 1.5}}), json!({"severity": 3}), json!({"alertOpen": {"neq": true}}),
            json!({"date": {"gte": true}}), json!({"date": {"range": [1, 2]}}), json!({"date": {"eq": at}}), json!({"entity.entity": {"eq": [{"saas": 1}]}}),
            json!({"entity.entity": {"eq": [{"id": "a", "saas": "x"}]}}), json!({"id": {"eq": 5}}), json!({"text": {"eq": "a"}}), json!({"source": {"eq": "other"}}), json!([1]), json!("{"), json!(7),
        ] {
            let refusal = caller.post("/api/v1/alerts/", &json!({"filters": wrong})).refused(400);
            assert_eq!(refusal["filters"][0]["errorMessageCode"], "CONSOLE_FORMS_NOT_VALID_VALUE", "{refusal}");
            assert_eq!(refusal["filters"][0]["error"], refusal["errors"][0]["error"]);
        }
    }

    fn a_list_says_how_it_goes_on(casbah: &Casbah) {
        let caller = casbah.application();
        let all = raise(&caller);
        let list = |body: Value| caller.post("/api/v1/alerts/", &body).ok();
        let facts = |list: &Value| (list["data"].as_array().unwrap().len(), list["total"].as_u64().unwrap() as usize, list["hasNext"].as_bool().unwrap(), list["max"].as_i64().unwrap());
        let count = all.len();
        assert_eq!(facts(&list(json!({}))), (count, count, false, 100));
        assert_eq!(facts(&list(json!({"limit": count}))), (count, count, false, count as i64));
        assert_eq!(facts(&list(json!({"limit": count - 1}))), (count - 1, count, true, count as i64 - 1));
        assert_eq!(facts(&list(json!({"limit": 1, "skip": count - 1}))), (1, count, false, 1));
        assert_eq!(facts(&list(json!({"skip": 1000, "limit": 100_000}))), (0, count, false, 100));
        assert_eq!(facts(&list(json!({"filters": {"severity": {"eq": 9}}}))), (0, 0, false, 100));
        assert_eq!(facts(&list(json!({"isScan": "True"}))), (count, count, false, 500));
        assert_eq!(facts(&list(json!({"isScan": true, "limit": 9999}))), (count, count, false, 5000));
        assert_eq!(list(json!({}))["moreThanTotal"], false);
        for wrong in [json!({"limit": 0}), json!({"skip": -1}), json!({"sortField": "colour"}), json!({"sortDirection": "up"}), json!({"isScan": "maybe"})] {
            let section = wrong.as_object().unwrap().keys().next().unwrap().clone();
            let refusal = caller.post("/api/v1/alerts/", &wrong).refused(400);
            assert!(refusal[&section][0]["error"].is_string(), "{refusal}");
        }
        // The clock stands, so all alerts are of one moment: a scan gives it whole, and ends there.
        for direction in ["asc", "desc"] {
            let page = list(json!({"isScan": true, "limit": 2, "sortDirection": direction}));
            assert_eq!(facts(&page), (count, count, false, 2), "{direction}");
            assert!(page.get("nextQueryFilters").is_none());
        }
    }

    fn records_have_the_documented_fields(casbah: &Casbah) {
        let caller = casbah.application();
        let all = raise(&caller);
        let alert = &all[0];
        has_types(alert, &[
            ("_id", "hex"), ("timestamp", "integer"), ("title", "text"), ("description", "text"), ("isMarkdown", "flag"), ("entities", "list"),
            ("statusValue", "integer"), ("severityValue", "integer"), ("resolutionStatusValue", "integer"), ("stories", "list"), ("intent", "list"),
            ("evidence", "list"), ("idValue", "integer"), ("isSystemAlert", "flag"), ("isPreview", "flag"), ("threatScore", "null"), ("contextId", "text"),
            ("policy", "object"), ("comment", "text"), ("handledByUser", "null"), ("resolveTime", "null"), ("URL", "text"),
        ]);
        has_types(&alert["policy"], &[("id", "hex"), ("label", "text"), ("type", "text"), ("policyType", "text")]);
        for entity in all.iter().flat_map(|a| a["entities"].as_array().unwrap()) {
            let numbered = ["service", "discovery_service"].contains(&entity["type"].as_str().unwrap());
            has_types(entity, &[("type", "text"), ("label", "text"), ("id", if numbered { "integer" } else { "text" })]);
        }
        caller.post("/api/v1/alerts/close_benign/", &json!({"filters": {"id": {"eq": [id(alert)]}}})).ok();
        let closed = caller.send("GET", &format!("/cas/api/v1/alerts/{}", id(alert)), &[], br#"{"filters": {}}"#).ok();
        has_types(&closed, &[("handledByUser", "text"), ("resolveTime", "iso"), ("comment", "text")]);
        assert!(closed.get("data").is_none());
        let streams = caller.get("/api/discovery/streams/").ok();
        assert_eq!(streams["streams"], streams["data"]);
        for stream in streams["streams"].as_array().unwrap() {
            has_types(stream, &[
                ("_id", "hex"), ("displayName", "text"), ("comment", "text"), ("created", "iso"), ("lastModified", "iso"), ("lastDataReceived", "iso"),
                ("logType", "integer"), ("receiverType", "text"), ("streamType", "integer"), ("anonymizeUsers", "flag"), ("anonymizeMachines", "flag"),
                ("isManual", "flag"), ("globalAggregated", "flag"), ("snapshotData", "flag"), ("readTimeFramesFromSecond", "flag"),
                ("logFilesHistoryCount", "integer"), ("logFilesFailsCount", "integer"), ("supportedEntityTypes", "list"), ("supportedTrafficTypes", "list"),
                ("lastAlertProcessingTime", "integer"), ("currentServicesCollectionName", "text"), ("timeFrames", "object"), ("timeFrames2", "object"),
                ("validTimeFrames", "list"), ("validTimeFrames2", "list"), ("timeWithoutLogs", "integer"), ("sourceStreams", "list"), ("userTags", "list"),
            ]);
        }
        let apps = caller.post("/api/v1/discovery/discovered_apps/", &json!({"timeFrame": "7"})).ok();
        for app in apps["data"].as_array().unwrap() {
            has_types(app, &[
                ("appId", "integer"), ("name", "text"), ("category", "text"), ("score", "integer"), ("trafficTotalBytes", "integer"), ("trafficUploadedBytes", "integer"),
                ("trafficDownloadedBytes", "integer"), ("trafficTotalEvents", "integer"), ("usersCount", "integer"), ("ipAddressesCount", "integer"),
                ("lastUsed", "iso"), ("domainList", "list"), ("tags", "list"),
            ]);
        }
        let task = &caller.get("/api/v1/governance/").ok()["data"][0];
        has_types(task, &[("_id", "hex"), ("taskName", "text"), ("type", "text"), ("timestamp", "integer"), ("created", "integer"), ("status", "object"), ("targetObject", "text"), ("targetObjectId", "text")]);
        has_types(&task["status"], &[("isSuccess", "flag"), ("statusMessage", "text"), ("shouldRetry", "flag")]);
        for policy in caller.get("/api/v1/policies/").ok()["data"].as_array().unwrap() {
            has_types(policy, &[("_id", "hex"), ("name", "text"), ("description", "text"), ("type", "text"), ("enabled", "flag"), ("disabled", "flag"), ("severity", "integer"), ("story", "integer"), ("alertsCount", "integer"), ("isBuiltIn", "flag")]);
        }
        for tag in caller.get("/api/v1/discovery/app_tags/").ok().as_array().unwrap() {
            has_types(tag, &[("id", "text"), ("name", "text"), ("target", "integer"), ("_tid", "integer"), ("appIds", "list"), ("builtIn", "flag")]);
        }
    }

    fn every_endpoint_answers_to_every_spelling(casbah: &Casbah) {
        let caller = casbah.application();
        raise(&caller);
        let json = [("content-type", "application/json")];
        for row in casbah_api::endpoints() {
            if row.access == casbah_api::Access::SignedUrl {
                continue;
            }
            let path = row.path.replace("{app_id}", "11627").replace("{typed_id}", "000000000000000000000000").replace("{id}", "000000000000000000000000");
            let mut spellings = vec![path.clone(), format!("{path}/"), format!("/cas{path}"), format!("/cas{path}/"), format!("/{path}//")];
            let unversioned = path.replacen("/api/v1/", "/api/", 1);
            if unversioned.starts_with("/api/discovery") {
                spellings.extend([format!("{unversioned}/"), format!("/cas{unversioned}")]);
            }
            for method in row.methods {
                let answers: Vec<_> = spellings.iter().map(|s| caller.send(method, s, &json, b"")).collect();
                for (answer, spelling) in answers.iter().zip(&spellings) {
                    assert_eq!(answer.status, answers[0].status, "{method} {spelling}: {}", answer.text());
                    let found = !answer.text().contains("no such endpoint") && !(300..400).contains(&answer.status) && answer.status < 500 && answer.status != 405;
                    assert!(found, "{method} {spelling}: {} {}", answer.status, answer.text());
                    no_clash(&serde_json::from_slice(&answer.body).unwrap_or_default(), spelling);
                    casbah.anonymous().send(method, spelling, &json, b"").refused(401);
                }
            }
            let all: Vec<_> = casbah_api::endpoints().into_iter().filter(|r| r.path == row.path).flat_map(|r| r.methods).collect();
            for method in ["PATCH", "OPTIONS", "PUT", "DELETE"].into_iter().filter(|m| !all.contains(&m)) {
                let answer = caller.send(method, &spellings[3], &json, b"");
                assert_eq!(answer.refused(405)["error"], true);
                let allowed: Vec<&str> = answer.header("allow").split(',').map(str::trim).collect();
                assert!(all.iter().all(|m| allowed.contains(m)), "{method} {path}: {allowed:?}");
            }
        }
        for unknown in ["/api/v1/nothing/", "/cas/api/v1/alerts/a/b/c", "/api/", "/api/v2/alerts/"] {
            for method in ["GET", "POST"] {
                assert_eq!(caller.send(method, unknown, &json, b"").refused(404)["error"], true);
            }
        }
        let head = caller.send("HEAD", "/api/v1/alerts/", &[], b"");
        assert_eq!((head.status, head.body.len()), (200, 0));
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

#[test]
fn a_scan_narrows_one_side_and_keeps_the_other() {
    let casbah = Casbah::start(Database::Sqlite);
    raise(&casbah.application());
    // The same log into another source raises the same alerts an hour later.
    let later = Options { clock: "2026-11-23T13:00:00Z".to_string(), ..Default::default() };
    let casbah = casbah.kill_and_restart_with(&later);
    let caller = casbah.application();
    let before = caller.get("/api/v1/alerts/").ok()["total"].as_u64().unwrap() as usize;
    raise_in(&caller, "Plant", before);
    let all = caller.get("/api/v1/alerts/").ok();
    let times: Vec<i64> =
        all["data"].as_array().unwrap().iter().map(|a| a["timestamp"].as_i64().unwrap()).collect();
    let (first, last) = (*times.iter().min().unwrap(), *times.iter().max().unwrap());
    assert!(first < last);
    for (direction, moving, kept) in [("asc", "gte", "lte"), ("desc", "lte", "gte")] {
        let (low, high) = (first - 10, last + 10);
        let mut filters = json!({"date": {"gte": low, "lte": high}, "severity": {"neq": [9]}});
        let mut seen = Vec::new();
        loop {
            let body = json!({"isScan": true, "limit": 2, "sortDirection": direction, "filters": filters});
            let page = caller.post("/api/v1/alerts/", &body).ok();
            let data = page["data"].as_array().unwrap();
            assert!(!data.is_empty(), "no page is empty: {page}");
            seen.extend(data.iter().map(|a| id(a).to_string()));
            assert_eq!(page.get("nextQueryFilters").is_some(), page["hasNext"] == true);
            let Some(next) = page.get("nextQueryFilters") else { break };
            assert_eq!(next["date"][kept], filters["date"][kept]);
            assert_eq!(next["severity"], filters["severity"]);
            let moved = next["date"][moving].as_i64().unwrap();
            assert!(low < moved && moved < high, "{next}");
            filters = next.clone();
        }
        let mut once = seen.clone();
        once.sort();
        once.dedup();
        assert_eq!((once.len(), seen.len()), (times.len(), times.len()), "{direction}");
    }
}
