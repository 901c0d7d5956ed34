//! What was taken away stays away, by every door.

use serde_json::json;

use super::browser::{Browser, SESSION, parameter};
use super::{
    DEVICE, SCOPE, TOKEN, api_scope, number, patch, poll_device, principal, redeem, refresh, register,
    start_device, text, usual_request,
};
use crate::harness::{
    ADMINISTRATOR, API_TOKEN, CLIENT, CLIENT_SECRET, Casbah, Database, PASSWORD, PUBLIC_CLIENT, READER,
    TENANT,
};

/// All that somebody who signs in to the installed client can hold.
struct Holdings<'a> {
    casbah: &'a Casbah,
    browser: Browser<'a>,
    access: String,
    refresh: String,
    code: String,
    device: String,
}

impl<'a> Holdings<'a> {
    fn of(casbah: &'a Casbah, user: &str) -> Holdings<'a> {
        let browser = Browser::new(casbah);
        let tokens = redeem(casbah, &browser.code(&usual_request(&[]), user), &[]).ok();
        let (device, user_code) = start_device(casbah, PUBLIC_CLIENT);
        let page = browser.get(&format!("/device?code={user_code}"));
        assert_eq!(browser.submit(&page, &[("decision", "accept")]).header("location"), "/device/approved");
        let code = parameter(&browser.get(&usual_request(&[])), "code");
        let (access, refresh) = (text(&tokens["access_token"]), text(&tokens["refresh_token"]));
        casbah.bearer(access).get("/api/v1/alerts/").ok();
        Holdings { casbah, access: access.to_string(), refresh: refresh.to_string(), browser, code, device }
    }

    /// That none of it opens anything, each with one of these numbers.
    #[track_caller]
    fn assert_dead(&self, numbers: &[i64]) {
        let casbah = self.casbah;
        casbah.bearer(&self.access).get("/api/v1/alerts/").refused(401);
        for (what, answer) in [
            ("refresh token", refresh(casbah, PUBLIC_CLIENT, &self.refresh, &[])),
            ("code", redeem(casbah, &self.code, &[])),
            ("device code", poll_device(casbah, PUBLIC_CLIENT, &self.device)),
        ] {
            assert_eq!(answer.status, 400, "{what}: {}", answer.text());
            assert!(numbers.contains(&number(&answer)), "{what}: {}", answer.text());
        }
    }
}

fn password(casbah: &Casbah, user: &str) -> crate::harness::Answer {
    let form = [
        ("grant_type", "password"),
        ("client_id", PUBLIC_CLIENT),
        ("username", user),
        ("password", PASSWORD),
        ("scope", SCOPE),
    ];
    casbah.anonymous().post_form(TOKEN, &form)
}

both! {
    /// CVE-2025-64521, CVE-2024-47000: a disabled user is out by every grant, and what was open before
    /// does not open again when the user comes back.
    fn a_disabled_user_is_out_by_every_door(casbah: &Casbah) {
        let rita = Holdings::of(casbah, READER);
        let path = format!("/v1.0/users/{READER}");
        patch(casbah, &path, &json!({"accountEnabled": false}));
        let dead = [50_057, 50_173, 70_000, 70_018];
        rita.assert_dead(&dead);
        assert_eq!(number(&password(casbah, READER)), 50_057);
        // Only who knows the password learns that.
        let wrong = [("grant_type", "password"), ("client_id", PUBLIC_CLIENT), ("username", READER), ("password", "wrong"), ("scope", SCOPE)];
        assert_eq!(number(&casbah.anonymous().post_form(TOKEN, &wrong)), 50_126);
        assert_eq!(rita.browser.get(&usual_request(&[])).status, 200);
        let page = rita.browser.get(&usual_request(&[]));
        let answer = rita.browser.submit(&page, &[("user", READER), ("password", PASSWORD)]);
        assert!(answer.status == 400 && answer.text().contains("disabled"), "{}", answer.text());
        patch(casbah, &path, &json!({"accountEnabled": true}));
        casbah.bearer(&rita.access).get("/api/v1/alerts/").refused(401);
        assert_eq!(refresh(casbah, PUBLIC_CLIENT, &rita.refresh, &[]).status, 400);
        password(casbah, READER).ok();
    }

    /// A legacy token dies with its owner's account, in words that tell its holder why.
    fn a_legacy_token_of_a_disabled_user_is_refused(casbah: &Casbah) {
        let legacy = casbah.with_header(&format!("Token {API_TOKEN}"));
        legacy.get("/api/v1/alerts/").ok();
        let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let deputy = json!({"userPrincipalName": "dep@contoso.example", "displayName": "Deputy", "accountEnabled": true,
            "mailNickname": "dep", "passwordProfile": {"password": PASSWORD}});
        let made = administrator.post("/v1.0/users", &deputy);
        assert_eq!(made.status, 201, "{}", made.text());
        let role = "/v1.0/directoryRoles(roleTemplateId='62e90394-69f5-4237-9190-012177145e10')/members/$ref";
        let member = json!({"@odata.id": format!("{}/v1.0/directoryObjects/{}", casbah.url, text(&made.json()["id"]))});
        assert_eq!(administrator.post(role, &member).status, 204);
        let deputy = casbah.bearer(&casbah.directory_token("dep@contoso.example"));
        let kind = [("content-type", "application/json")];
        let path = format!("/v1.0/users/{ADMINISTRATOR}");
        assert_eq!(deputy.send("PATCH", &path, &kind, br#"{"accountEnabled":false}"#).status, 204);
        let refusal = legacy.get("/api/v1/alerts/");
        assert!(refusal.refused(401).to_string().contains("disabled"), "{}", refusal.text());
        assert_eq!(deputy.send("PATCH", &path, &kind, br#"{"accountEnabled":true}"#).status, 204);
        legacy.get("/api/v1/alerts/").ok();
        // Nobody's token says something else.
        assert!(!casbah.with_header(&format!("Token {}", "x".repeat(64))).get("/api/v1/alerts/").refused(401).to_string().contains("disabled"));
    }

    /// CVE-2025-64521: a disabled application is out by every grant.
    fn a_disabled_application_is_out_by_every_door(casbah: &Casbah) {
        let held = Holdings::of(casbah, READER);
        let application = casbah.application();
        for client in [PUBLIC_CLIENT, CLIENT] {
            patch(casbah, &principal(client), &json!({"accountEnabled": false}));
        }
        held.assert_dead(&[7_000_112]);
        assert_eq!(number(&password(casbah, READER)), 7_000_112);
        application.get("/api/v1/alerts/").refused(401);
        let scope = api_scope();
        let form = [("grant_type", "client_credentials"), ("client_id", CLIENT), ("client_secret", CLIENT_SECRET), ("scope", scope.as_str())];
        assert_eq!(number(&casbah.anonymous().post_form(TOKEN, &form)), 7_000_112);
        let page = held.browser.get(&usual_request(&[]));
        assert!(page.status == 400 && page.text().contains("AADSTS7000112"), "{}", page.text());
        let device = casbah.anonymous().post_form(DEVICE, &[("client_id", PUBLIC_CLIENT), ("scope", SCOPE)]);
        assert_eq!(number(&device), 7_000_112);
    }

    /// CVE-2024-38371: who may use an application is asked where tokens are issued, whatever the grant.
    fn assignment_is_asked_for_by_every_grant(casbah: &Casbah) {
        let held = Holdings::of(casbah, READER);
        patch(casbah, &principal(PUBLIC_CLIENT), &json!({ "appRoleAssignmentRequired": true }));
        for (what, answer) in [
            ("refresh token", refresh(casbah, PUBLIC_CLIENT, &held.refresh, &[])),
            ("code", redeem(casbah, &held.code, &[])),
            ("device code", poll_device(casbah, PUBLIC_CLIENT, &held.device)),
            ("password", password(casbah, READER)),
        ] {
            assert_eq!((answer.status, number(&answer)), (400, 50_105), "{what}: {}", answer.text());
        }
        let page = held.browser.get(&usual_request(&[]));
        assert!(page.status == 400 && page.text().contains("AADSTS50105"), "{}", page.text());
        // Assigned, all that was refused is good.
        let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let id = |path: &str| text(&administrator.get(path).ok()["id"]).to_string();
        let (user, client) = (id(&format!("/v1.0/users/{READER}")), id(&principal(PUBLIC_CLIENT)));
        let body = json!({ "principalId": user, "resourceId": client, "appRoleId": "00000000-0000-0000-0000-000000000000" });
        let made = administrator.post(&format!("/v1.0/users/{READER}/appRoleAssignments"), &body);
        assert_eq!(made.status, 201, "{}", made.text());
        refresh(casbah, PUBLIC_CLIENT, &held.refresh, &[]).ok();
        redeem(casbah, &held.code, &[]).ok();
        poll_device(casbah, PUBLIC_CLIENT, &held.device).ok();
        password(casbah, READER).ok();
    }

    /// A secret that is deleted takes the tokens with it that were fetched with it, and no others.
    fn a_deleted_secret_ends_its_tokens(casbah: &Casbah) {
        let administrator = casbah.directory_token(ADMINISTRATOR);
        let at = |action: &str| format!("/v1.0/applications(appId='{CLIENT}')/{action}");
        let body = json!({ "passwordCredential": { "displayName": "second" } });
        let second = casbah.bearer(&administrator).post(&at("addPassword"), &body).ok();
        let of_first = casbah.application();
        let token = casbah.application_token(TENANT, CLIENT, second["secretText"].as_str().unwrap());
        let of_second = casbah.bearer(&token);
        of_second.get("/api/v1/alerts/").ok();
        let gone = casbah.bearer(&administrator).post(&at("removePassword"), &json!({ "keyId": second["keyId"] }));
        assert_eq!(gone.status, 204, "{}", gone.text());
        of_second.get("/api/v1/alerts/").refused(401);
        of_first.get("/api/v1/alerts/").ok();
    }

    /// A new password ends what the old one opened.
    fn a_new_password_ends_what_the_old_one_opened(casbah: &Casbah) {
        let rita = Holdings::of(casbah, READER);
        patch(casbah, &format!("/v1.0/users/{READER}"), &json!({"passwordProfile": {"password": "another battery staple"}}));
        casbah.bearer(&rita.access).get("/api/v1/alerts/").refused(401);
        assert_eq!(number(&refresh(casbah, PUBLIC_CLIENT, &rita.refresh, &[])), 50_173);
        assert_eq!(number(&password(casbah, READER)), 50_126);
    }

    /// Withdrawn consent counts at once: for tokens that are out, and for the next refresh.
    fn withdrawn_consent_counts_at_once(casbah: &Casbah) {
        let held = Holdings::of(casbah, READER);
        let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let client = administrator.get(&principal(PUBLIC_CLIENT)).ok()["id"].clone();
        let grants = administrator.get("/v1.0/oauth2PermissionGrants").ok()["value"].clone();
        for grant in grants.as_array().unwrap().iter().filter(|grant| grant["clientId"] == client) {
            let path = format!("/v1.0/oauth2PermissionGrants/{}", text(&grant["id"]));
            assert_eq!(administrator.delete(&path).status, 204);
        }
        casbah.bearer(&held.access).get("/api/v1/alerts/").refused(403);
        for answer in [refresh(casbah, PUBLIC_CLIENT, &held.refresh, &[]), redeem(casbah, &held.code, &[]), poll_device(casbah, PUBLIC_CLIENT, &held.device)] {
            assert_eq!(number(&answer), 65_001);
        }
        assert!(held.browser.get(&usual_request(&[])).text().contains("Permissions requested"));
        assert!(held.browser.cookie(SESSION).is_some());
    }

    /// A service principal that was made again is another one: no code, token or consent of the first counts.
    fn a_service_principal_made_again_is_another_one(casbah: &Casbah) {
        let held = Holdings::of(casbah, READER);
        let application = casbah.application();
        let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        for client in [PUBLIC_CLIENT, CLIENT] {
            assert_eq!(administrator.delete(&principal(client)).status, 204);
            assert_eq!(administrator.post("/v1.0/servicePrincipals", &json!({ "appId": client })).status, 201);
        }
        // Consent as before, so that nothing but the sign-ins themselves can be refused.
        let id = |client: &str| administrator.get(&principal(client)).ok()["id"].clone();
        let grant = json!({"clientId": id(PUBLIC_CLIENT), "consentType": "AllPrincipals",
            "resourceId": id(crate::harness::RESOURCE), "scope": "investigation.read"});
        assert_eq!(administrator.post("/v1.0/oauth2PermissionGrants", &grant).status, 201);
        held.assert_dead(&[50_173, 70_000, 70_018]);
        application.get("/api/v1/alerts/").refused(401);
        let other = register(casbah, &json!({"displayName": "Other"}));
        assert_ne!(other.client, PUBLIC_CLIENT);
    }
}

/// An application that is deleted and made again with the same id by the bootstrap file, consent and
/// all, does not bring back the sign-ins of the first.
#[test]
fn sign_ins_die_with_their_application() {
    for database in [Database::sqlite(), Database::postgres()] {
        let casbah = Casbah::start(database);
        let held = Holdings::of(&casbah, READER);
        let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        assert_eq!(administrator.delete(&format!("/v1.0/applications(appId='{PUBLIC_CLIENT}')")).status, 204);
        held.assert_dead(&[700_016]);
        let Holdings { access, refresh, code, device, .. } = held;
        let casbah = casbah.kill_and_restart();
        let held =
            Holdings { browser: Browser::new(&casbah), casbah: &casbah, access, refresh, code, device };
        held.assert_dead(&[50_173, 70_000, 70_018]);
        password(&casbah, READER).ok();
    }
}
