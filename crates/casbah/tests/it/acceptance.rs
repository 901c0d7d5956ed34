//! Acceptance checks of the authority that no client library makes by itself; docs/compatibility.md lists
//! all of them, with the tests that stand for the others.

use serde_json::{Value, json};

use crate::attacks::browser::{Browser, parameter};
use crate::attacks::{CHALLENGE, TOKEN, VERIFIER, claims, number, refresh, register, request, text};
use crate::harness::{
    ADMINISTRATOR, CLIENT, CLIENT_SECRET, Casbah, Database, Options, PUBLIC_CLIENT, RESOURCE, TENANT,
};

const PAGE: &str = "https://spa.example/app";

fn app_only<'a>(secret: &'a str, scope: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("grant_type", "client_credentials"),
        ("client_id", CLIENT),
        ("client_secret", secret),
        ("scope", scope),
    ]
}

/// A form to the token endpoint with one more header.
fn post_with(casbah: &Casbah, header: (&str, &str), form: &[(&str, &str)]) -> crate::harness::Answer {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let headers = [("content-type", "application/x-www-form-urlencoded"), header];
    casbah.anonymous().send("POST", TOKEN, &headers, body.as_bytes())
}

fn is_guid(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    text.len() == 36
        && text
            .chars()
            .enumerate()
            .all(|(i, c)| if matches!(i, 8 | 13 | 18 | 23) { c == '-' } else { c.is_ascii_hexdigit() })
}

both! {
    /// Bodies of ten common errors as every library reads them.
    fn check_12_error_bodies(casbah: &Casbah) {
        let all = format!("{RESOURCE}/.default");
        let person = |password| vec![
            ("grant_type", "password"), ("client_id", PUBLIC_CLIENT), ("username", ADMINISTRATOR),
            ("password", password), ("scope", all.as_str()),
        ];
        let mut twice = app_only(CLIENT_SECRET, &all);
        twice.push(("scope", &all));
        let cases: Vec<(i64, Vec<(&str, &str)>)> = vec![
            (7_000_215, app_only("wrong", &all)),
            (1_002_012, app_only(CLIENT_SECRET, "05a65629-4c1b-48c1-a78b-804c4abdd4af/Investigation.read")),
            (500_011, app_only(CLIENT_SECRET, "api://nobody/.default")),
            (9_002_313, twice),
            (50_126, person("wrong")),
            (7_000_216, vec![("grant_type", "client_credentials"), ("client_id", CLIENT), ("scope", &all)]),
            (900_144, vec![("client_id", CLIENT)]),
            (70_003, vec![("grant_type", "magic"), ("client_id", CLIENT), ("client_secret", CLIENT_SECRET)]),
            (700_016, vec![("grant_type", "refresh_token"), ("client_id", TENANT), ("refresh_token", "x")]),
            (70_000, vec![("grant_type", "refresh_token"), ("client_id", PUBLIC_CLIENT), ("refresh_token", "x")]),
        ];
        let asked = "0f0e0d0c-0b0a-4908-8706-050403020100";
        for (code, form) in cases {
            let answer = post_with(casbah, ("client-request-id", asked), &form);
            let body = answer.json();
            assert_eq!(body["error_codes"], json!([code]), "{body}");
            assert!(!text(&body["error"]).is_empty());
            let description = text(&body["error_description"]);
            assert!(description.is_ascii() && !description.contains(['"', '\\', '\r', '\n']), "{description}");
            assert_eq!(body["correlation_id"], asked);
            assert!(is_guid(&body["trace_id"]), "{body}");
            assert_eq!(answer.status, if body["error"] == "invalid_client" { 401 } else { 400 });
        }
        let scope = format!("{all} openid offline_access profile");
        let body = casbah.anonymous().post_form(TOKEN, &app_only(CLIENT_SECRET, &scope)).ok();
        assert!(body.get("refresh_token").is_none() && body.get("id_token").is_none(), "{body}");
    }

    fn check_13_redirect_matching(casbah: &Casbah) {
        let browser = Browser::new(casbah);
        // Registered as http://localhost.
        let answer = browser.authorize(&request(PUBLIC_CLIENT, "http://localhost:53682", &[]), ADMINISTRATOR);
        assert!(answer.header("location").starts_with("http://localhost:53682/?code="));
        let web = register(casbah, &json!({"displayName": "Web", "web": {"redirectUris": ["https://app.example/Cb"]}}));
        let wrong = browser.get(&request(&web.client, "https://app.example/cb", &[]));
        assert_eq!((wrong.status, wrong.header("location")), (400, ""));
        assert!(wrong.text().contains("AADSTS50011"));
    }

    /// Both refusals name the rule; the resulting refresh token is in the test below.
    fn check_14_single_page_redemption(casbah: &Casbah) {
        let (client, code) = single_page(casbah);
        let form = redemption(&client, &code);
        let without = casbah.anonymous().post_form(TOKEN, &form);
        assert_eq!((without.status, number(&without)), (400, 9_002_327));
        let tokens = post_with(casbah, ("origin", "https://spa.example"), &form).ok();
        assert!(!text(&tokens["refresh_token"]).is_empty());
    }

    fn check_16_claims(casbah: &Casbah) {
        let spellings = [
            format!("{RESOURCE}/.default"),
            format!("{}/.default", RESOURCE.to_uppercase()),
            format!("api://{RESOURCE}/.default"),
            format!("{RESOURCE}//.default"),
        ];
        for scope in &spellings {
            let body = casbah.anonymous().post_form(TOKEN, &app_only(CLIENT_SECRET, scope)).ok();
            let inside = claims(text(&body["access_token"]));
            assert_eq!((text(&inside["aud"]), text(&inside["idtyp"])), (RESOURCE, "app"), "{scope}");
            assert!(inside["roles"].is_array() && inside.get("scp").is_none(), "{inside}");
            let user = casbah.user_tokens(ADMINISTRATOR, scope);
            let inside = claims(text(&user["access_token"]));
            assert_eq!((text(&inside["aud"]), text(&inside["idtyp"])), (RESOURCE, "user"), "{scope}");
            assert!(text(&inside["scp"]).contains("investigation.read"), "{inside}");
        }
    }

    /// The link of the product's documentation, to an application with a single address.
    fn check_18_consent_link(casbah: &Casbah) {
        let scope = json!({"id": "83bc8d83-2679-44ef-b813-d5f556fc4474", "type": "Scope"});
        let web = register(casbah, &json!({
            "displayName": "Web",
            "web": {"redirectUris": ["https://app.example/done"]},
            "requiredResourceAccess": [{"resourceAppId": RESOURCE, "resourceAccess": [scope]}],
        }));
        let link = format!(
            "/common/oauth2/authorize?prompt=consent&client_id={}&response_type=code&sso_reload=true",
            web.client,
        );
        let browser = Browser::new(casbah);
        let page = browser.sign_in(&link, ADMINISTRATOR);
        assert_eq!(page.status, 200, "{}", page.text());
        let done = browser.submit(&page, &[("decision", "accept")]);
        assert!(done.header("location").starts_with("https://app.example/done?code="), "{}", done.text());
        let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let own = administrator.get(&format!("/v1.0/servicePrincipals(appId='{}')", web.client)).ok();
        let grants = administrator.get(&format!("/v1.0/oauth2PermissionGrants?$filter=clientId eq '{}'", text(&own["id"])).replace(' ', "%20")).ok();
        assert!(text(&grants["value"][0]["scope"]).contains("investigation.read"), "{grants}");
    }
}

/// A single-page application, and a code for it.
fn single_page(casbah: &Casbah) -> (String, String) {
    let app = register(casbah, &json!({"displayName": "Page", "spa": {"redirectUris": [PAGE]}}));
    let address = request(&app.client, PAGE, &[("code_challenge", CHALLENGE)]);
    let answer = Browser::new(casbah).authorize(&address, ADMINISTRATOR);
    (app.client, parameter(&answer, "code"))
}

fn redemption<'a>(client: &'a str, code: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("grant_type", "authorization_code"),
        ("client_id", client),
        ("redirect_uri", PAGE),
        ("code", code),
        ("code_verifier", VERIFIER),
    ]
}

fn at(clock: &str) -> Options {
    Options { clock: clock.to_string(), ..Options::default() }
}

/// 24 hours from the sign-in, whatever was renewed in between.
#[test]
fn check_14_single_page_refresh_tokens_do_not_slide() {
    let casbah = Casbah::start_with(Database::Sqlite, &at("2026-11-23T12:00:00Z"));
    let (client, code) = single_page(&casbah);
    let origin = ("origin", "https://spa.example");
    let tokens = post_with(&casbah, origin, &redemption(&client, &code)).ok();
    let renewal = |casbah: &Casbah, token: &Value| {
        let form =
            [("grant_type", "refresh_token"), ("client_id", client.as_str()), ("refresh_token", text(token))];
        post_with(casbah, origin, &form)
    };
    let casbah = casbah.kill_and_restart_with(&at("2026-11-24T11:30:00Z"));
    let renewed = renewal(&casbah, &tokens["refresh_token"]).ok();
    let casbah = casbah.kill_and_restart_with(&at("2026-11-24T12:30:00Z"));
    let refused = renewal(&casbah, &renewed["refresh_token"]);
    assert_eq!((refused.status, number(&refused)), (400, 700_084));
}

/// A client that cached the keys is never surprised: what signs was published before, and what signed stays
/// published until its last token is dead.
#[test]
fn check_17_key_rollover() {
    let kid = |token: &Value| {
        use base64::Engine;
        let header = text(token).split('.').next().unwrap();
        let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header).unwrap();
        text(&serde_json::from_slice::<Value>(&header).unwrap()["kid"]).to_string()
    };
    let published = |casbah: &Casbah| -> Vec<String> {
        let keys = casbah.anonymous().get(&format!("/{TENANT}/discovery/v2.0/keys")).ok();
        keys["keys"].as_array().unwrap().iter().map(|key| text(&key["kid"]).to_string()).collect()
    };
    let token =
        |casbah: &Casbah| casbah.user_tokens(ADMINISTRATOR, &format!("{RESOURCE}/.default offline_access"));

    let casbah = Casbah::start_with(Database::Sqlite, &at("2026-11-23T12:00:00Z"));
    let first = kid(&token(&casbah)["access_token"]);
    // The next key is made behind the start.
    assert!((0..100_000).any(|_| published(&casbah).len() == 2));
    // Just before the key's 45 days are over.
    let casbah = casbah.kill_and_restart_with(&at("2027-01-07T11:40:00Z"));
    let held = token(&casbah);
    assert_eq!(kid(&held["access_token"]), first);
    let cached = published(&casbah);
    let casbah = casbah.kill_and_restart_with(&at("2027-01-07T12:10:00Z"));
    let second = kid(&token(&casbah)["access_token"]);
    assert_ne!(second, first);
    assert!(cached.contains(&second), "a key that signs was never published before");
    assert!(published(&casbah).contains(&first));
    casbah.bearer(text(&held["access_token"])).get("/api/v1/alerts/").ok();
    refresh(&casbah, PUBLIC_CLIENT, text(&held["refresh_token"]), &[]).ok();
}
