//! What attackers try: RFC 9700 section by section, and the mistakes of other servers, over HTTP.
//!
//! Each test names the attack it stands for. The long corpora (redirect URIs, forged tokens, races)
//! are unit tests of the authority; here stands a probe of each that goes through everything.

pub(crate) mod browser;
mod codes;
mod errors;
mod guessing;
mod limits;
mod pages;
pub(crate) mod portal;
mod redirects;
mod second_factors;
mod storage;
mod taken_away;
mod tenants;
mod three_tenants;
mod tokens;

use serde_json::{Value, json};

use crate::harness::{ADMINISTRATOR, Answer, Casbah, PUBLIC_CLIENT, RESOURCE, TENANT};

const AUTHORIZE: &str = "/7d0c2f6e-1111-4222-8333-444455556666/oauth2/v2.0/authorize";
pub(crate) const TOKEN: &str = "/7d0c2f6e-1111-4222-8333-444455556666/oauth2/v2.0/token";
const DEVICE: &str = "/7d0c2f6e-1111-4222-8333-444455556666/oauth2/v2.0/devicecode";
const SCOPE: &str = "05a65629-4c1b-48c1-a78b-804c4abdd4af/Investigation.read offline_access openid";
/// The pair of RFC 7636, appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// Where the installed client of the test world listens.
const LOOPBACK: &str = "http://localhost:5000";

/// An application registered for a test.
pub(crate) struct Registered {
    pub(crate) object: String,
    pub(crate) client: String,
}

/// Registers an application with a service principal, and without any consent.
#[track_caller]
pub(crate) fn register(casbah: &Casbah, application: &Value) -> Registered {
    let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
    let answer = administrator.post("/v1.0/applications", application);
    assert_eq!(answer.status, 201, "{}", answer.text());
    let made = answer.json();
    let client = made["appId"].as_str().unwrap().to_string();
    let principal = administrator.post("/v1.0/servicePrincipals", &json!({ "appId": client }));
    assert_eq!(principal.status, 201, "{}", principal.text());
    Registered { object: made["id"].as_str().unwrap().to_string(), client }
}

/// A secret for an application.
#[track_caller]
fn add_secret(casbah: &Casbah, application: &Registered) -> String {
    let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
    let path = format!("/v1.0/applications/{}/addPassword", application.object);
    let key = administrator.post(&path, &json!({"passwordCredential": {"displayName": "key"}})).ok();
    key["secretText"].as_str().unwrap().to_string()
}

/// The address of an authorization request of a client, for a code with PKCE.
pub(crate) fn request(client: &str, redirect_uri: &str, more: &[(&str, &str)]) -> String {
    let mut fields = vec![
        ("client_id", client),
        ("redirect_uri", redirect_uri),
        ("response_type", "code"),
        ("scope", SCOPE),
        ("state", "the-state"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in more {
        // What is given anew counts; an empty value stands for a parameter that was taken out.
        fields.retain(|(n, _)| n != name);
        if !value.is_empty() {
            fields.push((name, value));
        }
    }
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    format!("{AUTHORIZE}?{query}")
}

/// The request of the installed client, for which everybody has consented.
pub(crate) fn usual_request(more: &[(&str, &str)]) -> String {
    request(PUBLIC_CLIENT, LOOPBACK, more)
}

/// Redeems a code of the usual request; `more` replaces fields, an empty value takes one out.
fn redeem(casbah: &Casbah, code: &str, more: &[(&str, &str)]) -> Answer {
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("client_id", PUBLIC_CLIENT),
        ("redirect_uri", LOOPBACK),
        ("code", code),
        ("code_verifier", VERIFIER),
    ];
    for (name, value) in more {
        form.retain(|(n, _)| n != name);
        if !value.is_empty() {
            form.push((name, value));
        }
    }
    casbah.anonymous().post_form(TOKEN, &form)
}

pub(crate) fn refresh(casbah: &Casbah, client: &str, token: &str, more: &[(&str, &str)]) -> Answer {
    let mut form = vec![("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", token)];
    form.extend(more);
    casbah.anonymous().post_form(TOKEN, &form)
}

/// Starts a device sign-in; device code and user code.
#[track_caller]
fn start_device(casbah: &Casbah, client: &str) -> (String, String) {
    let started = casbah.anonymous().post_form(DEVICE, &[("client_id", client), ("scope", SCOPE)]).ok();
    (text(&started["device_code"]).to_string(), text(&started["user_code"]).to_string())
}

fn poll_device(casbah: &Casbah, client: &str, code: &str) -> Answer {
    let grant = ("grant_type", "urn:ietf:params:oauth:grant-type:device_code");
    casbah.anonymous().post_form(TOKEN, &[grant, ("client_id", client), ("device_code", code)])
}

/// The AADSTS number of a refusal.
pub(crate) fn number(answer: &Answer) -> i64 {
    answer.json()["error_codes"][0].as_i64().unwrap_or_else(|| panic!("no number: {}", answer.text()))
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

pub fn claims(token: &str) -> Value {
    use base64::Engine;
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Sets a property of something in the directory.
#[track_caller]
fn patch(casbah: &Casbah, path: &str, body: &Value) {
    let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
    let headers = [("content-type", "application/json")];
    let answer = administrator.send("PATCH", path, &headers, body.to_string().as_bytes());
    assert_eq!(answer.status, 204, "{}", answer.text());
}

/// Changes settings of the tenant.
#[track_caller]
fn patch_settings(casbah: &Casbah, change: &Value) {
    let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
    let headers = [("content-type", "application/json")];
    let body = change.to_string();
    administrator.send("PATCH", "/v1.0/policies/tenantSettings", &headers, body.as_bytes()).ok();
}

/// The service principal of an application of the test world.
fn principal(client: &str) -> String {
    format!("/v1.0/servicePrincipals(appId='{client}')")
}

/// `tenant` in place of the usual one.
fn in_tenant(path: &str, tenant: &str) -> String {
    path.replace(TENANT, tenant)
}

fn api_scope() -> String {
    format!("{RESOURCE}/.default")
}
