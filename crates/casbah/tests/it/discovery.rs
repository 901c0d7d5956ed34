//! Cloud discovery over HTTP: upload, figures, reports, alerts, what bad files get, `kill -9`.

mod blobs;
mod commands;
mod files;
mod reports;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{
    CLIENT_SECRET, Casbah, Database, NOW, OTHER_CLIENT, OTHER_TENANT, READER, Session, casbah,
};

/// The log type of parsers that people define; uploads name a source instead.
const CUSTOM: &str = "167";

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../casbah-discovery/samples")
}

pub(crate) fn sample(name: &str) -> Vec<u8> {
    let path = samples().join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The rows of a CSV file, each by the names of its header.
fn rows(name: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(samples().join(name)).unwrap();
    reader.deserialize().map(Result::unwrap).collect()
}

/// Uploads a file as the documentation says and waits for its task; the governance record.
pub(crate) fn upload(
    caller: &Session,
    content: &[u8],
    filename: &str,
    source: &str,
    stream: &str,
    snapshot: bool,
) -> Value {
    let address = upload_url(caller, filename, source);
    put(caller, &address, content);
    let answer = caller.post("/api/v1/discovery/done_upload/", &done(&address, stream, snapshot)).ok();
    assert_eq!(answer["success"], true);
    wait_for_task(caller, filename)
}

fn upload_url(caller: &Session, filename: &str, source: &str) -> String {
    let path = format!("/api/v1/discovery/upload_url/?filename={filename}&source={source}");
    caller.get(&path).ok()["url"].as_str().unwrap().to_string()
}

fn put(caller: &Session, address: &str, content: &[u8]) {
    let answer = caller.send("PUT", address, &[("x-ms-blob-type", "BlockBlob")], content);
    assert_eq!(answer.status, 201, "{}", answer.text());
}

fn done(address: &str, stream: &str, snapshot: bool) -> Value {
    let mut body = json!({"uploadUrl": address, "inputStreamName": stream});
    if snapshot {
        body["uploadAsSnapshot"] = json!(true);
    }
    body
}

fn tasks(caller: &Session, filename: &str) -> Vec<Value> {
    let list = caller.get("/api/v1/governance/?limit=100").ok();
    list["data"].as_array().unwrap().iter().filter(|t| t["targetObject"] == filename).cloned().collect()
}

pub(crate) fn wait_for_task(caller: &Session, filename: &str) -> Value {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let found = tasks(caller, filename);
        if let Some(task) = found.iter().find(|t| !t["status"]["isSuccess"].is_null()) {
            return task.clone();
        }
        assert!(Instant::now() < deadline, "the task of {filename} does not end: {found:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub(crate) fn stream(caller: &Session, name: &str, source: i64) {
    let body =
        json!({"displayName": name, "logType": source, "receiverType": "ftp", "anonymizeUsers": false});
    caller.post("/api/v1/discovery/data_sources/", &body).ok();
}

pub(crate) fn stream_id(caller: &Session, name: &str) -> String {
    let streams = caller.get("/api/discovery/streams/").ok();
    let found = streams["streams"].as_array().unwrap().iter().find(|s| s["displayName"] == name);
    found.unwrap_or_else(|| panic!("no stream {name} in {streams}"))["_id"].as_str().unwrap().to_string()
}

fn apps(caller: &Session, stream: &str) -> Vec<Value> {
    let body = json!({"streamId": stream, "timeframe": "30", "limit": 100, "sortField": "name", "sortDirection": "asc"});
    caller.post("/cas/api/v1/discovery/discovered_apps/", &body).ok()["data"].as_array().unwrap().clone()
}

/// The columns of `expected.csv` and the fields that carry them.
const FIGURES: [(&str, &str); 14] = [
    ("lines", "lines"),
    ("parsed", "parsed"),
    ("too_old", "tooOld"),
    ("users", "users"),
    ("client_ips", "clientIps"),
    ("dest_hosts", "destHosts"),
    ("bytes_up", "bytesUp"),
    ("bytes_down", "bytesDown"),
    ("bytes_total", "bytesTotal"),
    ("blocked", "blocked"),
    ("first_seen", "firstSeen"),
    ("last_seen", "lastSeen"),
    ("skipped", "skipped"),
    ("ignored", "ignored"),
];

#[track_caller]
fn figures_match(row: &BTreeMap<String, String>, found: &Value) {
    for (column, field) in FIGURES {
        let text = match &found[field] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        assert_eq!(text, row[column], "{field} of {}: {found}", row["file"]);
    }
}

/// Rows of `expected-dest.csv` for one file against destination records.
#[track_caller]
fn destinations_match(file: &str, found: &[Value]) {
    let expected: Vec<_> = rows("expected-dest.csv").into_iter().filter(|r| r["file"] == file).collect();
    assert_eq!(found.len(), expected.len(), "destinations of {file}");
    let columns = [
        ("transactions", "transactions"),
        ("users", "users"),
        ("client_ips", "clientIps"),
        ("bytes_up", "bytesUp"),
        ("bytes_down", "bytesDown"),
        ("bytes_total", "bytesTotal"),
        ("blocked", "blocked"),
    ];
    for row in expected {
        let record = found.iter().find(|r| r["dest"] == row["dest"].as_str());
        let record = record.unwrap_or_else(|| panic!("{} lacks {}", file, row["dest"]));
        for (column, field) in columns {
            assert_eq!(record[field].to_string(), row[column], "{field} of {} in {file}", row["dest"]);
        }
    }
}

both! {
    fn every_sample_gives_its_figures_through_the_upload_api(casbah: &Casbah) {
        let caller = casbah.application();
        for row in rows("expected.csv") {
            let (file, source) = (row["file"].as_str(), row["source"].as_str());
            if row["log_type"] == CUSTOM {
                continue;
            }
            stream(&caller, source, row["log_type"].parse().unwrap());
            let task = upload(&caller, &sample(file), file, source, source, false);
            assert_eq!(task["status"]["isSuccess"], true, "{task}");
            figures_match(&row, &task["figures"]);
            let id = task["_id"].as_str().unwrap();
            let destinations = caller.get(&format!("/api/v1/governance/{id}/destinations/?limit=1000")).ok();
            destinations_match(file, destinations["data"].as_array().unwrap());
        }
    }

    fn an_upload_ends_in_apps_categories_and_alerts(casbah: &Casbah) {
        let caller = casbah.application();
        stream(&caller, "Office", 155);
        upload(&caller, &sample("SQUID_NATIVE.log"), "SQUID_NATIVE.log", "SQUID_NATIVE", "Office", false);
        let id = stream_id(&caller, "Office");
        let found = apps(&caller, &id);
        let dropbox = found.iter().find(|a| a["name"] == "Dropbox").expect("Dropbox was used");
        assert_eq!(dropbox["appId"], 11627);
        assert!(dropbox["trafficTotalBytes"].as_i64().unwrap() > 0 && dropbox["usersCount"].as_i64().unwrap() > 0);
        assert_eq!(found, apps(&caller, &stream_id(&caller, "Global View")), "one stream is all there is");
        let categories = caller.post("/api/v1/discovery/discovered_apps/categories/", &json!({"streamId": id})).ok();
        let storage = categories.as_array().unwrap().iter().find(|c| c["id"] == "SAASDB_CATEGORY_CLOUD_STORAGE");
        assert!(storage.unwrap()["total"].as_i64().unwrap() >= 1, "{categories}");
        let alerts = caller.get("/api/v1/alerts/").ok();
        let alerts = alerts["data"].as_array().unwrap();
        assert!(!alerts.is_empty());
        for alert in alerts {
            assert!(alert["entities"].as_array().unwrap().iter().any(|e| e["type"] == "service" && e["id"].is_i64()));
            assert_eq!(alert["policy"]["policyType"], "NEW_SERVICE");
            assert_eq!(caller.get(&format!("/api/v1/alerts/{}/", alert["_id"].as_str().unwrap())).ok(), *alert);
        }
        // Nothing of it is seen by the other tenant.
        let other = casbah.bearer(&casbah.application_token(OTHER_TENANT, OTHER_CLIENT, CLIENT_SECRET));
        assert_eq!(other.get("/api/v1/alerts/").ok()["total"], 0);
        other.get(&format!("/api/v1/alerts/{}/", alerts[0]["_id"].as_str().unwrap())).refused(404);
        assert_eq!(other.get("/api/discovery/streams/").ok()["streams"].as_array().unwrap().len(), 1);
        assert_eq!(other.get("/api/v1/governance/").ok()["total"], 0);
    }

    fn a_snapshot_stands_alone(casbah: &Casbah) {
        let caller = casbah.application();
        let task = upload(&caller, &sample("SQUID.log"), "SQUID.log", "SQUID", "Audit of May", true);
        assert_eq!(task["status"]["isSuccess"], true, "{task}");
        assert!(!apps(&caller, &stream_id(&caller, "Audit of May")).is_empty());
        assert!(apps(&caller, &stream_id(&caller, "Global View")).is_empty(), "a snapshot is not in the global report");
        assert_eq!(caller.get("/api/v1/alerts/").ok()["total"], 0, "a snapshot raises no alert");
    }

    fn the_same_file_again_is_not_counted_twice(casbah: &Casbah) {
        let caller = casbah.application();
        stream(&caller, "Office", 155);
        upload(&caller, &sample("SQUID_NATIVE.log"), "first.log", "SQUID_NATIVE", "Office", false);
        let id = stream_id(&caller, "Office");
        let before = apps(&caller, &id);
        upload(&caller, &sample("SQUID_NATIVE.log"), "again.log", "SQUID_NATIVE", "Office", false);
        assert_eq!(apps(&caller, &id), before);
    }

    fn what_a_bad_file_is_told(casbah: &Casbah) {
        let caller = casbah.application();
        stream(&caller, "Office", 155);
        for row in rows("bad/expected.csv") {
            let task = upload(&caller, &sample(&format!("bad/{}", row["file"])), &row["file"], &row["source"], "Office", false);
            assert_eq!(task["status"]["isSuccess"], false, "{task}");
            assert_eq!(task["status"]["statusMessage"], row["error"].as_str(), "{}", row["file"]);
        }
        assert!(apps(&caller, &stream_id(&caller, "Office")).is_empty(), "nothing is half-written");
    }

    fn what_a_wrong_upload_is_told(casbah: &Casbah) {
        let caller = casbah.application();
        stream(&caller, "Office", 155);
        let get = |query: &str| caller.get(&format!("/api/v1/discovery/upload_url/?{query}"));
        get("filename=a.log&source=NO_SUCH_SOURCE").refused(400);
        get("source=SQUID").refused(400);
        get("filename=a.log").refused(400);
        let finish = |body: &Value| caller.post("/api/v1/discovery/done_upload/", body);
        // Nothing was uploaded yet.
        let address = upload_url(&caller, "a.log", "SQUID_NATIVE");
        finish(&done(&address, "Office", false)).refused(400);
        // A stream that does not exist: the ones that do are named.
        put(&caller, &address, &sample("SQUID_NATIVE.log"));
        let refusal = finish(&done(&address, "Ofice", false)).refused(400).to_string();
        assert!(refusal.contains("CONSOLE_DISCOVERY_SETTINGS_PARSE_LOG_TASK_ERROR_NOT_FOUND_INPUT_STREAM"), "{refusal}");
        assert!(refusal.contains("Office"), "{refusal}");
        finish(&done(&address, "Office", false)).ok();
        // The address is used up, for bytes and for another end.
        finish(&done(&address, "Office", false)).refused(400);
        let again = caller.send("PUT", &address, &[("x-ms-blob-type", "BlockBlob")], b"more");
        assert!(matches!(again.status, 403 | 409), "{}", again.status);
        // An address that somebody changed.
        let address = upload_url(&caller, "b.log", "SQUID_NATIVE");
        let broken = address.replace("sig=", "sig=A");
        assert_eq!(caller.send("PUT", &broken, &[("x-ms-blob-type", "BlockBlob")], b"x").status, 403);
        finish(&done("https://elsewhere.example/upload", "Office", false)).refused(400);
        finish(&json!({"inputStreamName": "Office"})).refused(400);
    }

    fn blocks_are_put_together_in_the_order_of_the_list(casbah: &Casbah) {
        let caller = casbah.application();
        stream(&caller, "Office", 155);
        let content = sample("SQUID_NATIVE.log");
        let address = upload_url(&caller, "blocks.log", "SQUID_NATIVE");
        let (first, second) = content.split_at(content.len() / 2);
        for (id, part) in [("MDAwMg==", second), ("MDAwMQ==", first)] {
            let id = id.replace('=', "%3D");
            let answer = casbah.anonymous().send("PUT", &format!("{address}&comp=block&blockid={id}"), &[], part);
            assert_eq!(answer.status, 201, "{}", answer.text());
        }
        let list = "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList><Latest>MDAwMQ==</Latest><Latest>MDAwMg==</Latest></BlockList>";
        let answer = casbah.anonymous().send("PUT", &format!("{address}&comp=blocklist"), &[], list.as_bytes());
        assert_eq!(answer.status, 201, "{}", answer.text());
        caller.post("/api/v1/discovery/done_upload/", &done(&address, "Office", false)).ok();
        let task = wait_for_task(&caller, "blocks.log");
        assert_eq!(task["figures"]["parsed"], 33, "{task}");
    }

    fn the_chunked_put_of_microsofts_module_and_its_form_encoded_end(casbah: &Casbah) {
        let caller = casbah.application();
        stream(&caller, "Office", 155);
        let address = upload_url(&caller, "form.log", "SQUID_NATIVE");
        let answer = casbah.anonymous().send("PUT", &address, &[], &sample("SQUID_NATIVE.log"));
        assert_eq!(answer.status, 201, "{}", answer.text());
        let form = [("uploadUrl", address.as_str()), ("inputStreamName", "Office"), ("uploadAsSnapshot", "False")];
        assert_eq!(caller.post_form("/cas/api/v1/discovery/done_upload", &form).ok()["success"], true);
        assert_eq!(wait_for_task(&caller, "form.log")["status"]["isSuccess"], true);
    }

    fn block_scripts_of_unsanctioned_apps(casbah: &Casbah) {
        let caller = casbah.application();
        let named = |format: &str| caller.get(&format!("/api/discovery_block_scripts/?format={format}&type=banned"));
        let script = |format: u16| named(&format.to_string());
        for format in ["102", "104", "108", "112", "120", "129", "135", "domains", "unbound", "squid", "hosts", "defender", "cloudflare"] {
            let empty = named(format);
            assert_eq!((empty.status, empty.body.len()), (200, 0), "{format}");
        }
        caller.post("/api/v1/discovery/discovery_app/11627/add_tag/", &json!({"tagName": "Unsanctioned"})).ok();
        assert!(script(102).header("content-type").starts_with("text/plain"));
        assert!(script(102).text().lines().any(|l| l == "url.domain=dropbox.com deny"));
        assert!(script(120).text().lines().any(|l| l == ".dropbox.com"));
        assert!(script(135).text().lines().any(|l| l == "dest_host=dropbox.com action=deny"));
        assert!(script(104).text().lines().any(|l| l == " fqdn v4 dropbox.com"));
        assert!(script(108).text().lines().any(|l| l == "set url \"*.dropbox.com\""));
        assert!(script(112).text().contains(" dropbox.com/ *.dropbox.com/ "));
        assert!(script(129).text().contains("value http://*.dropbox.com\n"));
        assert!(named("squid").text().lines().any(|l| l == "acl casbah_block dstdomain .dropbox.com"));
        assert!(named("domains").text().lines().any(|l| l == "dropbox.com"));
        // Who polls gets the text only when it has changed.
        let path = "/api/discovery_block_scripts/?format=domains&type=banned";
        let mark = named("domains").header("etag").to_string();
        let again = |mark: &str| caller.send("GET", path, &[("if-none-match", mark)], b"");
        assert_eq!((again(&mark).status, again(&mark).body.len()), (304, 0));
        assert_eq!((again("\"other\"").status, again(&format!("\"other\", W/{mark}")).status), (200, 304));
        let pages = caller.get("/cas/api/discovery_block_scripts/?limit=10").ok();
        assert!(pages["data"][0]["domainList"].as_array().unwrap().contains(&json!("dropbox.com")));
        let unknown = script(999).refused(400).to_string();
        assert!(unknown.contains("102") && unknown.contains("135") && unknown.contains("unbound"), "{unknown}");
        caller.post("/api/v1/discovery/discovery_app/11627/remove_tag/", &json!({"tagName": "Unsanctioned"})).ok();
        assert!(script(102).body.is_empty());
        assert_eq!(again(&mark).status, 200, "the app may be used again");
    }

    fn discovered_apps_are_filtered_sorted_and_paged(casbah: &Casbah) {
        let caller = casbah.application();
        stream(&caller, "Office", 155);
        upload(&caller, &sample("SQUID_NATIVE.log"), "SQUID_NATIVE.log", "SQUID_NATIVE", "Office", false);
        let id = stream_id(&caller, "Office");
        let all = apps(&caller, &id);
        let path = "/cas/api/v1/discovery/discovered_apps/";
        let list = |body: Value| caller.post(path, &body).ok();
        let check = |filters: Value, wanted: &dyn Fn(&Value) -> bool| {
            let found = list(json!({"streamId": id, "timeframe": 30, "filters": filters}));
            let expected = all.iter().filter(|a| wanted(a)).count();
            assert_eq!(found["total"], expected, "{filters}");
            assert!(found["data"].as_array().unwrap().iter().all(wanted), "{filters}");
        };
        let score = |a: &Value| a["score"].as_i64();
        let users = |a: &Value| a["usersCount"].as_i64().unwrap();
        check(json!({"score": {"eq": [1, 5]}}), &|a| score(a).is_some_and(|s| (1..=5).contains(&s)));
        check(json!({"score": {"eq": ["8", "10"]}}), &|a| score(a).is_some_and(|s| s >= 8));
        check(json!({"score": {"eq": []}}), &|_| true);
        check(json!({"score": {"eq": null}}), &|a| score(a).is_none());
        check(json!({"users": {"gt": "1", "lt": 4}}), &|a| users(a) > 1 && users(a) < 4);
        check(json!({"appId": {"eq": "11627"}}), &|a| a["appId"] == 11627);
        check(json!({"appName": {"eq": "dropbox"}}), &|a| a["name"] == "Dropbox");
        check(json!({"appName": {"contains": ["BOX"]}}), &|a| a["name"].as_str().unwrap().to_lowercase().contains("box"));
        check(json!({"category": {"eq": ["SAASDB_CATEGORY_CLOUD_STORAGE"]}}), &|a| a["category"] == "SAASDB_CATEGORY_CLOUD_STORAGE");
        let person = "keiko.mori@contoso.com";
        let of_user = list(json!({"streamId": id, "filters": {"user.entity": {"eq": [person]}}}));
        assert!(of_user["total"].as_i64().unwrap() > 0);
        assert_eq!(list(json!({"streamId": id, "filters": {"user.entity": {"eq": {"id": person}}}}))["data"], of_user["data"]);
        // Tags: the three verdicts exclude each other, and a filter takes a name or an id.
        let tag = |what: &str, body: &Value| caller.post(&format!("/api/v1/discovery/discovery_app/11627/{what}"), body);
        tag("add_tag/", &json!({"tagName": "Monitored"})).ok();
        caller.post_form("/cas/api/v1/discovery/discovery_app/11627/add_tag", &[("tagName", "sanctioned")]).ok();
        let tags = caller.post("/api/v1/discovery/app_tags/", &json!({})).ok();
        let bearing = |name: &str| tags.as_array().unwrap().iter().find(|t| t["name"] == name).unwrap().clone();
        assert_eq!((&bearing("Sanctioned")["appIds"], &bearing("Monitored")["appIds"]), (&json!([11627]), &json!([])));
        let sanctioned = |a: &Value| a["appId"] == 11627;
        for filters in [json!({"tag": {"eq": "Sanctioned"}}), json!({"tag": {"eq": [bearing("Sanctioned")["id"]]}}), json!({"sanctioned": {"eq": "true"}}), json!({"tag": {"neq": null}})] {
            check(filters, &sanctioned);
        }
        for filters in [json!({"tag": {"neq": ["Sanctioned"]}}), json!({"sanctioned": {"eq": false}}), json!({"tag": {"eq": [null]}})] {
            check(filters, &|a| !sanctioned(a));
        }
        tag("add_tag", &json!({"tagName": "No such tag"})).refused(400);
        tag("remove_tag", &json!({})).refused(400);
        caller.post("/api/v1/discovery/discovery_app/99999/add_tag/", &json!({"tagName": "Sanctioned"})).refused(404);
        caller.post("/api/v1/discovery/discovery_app/x/add_tag/", &json!({"tagName": "Sanctioned"})).refused(400);
        for field in ["name", "score", "usersCount", "ipAddressesCount", "lastUsed", "trafficUploadedBytes", "trafficTotalBytes", "trafficTotalEvents"] {
            // One client goes on by number, another by what it is told; both see each app once.
            let mut by_number = Vec::new();
            loop {
                let page = list(json!({"streamId": id, "timeframe": 90, "skip": by_number.len(), "limit": 4, "sortField": field, "sortDirection": "asc"}));
                by_number.extend(page["data"].as_array().unwrap().iter().map(|a| a["appId"].as_i64().unwrap()));
                if page["hasNext"] == false {
                    break;
                }
            }
            let (mut by_filters, mut filters) = (Vec::new(), json!({}));
            loop {
                let page = list(json!({"streamId": id, "timeframe": 90, "skip": 0, "limit": "4", "filters": filters, "sortField": field, "sortDirection": "asc", "performAsyncTotal": true}));
                by_filters.extend(page["data"].as_array().unwrap().iter().map(|a| a["appId"].as_i64().unwrap()));
                assert!(by_filters.len() <= all.len(), "the chain ends");
                match page.get("nextQueryFilters") {
                    Some(next) => filters = next.clone(),
                    None => break,
                }
            }
            assert_eq!(by_number, by_filters, "{field}");
            by_number.sort_unstable();
            by_number.dedup();
            assert_eq!(by_number.len(), all.len(), "{field}");
        }
        for wrong in [json!({"timeframe": 8}), json!({"streamId": "x"}), json!({"streamId": "000000000000000000000000"}), json!({"sortField": "colour"}), json!({"filters": {"colour": {"eq": 1}}}), json!({"filters": {"score": {"eq": [1, 2, 3]}}})] {
            assert_eq!(caller.post(path, &wrong).refused(400)["error"], true);
        }
        let categories = |body: Value| caller.post("/api/v1/discovery/discovered_apps/categories/", &body);
        let counted = categories(json!({"streamId": id, "sortField": "score", "sortDirection": "desc", "timeFrame": 30})).ok();
        let counted: Vec<i64> = counted.as_array().unwrap().iter().map(|c| c["total"].as_i64().unwrap()).collect();
        assert!(counted.is_sorted_by(|a, b| a >= b) && counted.iter().sum::<i64>() == all.len() as i64, "{counted:?}");
        assert_eq!(categories(json!({"streamId": id, "limit": 1, "skip": 1})).ok().as_array().unwrap().len(), 1);
        let one = categories(json!({"streamId": id, "filters": {"category": {"eq": "SAASDB_CATEGORY_CRM"}}})).ok();
        assert_eq!(one[0]["id"], "SAASDB_CATEGORY_CRM");
        categories(json!({})).refused(400);
    }

    fn data_sources_come_and_go(casbah: &Casbah) {
        let caller = casbah.application();
        let path = "/cas/api/v1/discovery/data_sources/";
        let make = |body: Value| caller.post(path, &body);
        let full = json!({"anonymizeUsers": "false", "displayName": "syslog-1", "logType": "112", "protocol": "UDP", "receiverType": "syslog", "receiverTypeFull": "syslog-udp"});
        let made = make(full.clone()).ok();
        assert_eq!((&made["receiverType"], &made["protocol"], &made["logType"], &made["streamType"]), (&json!("syslog"), &json!("udp"), &json!(112), &json!(1)));
        assert_eq!(make(json!({"displayName": "tls_2", "logType": 112, "protocol": null, "receiverTypeFull": "syslog-tls"})).ok()["protocol"], "tls");
        assert_eq!(make(json!({"displayName": "ftps", "logType": 155, "receiverTypeFull": "ftps"})).ok()["receiverType"], "ftps");
        for (name, value) in [("displayName", json!("a b")), ("displayName", json!("x".repeat(65))), ("displayName", json!("")), ("logType", json!(99_999)), ("logType", json!(null)), ("receiverType", json!("pigeon")), ("protocol", json!("sctp"))] {
            let mut body = full.clone();
            body["displayName"] = json!("other");
            body[name] = value;
            assert!(make(body).refused(400)[name].is_array());
        }
        assert!(make(full).refused(400)["displayName"].is_array(), "a name is taken once");
        let list = caller.get(&format!("{path}?skip=0&limit=2&sortField=created&sortDirection=desc")).ok();
        assert_eq!((list["data"].as_array().unwrap().len(), &list["total"], &list["hasNext"]), (2, &json!(3), &json!(true)));
        let id = made["_id"].as_str().unwrap();
        caller.delete(&format!("/api/v1/discovery/data_sources/{id}/")).ok();
        caller.delete(&format!("/api/v1/discovery/data_sources/{id}")).refused(404);
        caller.delete(&format!("{path}{}", stream_id(&caller, "Global View"))).refused(400);
        upload(&caller, &sample("SQUID_NATIVE.log"), "once.log", "SQUID_NATIVE", "Once", true);
        let snapshot = stream_id(&caller, "Once");
        assert!(!apps(&caller, &snapshot).is_empty());
        let reports = "/api/v1/discovery/snapshot_reports/";
        caller.delete(&format!("{reports}{}", stream_id(&caller, "tls_2"))).refused(400);
        caller.delete(&format!("{reports}{snapshot}")).ok();
        caller.delete(&format!("{reports}{snapshot}")).refused(404);
        assert!(!caller.get("/api/discovery/streams/").ok().to_string().contains(&snapshot));
    }

    fn the_governance_log_and_the_policies_are_filtered(casbah: &Casbah) {
        let caller = casbah.application();
        stream(&caller, "Office", 155);
        upload(&caller, &sample("SQUID_NATIVE.log"), "good.log", "SQUID_NATIVE", "Office", false);
        upload(&caller, b"", "empty.log", "SQUID_NATIVE", "Office", false);
        let check = |filters: Value, expected: i64| {
            let found = caller.post("/api/v1/governance/", &json!({"filters": filters, "sortField": "timestamp"})).ok();
            assert_eq!(found["total"], expected, "{filters}");
        };
        check(json!({"status": {"eq": [true, false, null]}}), 2);
        check(json!({"status": {"eq": "true"}}), 1);
        check(json!({"status": {"eq": [false]}}), 1);
        check(json!({"status": {"eq": null}}), 0);
        check(json!({"type": {"eq": "DiscoveryParseLogTask"}}), 2);
        check(json!({"type": {"eq": ["RmsProtectTask"]}}), 0);
        check(json!({"appId": {"eq": 20892}}), 0);
        check(json!({"appId": {"neq": [20892]}}), 2);
        check(json!({"timestamp": {"gte": "0"}}), 2);
        check(json!({"timestamp": {"lte": 0}}), 0);
        let id = tasks(&caller, "good.log")[0]["_id"].as_str().unwrap().to_string();
        assert_eq!(caller.get(&format!("/cas/api/v1/governance/{id}")).ok()["targetObject"], "good.log");
        caller.get("/api/v1/governance/000000000000000000000000/").refused(404);
        caller.get("/api/v1/governance/none/").refused(400);
        let policies = |filters: Value| caller.post("/api/v1/policies/", &json!({"filters": filters})).ok();
        assert_eq!(policies(json!({"type": {"eq": "FILE"}}))["total"], 0);
        let all = policies(json!({"type": {"eq": ["NEW_SERVICE"]}}));
        let of_discovery = all["total"].as_i64().unwrap();
        assert!(policies(json!({"type": {"eq": []}}))["total"].as_i64().unwrap() > of_discovery, "and others");
        let id = all["data"][0]["_id"].as_str().unwrap();
        for path in [format!("/api/v1/policies/{id}/"), format!("/cas/api/v1/policies/NEW_SERVICE/{id}")] {
            assert_eq!(caller.get(&path).ok()["_id"], id);
        }
        caller.get(&format!("/api/v1/policies/FILE/{id}/")).refused(404);
    }

    fn a_reader_may_look_and_not_upload(casbah: &Casbah) {
        let reader = casbah.user(READER);
        reader.get("/api/discovery/streams/").ok();
        let refusal = reader.get("/api/v1/discovery/upload_url/?filename=a&source=SQUID").refused(403);
        assert!(refusal.to_string().contains("Discovery.manage"), "{refusal}");
    }
}

#[test]
fn an_upload_address_has_its_time() {
    let casbah = Casbah::start(Database::Sqlite);
    let address = upload_url(&casbah.application(), "late.log", "SQUID_NATIVE");
    let late = crate::harness::Options { clock: "2026-11-25T12:00:00Z".to_string(), ..Default::default() };
    let casbah = casbah.kill_and_restart_with(&late);
    assert_eq!(
        casbah.anonymous().send("PUT", &address, &[("x-ms-blob-type", "BlockBlob")], b"x").status,
        403
    );
}

/// Kills the process at many moments between the first byte and the end of the work: what was
/// acknowledged is there afterwards, once.
fn survives_kills(database: Database) {
    let mut casbah = Casbah::start(database);
    stream(&casbah.application(), "Office", 155);
    let content = sample("SQUID_NATIVE.log");
    for round in 0..12u64 {
        let caller = casbah.application();
        // Another host each time, so that no file repeats another.
        let text = String::from_utf8_lossy(&content).replace("10.23.39.144", &format!("10.99.0.{round}"));
        let filename = format!("kill-{round}.log");
        let address = upload_url(&caller, &filename, "SQUID_NATIVE");
        put(&caller, &address, text.as_bytes());
        if round % 3 == 1 {
            // Killed between the bytes and the end: the bytes were acknowledged, so the end works later.
            casbah = casbah.kill_and_restart();
        }
        let caller = casbah.application();
        caller.post("/api/v1/discovery/done_upload/", &done(&address, "Office", false)).ok();
        // Killed at once or a little later, while the worker is somewhere in its work.
        std::thread::sleep(Duration::from_millis(round * 3));
        casbah = casbah.kill_and_restart();
    }
    let caller = casbah.application();
    for round in 0..12 {
        let task = wait_for_task(&caller, &format!("kill-{round}.log"));
        assert_eq!(task["status"]["isSuccess"], true, "{task}");
        assert_eq!(tasks(&caller, &format!("kill-{round}.log")).len(), 1);
    }
    let once = transactions_of_one_upload();
    let total: i64 = apps(&caller, &stream_id(&caller, "Office"))
        .iter()
        .map(|a| a["trafficTotalEvents"].as_i64().unwrap())
        .sum();
    assert_eq!(total, once * 12, "each file is counted exactly once");
}

/// Transactions to apps of the catalogue in the sample, counted by one undisturbed upload.
fn transactions_of_one_upload() -> i64 {
    let casbah = Casbah::start(Database::Sqlite);
    let caller = casbah.application();
    stream(&caller, "Office", 155);
    upload(&caller, &sample("SQUID_NATIVE.log"), "once.log", "SQUID_NATIVE", "Office", false);
    apps(&caller, &stream_id(&caller, "Office"))
        .iter()
        .map(|a| a["trafficTotalEvents"].as_i64().unwrap())
        .sum()
}

#[test]
fn kill_9_loses_nothing_and_repeats_nothing_on_sqlite() {
    survives_kills(Database::sqlite());
}

#[test]
fn kill_9_loses_nothing_and_repeats_nothing_on_postgres() {
    survives_kills(Database::postgres());
}

#[test]
fn a_stop_in_the_middle_of_a_large_log_loses_nothing() {
    let arguments = vec!["--shutdown-grace".to_string(), "0".to_string()];
    let options = crate::harness::Options { arguments, ..Default::default() };
    let mut casbah = Casbah::start_with(Database::Sqlite, &options);
    let caller = casbah.application();
    let line = "1795400000.000 120 10.0.0.7 TCP_MISS/200 4096 GET https://www.dropbox.com/ a HIER_DIRECT/192.0.2.1 text/html\n";
    let address = upload_url(&caller, "large.log", "SQUID_NATIVE");
    put(&caller, &address, line.repeat(100_000).as_bytes());
    caller.post("/api/v1/discovery/done_upload/", &done(&address, "Large", true)).ok();
    Command::new("kill").args(["-TERM", &casbah.id().to_string()]).status().unwrap();
    assert_eq!(casbah.wait(), Some(0));
    let casbah = casbah.kill_and_restart();
    let task = wait_for_task(&casbah.application(), "large.log");
    assert_eq!(task["figures"]["parsed"], 100_000, "{task}");
}

#[test]
fn the_offline_parser_gives_the_same_figures() {
    let folder = tempfile::tempdir().unwrap();
    let parsers: Vec<Value> = serde_json::from_slice(&sample("custom-parsers.json")).unwrap();
    for row in &rows("expected.csv") {
        let parse = |more: &[&str]| -> Value {
            let mut command = casbah();
            command.args(["discovery", "parse"]).arg(samples().join(&row["file"]));
            command.args(["--output", "json"]).args(more);
            if row["log_type"] == CUSTOM {
                let parser = parsers.iter().find(|p| p["name"] == row["source"].as_str()).unwrap();
                let file = folder.path().join("parser.json");
                std::fs::write(&file, parser.to_string()).unwrap();
                command.arg("--parser").arg(file);
            } else {
                command.args(["--source", &row["source"]]);
            }
            let output = command.env("CASBAH_CLOCK", NOW).env("CASBAH_TEST_MODE", "1").output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            serde_json::from_slice(&output.stdout).unwrap()
        };
        let summary = parse(&[]);
        assert_eq!(summary["source"], row["source"].as_str());
        figures_match(row, &summary);
        destinations_match(&row["file"], parse(&["--destinations"]).as_array().unwrap());
    }
}

#[test]
fn the_offline_parser_names_what_is_wrong() {
    let parse = |file: &str, source: &str| {
        let mut command: Command = casbah();
        command
            .args(["discovery", "parse"])
            .arg(samples().join(file))
            .args(["--source", source, "--output", "json"]);
        let output = command.env("CASBAH_CLOCK", NOW).env("CASBAH_TEST_MODE", "1").output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    for row in rows("bad/expected.csv") {
        let (code, text) = parse(&format!("bad/{}", row["file"]), &row["source"]);
        if row["parsed"] == "0" {
            assert_eq!(code, Some(1), "{text}");
            assert!(text.contains(&row["error"]), "{text}");
        }
    }
    let (code, text) = parse("SQUID.log", "SQUIT");
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("SQUIT") && text.contains("SQUID"), "{text}");
    let (code, text) = parse("SQUID_NATIVE_SYSLOG.log", "auto");
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("is read as SQUID_NATIVE_SYSLOG: 40 of 43 lines read"), "{text}");
    let (code, text) = parse("bad/image.png", "auto");
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("Unsupported file type"), "{text}");
    assert!(parse("no-such-file.log", "SQUID").1.contains("no-such-file.log"));
}
