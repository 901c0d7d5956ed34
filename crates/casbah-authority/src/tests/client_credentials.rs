use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use casbah_model::Permission;
use serde_json::json;

use super::world::{
    BASE, CONTOSO, DESKTOP, SECRET, WEB, World, check_refusal, claims, form, part, principal_id,
};
use crate::{Endpoint, TokenRequest};

const RES: &str = "05a65629-4c1b-48c1-a78b-804c4abdd4af";

fn app_only<'a>(id: &'a str, scope: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![("grant_type", "client_credentials"), ("client_id", id), ("client_secret", SECRET), ("scope", scope)]
}

#[tokio::test]
async fn the_v2_answer_has_numbers_and_nothing_of_a_user() {
    let world = World::new().await;
    let id = WEB.to_string();
    let scope = format!("{RES}/.default openid offline_access profile");
    let mut fields = app_only(&id, &scope);
    fields.push(("client_info", "1"));
    let answer = world.v2(&fields).await.expect("answers");
    let mut names: Vec<&String> = answer.as_object().expect("an object").keys().collect();
    names.sort();
    assert_eq!(names, ["access_token", "expires_in", "ext_expires_in", "token_type"]);
    assert_eq!(answer["expires_in"], 3599);
    assert_eq!(answer["token_type"], "Bearer");

    let claims = claims(&answer["access_token"]);
    assert_eq!(claims["aud"], RES);
    assert_eq!(claims["iss"], format!("{BASE}/{CONTOSO}/"));
    assert_eq!(claims["ver"], "1.0");
    assert_eq!(claims["appid"], id);
    assert_eq!(claims["appidacr"], "1");
    assert_eq!(claims["idtyp"], "app");
    assert_eq!(claims["oid"], principal_id(WEB).to_string());
    assert_eq!(claims["sub"], claims["oid"]);
    assert_eq!(claims["tid"], CONTOSO.to_string());
    assert_eq!(claims["roles"], json!(["investigation.read", "discovery.manage"]));
    assert!(claims.get("scp").is_none() && claims.get("azp").is_none());
    let now = super::world::start().seconds();
    assert_eq!((claims["iat"].as_i64(), claims["nbf"].as_i64()), (Some(now), Some(now)));
    assert_eq!(claims["exp"], now + 3599);
    assert_eq!(claims["uti"].as_str().map(str::len), Some(22));
    let header = part(&answer["access_token"], 0);
    assert_eq!(header["x5t"], header["kid"]);
    assert_eq!((header["alg"].as_str(), header["typ"].as_str()), (Some("RS256"), Some("JWT")));
}

#[tokio::test]
async fn the_v1_answer_has_text_and_the_resource_as_asked() {
    let world = World::new().await;
    let id = WEB.to_string();
    for resource in [RES.to_string(), RES.to_uppercase(), format!("api://{RES}"), format!("spn:{RES}/")] {
        let answer = world
            .v1(&[
                ("grant_type", "client_credentials"),
                ("client_id", &id),
                ("client_secret", SECRET),
                ("resource", &resource),
            ])
            .await
            .expect("answers");
        assert_eq!(answer["expires_in"], "3599");
        assert_eq!(answer["ext_expires_in"], "3599");
        assert_eq!(answer["resource"], resource);
        assert_eq!(answer["expires_on"], (super::world::start().seconds() + 3599).to_string());
        assert!(answer["not_before"].is_string() && answer.get("scope").is_none());
        assert_eq!(claims(&answer["access_token"])["aud"], RES);
    }
}

#[tokio::test]
async fn every_spelling_of_the_resource_works() {
    let world = World::new().await;
    let id = WEB.to_string();
    for spelling in [
        format!("{RES}/.default"),
        format!("{}/.Default", RES.to_uppercase()),
        format!("api://{RES}/.default"),
        format!("API://{RES}//.default"),
        format!("{RES}//.default"),
        format!("openid {RES}/.default profile {RES}/.default"),
    ] {
        let answer = world.v2(&app_only(&id, &spelling)).await.unwrap_or_else(|e| panic!("{spelling}: {e}"));
        assert_eq!(claims(&answer["access_token"])["aud"], RES, "{spelling}");
    }
    for directory in ["https://graph.microsoft.com/.default", ".default", "https://localhost:8443//.default"]
    {
        let answer = world.v2(&app_only(&id, directory)).await.unwrap_or_else(|e| panic!("{directory}: {e}"));
        assert!(claims(&answer["access_token"]).get("roles").is_none());
    }
    // A resource with version 2 tokens.
    let own = format!("https://api.example/{WEB}/.default");
    let answer = world.v2(&app_only(&id, &own)).await.expect("answers");
    let claims = claims(&answer["access_token"]);
    assert_eq!((claims["ver"].as_str(), claims["aud"].as_str()), (Some("2.0"), Some(id.as_str())));
    assert_eq!((claims["azp"].as_str(), claims["azpacr"].as_str()), (Some(id.as_str()), Some("1")));
    assert_eq!(claims["iss"], format!("{BASE}/{CONTOSO}/v2.0"));
    assert!(part(&answer["access_token"], 0).get("x5t").is_none());
}

#[tokio::test]
async fn a_basic_header_works_encoded_and_raw() {
    let world = World::new().await;
    let scope = format!("{RES}/.default");
    let fields = [("grant_type", "client_credentials"), ("scope", scope.as_str())];
    let encoded = "s%2B%26%3D%25%7EQ.12345678901234567890";
    for secret in [SECRET, encoded] {
        let header = format!("Basic {}", STANDARD.encode(format!("{WEB}:{secret}")));
        let answer = world.token_at("CONTOSO.example", Endpoint::V2, &fields, Some(&header), None).await;
        assert!(answer.is_ok(), "{secret}: {answer:?}");
    }
    for (header, code) in [
        (format!("Basic {}", STANDARD.encode(format!("{WEB}:wrong"))), 7000215),
        ("Basic !!!".to_string(), 70002),
        (format!("Basic {}", STANDARD.encode("no colon")), 70002),
        (format!("bearer {}", STANDARD.encode("x:y")), 900144),
    ] {
        let answer = world.token_at("contoso.example", Endpoint::V2, &fields, Some(&header), None).await;
        assert_eq!(answer.expect_err("is refused").code.number, code);
    }
}

#[tokio::test]
async fn bad_requests_get_their_codes() {
    let world = World::new().await;
    let (id, desktop, scope) = (WEB.to_string(), DESKTOP.to_string(), format!("{RES}/.default"));
    let grant = ("grant_type", "client_credentials");
    let (client, secret, scope) =
        (("client_id", id.as_str()), ("client_secret", SECRET), ("scope", scope.as_str()));
    let named = format!("{RES}/Investigation.read");
    let two = format!("{RES}/.default https://graph.microsoft.com/.default");
    let v2 = Endpoint::V2;

    world.refused(v2, &[], 900144, "invalid_request").await;
    world.refused(v2, &[client, secret, scope], 900144, "invalid_request").await;
    world.refused(v2, &[grant, secret, scope], 900144, "invalid_request").await;
    world.refused(v2, &[grant, client, secret], 900144, "invalid_request").await;
    world
        .refused(v2, &[("grant_type", "magic"), client, secret, scope], 70003, "unsupported_grant_type")
        .await;
    world.refused(v2, &[grant, client, client, secret, scope], 9002313, "invalid_request").await;
    world.refused(v2, &[grant, ("client_id", RES), secret, scope], 7000215, "invalid_client").await;
    let nobody = "11111111-2222-4333-8444-555555555555";
    world.refused(v2, &[grant, ("client_id", nobody), secret, scope], 700016, "unauthorized_client").await;
    world.refused(v2, &[grant, ("client_id", "x"), secret, scope], 700016, "unauthorized_client").await;
    world.refused(v2, &[grant, client, ("client_secret", "wrong"), scope], 7000215, "invalid_client").await;
    world.refused(v2, &[grant, client, ("client_secret", nobody), scope], 7000215, "invalid_client").await;
    world.refused(v2, &[grant, client, scope], 7000216, "invalid_client").await;
    world.refused(v2, &[grant, ("client_id", &desktop), secret, scope], 700025, "invalid_client").await;
    world.refused(v2, &[grant, client, secret, ("scope", &named)], 1002012, "invalid_scope").await;
    world.refused(v2, &[grant, client, secret, ("scope", &two)], 70011, "invalid_scope").await;
    world
        .refused(
            v2,
            &[grant, client, secret, ("scope", "https://nowhere/.default")],
            500011,
            "invalid_resource",
        )
        .await;
    world
        .refused(
            v2,
            &[grant, client, secret, ("scope", "https://graph.microsoft.com/")],
            70011,
            "invalid_scope",
        )
        .await;
    world.refused(v2, &[grant, client, secret, ("scope", "a\"b/.default")], 70011, "invalid_scope").await;
    world.refused(v2, &[grant, client, secret, ("resource", RES)], 901002, "invalid_request").await;
    world.refused(Endpoint::V1, &[grant, client, secret], 50001, "invalid_resource").await;
    let fields = [grant, client, secret, scope];
    let from_a_page = world.token_at("contoso.example", v2, &fields, None, Some("https://app.example")).await;
    check_refusal(&from_a_page.expect_err("is refused"), 9002326, "invalid_request");
    let no_secret_shown =
        world.v2(&[grant, client, ("client_secret", "hunter2"), scope]).await.expect_err("refused");
    assert!(!format!("{no_secret_shown:?} {no_secret_shown}").contains("hunter2"));
}

#[tokio::test]
async fn tenants_are_named_in_many_ways() {
    let one = World::new().await;
    let two = World::with_two_tenants().await;
    let (id, scope) = (WEB.to_string(), format!("{RES}/.default"));
    let fields = app_only(&id, &scope);
    let contoso = CONTOSO.to_string();
    let check = |world: &'static str, tenant: String, expected: Option<u32>| (world, tenant, expected);
    for (world, tenant, expected) in [
        check("one", contoso.clone(), None),
        check("one", contoso.to_uppercase(), None),
        check("one", "Contoso.EXAMPLE".to_string(), None),
        check("one", "common".to_string(), None),
        check("one", "Organizations".to_string(), None),
        check("one", "consumers".to_string(), Some(500208)),
        check("one", "9188040d-6c67-4c5b-b112-36a304b66dad".to_string(), Some(90002)),
        check("one", "nowhere.example".to_string(), Some(90002)),
        check("one", "no_tenant".to_string(), Some(900023)),
        check("one", "..".to_string(), Some(900023)),
        check("two", contoso, None),
        check("two", "common".to_string(), Some(50059)),
        check("two", "organizations".to_string(), Some(50059)),
    ] {
        let at = if world == "one" { &one } else { &two };
        let answer = at.token_at(&tenant, Endpoint::V2, &fields, None, None).await;
        assert_eq!(answer.err().map(|e| e.code.number), expected, "{world} {tenant}");
    }
}

#[tokio::test]
async fn what_is_disabled_or_expired_gets_nothing() {
    let world = World::new().await;
    let (id, scope) = (WEB.to_string(), format!("{RES}/.default"));
    let later = world.later(31 * 24 * 60 * 60).await;
    let refusal = later.v2(&app_only(&id, &scope)).await.expect_err("is refused");
    check_refusal(&refusal, 7000222, "invalid_client");
    let wrong =
        [("grant_type", "client_credentials"), ("client_id", &id), ("client_secret", "x"), ("scope", &scope)];
    assert_eq!(later.v2(&wrong).await.expect_err("is refused").code.number, 7000215);

    let resource = "update service_principals set enabled = 0 where app_id like '05a65629%'";
    world.sql(resource).await;
    world.refused(Endpoint::V2, &app_only(&id, &scope), 500014, "invalid_resource").await;
    world.sql("update service_principals set enabled = 0").await;
    world.refused(Endpoint::V2, &app_only(&id, &scope), 7000112, "unauthorized_client").await;
    world.sql("delete from service_principals").await;
    world.refused(Endpoint::V2, &app_only(&id, &scope), 700016, "unauthorized_client").await;
}

#[tokio::test]
async fn a_new_role_counts_at_once_and_use_is_noted() {
    let world = World::new().await;
    world.assign(CONTOSO, WEB, Permission::SettingsRead).await;
    let roles = claims(&world.app_only().await["access_token"])["roles"].clone();
    assert_eq!(roles, json!(["investigation.read", "discovery.manage", "settings.read"]));
    for _ in 0..100 {
        if world.number("select count(*) from application_secrets where last_used is not null").await == 1 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the use of the secret was not noted");
}

/// An answer that was worked out before is given again only while everything it stands on is as it was.
#[tokio::test]
async fn a_kept_answer_dies_with_what_it_stands_on() {
    for (change, code, error) in [
        ("update service_principals set enabled = 0", 7000112, "unauthorized_client"),
        ("delete from application_secrets", 7000215, "invalid_client"),
        ("update application_secrets set ends = starts", 7000222, "invalid_client"),
    ] {
        let world = World::new().await;
        let (id, scope) = (WEB.to_string(), format!("{RES}/.default"));
        let first = world.v2(&app_only(&id, &scope)).await.expect("answers");
        let second = world.v2(&app_only(&id, &scope)).await.expect("answers");
        assert_ne!(first["access_token"], second["access_token"], "each token is its own");
        world.sql(change).await;
        let refusal = world.v2(&app_only(&id, &scope)).await.expect_err(change);
        check_refusal(&refusal, code, error);
    }
    let world = World::new().await;
    let (id, scope) = (WEB.to_string(), format!("{RES}/.default"));
    world.v2(&app_only(&id, &scope)).await.expect("answers");
    world.sql("delete from app_role_assignments").await;
    let answer = world.v2(&app_only(&id, &scope)).await.expect("answers");
    assert!(claims(&answer["access_token"]).get("roles").is_none(), "the roles were taken away");
}

/// No other request is taken for one that was answered before.
#[tokio::test]
async fn a_kept_answer_is_for_its_own_question() {
    let world = World::new().await;
    let (id, scope) = (WEB.to_string(), format!("{RES}/.default"));
    world.v2(&app_only(&id, &scope)).await.expect("answers");
    let wrong = [
        ("grant_type", "client_credentials"),
        ("client_id", &id),
        ("client_secret", "wrong"),
        ("scope", &scope),
    ];
    check_refusal(&world.v2(&wrong).await.expect_err("refused"), 7000215, "invalid_client");
    let shifted = format!("{SECRET}5:scope");
    let shifted = [
        ("grant_type", "client_credentials"),
        ("client_id", &id),
        ("client_secret", &shifted),
        ("scope", &scope),
    ];
    check_refusal(&world.v2(&shifted).await.expect_err("refused"), 7000215, "invalid_client");
    let other = world.v2(&app_only(&id, "https://graph.microsoft.com/.default")).await.expect("answers");
    assert_eq!(claims(&other["access_token"])["aud"], "https://graph.microsoft.com");
    // The end of the secret, which no change to the database announces.
    let request = TokenRequest {
        endpoint: Endpoint::V2,
        tenant: "contoso.example".to_string(),
        form: form(&app_only(&id, &scope)),
        authorization: None,
        origin: None,
        proof: None,
    };
    let Some(question) = world.authority.question(&request) else {
        assert!(world.store.version().is_none(), "only where other processes write nothing is kept");
        return;
    };
    let now = super::world::start();
    assert!(world.authority.answered(&question, now).is_some());
    let later = now.plus(std::time::Duration::from_secs(100 * 365 * 24 * 60 * 60));
    assert!(world.authority.answered(&question, later).is_none());
}
