//! Signing keys that change under clients' feet: by command, in an emergency, over a restart.

use serde_json::{Value, json};

use crate::harness::{
    ADMINISTRATOR, CLIENT, CLIENT_SECRET, Casbah, Database, Options, PASSWORD, PUBLIC_CLIENT, READER,
    RESOURCE, TENANT, casbah,
};

const KEYS: &str = "/v1.0/casbah/signingKeys";

fn options() -> Options {
    let arguments = vec!["--operator-tenant".to_string(), "contoso.example".to_string()];
    Options { arguments, ..Options::default() }
}

fn key_of(token: &str) -> String {
    use base64::Engine;
    let header = token.split('.').next().unwrap();
    let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_string()
}

/// The ids in the key document, as a client caches it.
fn published(casbah: &Casbah) -> Vec<String> {
    let document = casbah.anonymous().get(&format!("/{TENANT}/discovery/v2.0/keys")).ok();
    let ids = document["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_string());
    ids.collect()
}

fn refresh(casbah: &Casbah, answer: &Value) -> Value {
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", PUBLIC_CLIENT),
        ("refresh_token", answer["refresh_token"].as_str().unwrap()),
    ];
    casbah.anonymous().post_form(&format!("/{TENANT}/oauth2/v2.0/token"), &form).ok()
}

fn app_token(casbah: &Casbah) -> String {
    casbah.application_token(TENANT, CLIENT, CLIENT_SECRET)
}

/// A command as the administrator gives it.
fn command(server: &Casbah, arguments: &[&str]) -> Value {
    let mut command = casbah();
    command.args(arguments).args(["--url", &server.url, "--tenant", TENANT, "--output", "json"]);
    command.arg("--ca").arg(server.data_dir().join("tls/ca.pem"));
    let output = command
        .env("CASBAH_USER", ADMINISTRATOR)
        .env("CASBAH_PASSWORD", PASSWORD)
        .env("CASBAH_CLOCK", crate::harness::NOW)
        .env("CASBAH_TEST_MODE", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn state_of(keys: &Value, state: &str) -> Vec<String> {
    let keys = keys["value"].as_array().or(keys.as_array()).unwrap_or_else(|| panic!("no keys: {keys}"));
    let with = keys.iter().filter(|key| key["state"] == state);
    with.map(|key| key["id"].as_str().unwrap().to_string()).collect()
}

/// Rollover while a client holds the key document: what it has cached verifies the new key's tokens, what
/// the old key signed is good to its end, and nobody is signed out, also not by a restart.
fn rollover(database: Database) {
    let casbah = Casbah::start_with(database, &options());
    // The next key is made right after the start, behind the first requests.
    let cached = loop {
        let keys = published(&casbah);
        if keys.len() == 2 {
            break keys;
        }
    };
    let old_token = app_token(&casbah);
    let signed_in = casbah.user_tokens(READER, &format!("{RESOURCE}/.default openid offline_access"));
    let old = key_of(&old_token);

    let planned = command(&casbah, &["key", "rotate"]);
    assert_eq!(
        state_of(&planned, "signing"),
        std::slice::from_ref(&old),
        "clients have not seen the next key for a day"
    );
    let now = command(&casbah, &["key", "rotate", "--now"]);
    let signing = state_of(&now, "signing");
    assert_eq!(state_of(&now, "verifying"), std::slice::from_ref(&old));
    assert_eq!(key_of(&app_token(&casbah)), signing[0]);
    assert!(cached.contains(&signing[0]), "who has cached the key document knows the key that took over");
    assert!(published(&casbah).contains(&old) && published(&casbah).len() == 3);
    casbah.bearer(&old_token).get("/api/v1/alerts/").ok();

    let casbah = casbah.kill_and_restart_with(&options());
    assert_eq!(key_of(&app_token(&casbah)), signing[0]);
    casbah.bearer(&old_token).get("/api/v1/alerts/").ok();
    let fresh = refresh(&casbah, &signed_in);
    assert_eq!(key_of(fresh["access_token"].as_str().unwrap()), signing[0]);

    // Withdrawn: its tokens are dead at once, and the way back is a refresh.
    let left = command(&casbah, &["key", "revoke", &old]);
    assert!(!left.to_string().contains(&old));
    casbah.bearer(&old_token).get("/api/v1/alerts/").refused(401);
    assert!(!published(&casbah).contains(&old));
    let again = refresh(&casbah, &fresh);
    casbah.bearer(again["access_token"].as_str().unwrap()).get("/api/v1/alerts/").ok();
}

#[test]
fn nobody_is_signed_out_by_a_rollover_sqlite() {
    rollover(Database::sqlite());
}

#[test]
fn nobody_is_signed_out_by_a_rollover_postgres() {
    rollover(Database::postgres());
}

#[test]
fn the_keys_are_the_operators_business() {
    let casbah = Casbah::start_with(Database::sqlite(), &options());
    let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
    administrator.get(KEYS).ok();
    administrator.post(&format!("{KEYS}/unknown/revoke"), &json!({})).refused(404);
    administrator.post(&format!("{KEYS}/rotate"), &json!({"soon": true})).refused(400);
    casbah.bearer(&casbah.directory_token(READER)).get(KEYS).refused(403);
    casbah.anonymous().get(KEYS).refused(401);
    // Two tenants, and nobody said which one operates the installation: none does.
    let unnamed = Casbah::start(Database::sqlite());
    let administrator = unnamed.bearer(&unnamed.directory_token(ADMINISTRATOR));
    let refusal = administrator.get(KEYS).refused(403);
    assert!(refusal["error"]["message"].as_str().unwrap().contains("operator_tenant"), "{refusal}");
    administrator.post(&format!("{KEYS}/rotate"), &json!({"now": true})).refused(403);
}
