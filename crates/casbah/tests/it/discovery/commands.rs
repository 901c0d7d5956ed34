//! The commands that keep what a tenant says of its logs and apps.

use std::process::Output;

use serde_json::{Value, json};

use crate::harness::{CLIENT, CLIENT_SECRET, Casbah, Database, NOW, TENANT, casbah};

fn command(server: &Casbah, arguments: &[&str]) -> Output {
    let mut command = casbah();
    command.args(["discovery"]).args(arguments).args(["--output", "json"]);
    command.env("CASBAH_URL", &server.url).env("CASBAH_CA", server.data_dir().join("tls/ca.pem"));
    command
        .env("CASBAH_TENANT", TENANT)
        .env("CASBAH_CLIENT_ID", CLIENT)
        .env("CASBAH_CLIENT_SECRET", CLIENT_SECRET);
    command.env("CASBAH_TEST_MODE", "1").env("CASBAH_CLOCK", NOW).output().unwrap()
}

#[track_caller]
fn run(server: &Casbah, arguments: &[&str]) -> Value {
    let output = command(server, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[track_caller]
fn fails(server: &Casbah, arguments: &[&str], code: i32, why: &str) {
    let output = command(server, arguments);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(code) && told.contains(why), "{arguments:?}: {told}");
}

#[test]
fn what_a_tenant_says_of_logs_and_apps_is_kept_by_command() {
    let server = Casbah::start(Database::sqlite());
    let caller = server.application();
    // A parser: tried, kept, changed, used, removed.
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let mut definition = json!({"name": "Gateway", "type": "csv", "delimiter": ";", "columns": ["When", "Who", "Client", "Target"], "timestamp": {"column": "When", "format": "epochSeconds"}, "sourceIp": "Client", "destinationUrl": "Target", "userName": "Who"});
    let parser = file("parser.json", &definition.to_string());
    let log = file(
        "gateway.log",
        "1795431600;ann;10.0.0.1;https://www.dropbox.com/x\n1795431601;bob;10.0.0.2;https://www.dropbox.com/y\n",
    );
    let tried = run(&server, &["parser", "try", &parser, &log]);
    assert_eq!((&tried["accepted"], &tried["figures"]["parsed"]), (&json!(true), &json!(2)), "{tried}");
    let other = file("other.log", "nothing of the kind\n");
    fails(&server, &["parser", "try", &parser, &other], 1, "The log format doesn't match");
    fails(&server, &["parser", "save", &other], 2, "other.log");
    let saved = run(&server, &["parser", "save", &parser]);
    let id = saved["_id"].as_str().unwrap();
    definition["name"] = json!("Branch gateway");
    let parser = file("parser.json", &definition.to_string());
    run(&server, &["parser", "save", &parser, "--id", id]);
    let listed = run(&server, &["parser", "list"]);
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["name"]), (1, &json!("Branch gateway")));
    let uploaded =
        ["upload", &log, "--source", "Branch gateway", "--stream", "Snapshot", "--snapshot", "--quiet"];
    run(&server, &uploaded);
    run(&server, &["parser", "delete", id]);
    assert_eq!(run(&server, &["parser", "list"]), json!([]));
    fails(&server, &["parser", "delete", id], 5, "");
    // What is not counted.
    let user = run(&server, &["exclusion", "add", "--user", "scanner", "--note", "every night"]);
    run(&server, &["exclusion", "add", "--ip", "10.9.0.0/16"]);
    fails(&server, &["exclusion", "add"], 2, "--user");
    fails(&server, &["exclusion", "add", "--user", "a", "--ip", "10.0.0.1"], 2, "--ip");
    fails(&server, &["exclusion", "add", "--ip", "10.9"], 1, "value");
    run(&server, &["exclusion", "delete", user["_id"].as_str().unwrap()]);
    let listed = run(&server, &["exclusion", "list"]);
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["value"]), (1, &json!("10.9.0.0/16")));
    // Apps of one's own.
    let app = run(
        &server,
        &[
            "custom-app",
            "create",
            "Timesheets",
            "--category",
            "SAASDB_CATEGORY_CRM",
            "--domain",
            "timesheets.example",
            "--domain",
            "=hours.example",
            "--score",
            "7",
        ],
    );
    assert_eq!(
        (&app["domains"], &app["score"]),
        (&json!(["timesheets.example", "=hours.example"]), &json!(7)),
        "{app}"
    );
    fails(&server, &["custom-app", "create", "Other", "--category", "SAASDB_CATEGORY_CRM"], 1, "domains");
    let number = app["appId"].as_i64().unwrap().to_string();
    // Tags and scores.
    let tag = run(&server, &["tag", "create", "Reviewed"]);
    for name in ["Reviewed", "Unsanctioned"] {
        run(&server, &["tag", "add", &number, name]);
    }
    let bears = |name: &str| {
        let tags = run(&server, &["tag", "list"]);
        let tag = tags.as_array().unwrap().iter().find(|tag| tag["name"] == name).cloned();
        tag.is_some_and(|tag| tag["appIds"].to_string().contains(&number))
    };
    assert!(bears("Reviewed") && bears("Unsanctioned"));
    run(&server, &["score", &number, "3", "--notes", "looked at"]);
    let own = || caller.get("/api/v1/discovery/app_overrides/").ok()["data"].clone();
    assert_eq!((&own()[0]["score"], &own()[0]["notes"]), (&json!(3), &json!("looked at")));
    run(&server, &["score", &number]);
    assert!(own().as_array().unwrap().iter().all(|one| one["score"].is_null()), "{}", own());
    // What an appliance fetches, until the address is taken back.
    let list = run(&server, &["block-list", "create", "Resolver", "--format", "domains"]);
    let address = list["url"].as_str().unwrap();
    let fetched = server.anonymous().send("GET", address, &[], b"");
    assert!(
        fetched.status == 200 && fetched.text().lines().any(|line| line == "timesheets.example"),
        "{}",
        fetched.text()
    );
    assert_eq!(run(&server, &["block-list", "list"])[0]["name"], "Resolver");
    run(&server, &["block-list", "revoke", list["_id"].as_str().unwrap()]);
    assert_eq!(server.anonymous().send("GET", address, &[], b"").status, 404);
    fails(&server, &["block-list", "create", "Other", "--format", "papyrus"], 1, "format");
    run(&server, &["tag", "remove", &number, "Unsanctioned"]);
    assert!(!bears("Unsanctioned"));
    run(&server, &["tag", "delete", tag["id"].as_str().unwrap()]);
    run(&server, &["custom-app", "delete", &number]);
    assert_eq!(run(&server, &["custom-app", "list"]), json!([]));
}
