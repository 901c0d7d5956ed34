use casbah_model::Secret;

use super::world::{
    BASE, CHALLENGE, CONTOSO, DESKTOP, OTHER, SPA, WEB, World, check_refusal, parameter, user_id,
};
use crate::authorize::{
    ConsentDecision, ConsentPrompt, Progress, Redirect, ResponseMode, SignInPrompt, Step,
};
use crate::{Endpoint, OAuthError};

const RES: &str = "05a65629-4c1b-48c1-a78b-804c4abdd4af";
const WEB_URI: &str = "https://app.example/cb";

/// Names and values.
type Fields<'a> = &'a [(&'a str, &'a str)];

/// A good request of the web application, with some parameters changed; empty takes one away.
fn request(changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let good = [
        ("client_id", WEB.to_string()),
        ("response_type", "code".to_string()),
        ("redirect_uri", WEB_URI.to_string()),
        ("scope", format!("{RES}/Investigation.read openid")),
        ("state", "a&b=c d/é".to_string()),
    ];
    let mut fields: Vec<(String, String)> = good
        .into_iter()
        .map(|(name, value)| (name.to_string(), value))
        .filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name))
        .collect();
    fields.extend(changes.iter().filter(|(_, v)| !v.is_empty()).map(|(n, v)| (n.to_string(), v.to_string())));
    fields
}

async fn step_as(
    world: &World,
    changes: &[(&str, &str)],
    session: Option<&Secret>,
    progress: Progress,
) -> Result<Step, OAuthError> {
    let fields = request(changes);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let mut request = world.authorize_request(&fields, session);
    request.progress = progress;
    world.authority.authorize(request).await
}

async fn step(world: &World, changes: &[(&str, &str)], session: Option<&Secret>) -> Result<Step, OAuthError> {
    step_as(world, changes, session, Progress::Start).await
}

fn redirect(step: Result<Step, OAuthError>) -> Redirect {
    match step {
        Ok(Step::Redirect(redirect)) => redirect,
        other => panic!("no redirect but {other:?}"),
    }
}

fn sign_in(step: Result<Step, OAuthError>) -> SignInPrompt {
    match step {
        Ok(Step::SignIn(prompt)) => prompt,
        other => panic!("no sign-in but {other:?}"),
    }
}

fn consent(step: Result<Step, OAuthError>) -> ConsentPrompt {
    match step {
        Ok(Step::Consent(prompt)) => prompt,
        other => panic!("no consent but {other:?}"),
    }
}

fn error(step: Result<Step, OAuthError>) -> (String, String) {
    let redirect = redirect(step);
    let description = parameter(&redirect, "error_description").expect("a description");
    let code = description.split(':').next().expect("a code").to_string();
    assert!(parameter(&redirect, "code").is_none());
    assert_eq!(parameter(&redirect, "state").as_deref(), Some("a&b=c d/é"));
    assert!(parameter(&redirect, "iss").is_some() && parameter(&redirect, "error_uri").is_some());
    (parameter(&redirect, "error").expect("an error"), code)
}

#[tokio::test]
async fn a_good_request_ends_in_a_code() {
    let world = World::new().await;
    let prompt = sign_in(step(&world, &[("login_hint", "alice@contoso.example")], None).await);
    assert_eq!(prompt.login_hint.as_deref(), Some("alice@contoso.example"));
    assert_eq!((prompt.application_id, prompt.tenant_name.as_deref()), (WEB, Some("contoso.example")));
    let session = world.sign_in("alice").await;
    let answer = redirect(step(&world, &[("client_info", "1")], Some(&session)).await);
    assert_eq!((answer.uri.as_str(), answer.mode), (WEB_URI, ResponseMode::Query));
    assert_eq!(parameter(&answer, "state").as_deref(), Some("a&b=c d/é"));
    assert_eq!(parameter(&answer, "iss"), Some(format!("{BASE}/{CONTOSO}/v2.0")));
    assert!(parameter(&answer, "session_state").is_some() && parameter(&answer, "client_info").is_some());
    let location = answer.location().expect("a redirect");
    assert!(location.starts_with("https://app.example/cb?code=0.A"), "{location}");
    assert!(location.contains("&state=a%26b%3Dc%20d%2F%C3%A9&"), "{location}");
    assert!(!format!("{answer:?}").contains("0.A"), "no code in logs");
    let caller = world.authority.verify_session(&session).await.expect("signed in");
    assert_eq!(caller.name(), "alice@contoso.example");
    world.authority.sign_out(&session).await.expect("signs out");
    sign_in(step(&world, &[], Some(&session)).await);
    assert!(world.authority.verify_session(&session).await.is_err());
}

#[tokio::test]
async fn where_the_redirect_is_in_doubt_there_is_a_page() {
    let world = World::new().await;
    let session = world.sign_in("alice").await;
    let nobody = "11111111-2222-4333-8444-555555555555";
    let other_app = "https://other.example/cb";
    for (changes, code) in [
        (vec![("client_id", "")], 900144),
        (vec![("client_id", nobody)], 700016),
        (vec![("client_id", "x")], 700016),
        (vec![("redirect_uri", other_app)], 50011),
        (vec![("redirect_uri", "https://app.example/cb/")], 50011),
        (vec![("redirect_uri", "https://app.example@evil.example/cb")], 50011),
        (vec![("redirect_uri", WEB_URI), ("redirect_uri", "https://evil.example")], 9002313),
        (vec![("client_id", nobody), ("prompt", "none")], 700016),
    ] {
        for mode in ["query", "fragment", "form_post", "web_message"] {
            let mut changes = changes.clone();
            changes.push(("response_mode", mode));
            let page = step(&world, &changes, Some(&session)).await.expect_err("is a page");
            assert_eq!(page.code.number, code, "{changes:?}");
        }
    }
    world.sql("update applications set redirect_uris = '[]' where app_id like 'a0000000%'").await;
    let page = step(&world, &[("redirect_uri", "")], Some(&session)).await.expect_err("is a page");
    check_refusal(&page, 900971, "invalid_request");
    assert_eq!(step(&world, &[], Some(&session)).await.expect_err("is a page").code.number, 50011);
    world.sql("update service_principals set enabled = 0").await;
    assert_eq!(step(&world, &[], Some(&session)).await.expect_err("is a page").code.number, 7000112);
}

#[tokio::test]
async fn everything_else_is_told_by_redirect() {
    let world = World::new().await;
    let session = world.sign_in("alice").await;
    let short = "x".repeat(42);
    let unknown = "https://nowhere.example/x";
    let cases: &[(Fields<'_>, &str, &str)] = &[
        (&[("response_type", "")], "invalid_request", "AADSTS900144"),
        (&[("response_type", "token")], "unsupported_response_type", "AADSTS700054"),
        (&[("response_type", "id_token")], "unsupported_response_type", "AADSTS700054"),
        (&[("response_type", "code id_token")], "unsupported_response_type", "AADSTS700054"),
        (&[("response_type", "magic")], "unsupported_response_type", "AADSTS70005"),
        (&[("response_mode", "web_message")], "invalid_request", "AADSTS70007"),
        (&[("request", "x.y.z")], "request_not_supported", "AADSTS90120"),
        (&[("request_uri", "https://evil.example")], "request_uri_not_supported", "AADSTS90121"),
        (&[("scope", "")], "invalid_request", "AADSTS900144"),
        (&[("scope", unknown)], "invalid_resource", "AADSTS500011"),
        (&[("scope", "https://graph.microsoft.com/No.Such")], "invalid_scope", "AADSTS70011"),
        (&[("nonce", "1"), ("nonce", "2")], "invalid_request", "AADSTS9002313"),
        (&[("prompt", "magic")], "invalid_request", "AADSTS90013"),
        (&[("prompt", "none login")], "invalid_request", "AADSTS90013"),
        (&[("max_age", "-1")], "invalid_request", "AADSTS90013"),
        (&[("code_challenge", &short)], "invalid_request", "AADSTS501491"),
        (&[("code_challenge_method", "S256")], "invalid_request", "AADSTS501491"),
        (
            &[("code_challenge", CHALLENGE), ("code_challenge_method", "S512")],
            "invalid_request",
            "AADSTS50149",
        ),
    ];
    for (changes, expected, code) in cases {
        let found = error(step(&world, changes, Some(&session)).await);
        assert_eq!(found, (expected.to_string(), code.to_string()), "{changes:?}");
    }
    let spa = SPA.to_string();
    let bare = [("client_id", spa.as_str()), ("redirect_uri", "https://spa.example/cb")];
    assert_eq!(error(step(&world, &bare, Some(&session)).await).1, "AADSTS9002325");
}

#[tokio::test]
async fn response_modes() {
    let world = World::new().await;
    let session = world.sign_in("alice").await;
    let fragment = redirect(step(&world, &[("response_mode", "fragment")], Some(&session)).await);
    assert!(fragment.location().expect("a redirect").starts_with("https://app.example/cb#code="));
    let form = redirect(step(&world, &[("response_mode", "form_post")], Some(&session)).await);
    assert_eq!((form.location(), form.mode), (None, ResponseMode::FormPost));
    let desktop = DESKTOP.to_string();
    let changes = [("client_id", desktop.as_str()), ("redirect_uri", "http://localhost:53682")];
    let loopback = redirect(step(&world, &changes, Some(&session)).await);
    assert!(loopback.location().expect("a redirect").starts_with("http://localhost:53682/?code="));
    // One client sends neither state nor PKCE, and this one every telemetry there is.
    let claims = r#"{"id_token":{"signin_state":{"essential":false}}}"#;
    let changes = [
        ("state", ""),
        ("claims", claims),
        ("clidata", "1"),
        ("X-AnchorMailbox", "UPN:x"),
        ("sso_reload", "true"),
    ];
    assert!(parameter(&redirect(step(&world, &changes, Some(&session)).await), "state").is_none());
}

#[tokio::test]
async fn prompts_and_ages() {
    let world = World::new().await;
    assert_eq!(
        error(step(&world, &[("prompt", "none")], None).await),
        ("login_required".to_string(), "AADSTS50058".to_string())
    );
    let session = world.sign_in("alice").await;
    let with = Some(&session);
    redirect(step(&world, &[("prompt", "none")], with).await);
    sign_in(step(&world, &[("prompt", "login")], with).await);
    sign_in(step_as(&world, &[("prompt", "login")], with, Progress::AccountChosen).await);
    redirect(step_as(&world, &[("prompt", "login")], with, Progress::SignedIn).await);
    let prompt = sign_in(step(&world, &[("prompt", "select_account")], with).await);
    assert_eq!(prompt.signed_in_as.as_deref(), Some("alice@contoso.example"));
    redirect(step_as(&world, &[("prompt", "select_account")], with, Progress::AccountChosen).await);
    sign_in(step(&world, &[("login_hint", "bob@contoso.example")], with).await);
    redirect(step(&world, &[("login_hint", "ALICE@contoso.example")], with).await);
    let later = world.later(600).await;
    redirect(step(&later, &[("max_age", "600")], with).await);
    sign_in(step(&later, &[("max_age", "599")], with).await);
    sign_in(step_as(&later, &[("max_age", "599")], with, Progress::AccountChosen).await);
    sign_in(step(&world.later(8 * 60 * 60).await, &[], with).await);
    world.sql("update users set enabled = 0").await;
    sign_in(step(&world, &[], with).await);
}

#[tokio::test]
async fn an_administrator_consents_for_everybody() {
    let world = World::new().await;
    let other = OTHER.to_string();
    let scope = format!("{RES}/.default offline_access");
    let changes = [
        ("client_id", other.as_str()),
        ("redirect_uri", "https://other.example/cb"),
        ("scope", scope.as_str()),
    ];
    let (alice, bob) = (world.sign_in("alice").await, world.sign_in("bob").await);
    let silent = error(step(&world, &[&changes[..], &[("prompt", "none")]].concat(), Some(&alice)).await);
    assert_eq!(silent, ("consent_required".to_string(), "AADSTS65001".to_string()));

    let for_bob = consent(step(&world, &changes, Some(&bob)).await);
    assert!(for_bob.needs_administrator && !for_bob.may_consent_for_everyone && for_bob.offline_access);
    let for_alice = consent(step(&world, &changes, Some(&alice)).await);
    assert!(!for_alice.needs_administrator && for_alice.may_consent_for_everyone);
    assert_eq!(for_alice.scopes.len(), 6);
    assert_eq!(for_alice.scopes[0].resource_name, "Microsoft Cloud App Security");

    let decide = |session: Secret, decision, ticket: String| {
        let fields = request(&changes);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let request = world.authorize_request(&fields, Some(&session));
        let authority = &world.authority;
        async move { authority.decide_consent(request, decision, ticket).await }
    };
    // Forged, of another session, of another request.
    for ticket in ["", "x.y", for_bob.ticket.as_str(), &format!("9{}", for_alice.ticket)] {
        let forged = decide(alice.clone(), ConsentDecision::Accept, ticket.to_string()).await;
        assert_eq!(forged.expect_err("is refused").code.number, 9002313);
    }
    let mine = consent(step(&world, &[&changes[..], &[("prompt", "consent")]].concat(), Some(&alice)).await);
    let swapped = decide(alice.clone(), ConsentDecision::Accept, mine.ticket).await;
    assert_eq!(swapped.expect_err("is refused").code.number, 9002313);

    let declined = error(decide(alice.clone(), ConsentDecision::Decline, for_alice.ticket.clone()).await);
    assert_eq!(declined, ("access_denied".to_string(), "AADSTS65004".to_string()));
    let sneaky = error(decide(bob.clone(), ConsentDecision::AcceptForEveryone, for_bob.ticket).await);
    assert_eq!(sneaky, ("consent_required".to_string(), "AADSTS90094".to_string()));

    let accepted = decide(alice, ConsentDecision::AcceptForEveryone, for_alice.ticket).await;
    assert!(parameter(&redirect(accepted), "code").is_some());
    redirect(step(&world, &changes, Some(&bob)).await);
    assert_eq!(world.number("select count(*) from activities where action = 'consent'").await, 1);
}

#[tokio::test]
async fn a_slow_decision_does_not_ask_for_the_password_again() {
    let world = World::new().await;
    let other = OTHER.to_string();
    let changes = [
        ("client_id", other.as_str()),
        ("redirect_uri", "https://other.example/cb"),
        ("scope", "User.Read"),
        ("max_age", "0"),
        ("prompt", "login"),
    ];
    let session = world.sign_in("bob").await;
    let prompt = consent(step_as(&world, &changes, Some(&session), Progress::SignedIn).await);
    let fields = request(&changes);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let decide = |world: World, ticket: String| {
        let request = world.authorize_request(&fields, Some(&session));
        async move { world.authority.decide_consent(request, ConsentDecision::Accept, ticket).await }
    };
    let late = decide(world.later(3601).await, prompt.ticket.clone()).await;
    assert_eq!(late.expect_err("is refused").code.number, 9002313);
    redirect(decide(world.later(30).await, prompt.ticket).await);
}

#[tokio::test]
async fn a_user_consents_for_one() {
    let world = World::new().await;
    let other = OTHER.to_string();
    let changes = [
        ("client_id", other.as_str()),
        ("redirect_uri", "https://other.example/cb"),
        ("scope", "User.Read openid"),
    ];
    let (bob, carol) = (world.sign_in("bob").await, world.sign_in("carol").await);
    let prompt = consent(step(&world, &changes, Some(&bob)).await);
    assert!(!prompt.needs_administrator && !prompt.may_consent_for_everyone);
    let fields = request(&changes);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let request = world.authorize_request(&fields, Some(&bob));
    let accepted =
        world.authority.decide_consent(request, ConsentDecision::AcceptForEveryone, prompt.ticket).await;
    redirect(accepted);
    redirect(step(&world, &changes, Some(&bob)).await);
    consent(step(&world, &changes, Some(&carol)).await);
    let bob = user_id("bob").to_string();
    let of_bob = world
        .store
        .read(move |tx| {
            tx.number("select count(*) from permission_grants where principal = ?1", &[bob.as_str().into()])
        })
        .await;
    assert_eq!(of_bob.expect("counts"), 1);
}

#[tokio::test]
async fn the_consent_link_of_the_documentation_works() {
    let world = World::new().await;
    let session = world.sign_in("alice").await;
    let other = OTHER.to_string();
    let fields = [
        ("prompt", "consent"),
        ("client_id", other.as_str()),
        ("response_type", "code"),
        ("sso_reload", "true"),
    ];
    let request = |session: Option<&Secret>| {
        let mut request = world.authorize_request(&fields, session);
        request.endpoint = Endpoint::V1;
        request.tenant = "common".to_string();
        request
    };
    sign_in(world.authority.authorize(request(None)).await);
    let prompt = consent(world.authority.authorize(request(Some(&session))).await);
    assert_eq!(prompt.scopes.len(), 6);
    let decision = ConsentDecision::AcceptForEveryone;
    let done = world.authority.decide_consent(request(Some(&session)), decision, prompt.ticket).await;
    let done = redirect(done);
    assert_eq!(done.uri, "https://other.example/cb");
    assert!(parameter(&done, "code").is_some());
    assert_eq!(parameter(&done, "iss"), Some(format!("{BASE}/{CONTOSO}/")));
}

#[tokio::test]
async fn admin_consent_assigns_roles_as_well() {
    let world = World::new().await;
    let other = OTHER.to_string();
    world.sql("update applications set required_access = replace(required_access, '\"isRole\":false', '\"isRole\":true')").await;
    let fields = [
        ("prompt", "admin_consent"),
        ("client_id", other.as_str()),
        ("response_type", "code"),
        ("resource", RES),
    ];
    let request = |session: &Secret| {
        let mut request = world.authorize_request(&fields, Some(session));
        request.endpoint = Endpoint::V1;
        request
    };
    let (alice, bob) = (world.sign_in("alice").await, world.sign_in("bob").await);
    // Nothing delegated is listed, so there is nothing that `.default` could stand for.
    let step = world.authority.authorize(request(&alice)).await;
    assert!(matches!(step, Ok(Step::Redirect(_))), "{step:?}");
    world.consent(CONTOSO, OTHER, &["investigation.read"]).await;
    let prompt = consent(world.authority.authorize(request(&alice)).await);
    assert!(prompt.for_everyone_only && prompt.scopes.iter().all(|s| s.is_role) && prompt.scopes.len() == 6);
    assert!(consent(world.authority.authorize(request(&bob)).await).needs_administrator);
    let done = world.authority.decide_consent(request(&alice), ConsentDecision::Accept, prompt.ticket).await;
    redirect(done);
    assert_eq!(world.number("select count(*) from app_role_assignments").await, 2 + 6);
}

#[tokio::test]
async fn with_an_alias_the_session_or_the_name_tells_the_tenant() {
    let world = World::with_two_tenants().await;
    let request = |changes: &[(&str, &str)], session: Option<&Secret>| {
        let fields = request(changes);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let mut request = world.authorize_request(&fields, session);
        request.tenant = "organizations".to_string();
        request
    };
    let prompt = sign_in(world.authority.authorize(request(&[], None)).await);
    assert_eq!(prompt.tenant_name, None);
    let hinted = [("login_hint", "bob@fabrikam.example")];
    let prompt = sign_in(world.authority.authorize(request(&hinted, None)).await);
    assert_eq!(prompt.tenant_name.as_deref(), Some("fabrikam.example"));
    let session = world.sign_in("alice").await;
    let done = redirect(world.authority.authorize(request(&[], Some(&session))).await);
    assert_eq!(parameter(&done, "iss"), Some(format!("{BASE}/{CONTOSO}/v2.0")));
    // A session of one tenant is none in another.
    sign_in(world.authority.authorize(request(&hinted, Some(&session))).await);
    let page = world.authority.authorize(request(&[("client_id", RES)], None)).await;
    assert_eq!(page.expect_err("is a page").code.number, 50011);
}

#[tokio::test]
async fn after_signing_out_only_registered_addresses_are_visited() {
    let world = World::new().await;
    let session = world.sign_in("alice").await;
    let check = |client, session, uri: &str| world.authority.may_return_to(client, session, uri.to_string());
    assert!(check(Some(WEB), None, WEB_URI).await.expect("answers"));
    assert!(check(None, Some(&session), WEB_URI).await.expect("answers"));
    assert!(!check(None, None, WEB_URI).await.expect("answers"));
    assert!(!check(Some(OTHER), Some(&session), WEB_URI).await.expect("answers"));
    assert!(!check(None, Some(&session), "https://evil.example/").await.expect("answers"));
}
