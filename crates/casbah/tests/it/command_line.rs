//! `casbah demo`, `casbah dev` and the commands, as a newcomer uses them.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use crate::harness::{ADMINISTRATOR, Casbah, PASSWORD, PUBLIC_CLIENT, TENANT, casbah};

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

/// Runs a command against a server, as its administrator.
pub(crate) fn command(server: &Casbah, arguments: &[&str]) -> Output {
    casbah()
        .args(arguments)
        .env("CASBAH_URL", &server.url)
        .env("CASBAH_CA", server.data_dir().join("tls/ca.pem"))
        .env("CASBAH_TENANT", TENANT)
        .env("CASBAH_PUBLIC_CLIENT_ID", PUBLIC_CLIENT)
        .env("CASBAH_USER", ADMINISTRATOR)
        .env("CASBAH_PASSWORD", PASSWORD)
        .env("CASBAH_NEW_PASSWORD", PASSWORD)
        .env("HOME", "/nonexistent")
        .env_remove("XDG_CONFIG_HOME")
        .output()
        .unwrap()
}

/// What a command that succeeds writes.
#[track_caller]
pub(crate) fn run(server: &Casbah, arguments: &[&str]) -> String {
    let output = command(server, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    text(&output)
}

#[track_caller]
pub(crate) fn json(server: &Casbah, arguments: &[&str]) -> serde_json::Value {
    let output = run(server, &[arguments, &["--output", "json"]].concat());
    serde_json::from_str(&output).unwrap_or_else(|_| panic!("{arguments:?}: {output}"))
}

/// The exit code and the one line of a command that fails.
#[track_caller]
pub(crate) fn fails(server: &Casbah, arguments: &[&str]) -> (i32, String) {
    let output = command(server, arguments);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && error.trim_end().lines().count() == 1, "{arguments:?}: {error}");
    (output.status.code().unwrap(), error)
}

both! {
    fn a_guest_is_invited_by_command(server: &Casbah) {
        let invited = json(server, &["user", "invite", "bob@woodgrove.example", "--display-name", "Bob"]);
        assert_eq!(invited["status"], "PendingAcceptance");
        assert_eq!(invited["inviteRedirectUrl"], format!("{}/account", server.url));
        let link = invited["inviteRedeemUrl"].as_str().unwrap();
        assert_eq!(server.anonymous().get(link).status, 200);
        let again = ["user", "invite", "bob@woodgrove.example", "--redirect", "https://app.example/in"];
        assert_eq!(json(server, &again)["inviteRedirectUrl"], "https://app.example/in");
        assert!(run(server, &["user", "list"]).contains("bob_woodgrove.example#EXT#"));
        let (code, error) = fails(server, &["user", "invite", "bob"]);
        assert!(code != 0 && error.contains("mail address"), "{error}");
    }

    fn groups_and_roles_by_command(server: &Casbah) {
        run(server, &["user", "create", "bo@contoso.example", "--display-name", "Bo Ek"]);
        let made = json(server, &["group", "create", "Night shift", "--description", "At night", "--member", "bo@contoso.example"]);
        assert_eq!(made["mailNickname"], "nightshift");
        assert_eq!(fails(server, &["group", "update", "Night shift"]).0, 2);
        run(server, &["group", "update", "Night shift", "--name", "Late shift"]);
        assert_eq!(fails(server, &["group", "show", "Night shift"]).0, 5);
        let shown = run(server, &["group", "show", "Late shift", "--output", "table"]);
        assert!(shown.contains("At night") && shown.contains(ADMINISTRATOR), "{shown}");
        run(server, &["group", "create", "Everybody", "--member", "Late shift"]);
        let direct = json(server, &["group", "members", "Everybody"]);
        assert_eq!((&direct[0]["kind"], direct.as_array().unwrap().len()), (&"group".into(), 1));
        let all = run(server, &["group", "members", "Everybody", "--all", "--output", "csv"]);
        assert!(all.contains("user,Bo Ek,bo@contoso.example,"), "{all}");
        run(server, &["group", "add-member", "Everybody", "rita@contoso.example", "Integration tests"]);
        assert!(run(server, &["group", "members", "Everybody"]).contains("application\tIntegration tests"));
        run(server, &["group", "remove-member", "Everybody", "rita@contoso.example", "Integration tests"]);
        assert_eq!(json(server, &["group", "members", "Everybody"]).as_array().unwrap().len(), 1);
        assert_eq!(fails(server, &["group", "add-member", "Everybody", "Nobody"]).0, 5);

        run(server, &["group", "delete", "Late shift"]);
        assert!(run(server, &["group", "deleted"]).starts_with("Late shift\t"));
        run(server, &["group", "restore", "Late shift"]);
        assert!(run(server, &["group", "list"]).contains("Late shift"));
        assert!(run(server, &["group", "members", "Late shift"]).contains("bo@contoso.example"));

        assert!(run(server, &["role", "list"]).contains("Global Administrator"));
        run(server, &["role", "assign", "Security Reader", "bo@contoso.example"]);
        run(server, &["role", "assign", "security reader", "bo@contoso.example"]);
        assert!(run(server, &["role", "members", "Security Reader"]).contains("bo@contoso.example"));
        assert!(run(server, &["role", "show", "Security Reader"]).contains("bo@contoso.example"));
        let (code, error) = fails(server, &["role", "assign", "Security Reader", "Late shift"]);
        assert!(code != 0 && error.contains("isAssignableToRole"), "{error}");
        run(server, &["group", "create", "Readers", "--for-roles"]);
        run(server, &["role", "assign", "Security Reader", "Readers"]);
        run(server, &["role", "unassign", "Security Reader", "bo@contoso.example"]);
        let left = run(server, &["role", "members", "Security Reader"]);
        assert!(left.contains("group\tReaders") && !left.contains("bo@"), "{left}");
        assert_eq!(fails(server, &["role", "members", "Emperor"]).0, 2);

        run(server, &["user", "delete", "bo@contoso.example"]);
        assert_eq!(fails(server, &["user", "show", "bo@contoso.example"]).0, 5);
        assert!(run(server, &["user", "deleted"]).starts_with("bo@contoso.example\t"));
        run(server, &["user", "restore", "bo@contoso.example"]);
        assert_eq!(json(server, &["user", "show", "bo@contoso.example"])["displayName"], "Bo Ek");
    }

    fn an_api_is_exposed_by_command(server: &Casbah) {
        run(server, &["app", "create", "Orders", "--no-secret"]);
        let client = json(server, &["app", "create", "Shop", "--no-secret"]);
        let expose = ["app", "expose", "Orders", "--scope", "orders.read=Read orders", "--admin-scope", "orders.write",
            "--role", "Orders.Read.All", "--user-role", "Orders.Approver=Approve orders", "--pre-authorize", "Shop"];
        let first = json(server, &expose);
        let app = json(server, &["app", "show", "Orders"]);
        assert_eq!(app["identifierUris"], serde_json::json!([format!("api://{}", app["appId"].as_str().unwrap())]));
        assert_eq!(first["scopes"], serde_json::json!(["orders.read", "orders.write"]));
        let scopes = app["api"]["oauth2PermissionScopes"].as_array().unwrap();
        assert_eq!((&scopes[0]["type"], &scopes[0]["userConsentDisplayName"]), (&"User".into(), &"Read orders".into()));
        assert_eq!(scopes[1]["type"], "Admin");
        let kinds: Vec<_> = app["appRoles"].as_array().unwrap().iter().map(|r| r["allowedMemberTypes"][0].as_str().unwrap()).collect();
        assert_eq!(kinds, ["Application", "User"]);
        let trusted = &app["api"]["preAuthorizedApplications"];
        assert_eq!(trusted[0]["appId"], client["clientId"]);
        assert_eq!(trusted[0]["delegatedPermissionIds"].as_array().unwrap().len(), 2);
        assert_eq!(app["publisherDomain"], "contoso.example");
        // Again, and nothing is different; more, and what was there stays.
        assert_eq!(json(server, &expose), first);
        assert_eq!(json(server, &["app", "show", "Orders"]), app);
        let uri = "https://orders.contoso.example";
        let more = json(server, &["app", "expose", "Orders", "--identifier-uri", uri, "--scope", "orders.list", "--token-version", "2"]);
        assert_eq!(more["identifierUris"].as_array().unwrap().len(), 2);
        assert_eq!(more["scopes"], serde_json::json!(["orders.read", "orders.write", "orders.list"]));
        assert_eq!(fails(server, &["app", "expose", "Orders", "--scope", "=x"]).0, 2);
        assert_eq!(fails(server, &["app", "expose", "Shop", "--pre-authorize", "Orders"]).0, 2);
        let (_, error) = fails(server, &["app", "expose", "Shop", "--identifier-uri", uri]);
        assert!(error.contains("taken"), "{error}");

        run(server, &["app", "owners", "add", "Orders", "rita@contoso.example"]);
        run(server, &["app", "owners", "add", "Orders", "Shop"]);
        let owners = run(server, &["app", "owners", "list", "Orders"]);
        for who in ["user\tAda Lindqvist\tada@", "user\tRita Berg\trita@", "application\tShop\t"] {
            assert!(owners.contains(who), "{owners}");
        }
        run(server, &["app", "owners", "remove", "Orders", "Shop"]);
        assert!(!run(server, &["app", "owners", "list", "Orders"]).contains("Shop"));
        assert_eq!(fails(server, &["app", "owners", "remove", "Orders", "Shop"]).0, 5);

        run(server, &["app", "delete", "Orders"]);
        assert_eq!(fails(server, &["app", "show", "Orders"]).0, 5);
        assert!(run(server, &["app", "deleted"]).starts_with("Orders\t"));
        assert_eq!(fails(server, &["app", "restore", "Nothing"]).0, 5);
        run(server, &["app", "restore", "Orders"]);
        assert_eq!(json(server, &["app", "show", "Orders"])["appRoles"], app["appRoles"]);
        assert_eq!(run(server, &["app", "deleted"]), "");
    }
}
