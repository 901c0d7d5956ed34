//! The authority over HTTP: token endpoint, metadata, revocation, what bad input gets.

use serde_json::Value;

use crate::harness::{
    ADMINISTRATOR, CLIENT, CLIENT_SECRET, Casbah, Database, OTHER_CLIENT, OTHER_TENANT, Options, PASSWORD,
    PUBLIC_CLIENT, READER, RESOURCE, TENANT,
};

fn claims(token: &str) -> Value {
    use base64::Engine;
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Posts to the token endpoint of `tenant`, v2 or v1, and expects an error with this status, OAuth code and AADSTS number.
#[track_caller]
fn refused(casbah: &Casbah, path: &str, form: &[(&str, &str)], status: u16, error: &str, code: i64) -> Value {
    let answer = casbah.anonymous().post_form(path, form);
    let body = answer.refused(status);
    assert_eq!(body["error"], error, "{body}");
    assert_eq!(body["error_codes"], serde_json::json!([code]), "{body}");
    let description = body["error_description"].as_str().unwrap();
    assert!(description.starts_with(&format!("AADSTS{code}: ")), "{description}");
    // Rust's azure_identity borrows the description from the JSON text, so nothing in it may need an escape.
    assert!(description.is_ascii() && !description.contains(['"', '\\', '\n', '\r']), "{description}");
    for word in ["interaction_required", "consent_required", "login_required", "bad_token"] {
        assert!(!description.contains(word), "MSAL for Node searches descriptions for {word}: {description}");
    }
    assert_eq!(answer.header("x-ms-request-id"), body["trace_id"].as_str().unwrap());
    assert!(body["error_uri"].as_str().unwrap().ends_with(&format!("/error?code={code}")));
    for (_, value) in
        form.iter().filter(|(name, _)| matches!(*name, "client_secret" | "password" | "refresh_token"))
    {
        assert!(value.len() < 8 || !answer.text().contains(value), "the answer repeats a secret");
    }
    body
}

const V2: &str = "/7d0c2f6e-1111-4222-8333-444455556666/oauth2/v2.0/token";
const V1: &str = "/7d0c2f6e-1111-4222-8333-444455556666/oauth2/token";
const SCOPE: &str = "05a65629-4c1b-48c1-a78b-804c4abdd4af/.default";

fn application<'a>(id: &'a str, secret: &'a str, scope: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret), ("scope", scope)]
}

fn person<'a>(name: &'a str, password: &'a str, scope: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("grant_type", "password"),
        ("client_id", PUBLIC_CLIENT),
        ("username", name),
        ("password", password),
        ("scope", scope),
    ]
}

both! {
    fn an_application_gets_a_token_in_both_versions(casbah: &Casbah) {
        let answer = casbah.anonymous().post_form(V2, &application(CLIENT, CLIENT_SECRET, SCOPE));
        let body = answer.ok();
        assert_eq!(body["token_type"], "Bearer");
        assert!(body["expires_in"].is_u64() && body["ext_expires_in"].is_u64());
        for absent in ["scope", "refresh_token", "id_token"] {
            assert!(body.get(absent).is_none(), "{absent} in {body}");
        }
        assert!(answer.header("cache-control").contains("no-store"));
        let claims = claims(body["access_token"].as_str().unwrap());
        assert_eq!(claims["aud"], RESOURCE);
        assert_eq!(claims["tid"], TENANT);
        assert_eq!(claims["idtyp"], "app");
        assert_eq!(claims["appid"], CLIENT);
        assert_eq!(claims["roles"].as_array().unwrap().len(), 6);
        assert!(claims.get("scp").is_none());
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", CLIENT),
            ("client_secret", CLIENT_SECRET),
            ("resource", RESOURCE),
        ];
        let body = casbah.anonymous().post_form(V1, &form).ok();
        for text in ["expires_in", "ext_expires_in", "expires_on", "not_before", "resource"] {
            assert!(body[text].is_string(), "{text} in {body}");
        }
        casbah.bearer(body["access_token"].as_str().unwrap()).get("/api/v1/alerts/").ok();
    }

    fn every_spelling_of_tenant_and_resource_names_the_same(casbah: &Casbah) {
        for tenant in [TENANT.to_uppercase().as_str(), "contoso.example", "Contoso.Example"] {
            casbah.anonymous().post_form(&format!("/{tenant}/oauth2/v2.0/token"), &application(CLIENT, CLIENT_SECRET, SCOPE)).ok();
        }
        let spellings = [
            format!("api://{RESOURCE}/.default"),
            format!("{}/.default", RESOURCE.to_uppercase()),
            format!("{RESOURCE}//.default"),
            format!("{RESOURCE}/.default openid offline_access profile"),
        ];
        for scope in &spellings {
            let body = casbah.anonymous().post_form(V2, &application(CLIENT, CLIENT_SECRET, scope)).ok();
            assert_eq!(claims(body["access_token"].as_str().unwrap())["aud"], RESOURCE, "{scope}");
        }
        // MSAL for Node adds a query, ADAL a form charset; a doubled slash is common.
        let path = format!("/{V2}?client-request-id=x");
        casbah.anonymous().post_form(&path, &application(CLIENT, CLIENT_SECRET, SCOPE)).ok();
    }

    fn what_bad_input_gets(casbah: &Casbah) {
        let c = casbah;
        refused(c, V2, &application(CLIENT, "wrong", SCOPE), 401, "invalid_client", 7_000_215);
        refused(c, V2, &application("aaaaaaaa-0000-4000-8000-00000000ffff", "x", SCOPE), 400, "unauthorized_client", 700_016);
        refused(c, V2, &application(CLIENT, CLIENT_SECRET, &format!("{RESOURCE}/Investigation.read")), 400, "invalid_scope", 1_002_012);
        refused(c, V2, &application(CLIENT, CLIENT_SECRET, "https://no.such.example/.default"), 400, "invalid_resource", 500_011);
        refused(c, V2, &[("grant_type", "client_credentials"), ("client_id", CLIENT), ("scope", SCOPE)], 401, "invalid_client", 7_000_216);
        refused(c, V2, &[("client_id", CLIENT)], 400, "invalid_request", 900_144);
        refused(c, V2, &[("grant_type", "magic"), ("client_id", CLIENT), ("client_secret", CLIENT_SECRET)], 400, "unsupported_grant_type", 70_003);
        refused(c, "/11111111-2222-4333-8444-555555555555/oauth2/v2.0/token", &application(CLIENT, CLIENT_SECRET, SCOPE), 400, "invalid_request", 90_002);
        refused(c, "/no.such.example/oauth2/token", &application(CLIENT, CLIENT_SECRET, SCOPE), 400, "invalid_request", 90_002);
        refused(c, "/not_a_tenant/oauth2/v2.0/token", &application(CLIENT, CLIENT_SECRET, SCOPE), 400, "invalid_request", 900_023);
        refused(c, V2, &person(ADMINISTRATOR, "wrong", SCOPE), 400, "invalid_grant", 50_126);
        refused(c, V2, &person("nobody@contoso.example", PASSWORD, SCOPE), 400, "invalid_grant", 50_126);
        refused(c, V2, &[("grant_type", "refresh_token"), ("client_id", PUBLIC_CLIENT), ("refresh_token", "made.up")], 400, "invalid_grant", 70_000);
        refused(c, V2, &[("grant_type", "authorization_code"), ("client_id", PUBLIC_CLIENT), ("code", "made up"), ("redirect_uri", "http://localhost")], 400, "invalid_grant", 70_000);
        let mut twice = application(CLIENT, CLIENT_SECRET, SCOPE);
        twice.push(("scope", SCOPE));
        refused(c, V2, &twice, 400, "invalid_request", 9_002_313);
        // An application of another tenant is unknown in this one.
        refused(c, V2, &application(OTHER_CLIENT, CLIENT_SECRET, SCOPE), 400, "unauthorized_client", 700_016);
    }

    fn metadata_keys_and_discovery(casbah: &Casbah) {
        let v2 = casbah.anonymous().get(&format!("/{TENANT}/v2.0/.well-known/openid-configuration")).ok();
        assert_eq!(v2["issuer"], format!("{}/{TENANT}/v2.0", casbah.url));
        assert_eq!(v2["token_endpoint"], format!("{}/{TENANT}/oauth2/v2.0/token", casbah.url));
        let v1 = casbah.anonymous().get("/contoso.example/.well-known/openid-configuration").ok();
        assert_eq!(v1["issuer"], format!("{}/{TENANT}/", casbah.url));
        let common = casbah.anonymous().get("/common/v2.0/.well-known/openid-configuration").ok();
        assert_eq!(common["issuer"], format!("{}/{{tenantid}}/v2.0", casbah.url));
        let keys = casbah.anonymous().get(v2["jwks_uri"].as_str().unwrap()).ok();
        for key in keys["keys"].as_array().unwrap() {
            assert_eq!(key["kid"], key["x5t"]);
            assert!(key["x5c"][0].is_string() && key["n"].is_string() && key.get("d").is_none());
        }
        let query = "api-version=1.1&authorization_endpoint=https%3A%2F%2Flocalhost%2Fcommon%2Foauth2%2Fv2.0%2Fauthorize";
        let instance = casbah.anonymous().get(&format!("/common/discovery/instance?{query}")).ok();
        assert!(instance["tenant_discovery_endpoint"].is_string() && instance["metadata"].is_array());
        for path in ["/common/userrealm/ada@contoso.example?api-version=1.0", "/common/UserRealm/no%40body.example?api-version=1.0"] {
            assert_eq!(casbah.anonymous().get(path).ok()["account_type"], "Managed");
        }
        let unknown = casbah.anonymous().get("/no.such.example/v2.0/.well-known/openid-configuration").refused(400);
        assert_eq!(unknown["error"], "invalid_tenant");
    }

    fn a_user_acts_within_scopes_and_role(casbah: &Casbah) {
        let reader = casbah.user(READER);
        reader.get("/api/v1/alerts/").ok();
        let close = serde_json::json!({"filters": {"id": {"eq": []}}});
        let refusal = reader.post("/api/v1/alerts/close_benign/", &close).refused(403);
        assert!(refusal.to_string().contains("Investigation.manage"), "{refusal}");
        let narrow = casbah.user_tokens(ADMINISTRATOR, &format!("{RESOURCE}/Investigation.read openid"));
        // More was consented to earlier, so the token carries all of it; the role allows it, too.
        casbah.bearer(narrow["access_token"].as_str().unwrap()).get("/api/v1/alerts/").ok();
        assert!(narrow["scope"].as_str().unwrap().contains(&format!("{RESOURCE}/Investigation.read")));
        assert!(narrow["id_token"].is_string() && narrow.get("refresh_token").is_none());
    }

    fn a_refresh_token_works_once_and_its_reuse_ends_the_sign_in(casbah: &Casbah) {
        let scope = format!("{SCOPE} offline_access");
        let first = casbah.user_tokens(ADMINISTRATOR, &scope);
        let redeem = |token: &Value| {
            let token = token.as_str().unwrap();
            let form = [("grant_type", "refresh_token"), ("client_id", PUBLIC_CLIENT), ("refresh_token", token), ("scope", &scope)];
            casbah.anonymous().post_form(V2, &form)
        };
        let second = redeem(&first["refresh_token"]).ok();
        assert_ne!(first["refresh_token"], second["refresh_token"]);
        let third = redeem(&second["refresh_token"]).ok();
        let reuse = redeem(&first["refresh_token"]).refused(400);
        assert_eq!(reuse["error"], "invalid_grant");
        // The thief and the owner are both out: the newest token is dead as well.
        redeem(&third["refresh_token"]).refused(400);
    }

    fn tokens_that_must_not_open_the_api(casbah: &Casbah) {
        let tokens = casbah.user_tokens(ADMINISTRATOR, &format!("{SCOPE} openid offline_access"));
        let good = tokens["access_token"].as_str().unwrap();
        casbah.bearer(good).get("/api/v1/alerts/").ok();
        let mut tampered = good.to_string();
        let last = if tampered.ends_with('A') { 'B' } else { 'A' };
        tampered.replace_range(good.len() - 8..good.len() - 7, &last.to_string());
        let directory = casbah.directory_token(ADMINISTRATOR);
        let unsigned = {
            use base64::Engine;
            let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
            format!("{header}.{}.", good.split('.').nth(1).unwrap())
        };
        let wrong = [
            tampered.as_str(),
            &unsigned,
            tokens["id_token"].as_str().unwrap(),
            tokens["refresh_token"].as_str().unwrap(),
            &directory,
            "",
            "not.a.token",
        ];
        for token in wrong {
            let answer = casbah.bearer(token).get("/api/v1/alerts/");
            assert!(answer.refused(401).to_string().contains("Invalid token"), "{}", answer.text());
            assert!(answer.header("www-authenticate").starts_with("Bearer"));
        }
        // A token of the other tenant sees that tenant, never this one.
        let other = casbah.application_token(OTHER_TENANT, OTHER_CLIENT, CLIENT_SECRET);
        assert_eq!(casbah.bearer(&other).get("/api/v1/alerts/").ok()["total"], 0);
    }
}

#[test]
fn an_expired_token_is_refused() {
    let casbah = Casbah::start(Database::Sqlite);
    let token = casbah.application_token(TENANT, CLIENT, CLIENT_SECRET);
    let casbah = casbah
        .kill_and_restart_with(&Options { clock: "2026-11-23T13:10:00Z".to_string(), ..Options::default() });
    casbah.bearer(&token).get("/api/v1/alerts/").refused(401);
}

#[test]
fn a_used_refresh_token_stays_used_after_kill_9() {
    let casbah = Casbah::start(Database::Sqlite);
    let scope = format!("{SCOPE} offline_access");
    let first = casbah.user_tokens(ADMINISTRATOR, &scope)["refresh_token"].as_str().unwrap().to_string();
    let form = |token: &str| {
        vec![
            ("grant_type", "refresh_token".to_string()),
            ("client_id", PUBLIC_CLIENT.to_string()),
            ("refresh_token", token.to_string()),
        ]
    };
    let post = |casbah: &Casbah, token: &str| {
        let form = form(token);
        let form: Vec<(&str, &str)> = form.iter().map(|(k, v)| (*k, v.as_str())).collect();
        casbah.anonymous().post_form(V2, &form)
    };
    let second = post(&casbah, &first).ok()["refresh_token"].as_str().unwrap().to_string();
    let casbah = casbah.kill_and_restart();
    post(&casbah, &first).refused(400);
    post(&casbah, &second).refused(400);
}

#[test]
fn no_secret_is_logged() {
    let casbah = Casbah::start_with(
        Database::Sqlite,
        &Options { arguments: vec!["--log".into(), "trace".into()], ..Options::default() },
    );
    let tokens = casbah.user_tokens(ADMINISTRATOR, &format!("{SCOPE} offline_access openid"));
    casbah.application().get("/api/v1/alerts/").ok();
    casbah.with_header(&format!("Token {}", crate::harness::API_TOKEN)).get("/api/v1/alerts/").ok();
    casbah.anonymous().post_form(V2, &person(ADMINISTRATOR, "a-mistyped-password", SCOPE));
    let log = casbah.log();
    let secrets = [
        PASSWORD,
        CLIENT_SECRET,
        crate::harness::API_TOKEN,
        "a-mistyped-password",
        tokens["access_token"].as_str().unwrap(),
        tokens["refresh_token"].as_str().unwrap(),
    ];
    for secret in secrets {
        assert!(!log.contains(secret), "a secret is in the log");
    }
    assert!(log.contains("/oauth2/v2.0/token"), "the log is being written");
}
