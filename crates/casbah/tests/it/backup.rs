//! `casbah backup` beside a running server, and `casbah restore`: nobody who was signed in is signed out.

use std::path::Path;
use std::process::Output;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::harness::*;

fn run(arguments: &[&str], paths: &[(&str, &Path)]) -> Output {
    let mut command = casbah();
    command.args(arguments);
    for (flag, path) in paths {
        if !flag.is_empty() {
            command.arg(flag);
        }
        command.arg(path);
    }
    command.output().unwrap()
}

fn succeeded(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    said
}

fn refused(output: &Output, why: &str) {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{said}");
    assert!(said.contains(why), "{said}");
    assert_eq!(said.trim().lines().count(), 1, "{said}");
}

#[test]
fn who_was_signed_in_stays_signed_in_after_a_restore() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("backup");
    let casbah = Casbah::start(Database::sqlite());
    let scope = format!("{RESOURCE}/.default offline_access openid");
    let tokens = casbah.user_tokens(ADMINISTRATOR, &scope);
    let application = casbah.application_token(TENANT, CLIENT, CLIENT_SECRET);

    let said =
        succeeded(&run(&["backup", "--with-keys"], &[("", &copy), ("--data-dir", &casbah.data_dir())]));
    assert!(said.contains("holds the keys too"), "{said}");

    let casbah = casbah.kill_and_move(|_, new| {
        succeeded(&run(&["restore"], &[("", &copy), ("--data-dir", new)]));
    });
    for token in [tokens["access_token"].as_str().unwrap(), &application] {
        casbah.bearer(token).get("/api/v1/alerts/").ok();
    }
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", PUBLIC_CLIENT),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
    ];
    let again = casbah.anonymous().post_form(&format!("/{TENANT}/oauth2/v2.0/token"), &form).ok();
    casbah.bearer(again["access_token"].as_str().unwrap()).get("/api/v1/alerts/").ok();
    casbah.application_token(TENANT, CLIENT, CLIENT_SECRET);
}

#[test]
fn a_backup_is_of_one_moment_and_is_opened_by_its_own_key_only() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("backup");
    let casbah = Casbah::start(Database::sqlite());
    let data = casbah.data_dir();

    // Somebody writes all the time while the copy is made.
    let token = casbah.directory_token(ADMINISTRATOR);
    let enough = AtomicBool::new(false);
    let written = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut written = 0;
            while !enough.load(Ordering::SeqCst) {
                let body = json!({ "displayName": format!("App {written:04}") });
                assert_eq!(casbah.bearer(&token).post("/v1.0/applications", &body).status, 201);
                written += 1;
            }
            written
        });
        let output = run(&["backup"], &[("", &copy), ("--data-dir", &data)]);
        enough.store(true, Ordering::SeqCst);
        let said = succeeded(&output);
        assert!(said.contains("without the master key"), "{said}");
        writer.join().unwrap()
    });
    assert!(written > 0);
    let names: Vec<_> = std::fs::read_dir(&copy).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(!names.iter().any(|n| n == "master.key" || n == "tls"), "{names:?}");

    let new = folder.path().join("new");
    refused(&run(&["backup"], &[("", &copy), ("--data-dir", &data)]), "is not empty");
    refused(&run(&["backup"], &[("", &new), ("--data-dir", folder.path())]), "--data-dir");
    refused(&run(&["restore"], &[("", &copy), ("--data-dir", &new)]), "--master-key-file");
    refused(&run(&["restore"], &[("", folder.path()), ("--data-dir", &new)]), "not a whole backup");

    let wrong = folder.path().join("wrong.key");
    std::fs::copy(data.join("master.key"), &wrong).unwrap();
    std::fs::write(&wrong, "x".repeat(43)).unwrap();
    let paths = [("", copy.as_path()), ("--data-dir", &new), ("--master-key-file", &wrong)];
    refused(&run(&["restore"], &paths), "cannot be opened with the master key");
    assert!(!new.exists(), "a restore that fails leaves nothing");

    let casbah = casbah.kill_and_move(|old, new| {
        let key = old.join("master.key");
        let paths = [("", copy.as_path()), ("--data-dir", new), ("--master-key-file", &key)];
        let said = succeeded(&run(&["restore"], &paths));
        assert!(said.contains("clients must trust"), "{said}");
    });
    let found = casbah
        .bearer(&casbah.directory_token(ADMINISTRATOR))
        .get("/v1.0/applications?$filter=startswith(displayName,%27App%20%27)&$top=999")
        .ok();
    // Those that were there, without a gap: the copy is of one moment.
    let mut found: Vec<_> =
        found["value"].as_array().unwrap().iter().map(|a| a["displayName"].as_str().unwrap()).collect();
    found.sort_unstable();
    let wanted: Vec<_> = (0..found.len()).map(|n| format!("App {n:04}")).collect();
    assert_eq!(found, wanted);
    assert!(found.len() <= written);
}
