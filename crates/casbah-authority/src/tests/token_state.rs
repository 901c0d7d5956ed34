//! Introspection and revocation.

use serde_json::{Value as Json, json};

use super::world::{DESKTOP, FABRIKAM, OTHER, SECRET, WEB, World, check_refusal, form};
use crate::{Audience, Endpoint, OAuthError, Refusal, TokenRequest};

const RES: &str = "05a65629-4c1b-48c1-a78b-804c4abdd4af";

fn request(client: &str, secret: Option<&str>, token: &str, tenant: &str) -> TokenRequest {
    let mut fields = vec![("client_id", client), ("token", token)];
    fields.extend(secret.map(|s| ("client_secret", s)));
    TokenRequest {
        endpoint: Endpoint::V2,
        tenant: tenant.to_string(),
        form: form(&fields),
        authorization: None,
        origin: None,
        proof: None,
    }
}

async fn introspect(world: &World, client: &str, token: &str) -> Json {
    let request = request(client, Some(SECRET), token, "contoso.example");
    world.authority.introspect(request).await.expect("answers")
}

async fn revoke(world: &World, client: &str, secret: Option<&str>, token: &str) -> Result<(), OAuthError> {
    world.authority.revoke(request(client, secret, token, "contoso.example")).await
}

/// Alice's tokens for the web application.
async fn of_alice(world: &World) -> (String, String) {
    let code = world.code(WEB, "https://app.example/cb", &[]).await;
    let id = WEB.to_string();
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", id.as_str()),
        ("client_secret", SECRET),
        ("code", &code),
        ("redirect_uri", "https://app.example/cb"),
    ];
    let answer = world.v2(&fields).await.expect("answers");
    let text = |name: &str| answer[name].as_str().expect("text").to_string();
    (text("access_token"), text("refresh_token"))
}

#[tokio::test]
async fn who_is_party_to_a_token_may_ask_about_it() {
    let world = World::with_two_tenants().await;
    let (web, other) = (WEB.to_string(), OTHER.to_string());
    let (access, refresh) = of_alice(&world).await;
    let answer = introspect(&world, &web, &access).await;
    assert_eq!(answer["active"], true);
    assert_eq!(answer["client_id"], web);
    assert_eq!(answer["username"], "alice@contoso.example");
    assert_eq!(answer["scope"], "investigation.manage investigation.read");
    assert_eq!((&answer["aud"], &answer["token_type"]), (&json!(RES), &json!("Bearer")));
    assert!(answer["exp"].is_i64() && answer["iss"].is_string() && answer["sub"].is_string());
    let answer = introspect(&world, &web, &refresh).await;
    assert_eq!((&answer["active"], &answer["client_id"]), (&json!(true), &json!(web)));
    assert!(answer["scope"].as_str().expect("text").contains("offline_access"));

    // Another application, another tenant, garbage: all the same answer.
    let nothing = json!({ "active": false });
    assert_eq!(introspect(&world, &other, &access).await, nothing);
    assert_eq!(introspect(&world, &other, &refresh).await, nothing);
    assert_eq!(introspect(&world, &web, "nonsense").await, nothing);
    assert_eq!(introspect(&world, &web, &format!("{access}x")).await, nothing);
    let abroad = request(&web, Some(SECRET), &access, &FABRIKAM.to_string());
    assert_eq!(world.authority.introspect(abroad).await.expect("answers"), nothing);
    let late = world.later(3600).await;
    assert_eq!(introspect(&late, &web, &access).await, nothing);

    // The application that a token is for may ask, too.
    let scope = format!("https://api.example/{OTHER}/.default");
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", web.as_str()),
        ("client_secret", SECRET),
        ("scope", &scope),
    ];
    let token = world.v2(&fields).await.expect("answers")["access_token"].as_str().expect("text").to_string();
    assert_eq!(introspect(&world, &other, &token).await["active"], true);
    world.sql("update service_principals set enabled = 0 where app_id like '%0004'").await;
    let refusal = world.authority.introspect(request(&other, Some(SECRET), &token, "common")).await;
    assert_eq!(refusal.expect_err("disabled").code.number, 7_000_112);
    assert_eq!(introspect(&world, &web, &token).await, nothing, "its resource is disabled");
}

#[tokio::test]
async fn asking_needs_a_secret() {
    let world = World::new().await;
    let (access, _) = of_alice(&world).await;
    for (client, secret, number) in
        [(WEB, None, 7_000_218), (WEB, Some("wrong"), 7_000_215), (DESKTOP, None, 7_000_218)]
    {
        let refusal =
            world.authority.introspect(request(&client.to_string(), secret, &access, "common")).await;
        check_refusal(&refusal.expect_err("is refused"), number, "invalid_client");
    }
    let empty = request(&WEB.to_string(), Some(SECRET), "", "common");
    check_refusal(
        &world.authority.introspect(empty).await.expect_err("no token"),
        900_144,
        "invalid_request",
    );
}

#[tokio::test]
async fn a_revoked_token_is_refused_at_once() {
    let world = World::new().await;
    let (web, other) = (WEB.to_string(), OTHER.to_string());
    let (access, refresh) = of_alice(&world).await;
    let verify = || world.authority.verify_access_token(&access, Audience::CloudApps);
    assert!(verify().await.is_ok());
    let refusal = revoke(&world, &other, Some(SECRET), &access).await.expect_err("another's token");
    check_refusal(&refusal, 70_000, "invalid_grant");
    assert!(verify().await.is_ok());
    for _ in 0..2 {
        revoke(&world, &web, Some(SECRET), &access).await.expect("revokes, and again");
    }
    assert!(matches!(verify().await, Err(Refusal::Revoked)));
    assert_eq!(introspect(&world, &web, &access).await, json!({ "active": false }));
    // The rest of the sign-in lives on, until its refresh token is revoked.
    assert_eq!(introspect(&world, &web, &refresh).await["active"], true);
    revoke(&world, &other, Some(SECRET), &refresh).await.expect_err("another's token");
    revoke(&world, &web, Some(SECRET), &refresh).await.expect("revokes");
    assert_eq!(introspect(&world, &web, &refresh).await, json!({ "active": false }));
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", web.as_str()),
        ("client_secret", SECRET),
        ("refresh_token", &refresh),
    ];
    world.refused(Endpoint::V2, &fields, 50_173, "invalid_grant").await;
    assert_eq!(world.number("select count(*) from activities where action like 'revoke %'").await, 2);
    revoke(&world, &web, Some(SECRET), "nonsense").await.expect("is revoked as it is");
}

#[tokio::test]
async fn a_revoked_refresh_token_takes_the_access_tokens_along() {
    let world = World::new().await;
    let id = DESKTOP.to_string();
    let answer = world.password("alice", &format!("{RES}/.default offline_access")).await;
    let text = |name: &str| answer[name].as_str().expect("text").to_string();
    // A public client has nothing but its name.
    revoke(&world, &id, None, &text("refresh_token")).await.expect("revokes");
    let refusal = world.authority.verify_access_token(&text("access_token"), Audience::CloudApps).await;
    assert!(matches!(refusal, Err(Refusal::Revoked)), "{refusal:?}");
}

/// CVE-2020-15223: a revocation that could not be written down must not pass for one.
#[tokio::test]
async fn a_revocation_that_was_not_stored_is_no_success() {
    let world = World::new().await;
    let web = WEB.to_string();
    let (access, _) = of_alice(&world).await;
    world.sql("drop table revoked_tokens").await;
    let error = revoke(&world, &web, Some(SECRET), &access).await.expect_err("is not stored");
    assert_eq!((error.status(), error.error), (503, "temporarily_unavailable"));
}

/// A challenge is for clients that said that they can answer it.
#[tokio::test]
async fn what_was_taken_back_is_a_challenge_to_who_can_answer_it() {
    let world = World::new().await;
    let id = DESKTOP.to_string();
    for (claims, challenged) in [("{}", false), (r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#, true)] {
        let scope = format!("{RES}/.default");
        let fields = [
            ("grant_type", "password"),
            ("client_id", id.as_str()),
            ("username", "bob@contoso.example"),
            ("password", super::world::PASSWORD),
            ("scope", &scope),
            ("claims", claims),
        ];
        let answer = world.v2(&fields).await.expect("answers");
        let capabilities = &super::world::claims(&answer["access_token"])["xms_cc"];
        assert_eq!(*capabilities == json!(["CP1"]), challenged, "{capabilities}");
        let token = answer["access_token"].as_str().expect("text");
        revoke(&world, &id, None, token).await.expect("revokes");
        let refusal = world.authority.verify_access_token(token, Audience::CloudApps).await.err();
        assert_eq!(matches!(refusal, Some(Refusal::Challenged { .. })), challenged, "{refusal:?}");
    }
}

/// A challenge is answered with a token that is newer than it asks for, also when the clock of the node
/// that made the challenge is a little ahead.
#[tokio::test]
async fn a_token_is_as_new_as_a_challenge_asks() {
    let world = World::new().await;
    let now = super::world::start().seconds();
    let (id, scope) = (WEB.to_string(), format!("{RES}/.default"));
    for (wanted, issued) in
        [(now - 60, Some(now)), (now, Some(now)), (now + 60, Some(now + 60)), (now + 600, None)]
    {
        let claims = format!(r#"{{"access_token":{{"nbf":{{"essential":true,"value":"{wanted}"}}}}}}"#);
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", id.as_str()),
            ("client_secret", SECRET),
            ("scope", &scope),
            ("claims", &claims),
        ];
        let answer = world.v2(&fields).await;
        let iat = answer.as_ref().ok().map(|a| super::world::claims(&a["access_token"])["iat"].as_i64());
        assert_eq!(iat.flatten(), issued, "{wanted}: {answer:?}");
    }
}
