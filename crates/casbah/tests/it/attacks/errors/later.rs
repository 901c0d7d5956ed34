//! The reasons that take time: what was good once, asked again on the same data when its time is over.

use serde_json::json;

use super::super::{SCOPE, TOKEN, VERIFIER, start_device, text, usual_request};
use super::{CORRELATE, Seen, World, refused_as};
use crate::attacks::browser::{Browser, parameter};
use crate::harness::{
    ADMINISTRATOR, Answer, Casbah, Database, NOW, Options, PUBLIC_CLIENT, READER, RESOURCE,
};

/// What is provoked here.
pub(super) const CODES: &[u32] = &[70_008, 70_019, 70_020, 70_043, 500_133, 700_082, 700_084, 7_000_222];

const SPA: &str = "https://spa.example/cb";
const ORIGIN: &str = "https://spa.example";

/// Starts the same Casbah at another time; cookies and files are as they were.
pub(super) fn at(casbah: Casbah, clock: &str) -> Casbah {
    casbah.kill_and_restart_with(&Options { clock: clock.to_string(), ..Options::default() })
}

pub(super) fn post(casbah: &Casbah, form: &[(&str, &str)], more: &[(&str, &str)]) -> Answer {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let kind = [("content-type", "application/x-www-form-urlencoded")];
    let headers = [&kind[..], &CORRELATE, more].concat();
    casbah.anonymous().send("POST", TOKEN, &headers, body.as_bytes())
}

#[track_caller]
fn refused(
    casbah: &Casbah,
    answer: &Answer,
    code: u32,
    error: &'static str,
    seen: (u16, Option<&'static str>),
) {
    refused_as(casbah, answer, code, error, Seen::Body(seen.0, seen.1));
}

fn what_ends(database: Database) {
    let casbah = Casbah::start(database);
    let world = World::new(&casbah);
    let code = parameter(&world.browser.get(&usual_request(&[])), "code");
    let (device_code, user_code) = start_device(&casbah, PUBLIC_CLIENT);
    let page = world.browser.get(&world.authorize(&world.spa, SPA, &[("scope", "User.Read offline_access")]));
    let spa_code = parameter(&world.browser.submit(&page, &[("decision", "accept")]), "code");
    let spa_client = world.spa.client.clone();
    let spa_form = [
        ("grant_type", "authorization_code"),
        ("client_id", &spa_client),
        ("redirect_uri", SPA),
        ("code", &spa_code),
        ("code_verifier", VERIFIER),
    ];
    let spa = post(&casbah, &spa_form, &[("origin", ORIGIN)]).ok();
    // A secret for a day, of an application that is also an API which its page calls.
    let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
    let ends = NOW.replace("11-23", "11-24");
    let path = format!("/v1.0/applications/{}/addPassword", world.web.object);
    let short = json!({ "passwordCredential": { "displayName": "short", "endDateTime": ends } });
    let secret = text(&administrator.post(&path, &short).ok()["secretText"]).to_string();
    let client = world.web.client.clone();
    let lasting = world.web_secret.clone();
    let unused = casbah.user_tokens(READER, &format!("{SCOPE} openid"));
    let assertion = text(&unused["access_token"]).to_string();
    drop(world);

    // A minute for codes.
    let casbah = at(casbah, &NOW.replace("12:00:00", "12:01:00"));
    let late = redeem_as(&casbah, &code);
    refused(&casbah, &late, 70_008, "invalid_grant", (400, None));

    // A quarter of an hour for device codes, at the page too.
    let casbah = at(casbah, &NOW.replace("12:00:00", "12:15:00"));
    let grant = ("grant_type", "urn:ietf:params:oauth:grant-type:device_code");
    let late = post(&casbah, &[grant, ("client_id", PUBLIC_CLIENT), ("device_code", &device_code)], &[]);
    refused(&casbah, &late, 70_020, "expired_token", (400, None));
    let browser = Browser::new(&casbah);
    browser.authorize(&usual_request(&[]), ADMINISTRATOR);
    let page = browser.get(&format!("/device?code={user_code}"));
    let meaning = casbah_authority::codes::USER_CODE_EXPIRED.meaning;
    assert!(page.text().contains(meaning), "{}", page.text());

    // A day for pages, for that secret, and for sign-ins where the tenant says so.
    let casbah = at(casbah, &NOW.replace("11-23", "11-24"));
    let spa_refresh = [
        ("grant_type", "refresh_token"),
        ("client_id", &spa_client),
        ("refresh_token", text(&spa["refresh_token"])),
    ];
    let late = post(&casbah, &spa_refresh, &[("origin", ORIGIN)]);
    refused(&casbah, &late, 700_084, "invalid_grant", (400, None));
    let scope = format!("{RESOURCE}/.default");
    let app_only = |secret: &str| {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client.as_str()),
            ("client_secret", secret),
            ("scope", scope.as_str()),
        ];
        post(&casbah, &form, &[])
    };
    refused(&casbah, &app_only(&secret), 7_000_222, "invalid_client", (401, None));
    app_only(&lasting).ok();
    let on_behalf_of = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("client_id", &client),
        ("client_secret", &lasting),
        ("requested_token_use", "on_behalf_of"),
        ("scope", &scope),
        ("assertion", &assertion),
    ];
    refused(&casbah, &post(&casbah, &on_behalf_of, &[]), 500_133, "invalid_grant", (400, None));
    super::super::patch_settings(&casbah, &json!({ "tokens": { "refreshTokenAbsolute": 86_400 } }));
    let refresh = [
        ("grant_type", "refresh_token"),
        ("client_id", PUBLIC_CLIENT),
        ("refresh_token", text(&unused["refresh_token"])),
    ];
    refused(&casbah, &post(&casbah, &refresh, &[]), 70_043, "invalid_grant", (400, Some("bad_token")));
    super::super::patch_settings(&casbah, &json!({ "tokens": { "refreshTokenAbsolute": null } }));

    // Ninety days for refresh tokens that nobody uses; the day before is early enough.
    let casbah = at(casbah, "2027-02-21T12:00:00Z");
    refused(&casbah, &post(&casbah, &refresh, &[]), 700_082, "invalid_grant", (400, None));
    let casbah = at(casbah, "2027-02-20T12:00:00Z");
    post(&casbah, &refresh, &[]).ok();
}

fn redeem_as(casbah: &Casbah, code: &str) -> Answer {
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", PUBLIC_CLIENT),
        ("redirect_uri", super::LOOPBACK),
        ("code", code),
        ("code_verifier", VERIFIER),
    ];
    post(casbah, &form, &[])
}

#[test]
fn what_ends_is_refused_with_its_own_reason_sqlite() {
    what_ends(Database::sqlite());
}

#[test]
fn what_ends_is_refused_with_its_own_reason_postgres() {
    what_ends(Database::postgres());
}
