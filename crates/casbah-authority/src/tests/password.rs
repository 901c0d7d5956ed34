use std::sync::Arc;

use super::world::{
    BASE, CONTOSO, DESKTOP, OTHER, PASSWORD, SECRET, WEB, World, check_refusal, claims, user_id,
};
use crate::Endpoint;

const RES: &str = "05a65629-4c1b-48c1-a78b-804c4abdd4af";
const V2: Endpoint = Endpoint::V2;

fn fields<'a>(client: &'a str, name: &'a str, password: &'a str, scope: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("grant_type", "password"),
        ("client_id", client),
        ("username", name),
        ("password", password),
        ("scope", scope),
        ("client_info", "1"),
    ]
}

#[tokio::test]
async fn the_v2_answer_echoes_what_was_asked() {
    let world = World::new().await;
    let world = &world;
    let answer = |scope: String| async move { world.password("alice", &scope).await };
    let named = answer(format!("{RES}/Investigation.read openid profile offline_access")).await;
    assert_eq!(named["scope"], format!("{RES}/Investigation.read {RES}/investigation.manage openid profile"));
    assert!(named["id_token"].is_string() && named["refresh_token"].is_string());
    let scp = claims(&named["access_token"])["scp"].clone();
    assert_eq!(scp, "investigation.manage investigation.read");

    let default = answer(format!("{RES}/.default")).await;
    assert_eq!(
        default["scope"],
        format!("{RES}/investigation.manage {RES}/investigation.read {RES}/.default")
    );
    assert!(default.get("id_token").is_none() && default.get("refresh_token").is_none());
    assert!(default.get("client_info").is_none());

    let oidc = answer("openid email".to_string()).await;
    assert_eq!(oidc["scope"], "openid email");
    assert_eq!(claims(&oidc["access_token"])["aud"], "00000003-0000-0000-c000-000000000000");
    assert_eq!(claims(&oidc["id_token"])["email"], "alice@mail.example");
}

#[tokio::test]
async fn tokens_say_who_and_through_what() {
    let world = World::new().await;
    let id = DESKTOP.to_string();
    let scope = format!("{RES}/.default openid");
    let answer = world.v2(&fields(&id, "ALICE@contoso.example", PASSWORD, &scope)).await.expect("answers");
    let access = claims(&answer["access_token"]);
    assert_eq!((access["idtyp"].as_str(), access["appidacr"].as_str()), (Some("user"), Some("0")));
    assert_eq!(access["upn"], "alice@contoso.example");
    assert_eq!(access["oid"], user_id("alice").to_string());
    assert_eq!(access["amr"], serde_json::json!(["pwd"]));
    assert!(access.get("roles").is_none());
    let identity = claims(&answer["id_token"]);
    assert_eq!(identity["aud"], id);
    assert_eq!(identity["iss"], format!("{BASE}/{CONTOSO}/v2.0"));
    assert_eq!(identity["preferred_username"], "alice@contoso.example");
    assert!(identity.get("nonce").is_none() && identity.get("idtyp").is_none());
    let (one, other) = (identity["sub"].as_str().expect("text"), access["sub"].as_str().expect("text"));
    assert_eq!((one.len(), other.len()), (43, 43));
    assert_ne!(one, other, "subjects are pairwise");
    let client_info = answer["client_info"].as_str().expect("text");
    let decoded = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, client_info);
    let expected = format!(r#"{{"uid":"{}","utid":"{CONTOSO}"}}"#, user_id("alice"));
    assert_eq!(decoded.expect("base64url"), expected.as_bytes());
}

#[tokio::test]
async fn the_v1_answer_always_has_all_tokens() {
    let world = World::new().await;
    let id = DESKTOP.to_string();
    for asked in [("resource", RES.to_string()), ("scope", format!("{RES}/Investigation.read"))] {
        let answer = world
            .v1(&[
                ("grant_type", "password"),
                ("client_id", &id),
                ("username", "alice@contoso.example"),
                ("password", PASSWORD),
                (asked.0, &asked.1),
            ])
            .await
            .expect("answers");
        assert!(answer["id_token"].is_string() && answer["refresh_token"].is_string());
        assert_eq!((answer["resource"].as_str(), answer["expires_in"].as_str()), (Some(RES), Some("3599")));
        let scope = answer["scope"].as_str().expect("text").to_ascii_lowercase();
        let mut words: Vec<&str> = scope.split(' ').collect();
        words.sort_unstable();
        assert_eq!(words, ["investigation.manage", "investigation.read"]);
        assert_eq!(claims(&answer["id_token"])["upn"], "alice@contoso.example");
        assert_eq!(claims(&answer["id_token"])["iss"], format!("{BASE}/{CONTOSO}/"));
    }
}

#[tokio::test]
async fn bad_requests_get_their_codes() {
    let world = World::new().await;
    let (desktop, web, other) = (DESKTOP.to_string(), WEB.to_string(), OTHER.to_string());
    let (name, scope) = ("alice@contoso.example", format!("{RES}/.default"));
    let two = format!("{RES}/.default User.Read");
    let mixed = format!("{RES}/.default {RES}/Investigation.read");
    let lacking = format!("{RES}/Settings.manage");
    let wrong = format!("{RES}/No.such");

    world.refused(V2, &fields(&desktop, name, "wrong", &scope), 50126, "invalid_grant").await;
    world.refused(V2, &fields(&desktop, "nobody@contoso.example", "x", &scope), 50126, "invalid_grant").await;
    world.refused(V2, &fields(&desktop, name, "", &scope), 900144, "invalid_request").await;
    world.refused(V2, &fields(&desktop, "", PASSWORD, &scope), 900144, "invalid_request").await;
    world.refused(V2, &fields(&desktop, name, PASSWORD, ""), 900144, "invalid_request").await;
    world.refused(V2, &fields(&web, name, PASSWORD, &scope), 7000218, "invalid_client").await;
    world.refused(V2, &fields(&desktop, name, PASSWORD, &two), 700022, "invalid_scope").await;
    world.refused(V2, &fields(&desktop, name, PASSWORD, &mixed), 70011, "invalid_scope").await;
    world.refused(V2, &fields(&desktop, name, PASSWORD, &wrong), 70011, "invalid_scope").await;
    world.refused(V2, &fields(&desktop, name, PASSWORD, &lacking), 65001, "invalid_grant").await;
    let refusal = world.v2(&fields(&desktop, name, PASSWORD, &lacking)).await.expect_err("is refused");
    assert_eq!(refusal.suberror, Some("consent_required"));
    let mut unconsented = fields(&other, name, PASSWORD, &scope);
    unconsented.push(("client_secret", SECRET));
    world.refused(V2, &unconsented, 65001, "invalid_grant").await;
    for tenant in ["common", "consumers"] {
        let refusal = world.token_at(tenant, V2, &fields(&desktop, name, PASSWORD, &scope), None, None).await;
        check_refusal(&refusal.expect_err("is refused"), 9001023, "invalid_request");
    }
    world.sql("update users set enabled = 0 where name_key like 'alice@%'").await;
    world.refused(V2, &fields(&desktop, name, PASSWORD, &scope), 50057, "invalid_grant").await;
    world.refused(V2, &fields(&desktop, name, "wrong", &scope), 50126, "invalid_grant").await;
}

#[tokio::test]
async fn organizations_finds_the_tenant_by_the_name() {
    let world = World::with_two_tenants().await;
    let (id, scope) = (DESKTOP.to_string(), format!("{RES}/.default"));
    let form = fields(&id, "bob@fabrikam.example", PASSWORD, &scope);
    let answer = world.token_at("organizations", V2, &form, None, None).await.expect("answers");
    assert_eq!(claims(&answer["access_token"])["tid"], super::world::FABRIKAM.to_string());
    let elsewhere = world.token_at("contoso.example", V2, &form, None, None).await;
    assert_eq!(elsewhere.expect_err("is refused").code.number, 50126);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_guesses_are_worth_no_more_than_ten() {
    let world = Arc::new(World::new().await);
    for name in ["alice@contoso.example", "nobody@contoso.example"] {
        let mut guesses = tokio::task::JoinSet::new();
        for _ in 0..40 {
            let world = Arc::clone(&world);
            guesses.spawn(async move { world.try_sign_in("contoso.example", name, "wrong").await.map(drop) });
        }
        let codes: Vec<u32> =
            guesses.join_all().await.into_iter().map(|r| r.expect_err("wrong").code.number).collect();
        assert_eq!(codes.iter().filter(|code| **code == 50126).count(), 10, "{name}: {codes:?}");
        assert_eq!(codes.iter().filter(|code| **code == 50053).count(), 30, "{name}: {codes:?}");
    }
    // Locked for the right password, too; a minute later it works, and the count starts anew.
    let right = |world: World| async move {
        world.try_sign_in("contoso.example", "alice@contoso.example", PASSWORD).await
    };
    assert_eq!(right(world.later(1).await).await.expect_err("locked").code.number, 50053);
    assert!(right(world.later(61).await).await.is_ok());
    assert_eq!(
        world
            .number(
                "select count(*) from sign_in_attempts where count > 0 and account in (select id from users)"
            )
            .await,
        0
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_right_passwords_at_once_lock_nobody() {
    let world = Arc::new(World::new().await);
    let mut sign_ins = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let world = Arc::clone(&world);
        sign_ins.spawn(async move {
            world.try_sign_in("common", "bob@contoso.example", PASSWORD).await.map(drop)
        });
    }
    assert!(sign_ins.join_all().await.iter().all(Result::is_ok));
}
