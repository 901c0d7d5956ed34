//! The reasons that come on the way through a sign-in: second factors, passwords that must be changed,
//! assignments.

use serde_json::{Value, json};

use super::super::second_factors::{self, STEP, begin, enrol};
use super::super::{
    LOOPBACK, SCOPE, VERIFIER, api_scope, patch, patch_settings, principal, text, usual_request,
};
use super::later::{at, post};
use super::{Seen, World, refused_as};
use crate::attacks::browser::{Browser, parameter};
use crate::harness::{
    ADMINISTRATOR, Answer, CLIENT, CLIENT_SECRET, Casbah, Database, NOW, PASSWORD, PUBLIC_CLIENT, READER,
};

/// What is provoked here.
pub(super) const CODES: &[u32] =
    &[50_055, 50_072, 50_074, 50_076, 50_078, 50_079, 50_105, 50_125, 50_144, 501_051];

const STEP_UP: Seen = Seen::Body(400, Some("basic_action"));
const PASSWORD_ENDED: Seen = Seen::Body(400, Some("user_password_expired"));

fn with_password(casbah: &Casbah, name: &str) -> Answer {
    let form = [
        ("grant_type", "password"),
        ("client_id", PUBLIC_CLIENT),
        ("username", name),
        ("password", PASSWORD),
        ("scope", SCOPE),
    ];
    post(casbah, &form, &[])
}

fn signed_in<'a>(casbah: &'a Casbah, name: &str) -> Browser<'a> {
    let browser = Browser::new(casbah);
    browser.authorize(&usual_request(&[]), name);
    browser
}

both! {
    fn a_sign_in_that_lacks_something_says_what(casbah: &Casbah) {
        let world = World::new(casbah);
        let (silent, demanding) = ([("prompt", "none")], [("prompt", "none"), ("acr_values", "mfa")]);
        // A password that an administrator wants changed.
        let body = json!({ "userPrincipalName": "temp@contoso.example", "displayName": "Temp", "accountEnabled": true,
            "mailNickname": "temp", "passwordProfile": { "password": PASSWORD, "forceChangePasswordNextSignIn": true } });
        world.create("/v1.0/users", &body);
        refused_as(casbah, &with_password(casbah, "temp@contoso.example"), 50_055, "invalid_grant", PASSWORD_ENDED);
        let person = world.person("sven", true);
        let browser = signed_in(casbah, &person);
        assert!(!parameter(&browser.get(&usual_request(&silent)), "code").is_empty());
        let changes = json!({ "passwordProfile": { "forceChangePasswordNextSignIn": true } });
        patch(casbah, &format!("/v1.0/users/{person}"), &changes);
        refused_as(casbah, &browser.get(&usual_request(&silent)), 50_125, "interaction_required", Seen::Redirect);
        // A second factor that the application wants.
        let browser = signed_in(casbah, READER);
        refused_as(casbah, &browser.get(&usual_request(&demanding)), 50_072, "interaction_required", Seen::Redirect);
        enrol(&Browser::new(casbah), READER);
        refused_as(casbah, &browser.get(&usual_request(&demanding)), 50_074, "interaction_required", Seen::Redirect);
        let refused = with_password(casbah, READER);
        refused_as(casbah, &refused, 50_076, "invalid_grant", STEP_UP);
        let claims: Value = serde_json::from_str(text(&refused.json()["claims"])).unwrap();
        assert_eq!(claims["access_token"]["amr"]["values"], json!(["mfa"]));
        let browser = Browser::new(casbah);
        let page = begin(&browser, READER);
        let wrong = browser.submit(&page, &[("code", "000000")]);
        assert!(wrong.status == 400 && wrong.text().contains("is wrong"), "{}", wrong.text());
        // A step without a sign-in under way.
        let page = Browser::new(casbah).get("/sign-in/next");
        assert!(page.status == 400 && page.text().contains("<h1>Start again"), "{} {}", page.status, page.text());
        // People and applications that are not assigned.
        let required = json!({ "appRoleAssignmentRequired": true });
        patch(casbah, &principal(&world.web.client), &required);
        let asked = world.authorize(&world.web, "https://web.example/cb", &[("scope", "openid")]);
        refused_as(casbah, &world.browser.get(&asked), 50_105, "invalid_grant", Seen::Page);
        patch(casbah, &principal(&world.bare.client), &required);
        let scope = format!("{}/.default", world.bare.client);
        let form = [("grant_type", "client_credentials"), ("client_id", CLIENT), ("client_secret", CLIENT_SECRET), ("scope", &scope)];
        refused_as(casbah, &post(casbah, &form, &[]), 501_051, "invalid_grant", Seen::Body(400, None));
        // A second factor that the tenant wants; from here on the administrator has to show one too.
        patch_settings(casbah, &json!({ "signIn": { "secondFactorForAll": true } }));
        refused_as(casbah, &with_password(casbah, ADMINISTRATOR), 50_079, "interaction_required", STEP_UP);
        let app_only = [("grant_type", "client_credentials"), ("client_id", CLIENT), ("client_secret", CLIENT_SECRET), ("scope", &api_scope())];
        post(casbah, &app_only, &[]).ok();
    }
}

fn what_gets_old(database: Database) {
    let casbah = Casbah::start(database);
    let (key, _) = enrol(&Browser::new(&casbah), READER);
    let settings = json!({ "signIn": { "secondFactorMaxAgeDays": 7, "secondFactorForAll": true, "passwordMaxAgeDays": 30 } });
    patch_settings(&casbah, &settings);
    let browser = Browser::new(&casbah);
    let page = begin(&browser, READER);
    let done = browser.submit(&page, &[("code", &second_factors::code(&key, STEP))]);
    let mut answer = browser.get(done.header("location"));
    if answer.status == 200 {
        answer = browser.submit(&answer, &[("decision", "accept")]);
    }
    let code = parameter(&answer, "code");
    let redeem = [
        ("grant_type", "authorization_code"),
        ("client_id", PUBLIC_CLIENT),
        ("redirect_uri", LOOPBACK),
        ("code", &code),
        ("code_verifier", VERIFIER),
    ];
    let tokens = post(&casbah, &redeem, &[]).ok();
    let refresh = |casbah: &Casbah, tokens: &Value| {
        let token = text(&tokens["refresh_token"]);
        let form = [("grant_type", "refresh_token"), ("client_id", PUBLIC_CLIENT), ("refresh_token", token)];
        post(casbah, &form, &[])
    };
    drop(browser);
    let casbah = at(casbah, &NOW.replace("11-23", "11-29"));
    let tokens = refresh(&casbah, &tokens).ok();
    let casbah = at(casbah, &NOW.replace("11-23", "11-30"));
    refused_as(&casbah, &refresh(&casbah, &tokens), 50_078, "invalid_grant", STEP_UP);
    let casbah = at(casbah, "2026-12-23T12:00:00Z");
    refused_as(&casbah, &with_password(&casbah, ADMINISTRATOR), 50_144, "invalid_grant", PASSWORD_ENDED);
}

#[test]
fn what_gets_old_is_refused_with_its_own_reason_sqlite() {
    what_gets_old(Database::sqlite());
}

#[test]
fn what_gets_old_is_refused_with_its_own_reason_postgres() {
    what_gets_old(Database::postgres());
}
