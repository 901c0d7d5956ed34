//! `casbah import --from`: a second Casbah as the source.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::harness::{
    ADMINISTRATOR, API_TOKEN, Casbah, Database, PASSWORD, PUBLIC_CLIENT, Session, TENANT, casbah,
};
use crate::replays::{AN_HOUR_AGO, take_in};

fn command(into: &Casbah, folder: &Path, from: &str, more: &[&str]) -> Command {
    let mut command = casbah();
    command
        .args(["import", "--from", from, "--output", "json", "--state", "state.json"])
        .args(more)
        .current_dir(folder)
        .env("CASBAH_URL", &into.url)
        .env("CASBAH_CA", into.data_dir().join("tls/ca.pem"))
        .env("CASBAH_TENANT", TENANT)
        .env("CASBAH_PUBLIC_CLIENT_ID", PUBLIC_CLIENT)
        .env("CASBAH_USER", ADMINISTRATOR)
        .env("CASBAH_PASSWORD", PASSWORD)
        .env("CASBAH_FROM_TOKEN", API_TOKEN)
        .env("HOME", "/nonexistent")
        .env_remove("XDG_CONFIG_HOME");
    command
}

fn import(into: &Casbah, folder: &Path, from: &Casbah, more: &[&str]) -> Output {
    let authority = from.data_dir().join("tls/ca.pem");
    let all = [&["--from-ca", authority.to_str().unwrap()], more].concat();
    command(into, folder, &from.url, &all).output().unwrap()
}

#[track_caller]
fn figures(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let all: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    all.into_iter()
        .map(|one| (one["name"].as_str().unwrap().to_string(), one))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn total(caller: &Session, list: &str) -> i64 {
    let filters = if list == "activities" { json!({ "service": { "neq": [20595] } }) } else { json!({}) };
    caller.post(&format!("/api/v1/{list}/"), &json!({ "filters": filters })).ok()["total"].as_i64().unwrap()
}

/// A tenant with ranges, and activities of two hours.
fn source() -> Casbah {
    let source = Casbah::start(Database::sqlite());
    let caller = source.application();
    for (name, subnet, tags) in [
        ("Oslo", "198.51.100.0/24", json!(["office"])),
        ("Tor", "203.0.113.7", json!(["2dfa95cd7922d979d66fcff5"])),
    ] {
        let body = json!({ "name": name, "category": 1, "subnets": [subnet], "tags": tags, "organization": "Fjord Net" });
        caller.post("/api/v1/subnet/create_rule/", &body).ok();
    }
    let names: Vec<String> = (0..2_600).map(|number| format!("event-{number:04}")).collect();
    take_in(
        &caller,
        names
            .iter()
            .enumerate()
            .map(|(at, name)| (name.as_str(), AN_HOUR_AGO - 3_600_000 + 1_000 * (at as i64 / 3))),
    );
    let alert = |id: &str, more: Value| {
        let mut alert = json!({
            "_id": id, "timestamp": AN_HOUR_AGO, "title": "Impossible travel", "severityValue": 2, "idValue": 15_859_716,
            "policy": { "id": "6a1f0c2b9d3e4f5a6b7c8d99", "label": "Travel", "policyType": "ANOMALY_DETECTION" },
            "entities": [{ "type": "account", "id": "mira", "saas": 10489, "label": "Mira" }], "audits": ["event-0000"],
            "contextId": "2b1d7b5e-0a0c-4c53-9a4e-4d3f1f1a9b77",
        });
        alert.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        alert.to_string()
    };
    let closed = json!({ "resolutionStatusValue": 4, "resolveTime": "2026-11-23T11:30:00.250Z", "comment": "a train",
        "handledByUser": "ops@lagoon.example", "isMarkdown": true });
    let lines = format!(
        "{}\n{}\n",
        alert("6a1f0c2b9d3e4f5a6b7c8d90", json!({})),
        alert("6a1f0c2b9d3e4f5a6b7c8d91", closed)
    );
    let kind = [("content-type", "application/x-ndjson")];
    assert_eq!(caller.send("POST", "/api/v1/alerts/ingest/", &kind, lines.as_bytes()).ok()["stored"], 2);
    source
}

both! {
    fn a_tenant_is_copied_and_a_copy_that_was_killed_goes_on(casbah: &Casbah) {
        let (source, folder) = (source(), tempfile::tempdir().unwrap());
        let state = folder.path().join("state.json");
        let authority = source.data_dir().join("tls/ca.pem");
        let mut killed = command(casbah, folder.path(), &source.url, &["--from-ca", authority.to_str().unwrap()]);
        let mut killed = killed.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // As soon as some activities are here.
        let caller = casbah.application();
        while total(&caller, "activities") == 0 {
            assert!(killed.try_wait().unwrap().is_none(), "it ended before anything was here");
        }
        killed.kill().unwrap();
        killed.wait().unwrap();
        let secret = std::fs::read_to_string(&state).unwrap_or_default();
        assert!(!secret.contains(API_TOKEN), "the file holds no secret");

        let output = import(casbah, folder.path(), &source, &[]);
        let said = figures(&output);
        assert_eq!((total(&caller, "activities"), total(&caller, "subnet")), (2_600, 2));
        let activities = &said["activities"];
        assert_eq!(activities["stored"].as_i64().unwrap() + activities["unchanged"].as_i64().unwrap(), 2_600, "{said}");
        assert!(activities["skipped"].as_i64().unwrap() > 0 && activities["rejected"] == 0, "the source's own trail stays there: {said}");
        assert!(!state.exists(), "a complete copy leaves nothing to go on from");

        // A record says what it said.
        let record = |of: &Casbah, id: &str| of.application().get(&format!("/api/v1/activities/{id}/")).ok();
        for id in ["event-0000", "event-2599"] {
            let (here, there) = (record(casbah, id), record(&source, id));
            for name in ["timestamp", "appId", "appName", "eventTypeName", "eventTypeValue", "user", "device", "location", "description", "source"] {
                assert_eq!(here[name], there[name], "{name} of {id}");
            }
        }
        let alerts = &said["alerts"];
        let told = alerts["stored"].as_i64().unwrap() + alerts["unchanged"].as_i64().unwrap();
        assert!(told >= 2 && alerts["rejected"] == 0, "those that were sent in, and what Casbah found by itself: {said}");
        let alert = |of: &Casbah, id: &str| of.application().get(&format!("/api/v1/alerts/{id}/")).ok();
        for id in ["6a1f0c2b9d3e4f5a6b7c8d90", "6a1f0c2b9d3e4f5a6b7c8d91"] {
            let (mut here, there) = (alert(casbah, id), alert(&source, id));
            here["URL"] = there["URL"].clone();
            assert_eq!(here, there, "all that an alert says is copied, with the activities that it came of");
        }
        let ranges = |of: &Casbah| -> Vec<Value> {
            let list = of.application().post("/api/v1/subnet/", &json!({})).ok();
            list["data"].as_array().unwrap().iter().map(|range| {
                let tags: Vec<&Value> = range["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
                json!([range["name"], range["category"], range["subnets"], range["organization"], tags])
            }).collect()
        };
        assert_eq!(ranges(casbah), ranges(&source));

        // Once more, and nothing is there twice.
        let said = figures(&import(casbah, folder.path(), &source, &[]));
        assert_eq!((&said["activities"]["stored"], &said["activities"]["unchanged"]), (&json!(0), &json!(2_600)));
        assert_eq!((&said["subnets"]["stored"], &said["subnets"]["unchanged"]), (&json!(0), &json!(2)));
    }
}

#[test]
fn only_what_is_asked_for_is_copied() {
    let (source, into, folder) = (source(), Casbah::start(Database::sqlite()), tempfile::tempdir().unwrap());
    let said = figures(&import(
        &into,
        folder.path(),
        &source,
        &["--only", "activities", "--since", "2026-11-23T10:10:00Z"],
    ));
    assert!(said.get("subnets").is_none(), "{said}");
    // Ten minutes of three a second came before.
    assert_eq!(said["activities"]["stored"], 2_600 - 3 * 600);
    assert_eq!(total(&into.application(), "subnet"), 0);
    for (arguments, named) in [
        (&["--only", "policies"][..], "subnets"),
        (&["--since", "yesterday"], "30d"),
        (&["--per-minute", "0"], "per-minute"),
    ] {
        let output = import(&into, folder.path(), &source, arguments);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && errors.contains(named), "{arguments:?}: {errors}");
    }
    let mut nobody = command(&into, folder.path(), &source.url, &[]);
    let output = nobody.env_remove("CASBAH_FROM_TOKEN").output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("--from-token-file"));
    let file = folder.path().join("token");
    std::fs::write(&file, "wrong\n").unwrap();
    let output = import(&into, folder.path(), &source, &["--from-token-file", file.to_str().unwrap()]);
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("Invalid token"));
}

/// A tenant that is busy: it says so in both of its ways, then answers.
#[test]
fn a_busy_source_is_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let record = json!({ "_id": "a", "timestamp": AN_HOUR_AGO, "appId": 20892, "eventTypeName": "EVENT_CATEGORY_LOGIN" });
        let page = json!({ "data": [record], "total": 1, "hasNext": false }).to_string();
        let answers = [
            (
                "429 Too Many Requests",
                "retry-after: 1\r\n",
                "{\"detail\":\"Request was throttled.\"}".to_string(),
            ),
            (
                "400 Bad Request",
                "retry-after: 0\r\n",
                "{\"detail\":\"Request was throttled. Expected available in 1 second.\"}".to_string(),
            ),
            ("503 Service Unavailable", "", String::new()),
            ("200 OK", "", page),
        ];
        for (status, headers, body) in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some(said) = line.to_lowercase().strip_prefix("content-length:") {
                    length = said.trim().parse().unwrap();
                }
                if line == "\r\n" {
                    break;
                }
            }
            let mut asked = vec![0; length];
            reader.read_exact(&mut asked).unwrap();
            let asked: Value = serde_json::from_slice(&asked).unwrap();
            assert_eq!((&asked["isScan"], &asked["sortDirection"]), (&json!(true), &json!("asc")));
            write!(stream, "HTTP/1.1 {status}\r\n{headers}content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()).unwrap();
        }
    });
    let (into, folder) = (Casbah::start(Database::sqlite()), tempfile::tempdir().unwrap());
    let output = command(&into, folder.path(), &address, &["--only", "activities"]).output().unwrap();
    assert_eq!(figures(&output)["activities"]["stored"], 1);
    server.join().unwrap();
}
