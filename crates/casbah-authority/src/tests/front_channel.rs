//! What the authorize and logout endpoints know beyond a plain code: pushed requests, ID tokens, hints,
//! consent for the API behind the API.

use casbah_model::{Application, DelegatedScope, Guid, RequiredAccess, Secret};
use casbah_store::applications;
use serde_json::{Value as Json, json};

use super::keys_of_clients::ClientKey;
use super::world::{
    BASE, CHALLENGE, CONTOSO, DESKTOP, FABRIKAM, OTHER, SECRET, VERIFIER, WEB, World, check_refusal, claims,
    form, parameter, start, user_id,
};
use crate::authorize::{Redirect, Step};
use crate::{ConsentDecision, Endpoint, Form, OAuthError, Progress, ResponseMode, TokenRequest, seed};

const RES: &str = "05a65629-4c1b-48c1-a78b-804c4abdd4af";
const WEB_URI: &str = "https://app.example/cb";
const V2: Endpoint = Endpoint::V2;

async fn edit(world: &World, app: Guid, change: fn(&mut Application)) {
    world
        .store
        .write(move |tx| {
            let mut application = applications::find_by_app_id(tx, CONTOSO, app)?.expect("is there");
            change(&mut application);
            applications::save(tx, CONTOSO, &application)
        })
        .await
        .expect("saves");
}

fn pushing(fields: &[(&str, &str)]) -> TokenRequest {
    TokenRequest {
        endpoint: V2,
        tenant: "contoso.example".to_string(),
        form: form(fields),
        authorization: None,
        origin: None,
        proof: None,
    }
}

/// A good request of the web application.
fn request<'a>(client: &'a str, scope: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("client_id", client),
        ("client_secret", SECRET),
        ("response_type", "code"),
        ("redirect_uri", WEB_URI),
        ("scope", scope),
        ("state", "the state"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]
}

async fn push(world: &World, fields: &[(&str, &str)]) -> Result<String, OAuthError> {
    let answer = world.authority.push(pushing(fields)).await?;
    assert_eq!(answer["expires_in"], 60);
    Ok(answer["request_uri"].as_str().expect("text").to_string())
}

/// Opens a reference in a browser.
async fn open(
    world: &World,
    fields: &[(&str, &str)],
    browser: &str,
    session: Option<&Secret>,
) -> Result<Step, OAuthError> {
    let mut request = world.authorize_request(fields, session);
    request.browser = Some(Secret::new(browser));
    world.authority.authorize(request).await
}

fn redirected(step: Result<Step, OAuthError>) -> Redirect {
    match step {
        Ok(Step::Redirect(redirect)) => redirect,
        other => panic!("no redirect but {other:?}"),
    }
}

#[tokio::test]
async fn a_pushed_request_works_once_in_one_browser() {
    let world = World::with_two_tenants().await;
    let (web, other, scope) = (WEB.to_string(), OTHER.to_string(), format!("{RES}/.default openid"));
    let fields = request(&web, &scope);
    let uri = push(&world, &fields).await.expect("is taken");
    let ours = [("client_id", web.as_str()), ("request_uri", uri.as_str())];
    // Not for another application, and not with parameters of somebody else's making.
    let theirs = [("client_id", other.as_str()), ("request_uri", uri.as_str())];
    check_refusal(
        &open(&world, &theirs, "a", None).await.expect_err("foreign"),
        9_900_003,
        "invalid_request_uri",
    );
    let tampered = [ours[0], ours[1], ("redirect_uri", "https://evil.example"), ("scope", "User.Read")];
    let step = open(&world, &tampered, "a", None).await.expect("opens");
    assert!(matches!(step, Step::SignIn(prompt) if prompt.redirect_uri == WEB_URI));
    check_refusal(
        &open(&world, &ours, "b", None).await.expect_err("another browser"),
        9_900_003,
        "invalid_request_uri",
    );
    // The user takes half an hour to find the password.
    let later = world.later(1800).await;
    let session = later.sign_in("alice").await;
    let redirect = redirected(open(&later, &ours, "a", Some(&session)).await);
    assert_eq!(parameter(&redirect, "state").as_deref(), Some("the state"));
    let code = parameter(&redirect, "code").expect("a code");
    let again = open(&later, &ours, "a", Some(&session)).await.expect_err("was used");
    check_refusal(&again, 9_900_003, "invalid_request_uri");
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", web.as_str()),
        ("client_secret", SECRET),
        ("code", &code),
        ("redirect_uri", WEB_URI),
        ("code_verifier", VERIFIER),
    ];
    later.v2(&fields).await.expect("redeems");
    assert_eq!(world.number("select count(*) from pushed_requests where parameters like '%s+&%'").await, 0);
}

#[tokio::test]
async fn a_reference_is_opened_within_a_minute_and_in_its_tenant() {
    let world = World::with_two_tenants().await;
    let (web, scope) = (WEB.to_string(), format!("{RES}/.default"));
    let uri = push(&world, &request(&web, &scope)).await.expect("is taken");
    let fields = [("client_id", web.as_str()), ("request_uri", uri.as_str())];
    let mut abroad = world.authorize_request(&fields, None);
    abroad.tenant = FABRIKAM.to_string();
    let refusal = world.authority.authorize(abroad).await.expect_err("another tenant");
    check_refusal(&refusal, 9_900_003, "invalid_request_uri");
    let mut anywhere = world.authorize_request(&fields, None);
    anywhere.tenant = "common".to_string();
    assert!(matches!(world.authority.authorize(anywhere).await, Ok(Step::SignIn(_))));

    let uri = push(&world, &request(&web, &scope)).await.expect("is taken");
    let fields = [("client_id", web.as_str()), ("request_uri", uri.as_str())];
    let late = open(&world.later(60).await, &fields, "a", None).await.expect_err("too late");
    check_refusal(&late, 9_900_003, "invalid_request_uri");
    for unknown in ["urn:ietf:params:oauth:request_uri:x", "urn:ietf:params:oauth:request_uri:"] {
        let fields = [("client_id", web.as_str()), ("request_uri", unknown)];
        let refusal = open(&world, &fields, "a", None).await.expect_err("unknown");
        check_refusal(&refusal, 9_900_003, "invalid_request_uri");
    }
}

#[tokio::test]
async fn what_is_pushed_is_checked_at_once() {
    let world = World::new().await;
    let (web, desktop, scope) = (WEB.to_string(), DESKTOP.to_string(), format!("{RES}/.default"));
    for (changes, number, error) in [
        (vec![("client_secret", "")], 7_000_218, "invalid_client"),
        (vec![("client_secret", "wrong")], 7_000_215, "invalid_client"),
        (vec![("redirect_uri", "https://evil.example")], 50_011, "invalid_request"),
        (vec![("response_type", "token")], 700_054, "unsupported_response_type"),
        (vec![("request_uri", "urn:ietf:params:oauth:request_uri:x")], 9_002_313, "invalid_request"),
        (vec![("request", "x.y.z")], 90_120, "request_not_supported"),
        (vec![("scope", "")], 900_144, "invalid_request"),
        (vec![("code_challenge", "short")], 501_491, "invalid_request"),
        (vec![("dpop_jkt", "short")], 90_013, "invalid_request"),
        (vec![("claims", "[]")], 90_013, "invalid_request"),
    ] {
        let mut fields = request(&web, &scope);
        fields.retain(|(name, _)| !changes.iter().any(|(n, _)| n == name));
        fields.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
        check_refusal(&push(&world, &fields).await.expect_err("is refused"), number, error);
    }
    // A public client has nothing to prove itself with.
    let mut fields = request(&desktop, &scope);
    fields.retain(|(name, _)| !matches!(*name, "client_secret" | "redirect_uri"));
    fields.push(("redirect_uri", "http://localhost:5000"));
    push(&world, &fields).await.expect("is taken");
}

/// RFC 9449, section 10: a stolen code is worth nothing without the key, either.
#[tokio::test]
async fn a_code_can_be_bound_to_a_key() {
    let world = World::new().await;
    let (key, web, scope) = (ClientKey::new(), WEB.to_string(), format!("{RES}/.default"));
    let url = format!("{BASE}/contoso.example/oauth2/v2.0/par");
    let mut pushed = pushing(&request(&web, &scope));
    pushed.proof = Some(key.proof("POST", &url, start().seconds(), None));
    let answer = world.authority.push(pushed).await.expect("is taken");
    let session = world.sign_in("alice").await;
    let uri = answer["request_uri"].as_str().expect("text");
    let step = open(&world, &[("client_id", &web), ("request_uri", uri)], "a", Some(&session)).await;
    let code = parameter(&redirected(step), "code").expect("a code");
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", web.as_str()),
        ("client_secret", SECRET),
        ("code", &code),
        ("redirect_uri", WEB_URI),
        ("code_verifier", VERIFIER),
    ];
    world.refused(V2, &fields, 9_900_002, "invalid_grant").await;
    let token = format!("{BASE}/contoso.example/oauth2/v2.0/token");
    let mut request = pushing(&fields);
    request.proof = Some(key.proof("POST", &token, start().seconds(), None));
    assert_eq!(world.authority.token(request).await.expect("answers")["token_type"], "DPoP");
}

#[tokio::test]
async fn an_id_token_comes_straight_to_who_is_registered_for_it() {
    let world = World::new().await;
    let session = world.sign_in("alice").await;
    let (web, scope) = (WEB.to_string(), "openid profile".to_string());
    edit(&world, WEB, |app| app.details.implicit_id_tokens = true).await;
    let ask = |changes: Vec<(&'static str, &'static str)>| {
        let mut fields = vec![
            ("client_id", web.as_str()),
            ("redirect_uri", WEB_URI),
            ("scope", scope.as_str()),
            ("nonce", "the nonce"),
        ];
        fields.retain(|(name, _)| !changes.iter().any(|(n, _)| n == name));
        fields.extend(changes.into_iter().filter(|(_, value)| !value.is_empty()));
        let request = world.authorize_request(&fields, Some(&session));
        let authority = &world.authority;
        async move { redirected(authority.authorize(request).await) }
    };
    let answer = ask(vec![("response_type", "id_token")]).await;
    assert_eq!(answer.mode, ResponseMode::Fragment);
    let token: Json = parameter(&answer, "id_token").expect("an ID token").into();
    let said = claims(&token);
    assert_eq!((&said["nonce"], &said["aud"]), (&json!("the nonce"), &json!(web)));
    assert!(said.get("c_hash").is_none() && said.get("idtyp").is_none());
    assert!(parameter(&answer, "code").is_none() && parameter(&answer, "access_token").is_none());
    assert!(parameter(&answer, "iss").is_some());

    let answer = ask(vec![("response_type", "code id_token"), ("response_mode", "form_post")]).await;
    assert_eq!(answer.mode, ResponseMode::FormPost);
    let code = parameter(&answer, "code").expect("a code");
    let said = claims(&parameter(&answer, "id_token").expect("an ID token").into());
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, code.as_bytes());
    use base64::Engine as _;
    let half = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]);
    assert_eq!(said["c_hash"], half);

    for (changes, error) in [
        (vec![("response_type", "id_token"), ("nonce", "")], "invalid_request"),
        (vec![("response_type", "id_token"), ("response_mode", "query")], "invalid_request"),
        (vec![("response_type", "id_token token")], "unsupported_response_type"),
        (vec![("response_type", "code token")], "unsupported_response_type"),
    ] {
        let answer = ask(changes.clone()).await;
        assert_eq!(parameter(&answer, "error").as_deref(), Some(error), "{changes:?}");
        assert!(parameter(&answer, "id_token").is_none() && parameter(&answer, "code").is_none());
    }
}

#[tokio::test]
async fn a_hint_names_the_user() {
    let world = World::new().await;
    let (desktop, web) = (DESKTOP.to_string(), WEB.to_string());
    let hint_of = |user: &'static str| {
        let world = &world;
        async move { world.password(user, "openid").await["id_token"].as_str().expect("text").to_string() }
    };
    let (alice, bob) = (hint_of("alice").await, hint_of("bob").await);
    let session = world.sign_in("alice").await;
    let scope = format!("{RES}/.default");
    for (hint, client, uri, error) in [
        (alice.as_str(), &desktop, "http://localhost", None),
        (bob.as_str(), &desktop, "http://localhost", Some("login_required")),
        // Of another application, or nobody's: no hint.
        (bob.as_str(), &web, WEB_URI, None),
        ("nonsense", &desktop, "http://localhost", None),
    ] {
        let fields = [
            ("client_id", client.as_str()),
            ("response_type", "code"),
            ("redirect_uri", uri),
            ("scope", &scope),
            ("prompt", "none"),
            ("id_token_hint", hint),
        ];
        let redirect = world.redirect(&fields, Some(&session)).await;
        assert_eq!(parameter(&redirect, "error").as_deref(), error);
        assert!(parameter(&redirect, "iss").is_some());
    }
}

/// What libraries send in `claims` asks for nothing that would be refused.
#[tokio::test]
async fn claims_at_the_authorize_endpoint() {
    let world = World::new().await;
    let (id, session) = (DESKTOP.to_string(), world.sign_in("bob").await);
    let scope = format!("{RES}/.default openid");
    for (asked, capable, auth_time) in [
        (r#"{"id_token":{"signin_state":{"essential":false}}}"#, false, false),
        (r#"{"access_token":{"xms_cc":{"values":["CP1"]}},"id_token":{"auth_time":null}}"#, true, true),
    ] {
        let fields = [
            ("client_id", id.as_str()),
            ("response_type", "code"),
            ("redirect_uri", "http://localhost"),
            ("scope", &scope),
            ("claims", asked),
        ];
        let code = parameter(&world.redirect(&fields, Some(&session)).await, "code").expect("a code");
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", id.as_str()),
            ("redirect_uri", "http://localhost"),
            ("code", &code),
        ];
        let answer = world.v2(&fields).await.expect("answers");
        assert_eq!(claims(&answer["access_token"]).get("xms_cc").is_some(), capable);
        assert_eq!(claims(&answer["id_token"]).get("auth_time").is_some(), auth_time);
    }
}

/// `knownClientApplications`: who consents to an application consents to what its API needs, too.
#[tokio::test]
async fn one_consent_covers_the_api_behind_the_api() {
    let world = World::new().await;
    edit(&world, OTHER, |api| {
        api.scopes = vec![DelegatedScope {
            id: Guid::from_u128(0x5c0be),
            value: "Tasks.Read".to_string(),
            display_name: "Read tasks".to_string(),
            description: "Read tasks.".to_string(),
            admin_only: false,
            user_consent_display_name: None,
            user_consent_description: None,
            enabled: true,
        }];
        api.details.known_client_applications = vec![DESKTOP];
        api.required_access.retain(|r| r.id == casbah_model::Permission::InvestigationRead.id());
    })
    .await;
    edit(&world, DESKTOP, |client| {
        client.required_access =
            vec![RequiredAccess { resource_app_id: OTHER, id: Guid::from_u128(0x5c0be), is_role: false }];
    })
    .await;
    // The permissions of that API are an administrator's to give.
    let session = world.sign_in("alice").await;
    let (id, scope) = (DESKTOP.to_string(), format!("{OTHER}/.default"));
    let fields = [
        ("client_id", id.as_str()),
        ("response_type", "code"),
        ("redirect_uri", "http://localhost"),
        ("scope", &scope),
    ];
    let step = world.authority.authorize(world.authorize_request(&fields, Some(&session))).await;
    let Ok(Step::Consent(prompt)) = step else { panic!("no consent but {step:?}") };
    let asked: Vec<&str> = prompt.scopes.iter().map(|s| s.value.as_str()).collect();
    assert_eq!(asked, ["Tasks.Read", "investigation.read"]);
    assert!(prompt.scopes[1].resource_name.contains("other.example"), "{}", prompt.scopes[1].resource_name);
    let mut request = world.authorize_request(&fields, Some(&session));
    request.progress = Progress::Start;
    let decision = ConsentDecision::AcceptForEveryone;
    let step = world.authority.decide_consent(request, decision, prompt.ticket).await;
    assert!(parameter(&redirected(step), "code").is_some());
    // The API now calls the next one for any of its callers.
    let first = world.password("bob", &scope).await;
    let (api, next) = (OTHER.to_string(), format!("{}/.default", seed::CLOUD_APPS));
    let fields = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("client_id", api.as_str()),
        ("client_secret", SECRET),
        ("assertion", first["access_token"].as_str().expect("text")),
        ("requested_token_use", "on_behalf_of"),
        ("scope", &next),
    ];
    let answer = world.v2(&fields).await.expect("answers");
    assert_eq!(claims(&answer["access_token"])["scp"], "investigation.read");
    assert_eq!(claims(&answer["access_token"])["oid"], user_id("bob").to_string());
}

#[tokio::test]
async fn signing_out_tells_the_applications_of_the_session() {
    let world = World::with_two_tenants().await;
    edit(&world, WEB, |app| app.details.logout_url = Some("https://app.example/bye?a=b".to_string())).await;
    edit(&world, OTHER, |app| app.details.logout_url = Some("https://other.example/bye".to_string())).await;
    edit(&world, DESKTOP, |app| app.details.logout_url = Some("http://app.example/bye".to_string())).await;
    let session = world.sign_in("alice").await;
    let scope = format!("{RES}/.default openid");
    let mut session_id = String::new();
    for (app, uri) in [(WEB, WEB_URI), (DESKTOP, "http://localhost")] {
        let id = app.to_string();
        for _ in 0..2 {
            let fields = [
                ("client_id", id.as_str()),
                ("response_type", "code"),
                ("redirect_uri", uri),
                ("scope", &scope),
            ];
            let redirect = world.redirect(&fields, Some(&session)).await;
            session_id = parameter(&redirect, "session_state").expect("text");
        }
    }
    let hint = world.password("alice", "openid").await["id_token"].as_str().expect("text").to_string();
    let form = Form::from_iter([
        ("post_logout_redirect_uri", "http://localhost"),
        ("id_token_hint", hint.as_str()),
        ("state", "a b"),
    ]);
    let done = world.authority.end_session(Some(&session), &form).await.expect("signs out");
    let issuer = format!("https%3A%2F%2Flocalhost%3A8443%2F{CONTOSO}%2Fv2.0");
    // Not the one that took no part, and nothing in the clear.
    assert_eq!(done.frames, [format!("https://app.example/bye?a=b&iss={issuer}&sid={session_id}")]);
    assert_eq!(done.back.as_deref(), Some("http://localhost?state=a+b"));
    assert!(world.authority.verify_session(&session).await.is_err());
    // The session is over; the hint still says whose address that is.
    let (web, desktop) = (WEB.to_string(), DESKTOP.to_string());
    for (uri, client, hint, back) in [
        ("http://localhost", "", hint.as_str(), true),
        ("http://localhost", desktop.as_str(), hint.as_str(), true),
        ("http://localhost", desktop.as_str(), "", true),
        (WEB_URI, web.as_str(), "", true),
        (WEB_URI, "", "", false),
        (WEB_URI, "", hint.as_str(), false),
        // Two that contradict each other.
        (WEB_URI, web.as_str(), hint.as_str(), false),
        ("http://localhost", web.as_str(), hint.as_str(), false),
        ("https://app.example/cb/", web.as_str(), "", false),
        ("https://app.example/CB", web.as_str(), "", false),
        ("https://app.example/cb?x=1", web.as_str(), "", false),
        ("https://evil.example", web.as_str(), "", false),
    ] {
        let form = Form::from_iter([
            ("post_logout_redirect_uri", uri),
            ("client_id", client),
            ("id_token_hint", hint),
        ]);
        let done = world.authority.end_session(None, &form).await.expect("answers");
        assert_eq!(done.back.is_some(), back, "{uri} {client}");
        assert!(done.frames.is_empty());
    }
}

/// Long tokens are for clients that can be told at any moment that theirs is over.
#[tokio::test]
async fn capable_clients_may_have_longer_tokens() {
    let world = World::new().await;
    world
        .store
        .write(|tx| {
            let mut settings = casbah_store::tenant_settings::find(tx, CONTOSO)?;
            settings.tokens.continuous_access = Some(86_400);
            settings.check().expect("is in range");
            casbah_store::tenant_settings::save(tx, CONTOSO, &settings)
        })
        .await
        .expect("saves");
    let (id, scope) = (WEB.to_string(), format!("{RES}/.default"));
    let ask = |claims: &'static str| {
        let (id, scope, world) = (id.as_str(), scope.as_str(), &world);
        async move {
            let fields = [
                ("grant_type", "client_credentials"),
                ("client_id", id),
                ("client_secret", SECRET),
                ("scope", scope),
                ("claims", claims),
            ];
            world.v2(&fields).await.expect("answers")
        }
    };
    let usual = ask("{}").await;
    assert_eq!((&usual["expires_in"], usual.get("refresh_in")), (&json!(3599), None));
    let long = ask(r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#).await;
    assert_eq!((&long["expires_in"], &long["refresh_in"]), (&json!(86_400), &json!(43_200)));
    let said = claims(&long["access_token"]);
    assert_eq!(said["exp"].as_i64().expect("a time") - said["iat"].as_i64().expect("a time"), 86_400);
}
