//! `casbah demo`, `casbah dev` and the commands, as a newcomer uses them.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use crate::harness::casbah;

const VARIABLES: [&str; 10] = [
    "CASBAH_URL",
    "CASBAH_CA",
    "CASBAH_TENANT",
    "CASBAH_CLIENT_ID",
    "CASBAH_CLIENT_SECRET",
    "CASBAH_PUBLIC_CLIENT_ID",
    "CASBAH_USER",
    "CASBAH_PASSWORD",
    "CASBAH_API_TOKEN",
    "CASBAH_DATA_DIR",
];

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The variables that a shell has after sourcing the file.
fn source(file: &Path) -> BTreeMap<String, String> {
    let script = format!("set -a; . '{}'; env", file.display());
    let output = Command::new("sh").args(["-c", &script]).env_clear().output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|l| l.split_once('=')).map(|(k, v)| (k.to_string(), v.to_string())).collect()
}

#[test]
fn the_demo_walks_both_contexts_and_the_legacy_way() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let output = casbah()
        .args(["demo", "--exit", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(&data)
        .output()
        .unwrap();
    let text = text(&output);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    for part in [
        "/v1.0/applications",
        "Investigation.read",
        "Discovery.manage",
        "/oauth2/v2.0/token",
        "upload_url",
        "done_upload",
        "Dropbox",
        "New risky app",
        "Authorization: Token",
    ] {
        assert!(text.to_lowercase().contains(&part.to_lowercase()), "the walk does not show {part}:\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "no colours in a pipe");
    let file = data.join("casbah.env");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let variables = source(&file);
    for name in VARIABLES {
        assert!(variables.get(name).is_some_and(|v| !v.is_empty()), "{name} is missing in casbah.env");
    }
    // What everybody knows must not become a real installation.
    let serve =
        casbah().args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(&data).output().unwrap();
    assert!(!serve.status.success());
    assert!(String::from_utf8_lossy(&serve.stderr).contains("dev or demo"));
}

#[test]
fn a_mistyped_command_is_a_usage_error_with_a_hint() {
    let output = casbah().args(["demmo"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("demo"));
    let output = casbah()
        .args(["alert", "list"])
        .env("HOME", "/nonexistent")
        .env_remove("XDG_CONFIG_HOME")
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{error}");
    assert!(error.contains("casbah login") && error.trim_end().lines().count() == 1, "{error}");
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let output = casbah()
        .args(["alert", "list", "--url", "https://127.0.0.1:1"])
        .env("CASBAH_TENANT", "contoso.example")
        .env("CASBAH_CLIENT_ID", "11111111-1111-4111-8111-111111111111")
        .env("CASBAH_CLIENT_SECRET", "x")
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(6), "{error}");
    assert!(error.contains("127.0.0.1:1"), "{error}");
}
