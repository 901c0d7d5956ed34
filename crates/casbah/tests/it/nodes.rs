//! Several nodes on one PostgreSQL: what one does, the others know.

use serde_json::json;

use crate::attacks::browser::{Browser, SESSION};
use crate::attacks::{number, usual_request};
use crate::harness::{
    ADMINISTRATOR, Answer, CLIENT, CLIENT_SECRET, Casbah, Database, Options, PUBLIC_CLIENT, READER, RESOURCE,
    TENANT,
};

/// Two nodes of one installation: the same database, master key and public name.
pub(crate) fn pair() -> (Casbah, Casbah) {
    pair_with(&[])
}

/// The same, started with more arguments.
pub(crate) fn pair_with(more: &[String]) -> (Casbah, Casbah) {
    let database = Database::postgres();
    let key = std::env::temp_dir().join(format!("casbah-it-{}", casbah_model::random::text(12, b"abcdefgh")));
    std::fs::write(&key, "k".repeat(43)).unwrap();
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let own = [
        "--public-url",
        "https://localhost:8443",
        "--operator-tenant",
        "contoso.example",
        "--master-key-file",
        key.to_str().unwrap(),
    ];
    let arguments: Vec<String> = own.map(str::to_string).into_iter().chain(more.iter().cloned()).collect();
    let options = || Options { arguments: arguments.clone(), ..Options::default() };
    let other = database.clone();
    let other_options = options();
    // Both at once, on an empty database: the schema, the keys and the tenants are made once.
    let second = std::thread::spawn(move || Casbah::start_with(other, &other_options));
    let first = Casbah::start_with(database, &options());
    let second = second.join().unwrap();
    std::fs::remove_file(key).unwrap();
    (first, second)
}

#[test]
fn a_token_of_one_node_opens_the_other_and_revocation_reaches_it_at_once() {
    let (first, second) = pair();
    let token = first.application_token(TENANT, CLIENT, CLIENT_SECRET);
    second.bearer(&token).get("/api/v1/alerts/").ok();
    let keys = |node: &Casbah| node.anonymous().get("/common/discovery/v2.0/keys").ok();
    // Whichever made the next key, the other knows it within seconds: asked often enough, it says so.
    assert!((0..200_000).any(|_| keys(&first) == keys(&second)));

    let administrator = first.bearer(&first.directory_token(ADMINISTRATOR));
    let principal = format!("/v1.0/servicePrincipals(appId='{CLIENT}')");
    let id = administrator.get(&principal).ok()["id"].as_str().unwrap().to_string();
    let patch = json!({"accountEnabled": false}).to_string();
    let headers = [("content-type", "application/json")];
    let answer =
        administrator.send("PATCH", &format!("/v1.0/servicePrincipals/{id}"), &headers, patch.as_bytes());
    assert_eq!(answer.status, 204, "{}", answer.text());
    second.bearer(&token).get("/api/v1/alerts/").refused(401);
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", CLIENT),
        ("client_secret", CLIENT_SECRET),
        ("scope", &format!("{RESOURCE}/.default")),
    ];
    let refusal = second.anonymous().post_form(&format!("/{TENANT}/oauth2/v2.0/token"), &form).refused(400);
    assert_eq!(refusal["error_codes"], json!([7000112]));
}

/// What one node does with the signing keys counts on the others within seconds: asked often enough, they
/// say so.
#[test]
fn keys_rotated_and_withdrawn_on_one_node_change_on_the_other() {
    let (first, second) = pair();
    let ids = |node: &Casbah| {
        let keys = node.anonymous().get("/common/discovery/v2.0/keys").ok()["keys"].clone();
        keys.as_array().unwrap().iter().map(|key| key["kid"].clone()).collect::<Vec<_>>()
    };
    let agree = || (0..200_000).any(|_| ids(&first) == ids(&second));
    let old = second.application_token(TENANT, CLIENT, CLIENT_SECRET);
    let administrator = first.bearer(&first.directory_token(ADMINISTRATOR));
    let keys = administrator.post("/v1.0/casbah/signingKeys/rotate", &json!({"now": true})).ok();
    let with = |state: &str| {
        let list = keys["value"].as_array().unwrap();
        list.iter().find(|key| key["state"] == state).unwrap()["id"].as_str().unwrap().to_string()
    };
    assert!(agree(), "the second node publishes what the first made");
    second.bearer(&old).get("/api/v1/alerts/").ok();
    let fresh = first.application_token(TENANT, CLIENT, CLIENT_SECRET);
    second.bearer(&fresh).get("/api/v1/alerts/").ok();
    administrator.post(&format!("/v1.0/casbah/signingKeys/{}/revoke", with("verifying")), &json!({})).ok();
    assert!(agree(), "the second node has forgotten the key too");
    second.bearer(&old).get("/api/v1/alerts/").refused(401);
    second.bearer(&fresh).get("/api/v1/alerts/").ok();
}

/// Guesses are counted once for all nodes: a second node is no second set of tries (#29; CVE-2023-47111).
#[test]
fn guesses_are_counted_over_all_nodes() {
    let (first, second) = pair();
    let nodes = [&first, &second];
    // User codes of the device page, by somebody who is signed in; the session counts on both nodes.
    let signed_in = [Browser::new(&first), Browser::new(&second)];
    signed_in[0].authorize(&usual_request(&[]), READER);
    signed_in[1].set_cookie(SESSION, &signed_in[0].cookie(SESSION).unwrap());
    let stopped = |browser: &Browser<'_>, guess: u32| {
        browser.get(&format!("/device?code=BCDFG{guess:04}")).text().contains("Too many wrong codes")
    };
    let tries = (0..24).filter(|n| !stopped(&signed_in[*n as usize % 2], *n)).count();
    assert_eq!(tries, 10);
    // And by strangers.
    let tries = (0..80).filter(|n| !stopped(&Browser::new(nodes[*n as usize % 2]), *n)).count();
    assert_eq!(tries, 60);
    // Passwords, of a name that exists and of one that does not.
    let password = |node: &Casbah, user: &str, word: &str| -> Answer {
        let form = [
            ("grant_type", "password"),
            ("client_id", PUBLIC_CLIENT),
            ("username", user),
            ("password", word),
            ("scope", "openid"),
        ];
        node.anonymous().post_form(&format!("/{TENANT}/oauth2/v2.0/token"), &form)
    };
    for user in [READER, "nobody@contoso.example"] {
        let looked_at = (0..24).filter(|n| number(&password(nodes[n % 2], user, "wrong")) == 50_126).count();
        assert_eq!(looked_at, 10, "{user}");
    }
    assert_eq!(number(&password(&second, READER, crate::harness::PASSWORD)), 50_053);
}

/// What one node has answered for counts on every other in the very next request: what was made can be used, and
/// what was taken away cannot.
#[test]
fn what_one_node_makes_the_other_uses_in_the_next_request() {
    let (first, second) = pair();
    let kind = [("content-type", "application/json")];
    for turn in 0..10 {
        let (maker, user) = if turn % 2 == 0 { (&first, &second) } else { (&second, &first) };
        let administrator = maker.bearer(&maker.directory_token(ADMINISTRATOR));
        let made = |path: &str, body: serde_json::Value| {
            let answer = administrator.post(path, &body);
            assert!(matches!(answer.status, 200 | 201), "{path}: {}", answer.text());
            answer.json()
        };
        let application = made("/v1.0/applications", json!({ "displayName": format!("Made {turn}") }));
        let (object, client) = (application["id"].as_str().unwrap(), application["appId"].as_str().unwrap());
        let ask = |secret: &str| {
            let form = [
                ("grant_type", "client_credentials"),
                ("client_id", client),
                ("client_secret", secret),
                ("scope", &format!("{RESOURCE}/.default")),
            ];
            user.anonymous().post_form(&format!("/{TENANT}/oauth2/v2.0/token"), &form)
        };
        assert_eq!(number(&ask("x")), 700_016, "no service principal yet");
        let principal = made("/v1.0/servicePrincipals", json!({ "appId": client }));
        let path = format!("/v1.0/applications/{object}/addPassword");
        let key = made(&path, json!({ "passwordCredential": { "displayName": "key" } }));
        let secret = key["secretText"].as_str().unwrap();
        let token = ask(secret).ok()["access_token"].as_str().unwrap().to_string();
        user.bearer(&token).get("/api/v1/alerts/").refused(403);
        let api = administrator.get(&format!("/v1.0/servicePrincipals(appId='{RESOURCE}')")).ok();
        let roles = api["appRoles"].as_array().unwrap().clone();
        let role = roles.iter().find(|r| r["value"] == "investigation.read").unwrap();
        let path =
            format!("/v1.0/servicePrincipals/{}/appRoleAssignments", principal["id"].as_str().unwrap());
        let body =
            json!({ "principalId": principal["id"], "resourceId": api["id"], "appRoleId": role["id"] });
        let assignment = made(&path, body);
        let token = ask(secret).ok()["access_token"].as_str().unwrap().to_string();
        user.bearer(&token).get("/api/v1/alerts/").ok();
        // And away again.
        let id = assignment["id"].as_str().unwrap();
        assert_eq!(administrator.delete(&format!("{path}/{id}")).status, 204);
        user.bearer(&token).get("/api/v1/alerts/").refused(403);
        let off = json!({ "accountEnabled": false }).to_string();
        let path = format!("/v1.0/servicePrincipals/{}", principal["id"].as_str().unwrap());
        assert_eq!(administrator.send("PATCH", &path, &kind, off.as_bytes()).status, 204);
        assert_eq!(number(&ask(secret)), 7_000_112);
        user.bearer(&token).get("/api/v1/alerts/").refused(401);
    }
}
