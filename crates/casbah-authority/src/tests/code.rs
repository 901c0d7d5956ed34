use super::world::{CHALLENGE, DESKTOP, OTHER, SECRET, SPA, VERIFIER, WEB, World, check_refusal, claims};
use crate::{Audience, Endpoint, Refusal};

const RES: &str = "05a65629-4c1b-48c1-a78b-804c4abdd4af";
const V2: Endpoint = Endpoint::V2;
const WEB_URI: &str = "https://app.example/cb";
const SPA_URI: &str = "https://spa.example/cb";
/// Names and values.
type Fields<'a> = &'a [(&'a str, &'a str)];

const S256: Fields<'_> = &[("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];

fn redeem<'a>(client: &'a str, code: &'a str, uri: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![("grant_type", "authorization_code"), ("client_id", client), ("code", code), ("redirect_uri", uri)]
}

#[tokio::test]
async fn a_confidential_client_redeems_without_pkce() {
    let world = World::new().await;
    let id = WEB.to_string();
    let code = world.code(WEB, WEB_URI, &[("nonce", "n-1"), ("max_age", "600")]).await;
    let mut fields = redeem(&id, &code, WEB_URI);
    world.refused(V2, &fields, 7000218, "invalid_client").await;
    fields.push(("client_secret", SECRET));
    let answer = world.v2(&fields).await.expect("answers");
    let identity = claims(&answer["id_token"]);
    assert_eq!(identity["nonce"], "n-1");
    assert_eq!(identity["auth_time"], super::world::start().seconds());
    assert!(identity["sid"].is_string() && answer["refresh_token"].is_string());
    assert_eq!(claims(&answer["access_token"])["appidacr"], "1");
    assert_eq!(answer["scope"], format!("{RES}/Investigation.read {RES}/investigation.manage openid"));
}

#[tokio::test]
async fn the_redirect_uri_may_stay_away_only_when_there_is_no_other() {
    let world = World::new().await;
    for (app, uri, expected) in [
        (WEB, WEB_URI, None),
        (DESKTOP, "http://localhost", None),
        (DESKTOP, "http://localhost:1", Some(500112)),
    ] {
        let code = world.code(app, uri, &[]).await;
        let id = app.to_string();
        let mut fields =
            vec![("grant_type", "authorization_code"), ("client_id", id.as_str()), ("code", &code)];
        fields.extend((app == WEB).then_some(("client_secret", SECRET)));
        assert_eq!(world.v2(&fields).await.err().map(|e| e.code.number), expected, "{uri}");
    }
}

#[tokio::test]
async fn oidc_scopes_of_both_requests_count() {
    let world = World::new().await;
    let id = DESKTOP.to_string();
    let scope = format!("{RES}/Investigation.read");
    let code = world.code(DESKTOP, "http://localhost:53682", &[("scope", &scope)]).await;
    let more = format!("{scope} openid offline_access profile");
    let mut fields = redeem(&id, &code, "http://localhost:53682");
    fields.push(("scope", &more));
    let answer = world.v2(&fields).await.expect("answers");
    assert!(answer["id_token"].is_string() && answer["refresh_token"].is_string());
}

#[tokio::test]
async fn a_v1_code_may_name_the_resource_late() {
    let world = World::new().await;
    let id = DESKTOP.to_string();
    let code = world.code(DESKTOP, "http://localhost", &[("scope", "openid")]).await;
    let mut fields = redeem(&id, &code, "http://localhost");
    fields.push(("resource", RES));
    let answer = world.v1(&fields).await.expect("answers");
    assert_eq!(answer["resource"], RES);
    assert_eq!(claims(&answer["access_token"])["aud"], RES);
}

#[tokio::test]
async fn a_second_use_kills_the_tokens_of_the_first() {
    let world = World::new().await;
    let id = WEB.to_string();
    let code = world.code(WEB, WEB_URI, &[]).await;
    let mut fields = redeem(&id, &code, WEB_URI);
    fields.push(("client_secret", SECRET));
    let answer = world.v2(&fields).await.expect("answers");
    let token = answer["access_token"].as_str().expect("text");
    assert!(world.authority.verify_access_token(token, Audience::CloudApps).await.is_ok());
    world.refused(V2, &fields, 54005, "invalid_grant").await;
    world.refused(V2, &fields, 54005, "invalid_grant").await;
    let refusal = world.authority.verify_access_token(token, Audience::CloudApps).await;
    assert!(matches!(refusal, Err(Refusal::Revoked)), "{refusal:?}");
    let refresh = answer["refresh_token"].as_str().expect("text");
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", &id),
        ("client_secret", SECRET),
        ("refresh_token", refresh),
    ];
    world.refused(V2, &fields, 50173, "invalid_grant").await;
    assert_eq!(world.number("select count(*) from activities where action = 'revoke token family'").await, 1);
}

#[tokio::test]
async fn codes_are_bound_to_client_address_and_time() {
    let world = World::with_two_tenants().await;
    let (web, other) = (WEB.to_string(), OTHER.to_string());
    let code = world.code(WEB, WEB_URI, &[]).await;
    let secret = ("client_secret", SECRET);
    let mut foreign = redeem(&other, &code, WEB_URI);
    foreign.push(secret);
    world.refused(V2, &foreign, 70000, "invalid_grant").await;
    let mut elsewhere = redeem(&web, &code, "https://app.example/other");
    elsewhere.push(secret);
    world.refused(V2, &elsewhere, 500112, "invalid_grant").await;
    let mut right = redeem(&web, &code, WEB_URI);
    right.push(secret);
    let refusal = world.token_at("fabrikam.example", V2, &right, None, None).await.expect_err("is refused");
    check_refusal(&refusal, 700005, "invalid_grant");
    let late = world.later(61).await.v2(&right).await.expect_err("is refused");
    check_refusal(&late, 70008, "invalid_grant");
    let mut unknown = redeem(&web, "0.Anonsense", WEB_URI);
    unknown.push(secret);
    world.refused(V2, &unknown, 70000, "invalid_grant").await;
    let fields =
        [("grant_type", "authorization_code"), ("client_id", web.as_str()), ("code", "0.Ax"), secret];
    world.refused(V2, &fields, 70000, "invalid_grant").await;
    // None of this used it up, and `common` finds its tenant.
    assert!(world.token_at("common", V2, &right, None, None).await.is_ok());
}

#[tokio::test]
async fn pkce_cannot_be_taken_away() {
    let world = World::new().await;
    let id = DESKTOP.to_string();
    let uri = "http://localhost:1";
    let other = "A".repeat(43);
    let long = "A".repeat(129);
    let plain: &[(&str, &str)] = &[("code_challenge", VERIFIER), ("code_challenge_method", "plain")];
    let default: &[(&str, &str)] = &[("code_challenge", VERIFIER)];
    // What authorize was told, what is sent with the code, and what comes of it.
    let cases: &[(Fields<'_>, Option<&str>, Option<u32>)] = &[
        (S256, Some(VERIFIER), None),
        (S256, None, Some(50148)),
        (S256, Some(""), Some(50148)),
        (S256, Some(&other), Some(501481)),
        (S256, Some(CHALLENGE), Some(501481)),
        (S256, Some("short"), Some(501491)),
        (S256, Some(&long), Some(501491)),
        (plain, Some(VERIFIER), None),
        (plain, Some(CHALLENGE), Some(501481)),
        (plain, None, Some(50148)),
        (default, Some(VERIFIER), None),
        (default, None, Some(50148)),
        (&[], Some(VERIFIER), Some(50148)),
        (&[], None, None),
    ];
    for (asked, verifier, expected) in cases {
        let code = world.code(DESKTOP, uri, asked).await;
        let mut fields = redeem(&id, &code, uri);
        fields.extend(verifier.map(|v| ("code_verifier", v)));
        let answer = world.v2(&fields).await;
        assert_eq!(answer.err().map(|e| e.code.number), *expected, "{asked:?} {verifier:?}");
    }
}

#[tokio::test]
async fn a_single_page_application_redeems_from_its_page() {
    let world = World::new().await;
    let id = SPA.to_string();
    let code = world.code(SPA, SPA_URI, S256).await;
    let mut fields = redeem(&id, &code, SPA_URI);
    fields.push(("code_verifier", VERIFIER));
    let from = |world: World, fields: Vec<(String, String)>, origin: Option<&'static str>| async move {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        world.token_at("contoso.example", V2, &fields, None, origin).await
    };
    let owned = |fields: &[(&str, &str)]| -> Vec<(String, String)> {
        fields.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect()
    };
    let now = || world.later(0);
    let page = Some("https://spa.example");
    check_refusal(
        &from(now().await, owned(&fields), None).await.expect_err("refused"),
        9002327,
        "invalid_request",
    );
    let evil = Some("https://evil.example");
    check_refusal(
        &from(now().await, owned(&fields), evil).await.expect_err("refused"),
        9002326,
        "invalid_request",
    );
    let answer = from(now().await, owned(&fields), page).await.expect("answers");

    // 24 hours, and renewals inherit the end.
    let refresh =
        |token: &str| owned(&[("grant_type", "refresh_token"), ("client_id", &id), ("refresh_token", token)]);
    let first = answer["refresh_token"].as_str().expect("text");
    let almost = world.later(23 * 60 * 60).await;
    let refused = from(world.later(1).await, refresh(first), None).await.expect_err("refused");
    check_refusal(&refused, 9002327, "invalid_request");
    let second = from(almost, refresh(first), page).await.expect("answers");
    let second = second["refresh_token"].as_str().expect("text");
    let ended = from(world.later(24 * 60 * 60).await, refresh(second), page).await.expect_err("refused");
    check_refusal(&ended, 700084, "invalid_grant");

    // Any other application must not redeem from a page.
    let code = world.code(DESKTOP, "http://localhost", &[]).await;
    let id = DESKTOP.to_string();
    let fields = redeem(&id, &code, "http://localhost");
    let refused = from(now().await, owned(&fields), page).await.expect_err("refused");
    check_refusal(&refused, 9002326, "invalid_request");
}
