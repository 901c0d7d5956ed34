//! `casbah import`: audit logs of other services become activities, once, whoever asks.

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};

use crate::harness::{API_TOKEN, CLIENT, CLIENT_SECRET, Casbah, TENANT, casbah as command};

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/audit").join(name)
}

fn import(casbah: &Casbah, format: &str, files: &[PathBuf]) -> Output {
    command()
        .args(["import", "--output", "json", "--format", format])
        .args(files)
        .env("CASBAH_URL", &casbah.url)
        .env("CASBAH_CA", casbah.data_dir().join("tls/ca.pem"))
        .env("CASBAH_TENANT", TENANT)
        .env("CASBAH_CLIENT_ID", CLIENT)
        .env("CASBAH_CLIENT_SECRET", CLIENT_SECRET)
        .output()
        .unwrap()
}

fn figures(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text)
        .unwrap_or_else(|_| panic!("{text}\n{}", String::from_utf8_lossy(&output.stderr)))
}

both! {
    /// Each sample goes in whole, a second time nothing of it, and its events are found by what they say.
    fn every_format_goes_in_once(casbah: &Casbah) {
        for (format, file, events) in [
            ("m365", "m365.csv", 3),
            ("entra-signin", "entra-signin.json", 2),
            ("google-workspace", "google-workspace.json", 2),
            ("okta", "okta.jsonl", 2),
            ("cloudtrail", "cloudtrail.json", 2),
            ("github", "github.json", 2),
        ] {
            for (stored, unchanged) in [(events, 0), (0, events)] {
                let output = import(casbah, format, &[sample(file)]);
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                let answer = figures(&output);
                assert_eq!(answer[0]["stored"], stored, "{format}: {answer}");
                assert_eq!(answer[0]["unchanged"], unchanged, "{format}: {answer}");
            }
        }
        let caller = casbah.with_header(&format!("Token {API_TOKEN}"));
        let count = |filters: Value| {
            caller.post("/api/v1/activities/", &json!({ "filters": filters })).ok()["total"].clone()
        };
        assert_eq!(count(json!({ "user.username": { "eq": "MIRA@lagoon.example" } })), 4);
        assert_eq!(count(json!({ "ip.address": { "eq": "2001:db8::7" } })), 1);
        assert_eq!(count(json!({ "activityObject": { "eq": "lagoon/plans" } })), 1);
        let failed = json!({ "activity.eventType": { "eq": "EVENT_CATEGORY_FAILED_LOGIN" }, "service": { "neq": 20595 } });
        assert_eq!(count(failed), 4);
        assert_eq!(count(json!({ "activity.errorCode": { "eq": 50126 }, "service": { "eq": 11161 } })), 2);
        // Sign-ins elsewhere are no sign-ins here.
        let graph = casbah.bearer(&casbah.directory_token(crate::harness::ADMINISTRATOR));
        let here = graph.get("/v1.0/auditLogs/signIns").ok();
        let names = here["value"].as_array().unwrap().iter().filter_map(|s| s["userPrincipalName"].as_str());
        assert!(names.clone().count() > 0 && !names.into_iter().any(|name| name.contains("lagoon")), "{here}");
    }

    /// What cannot be stored is named with its place, and everything else is stored.
    fn what_is_refused_is_named(casbah: &Casbah) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mine.jsonl");
        let lines = [
            json!({ "_id": "a", "timestamp": 1_795_000_000_000_i64, "appId": 10489, "eventTypeName": "EVENT_CATEGORY_LOGIN" }),
            json!({ "_id": "b", "appId": 10489, "eventTypeName": "EVENT_CATEGORY_LOGIN" }),
            json!({ "_id": "c", "timestamp": 1_795_000_000_000_i64, "appId": 20595, "eventTypeName": "EVENT_CATEGORY_LOGIN" }),
        ];
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(&file, format!("{text}{{broken\n")).unwrap();
        let output = import(casbah, "casbah", &[file]);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{errors}");
        assert_eq!((&figures(&output)[0]["stored"], &figures(&output)[0]["rejected"]), (&json!(1), &json!(3)));
        for part in ["line 2: timestamp:", "line 3: appId:", "line 4: it is not JSON", "3 events were refused"] {
            assert!(errors.contains(part), "{part}: {errors}");
        }
        let missing = import(casbah, "m365", &[folder.path().join("absent.csv")]);
        assert_eq!(missing.status.code(), Some(1));
        let unknown = import(casbah, "splunk", &[sample("m365.csv")]);
        assert_eq!(unknown.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&unknown.stderr).contains("google-workspace"), "the formats are named");
    }
}
