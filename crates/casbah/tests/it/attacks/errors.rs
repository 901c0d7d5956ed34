//! Every numbered reason for a refusal, one row each: how it is provoked over the real endpoint, and what
//! the client sees. A reason that neither a row nor a test named in [`ELSEWHERE`] provokes fails here.

mod assertions;
mod later;
mod rows;
mod steps;

use std::collections::BTreeSet;

use casbah_authority::codes;
use serde_json::{Value, json};

use super::browser::{Browser, parameter};
use super::{LOOPBACK, Registered, add_secret, patch, principal, register, text};
use crate::harness::{ADMINISTRATOR, Answer, Casbah, PASSWORD};

/// What the client sends as its own id of the request.
const CORRELATION: &str = "0b6f3c1e-7b1c-4f0e-9c1d-3b2a1f0e9d8c";
const CORRELATE: [(&str, &str); 2] =
    [("client-request-id", CORRELATION), ("return-client-request-id", "true")];

/// Reasons that take what only another test has: the number and the file that provokes it.
const ELSEWHERE: &[(u32, &str)] = &[
    // Shown in words, on the page where it happens.
    (50_020, "casbah/tests/it/identity_providers.rs"),
    (50_056, "casbah-authority/src/tests/sign_in.rs"),
    (50_089, "casbah-authority/src/tests/sign_in.rs"),
    (50_133, "casbah-authority/src/tests/sign_in.rs"),
    (500_121, "casbah-authority/src/tests/sign_in.rs"),
    (9_900_002, "casbah/tests/it/protocol/proofs.rs"),
    (9_900_003, "casbah/tests/it/protocol/pages.rs"),
    (9_900_004, "casbah-authority/src/tests/upstream.rs"),
    (70_012, "casbah/tests/it/attacks/storage.rs"),
];

/// Where a refusal is seen.
#[derive(Clone, Copy)]
enum Seen {
    /// A JSON body, with this status and perhaps a `suberror`.
    Body(u16, Option<&'static str>),
    /// Parameters of the redirect back to the application.
    Redirect,
    /// A page for the person.
    Page,
}

/// One reason.
struct Row {
    code: u32,
    error: &'static str,
    seen: Seen,
    provoke: fn(&World<'_>) -> Answer,
}

const fn row(code: u32, error: &'static str, seen: Seen, provoke: fn(&World<'_>) -> Answer) -> Row {
    Row { code, error, seen, provoke }
}

const BAD: Seen = Seen::Body(400, None);
const UNAUTHORIZED: Seen = Seen::Body(401, None);

/// What the rows need beside the world of all tests.
struct World<'a> {
    casbah: &'a Casbah,
    /// A server with a secret and `https://web.example/cb`; everybody has consented to nothing.
    web: Registered,
    web_secret: String,
    /// A page at `https://spa.example/cb`.
    spa: Registered,
    /// An installed application without any permission listed.
    bare: Registered,
    /// Where the administrator is signed in.
    browser: Browser<'a>,
}

impl<'a> World<'a> {
    fn new(casbah: &'a Casbah) -> World<'a> {
        let user_read = "e1fe6dd8-ba31-4d61-89e7-88639da4683d";
        let wants = json!([{ "resourceAppId": "00000003-0000-0000-c000-000000000000",
            "resourceAccess": [{ "id": user_read, "type": "Scope" }] }]);
        let web = json!({ "displayName": "Server", "web": { "redirectUris": ["https://web.example/cb"] },
            "requiredResourceAccess": wants });
        let web = register(casbah, &web);
        let spa = json!({ "displayName": "Page", "spa": { "redirectUris": ["https://spa.example/cb"] },
            "requiredResourceAccess": wants });
        let bare = json!({ "displayName": "Bare", "isFallbackPublicClient": true,
            "publicClient": { "redirectUris": [LOOPBACK] } });
        let browser = Browser::new(casbah);
        browser.authorize(&super::usual_request(&[]), ADMINISTRATOR);
        World {
            casbah,
            web_secret: add_secret(casbah, &web),
            web,
            spa: register(casbah, &spa),
            bare: register(casbah, &bare),
            browser,
        }
    }

    fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.post_with(path, form, &[])
    }

    fn post_with(&self, path: &str, form: &[(&str, &str)], more: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
        headers.extend(CORRELATE);
        headers.extend(more);
        self.casbah.anonymous().send("POST", path, &headers, body.as_bytes())
    }

    fn get(&self, path: &str) -> Answer {
        self.casbah.anonymous().send("GET", path, &CORRELATE, b"")
    }

    /// Something new in the directory.
    fn create(&self, path: &str, body: &Value) -> Value {
        let administrator = self.casbah.bearer(&self.casbah.directory_token(ADMINISTRATOR));
        let answer = administrator.post(path, body);
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()
    }

    /// A person with the usual password.
    fn person(&self, name: &str, enabled: bool) -> String {
        let name = format!("{name}@contoso.example");
        let body = json!({ "userPrincipalName": name, "displayName": name, "accountEnabled": enabled,
            "mailNickname": name.split('@').next(), "passwordProfile": { "password": PASSWORD,
            "forceChangePasswordNextSignIn": false } });
        self.create("/v1.0/users", &body);
        name
    }

    fn patch(&self, path: &str, body: &Value) {
        patch(self.casbah, path, body);
    }

    fn principal(&self, application: &Registered) -> String {
        principal(&application.client)
    }

    fn authorize(&self, application: &Registered, uri: &str, more: &[(&str, &str)]) -> String {
        super::request(&application.client, uri, more)
    }
}

/// What every client depends on (5.1 of the sheet), whatever the reason.
#[track_caller]
fn check_body(casbah: &Casbah, answer: &Answer, code: u32, error: &str) {
    let body = answer.json();
    assert_eq!(body["error"], error, "{code}: {body}");
    assert_eq!(body["error_codes"], json!([code]), "{body}");
    let description = check_description(text(&body["error_description"]), code);
    // One client borrows the description from the JSON text: it must stand there without an escape.
    assert!(answer.text().contains(&description), "{code}: the description needs an escape: {description}");
    let id = |name: &str| text(&body[name]).parse::<casbah_model::Guid>().unwrap();
    assert_eq!(id("trace_id").to_string(), answer.header("x-ms-request-id"), "{code}");
    assert_eq!(
        (id("correlation_id").to_string(), answer.header("client-request-id")),
        (CORRELATION.into(), CORRELATION)
    );
    assert!(description.contains(&format!("Correlation ID: {CORRELATION} ")), "{description}");
    assert!(description.ends_with(text(&body["timestamp"])), "{description}");
    assert!(answer.header("cache-control").contains("no-store"), "{code}");
    check_explained(casbah, text(&body["error_uri"]), code);
}

fn check_description(description: &str, code: u32) -> String {
    assert!(description.starts_with(&format!("AADSTS{code}: ")), "{description}");
    assert!(description.bytes().all(|b| (b' '..=b'~').contains(&b)), "{description}");
    assert!(!description.contains(['"', '\\', '\'', '`']), "{description}");
    for word in ["interaction_required", "consent_required", "login_required", "bad_token"] {
        assert!(!description.contains(word), "MSAL for Node searches descriptions for {word}: {description}");
    }
    description.to_string()
}

/// The address that every refusal names leads to words about it.
fn check_explained(casbah: &Casbah, uri: &str, code: u32) {
    let meaning = codes::find(code).unwrap().meaning;
    let (_, path) = uri.split_once("/error").unwrap();
    let page = casbah.anonymous().get(&format!("/error{path}"));
    assert!(page.status == 200 && page.text().contains(meaning), "{code}: {}", page.text());
}

/// That an answer is a certain refusal, as each kind of client sees it.
#[track_caller]
fn refused_as(casbah: &Casbah, answer: &Answer, code: u32, error: &'static str, seen: Seen) {
    match seen {
        Seen::Body(status, suberror) => {
            assert_eq!(answer.status, status, "{code}: {}", answer.text());
            check_body(casbah, answer, code, error);
            assert_eq!(answer.json().get("suberror").and_then(Value::as_str), suberror, "{code}");
        }
        Seen::Redirect => {
            let location = answer.header("location").replace('#', "?");
            assert!(matches!(answer.status, 302 | 303), "{code}: {}", answer.text());
            assert!(location.starts_with("http"), "{code}: {location}");
            assert_eq!(parameter(answer, "error"), error, "{code}");
            check_description(&parameter(answer, "error_description"), code);
            assert_eq!(parameter(answer, "state"), "the-state", "{code}");
            check_explained(casbah, &parameter(answer, "error_uri"), code);
        }
        Seen::Page => {
            assert!(answer.header("location").is_empty(), "{code}: never a redirect");
            let page = answer.text();
            assert!(page.contains(&format!("AADSTS{code}")), "{code}: {page}");
            for part in ["Trace id", "Correlation id", "Time"] {
                assert!(page.contains(part), "{code}: {page}");
            }
            assert_eq!(codes::find(code).map(|c| c.error), Some(error));
        }
    }
}

fn check_row(world: &World<'_>, row: &Row) {
    refused_as(world.casbah, &(row.provoke)(world), row.code, row.error, row.seen);
}

both! {
    fn every_reason_is_given_where_its_condition_occurs(casbah: &Casbah) {
        let world = World::new(casbah);
        // All rows that fail are told at once.
        let fails = |row: &&Row| {
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check_row(&world, row))).is_err()
        };
        let failed: Vec<u32> = rows::ROWS.iter().filter(fails).map(|row| row.code).collect();
        assert!(failed.is_empty(), "{failed:?}");
    }
}

#[test]
fn no_reason_is_without_a_test() {
    let with_a_world_of_their_own = [later::CODES, steps::CODES, assertions::CODES].concat();
    let here = rows::ROWS.iter().map(|row| row.code).chain(with_a_world_of_their_own);
    let mut tested: BTreeSet<u32> = here.collect();
    let crates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for (code, file) in ELSEWHERE {
        let source = std::fs::read_to_string(crates.join(file)).unwrap().replace('_', "");
        // A comment proves nothing.
        let mut statements = source.lines().filter(|line| !line.trim_start().starts_with("//"));
        assert!(statements.any(|line| line.contains(&code.to_string())), "{file} has no check of {code}");
        tested.insert(*code);
    }
    let all: BTreeSet<u32> = codes::ALL.iter().map(|code| code.number).collect();
    assert_eq!(tested, all, "a row for each reason in casbah-authority/src/codes.rs, and no other");
    assert_eq!(all.len(), codes::ALL.len(), "each number once");
}
