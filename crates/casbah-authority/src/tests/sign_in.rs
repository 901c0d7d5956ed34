//! Policies, second factors, new passwords, and what each ends.

use std::sync::Arc;

use casbah_model::{
    Administrator, AdministratorRole, ROLES, RecordId, Secret, SignInSettings, TenantSettings,
};
use casbah_store::{administrators, tenant_settings, users};
use serde_json::Value as Json;

use super::world::{CONTOSO, DESKTOP, PASSWORD, SECRET, WEB, World, check_refusal, claims, start, user_id};
use crate::authorize::Step;
use crate::sign_in::totp;
use crate::{
    CodeKind, Ending, Endpoint, FactorHolder, OAuthError, PasswordChange, PendingStep, SignInStep, SignedIn,
    Visitor,
};

const SCOPE: &str = "05a65629-4c1b-48c1-a78b-804c4abdd4af/.default openid offline_access";
const ALICE: &str = "alice@contoso.example";
const NEW: &str = "kettle orbit seven lamps";

async fn set(world: &World, sign_in: SignInSettings) {
    let settings = TenantSettings { sign_in, ..TenantSettings::default() };
    let saved = world.store.write(move |tx| tenant_settings::save(tx, CONTOSO, &settings)).await;
    saved.expect("is saved");
}

fn everybody() -> SignInSettings {
    SignInSettings { second_factor_for_all: true, ..SignInSettings::default() }
}

async fn change_alice(world: &World, change: impl Fn(&mut casbah_model::User) + Send + 'static) {
    let changed = world.store.write(move |tx| {
        let mut alice = users::find(tx, CONTOSO, user_id("alice"))?.expect("is there");
        change(&mut alice);
        users::save(tx, CONTOSO, &alice)
    });
    changed.await.expect("is saved");
}

fn done(step: Result<SignInStep, OAuthError>) -> SignedIn {
    match step.expect("goes on") {
        SignInStep::Done(signed_in) => *signed_in,
        SignInStep::Continue(_) => panic!("a step is missing"),
    }
}

fn cookie(step: Result<SignInStep, OAuthError>) -> Secret {
    match step.expect("goes on") {
        SignInStep::Continue(pending) => pending.cookie,
        SignInStep::Done(_) => panic!("nothing is missing"),
    }
}

/// Registers an authenticator program for Alice; its key.
async fn register(world: &World) -> Vec<u8> {
    let session = world.sign_in("alice").await;
    let setup = world.authority.totp_setup(&session).await.expect("a key");
    let key = from_base32(setup.key.expose());
    // The code of the step before, so that the tests have two more in the same moment.
    let code = totp::code(&key, start().seconds() / 30 - 1);
    let holder = FactorHolder::Session(session);
    let added =
        world.authority.add_totp(&holder, setup.setup, Secret::new(code), String::new(), &visitor()).await;
    assert_eq!(added.expect("is added").recovery_codes.len(), 10);
    key
}

/// What an authenticator program does with the key that was typed.
fn from_base32(text: &str) -> Vec<u8> {
    let five = |c: u8| if c.is_ascii_digit() { c - b'2' + 26 } else { c - b'A' };
    let bits = text.bytes().flat_map(|c| (0..5).rev().map(move |n| five(c) >> n & 1)).collect::<Vec<_>>();
    bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |all, bit| all << 1 | bit)).collect()
}

fn visitor() -> Visitor {
    Visitor::default()
}

async fn password_grant(world: &World, endpoint: Endpoint) -> OAuthError {
    let id = DESKTOP.to_string();
    let resource = ("resource", "05a65629-4c1b-48c1-a78b-804c4abdd4af");
    let asked = if endpoint == Endpoint::V1 { resource } else { ("scope", SCOPE) };
    let fields = [
        ("grant_type", "password"),
        ("client_id", id.as_str()),
        ("username", ALICE),
        ("password", PASSWORD),
        asked,
    ];
    world.token(endpoint, &fields).await.expect_err("is refused")
}

async fn refresh(world: &World, answer: &Json) -> Result<Json, OAuthError> {
    let (id, token) = (DESKTOP.to_string(), answer["refresh_token"].as_str().expect("text"));
    world.v2(&[("grant_type", "refresh_token"), ("client_id", &id), ("refresh_token", token)]).await
}

/// 5.2: 50076, 50079; 3.9: suberror and claims.
#[tokio::test]
async fn the_password_grant_is_nothing_for_who_has_or_needs_a_second_factor() {
    let world = World::new().await;
    let before = world.password("alice", SCOPE).await;
    set(&world, everybody()).await;
    let refusal = password_grant(&world, Endpoint::V2).await;
    check_refusal(&refusal, 50079, "interaction_required");
    assert_eq!(refusal.suberror, Some("basic_action"));
    assert!(refusal.claims.is_some_and(|claims| claims.contains("mfa")));
    // A sign-in of before does not live on beside the new rule.
    check_refusal(&refresh(&world, &before).await.expect_err("refused"), 50079, "interaction_required");

    set(&world, SignInSettings::default()).await;
    let before = world.password("alice", SCOPE).await;
    register(&world).await;
    check_refusal(&password_grant(&world, Endpoint::V2).await, 50076, "invalid_grant");
    check_refusal(&password_grant(&world, Endpoint::V1).await, 50076, "interaction_required");
    assert!(refresh(&world, &before).await.is_ok(), "nobody demands a factor of this sign-in");
    set(&world, everybody()).await;
    let bob = world.try_sign_in("contoso.example", "bob@contoso.example", PASSWORD).await;
    assert!(matches!(bob, Ok(SignInStep::Continue(_))));
}

#[tokio::test]
async fn only_holders_of_a_role_are_asked_when_the_role_demands_it() {
    let world = World::new().await;
    let role = ROLES[0].template;
    set(&world, SignInSettings { second_factor_roles: vec![role], ..SignInSettings::default() }).await;
    world.password("bob", SCOPE).await;
    let give =
        move |tx: &mut casbah_store::Tx<'_>| users::add_role(tx, CONTOSO, user_id("bob"), role, start());
    world.store.write(give).await.expect("is given");
    let step = world.try_sign_in("contoso.example", "bob@contoso.example", PASSWORD).await;
    let pending = cookie(step);
    let view = world.authority.pending(&pending, &visitor()).await.expect("a page");
    assert!(matches!(view.step, PendingStep::Register { .. }));
}

#[tokio::test]
async fn holders_of_a_role_of_cloud_apps_are_asked_when_it_demands_it() {
    let world = World::new().await;
    let roles = vec!["discovery".to_string(), "group".to_string()];
    set(&world, SignInSettings { second_factor_cloud_apps_roles: roles, ..SignInSettings::default() }).await;
    world.password("bob", SCOPE).await;
    for (role, is_asked) in [("compliance", false), ("discovery", true)] {
        let given = Administrator {
            id: RecordId::new(start()),
            user: user_id("bob"),
            role: AdministratorRole::find(role).expect("a role"),
            read_only: false,
            bounds: Vec::new(),
            created: start(),
        };
        let give = move |tx: &mut casbah_store::Tx<'_>| administrators::insert(tx, CONTOSO, &given);
        world.store.write(give).await.expect("is given");
        let step = world.try_sign_in("contoso.example", "bob@contoso.example", PASSWORD).await;
        assert_eq!(matches!(step, Ok(SignInStep::Continue(_))), is_asked, "{role}");
    }
}

/// Neither the session cookie nor a step that is not the present one lets anybody skip the factor.
#[tokio::test]
async fn a_second_factor_cannot_be_skipped_replayed_or_swapped() {
    let world = World::new().await;
    let key = register(&world).await;
    let authority = &world.authority;
    let now = start().seconds() / 30;
    let pending = cookie(world.try_sign_in("contoso.example", ALICE, PASSWORD).await);
    assert!(authority.verify_session(&pending).await.is_err(), "no session");
    let code = |step: i64| Secret::new(totp::code(&key, step));
    let prove = |pending: Secret, code: Secret, kind| async move {
        authority.prove_with_code(&pending, kind, code, &visitor()).await
    };
    // Registering another one, or choosing a password, is not what is asked now.
    let setup = authority.totp_setup(&world.sign_in("bob").await).await.expect("a key");
    let holder = FactorHolder::Pending(pending.clone());
    let other = authority.add_totp(&holder, setup.setup, code(now), String::new(), &visitor()).await;
    assert_eq!(other.expect_err("refused").code.number, 50089);
    let other = authority.change_pending_password(&pending, Secret::new(NEW), &visitor()).await;
    assert_eq!(other.expect_err("refused").code.number, 50089);
    // The code that registered it, an empty one, a far one.
    for bad in [code(now - 1), Secret::new(""), code(now + 5)] {
        let refused = prove(pending.clone(), bad, CodeKind::Totp).await.expect_err("wrong");
        assert_eq!(refused.code.number, 500_121);
    }
    let signed_in = done(prove(pending.clone(), code(now), CodeKind::Totp).await);
    assert!(authority.verify_session(&signed_in.session).await.is_ok());
    let refused = prove(pending, code(now + 1), CodeKind::Totp).await.expect_err("is over");
    assert_eq!(refused.code.number, 50089);
    // Replayed by somebody who watched, with the right password.
    let pending = cookie(world.try_sign_in("contoso.example", ALICE, PASSWORD).await);
    assert_eq!(
        prove(pending.clone(), code(now), CodeKind::Totp).await.expect_err("used").code.number,
        500_121
    );
    // After five wrong ones it is the password's turn again.
    for _ in 0..3 {
        prove(pending.clone(), Secret::new("x"), CodeKind::Recovery).await.expect_err("wrong");
    }
    let last = prove(pending.clone(), Secret::new("x"), CodeKind::Recovery).await.expect_err("wrong");
    assert_eq!(last.code.number, 50089);
    let codes = authority.new_recovery_codes(&signed_in.session).await.expect("codes");
    let pending = cookie(world.try_sign_in("contoso.example", ALICE, PASSWORD).await);
    let typed = Secret::new(codes[3].expose().to_uppercase().replace('-', " "));
    done(prove(pending, typed.clone(), CodeKind::Recovery).await);
    let pending = cookie(world.try_sign_in("contoso.example", ALICE, PASSWORD).await);
    assert_eq!(prove(pending, typed, CodeKind::Recovery).await.expect_err("used").code.number, 500_121);
    let view = authority.account(&signed_in.session).await.expect("a page");
    assert_eq!((view.recovery_codes, view.factors.len(), view.factors[0].kind), (9, 1, "totp"));
    // With the last factor go the codes, and the password alone is enough again.
    authority.remove_factor(&signed_in.session, view.factors[0].id).await.expect("goes");
    assert_eq!(world.number("select count(*) from recovery_codes").await, 0);
    done(world.try_sign_in("contoso.example", ALICE, PASSWORD).await);
}

/// Many tries at once, each from a sign-in of its own, are worth no more than ten.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_guesses_of_codes_are_counted_for_the_account() {
    let world = Arc::new(World::new().await);
    register(&world).await;
    let mut guesses = tokio::task::JoinSet::new();
    for number in 0..16 {
        let world = Arc::clone(&world);
        guesses.spawn(async move {
            let pending = cookie(world.try_sign_in("contoso.example", ALICE, PASSWORD).await);
            let code = Secret::new(format!("guess{number}"));
            world.authority.prove_with_code(&pending, CodeKind::Recovery, code, &Visitor::default()).await
        });
    }
    let codes: Vec<u32> =
        guesses.join_all().await.into_iter().map(|r| r.expect_err("wrong").code.number).collect();
    assert_eq!(codes.iter().filter(|code| **code == 500_121).count(), 10, "{codes:?}");
    assert_eq!(codes.iter().filter(|code| **code == 50_053).count(), 6, "{codes:?}");
}

#[tokio::test]
async fn the_owners_browser_is_not_kept_out_by_strangers_who_guess() {
    let world = World::new().await;
    let sign_in = |browser: Option<&str>, password: &str| {
        let request = crate::SignInRequest {
            tenant: "contoso.example".to_string(),
            name: ALICE.to_string(),
            password: Secret::new(password),
            keep: false,
            return_to: "/".to_string(),
            leads_to: None,
            visitor: Visitor { browser: browser.map(Secret::new) },
        };
        world.authority.sign_in(request)
    };
    done(sign_in(Some("the owner's"), PASSWORD).await);
    for _ in 0..12 {
        sign_in(Some("a stranger's"), "wrong").await.expect_err("wrong");
    }
    assert_eq!(sign_in(None, PASSWORD).await.expect_err("rests").code.number, 50053);
    done(sign_in(Some("the owner's"), PASSWORD).await);
    // Who guesses in the owner's browser locks that one, and no other.
    for _ in 0..12 {
        sign_in(Some("the owner's"), "wrong").await.expect_err("wrong");
    }
    assert_eq!(sign_in(Some("the owner's"), PASSWORD).await.expect_err("rests").code.number, 50053);
}

/// 50055, 50144 and `suberror`; in a browser the page asks for the new one.
#[tokio::test]
async fn passwords_that_must_be_changed_open_only_the_page_for_it() {
    let world = World::new().await;
    let days = Some(30);
    set(&world, SignInSettings { password_max_age_days: days, ..SignInSettings::default() }).await;
    world.password("alice", SCOPE).await;
    let later = world.later(30 * 24 * 60 * 60).await;
    let refusal = password_grant(&later, Endpoint::V2).await;
    check_refusal(&refusal, 50144, "invalid_grant");
    assert_eq!(refusal.suberror, Some("user_password_expired"));
    change_alice(&world, |alice| alice.details.must_change_password = true).await;
    check_refusal(&password_grant(&world, Endpoint::V2).await, 50055, "invalid_grant");

    let authority = &world.authority;
    let pending = cookie(world.try_sign_in("contoso.example", ALICE, PASSWORD).await);
    let view = authority.pending(&pending, &visitor()).await.expect("a page");
    assert!(matches!(view.step, PendingStep::ChangePassword { why: PasswordChange::Demanded, .. }));
    for bad in [PASSWORD, "short", "password123", "alice12345"] {
        let refused = authority.change_pending_password(&pending, Secret::new(bad), &visitor()).await;
        assert_eq!(refused.expect_err("refused").code.number, 50056, "{bad}");
    }
    done(authority.change_pending_password(&pending, Secret::new(NEW), &visitor()).await);
    done(world.try_sign_in("contoso.example", ALICE, NEW).await);
    assert!(world.try_sign_in("contoso.example", ALICE, PASSWORD).await.is_err());
}

/// The matrix of 3.8.
#[tokio::test]
async fn a_new_password_ends_public_clients_and_other_browsers() {
    let world = World::new().await;
    let (mine, other) = (world.sign_in("alice").await, world.sign_in("alice").await);
    let public = world.password("alice", SCOPE).await;
    let code = world.code(WEB, "https://app.example/cb", &[]).await;
    let web = WEB.to_string();
    let confidential = world
        .v2(&[
            ("grant_type", "authorization_code"),
            ("client_id", &web),
            ("client_secret", SECRET),
            ("code", &code),
            ("redirect_uri", "https://app.example/cb"),
        ])
        .await
        .expect("answers");
    let change = |present: &str, new: &str| {
        let (present, new) = (Secret::new(present), Secret::new(new));
        let (authority, mine) = (&world.authority, &mine);
        async move { authority.change_password(mine, present, new, &Visitor::default()).await }
    };
    assert_eq!(change("wrong", NEW).await.expect_err("wrong").code.number, 50126);
    change(PASSWORD, NEW).await.expect("is changed");
    assert!(world.authority.verify_session(&mine).await.is_ok());
    assert!(world.authority.verify_session(&other).await.is_err());
    check_refusal(&refresh(&world, &public).await.expect_err("refused"), 50173, "invalid_grant");
    let token = confidential["refresh_token"].as_str().expect("text");
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", web.as_str()),
        ("client_secret", SECRET),
        ("refresh_token", token),
    ];
    world.v2(&fields).await.expect("a confidential client lives on");
}

/// `acr_values` and `claims` ask for more; what MSAL for Node always sends does not. 50072, 50074,
/// 50078 and 50125 reach applications that asked not to be interrupted.
#[tokio::test]
async fn applications_can_ask_for_a_second_factor() {
    let world = World::new().await;
    let id = DESKTOP.to_string();
    let usual = [
        ("client_id", id.as_str()),
        ("response_type", "code"),
        ("redirect_uri", "http://localhost"),
        ("scope", SCOPE),
    ];
    let session = world.sign_in("alice").await;
    let step = |session: &Secret, more: &[(&'static str, &'static str)]| {
        let fields: Vec<_> = usual.iter().chain(more).copied().collect();
        world.authority.authorize(world.authorize_request(&fields, Some(session)))
    };
    let code_of = |step: Result<Step, OAuthError>| match step.expect("goes on") {
        Step::Redirect(redirect) => {
            let description = redirect.parameters.iter().find(|(name, _)| *name == "error_description");
            description.map_or(0, |(_, text)| {
                text.trim_start_matches("AADSTS")
                    .split(':')
                    .next()
                    .and_then(|n| n.parse().ok())
                    .expect("a number")
            })
        }
        other => panic!("no redirect but {other:?}"),
    };
    const ACR: (&str, &str) = ("acr_values", "mfa");
    const CLAIMS: (&str, &str) =
        ("claims", r#"{"access_token":{"amr":{"essential":true,"values":["mfa"]}}}"#);
    const OF_MSAL: (&str, &str) =
        ("claims", r#"{"id_token":{"signin_state":{"essential":false},"acr":{"value":"mfa"}}}"#);
    const NONE: (&str, &str) = ("prompt", "none");
    assert_eq!(code_of(step(&session, &[OF_MSAL, NONE]).await), 0);
    for more in [ACR, CLAIMS] {
        assert!(matches!(step(&session, &[more]).await, Ok(Step::Interrupt { second_factor: true, .. })));
        assert_eq!(code_of(step(&session, &[more, NONE]).await), 50072);
    }
    let key = register(&world).await;
    assert_eq!(code_of(step(&session, &[ACR, NONE]).await), 50074);
    let authority = &world.authority;
    let pending = cookie(authority.interrupt(&session, true, "/".to_string(), None, &visitor()).await);
    let code = Secret::new(totp::code(&key, start().seconds() / 30));
    let better = done(authority.prove_with_code(&pending, CodeKind::Totp, code, &visitor()).await).session;
    assert_eq!(code_of(step(&better, &[CLAIMS, NONE]).await), 0);
    let max_age = Some(1);
    let settings = SignInSettings { second_factor_max_age_days: max_age, ..everybody() };
    set(&world, settings).await;
    assert_eq!(code_of(step(&better, &[NONE]).await), 0);
    change_alice(&world, |alice| alice.details.must_change_password = true).await;
    assert_eq!(code_of(step(&better, &[NONE]).await), 50125);
}

/// Tokens say how the user signed in; 50078 when that was too long ago for the tenant.
#[tokio::test]
async fn tokens_remember_the_factor_until_it_is_too_old() {
    let world = World::new().await;
    let key = register(&world).await;
    set(&world, SignInSettings { second_factor_max_age_days: Some(1), ..everybody() }).await;
    let pending = cookie(world.try_sign_in("contoso.example", ALICE, PASSWORD).await);
    let code = Secret::new(totp::code(&key, start().seconds() / 30));
    let authority = &world.authority;
    let session = done(authority.prove_with_code(&pending, CodeKind::Totp, code, &visitor()).await).session;
    let id = DESKTOP.to_string();
    let fields = [
        ("client_id", id.as_str()),
        ("response_type", "code"),
        ("redirect_uri", "http://localhost"),
        ("scope", SCOPE),
    ];
    let redirect = world.redirect(&fields, Some(&session)).await;
    let code = redirect.parameters.iter().find(|(name, _)| *name == "code").expect("a code").1.clone();
    let redeem = [
        ("grant_type", "authorization_code"),
        ("client_id", id.as_str()),
        ("code", code.as_str()),
        ("redirect_uri", "http://localhost"),
    ];
    let answer = world.v2(&redeem).await.expect("answers");
    assert_eq!(claims(&answer["access_token"])["amr"], serde_json::json!(["pwd", "otp", "mfa"]));
    let refreshed = refresh(&world, &answer).await.expect("answers");
    assert_eq!(claims(&refreshed["id_token"])["amr"], Json::Null, "id tokens of v2 carry none");
    let later = world.later(24 * 60 * 60).await;
    let refusal = refresh(&later, &refreshed).await.expect_err("refused");
    check_refusal(&refusal, 50078, "invalid_grant");
    assert_eq!(refusal.suberror, Some("basic_action"));
}

#[tokio::test]
async fn people_end_what_is_theirs_and_nothing_else() {
    let world = World::new().await;
    let (alice, bob) = (world.sign_in("alice").await, world.sign_in("bob").await);
    let tokens = world.password("alice", SCOPE).await;
    let authority = &world.authority;
    let account = authority.account(&alice).await.expect("a page");
    assert_eq!((account.sessions.len(), account.applications.len()), (1, 1));
    let of_bob = authority.account(&bob).await.expect("a page").sessions[0].id;
    for what in [Ending::Session(of_bob), Ending::Application(account.applications[0].id)] {
        authority
            .end(if what == Ending::Session(of_bob) { &alice } else { &bob }, what)
            .await
            .expect("no error");
    }
    assert!(authority.verify_session(&bob).await.is_ok());
    refresh(&world, &tokens).await.expect("still good");
    let tokens = world.password("alice", SCOPE).await;
    authority.end(&alice, Ending::Everything).await.expect("ends");
    assert!(authority.verify_session(&alice).await.is_err());
    check_refusal(&refresh(&world, &tokens).await.expect_err("refused"), 50173, "invalid_grant");
    assert!(authority.verify_session(&bob).await.is_ok());
}

/// Whoever finds a browser that was left open cannot add a factor of their own: 50133.
#[tokio::test]
async fn what_proves_who_somebody_is_changes_only_right_after_signing_in() {
    let world = World::new().await;
    let session = world.sign_in("alice").await;
    world.authority.totp_setup(&session).await.expect("a key");
    let later = world.later(60 * 60).await;
    check_refusal(
        &later.authority.totp_setup(&session).await.expect_err("is refused"),
        50133,
        "invalid_grant",
    );
    let codes = later.authority.new_recovery_codes(&session).await;
    check_refusal(&codes.expect_err("is refused"), 50133, "invalid_grant");
}
