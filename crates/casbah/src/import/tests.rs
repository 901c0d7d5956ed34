//! The samples of every format, and files as people have them.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::{FORMATS, events, format};
use crate::client::failure::Failure;

/// An event with its place, or the reason why it cannot be read.
type Event = (String, Result<Value, String>);

/// The events of a file.
fn found(bytes: &[u8]) -> Result<Vec<Event>, Failure> {
    let mut all = Vec::new();
    events::each("the file", &mut &*bytes, &mut |place, event| {
        all.push((place.to_string(), event));
        Ok(())
    })?;
    Ok(all)
}

fn sample(name: &str) -> Vec<u8> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/audit");
    std::fs::read(folder.join(name)).expect("the sample is there")
}

fn records(format_name: &str, file: &str) -> Vec<Value> {
    let format = format(format_name).expect("a format");
    let events = found(&sample(file)).expect("a file that can be read");
    events
        .into_iter()
        .map(|(_, event)| (format.record)(&event.expect("an event")).expect("a record"))
        .collect()
}

/// What a reader would look at, of each record of a sample.
#[track_caller]
fn check(format: &str, file: &str, expected: &[Value]) {
    let records = records(format, file);
    assert_eq!(records.len(), expected.len());
    for (record, expected) in records.iter().zip(expected) {
        for (pointer, value) in expected.as_object().expect("pointers and values") {
            assert_eq!(record.pointer(pointer).unwrap_or(&Value::Null), value, "{pointer} of {record:#}");
        }
        assert!(record["rawDataJson"].is_object(), "the event itself is kept");
    }
}

#[test]
fn microsoft_365() {
    check(
        "m365",
        "m365.csv",
        &[
            json!({
                "/_id": "m365_6d1c1f7e-0001-4c3a-9d5e-000000000001", "/timestamp": "2026-11-20T08:01:10Z", "/appId": 11161,
                "/eventTypeName": "EVENT_CATEGORY_FAILED_LOGIN", "/eventTypeValue": "EVENT_USERLOGINFAILED",
                "/device/clientIP": "198.51.100.7", "/device/userAgent": "Mozilla/5.0 (Windows NT 10.0) Chrome/130.0.1 Safari/537",
                "/user/userName": "mira@lagoon.example", "/resolvedActor/id": "m-1",
                "/mainInfo/activityResult": { "isSuccess": false, "message": "InvalidUserNameOrPassword" },
                "/eventRouting/adminEvent": false,
            }),
            json!({
                "/appId": 20892, "/eventTypeName": "EVENT_CATEGORY_DOWNLOAD_FILE", "/device/clientIP": "2001:db8::7",
                "/mainInfo/eventObjects/0/name": "plan.xlsx", "/mainInfo/eventObjects/0/objType": 2,
                "/mainInfo/activityResult/isSuccess": true,
            }),
            json!({
                "/appId": 20893, "/eventTypeName": "EVENT_CATEGORY_RUN_COMMAND", "/device/clientIP": "203.0.113.9",
                "/eventRouting/adminEvent": true, "/mainInfo/rawOperationName": "New-InboxRule",
            }),
        ],
    );
}

#[test]
fn entra_sign_ins() {
    check(
        "entra-signin",
        "entra-signin.json",
        &[
            json!({
                "/_id": "entra_3a1b0000-0000-4000-8000-000000000001", "/eventTypeValue": "EVENT_AAD_LOGIN",
                "/eventTypeName": "EVENT_CATEGORY_LOGIN", "/device/countryCode": "NO", "/location/city": "Oslo",
                "/location/latitude": 59.9, "/mainInfo/activityResult": { "isSuccess": true }, "/session/sessionId": "c-1",
            }),
            json!({
                "/eventTypeValue": "EVENT_AAD_LOGIN_FAILED", "/rawDataJson/ErrorCode": 50126, "/device/countryCode": "PE",
                "/mainInfo/activityResult/message": "Error validating credentials.",
            }),
        ],
    );
}

#[test]
fn google_workspace() {
    check(
        "google-workspace",
        "google-workspace.json",
        &[
            json!({
                "/_id": "google_login_2026-11-20T10:00:00.123Z_-8514910000000000001", "/appName": "Google Workspace",
                "/eventTypeName": "EVENT_CATEGORY_FAILED_LOGIN", "/device/clientIP": "2001:db8::42",
                "/mainInfo/activityResult/message": "login_failure_invalid_password",
            }),
            json!({
                "/appName": "Google Drive", "/appId": 26069, "/eventTypeName": "EVENT_CATEGORY_DOWNLOAD_FILE",
                "/mainInfo/eventObjects/0/id": "1AbC", "/mainInfo/eventObjects/0/name": "Budget",
            }),
        ],
    );
}

#[test]
fn okta() {
    check(
        "okta",
        "okta.jsonl",
        &[
            json!({
                "/appId": 10980, "/eventTypeName": "EVENT_CATEGORY_LOGIN", "/location/city": "Bergen",
                "/location/organizationSearchable": "Fjord Net", "/session/sessionId": "idx-1", "/device/countryCode": null,
            }),
            json!({
                "/eventTypeName": "EVENT_CATEGORY_CREATE_USER", "/eventRouting/adminEvent": true,
                "/mainInfo/eventObjects/0/name": "Nora Vik", "/mainInfo/eventObjects/0/serviceObjectType": "User",
            }),
        ],
    );
}

#[test]
fn cloudtrail() {
    check(
        "cloudtrail",
        "cloudtrail.json",
        &[
            json!({
                "/appId": 11599, "/eventTypeName": "EVENT_CATEGORY_FAILED_LOGIN", "/user/userName": "ivar",
                "/mainInfo/activityResult": { "isSuccess": false, "message": "Failed authentication" },
                "/eventRouting/adminEvent": false,
            }),
            json!({
                "/eventTypeName": "EVENT_CATEGORY_DELETE_OBJECT", "/user/userName": "deploy", "/device/clientIP": null,
                "/mainInfo/eventObjects/0/id": "archive", "/eventRouting/adminEvent": true,
            }),
        ],
    );
}

#[test]
fn github() {
    check(
        "github",
        "github.json",
        &[
            json!({
                "/timestamp": 1_795_176_000_000_i64, "/appName": "GitHub", "/eventTypeName": "EVENT_CATEGORY_DOWNLOAD_FILE",
                "/eventTypeValue": "EVENT_GIT_CLONE", "/resolvedActor/id": "4711", "/device/countryCode": "NO",
            }),
            json!({ "/eventTypeName": "EVENT_CATEGORY_DELETE_OBJECT", "/eventRouting/adminEvent": true }),
        ],
    );
    let app = casbah_discovery::Catalogue::built_in().apps().find(|app| app.name == "GitHub");
    assert_eq!(app.map(|app| i64::from(app.id)), Some(super::github::APP));
}

/// Events that lack what matters, or are nothing of the kind, are refused with a reason; none panics.
#[test]
fn strange_events_are_refused() {
    for format in FORMATS.iter().filter(|f| f.name != "casbah") {
        for event in
            [json!({}), json!([1]), json!("text"), json!({ "events": [], "target": 1, "resources": {} })]
        {
            let refused = (format.record)(&event);
            assert!(
                refused.as_ref().is_err_and(|why| why.starts_with("it ")),
                "{} {event}: {refused:?}",
                format.name
            );
        }
    }
}

#[test]
fn files_come_in_many_forms() {
    let two = [json!({ "a": 1 }), json!({ "a": 2 })];
    let gzip = |text: &str| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).expect("into memory");
        encoder.finish().expect("into memory")
    };
    for text in [
        "{\"a\":1}\n\n{\"a\":2}",
        "\u{feff}{\"a\":1}\r\n{\"a\":2}\r\n",
        "[{\"a\":1},{\"a\":2}]",
        "\n [\n{\"a\":1},\n{\"a\":2}\n]\n",
        "{\"Records\":[{\"a\":1},{\"a\":2}]}",
        "{\"@odata.context\":\"x\",\"value\":[{\"a\":1},{\"a\":2}],\"@odata.nextLink\":\"y\"}",
        "{\n\"a\":1\n}\n{\n\"a\": 2\n}\n",
        "Time,auditdata\nx,\"{\"\"a\"\":1}\"\ny,\"{\"\"a\"\":2}\"\n",
    ] {
        for bytes in [text.as_bytes().to_vec(), gzip(text)] {
            let events = found(&bytes).unwrap_or_else(|e| panic!("{text}: {e}"));
            let events: Vec<Value> = events.into_iter().map(|(_, event)| event.expect("an event")).collect();
            assert_eq!(events, two, "{text}");
        }
    }
    // A broken line is one refused event; a broken document says where.
    let events = found(b"{\"a\":1}\n{\"a\":\n{\"a\":3}\n").expect("lines");
    assert_eq!(events.len(), 3);
    assert!(
        events[1].0 == "line 2" && events[1].1.as_ref().is_err_and(|why| why.starts_with("it is not JSON"))
    );
    for (bytes, why) in [
        (&b""[..], "is empty"),
        (b"[{\"a\":1},", "is not JSON"),
        (b"hello,world\n1,2\n", "neither JSON nor a table with the column AuditData"),
        (b"\x1F\x8Bnot gzip at all", "the file:"),
    ] {
        let failure = found(bytes).expect_err("a failure");
        assert!(failure.message.contains(why), "{failure}");
    }
}
