use std::sync::Arc;

use serde_json::Value as Json;

use super::world::{DESKTOP, OTHER, SECRET, SPA, World, check_refusal, claims};
use crate::{Audience, Endpoint, OAuthError};

const RES: &str = "05a65629-4c1b-48c1-a78b-804c4abdd4af";
const V2: Endpoint = Endpoint::V2;

async fn refresh(world: &World, token: &Json, scope: Option<&str>) -> Result<Json, OAuthError> {
    let id = DESKTOP.to_string();
    let mut fields = vec![
        ("grant_type", "refresh_token"),
        ("client_id", &id),
        ("refresh_token", token["refresh_token"].as_str().expect("text")),
        ("client_info", "1"),
    ];
    fields.extend(scope.map(|scope| ("scope", scope)));
    world.v2(&fields).await
}

async fn first(world: &World) -> Json {
    world.password("alice", &format!("{RES}/.default openid profile offline_access")).await
}

#[tokio::test]
async fn each_use_gives_a_new_token_and_the_same_scopes() {
    let world = World::new().await;
    let one = first(&world).await;
    let two = refresh(&world, &one, None).await.expect("answers");
    assert_ne!(one["refresh_token"], two["refresh_token"]);
    assert_eq!(one["scope"], two["scope"]);
    assert!(two["id_token"].is_string() && two["client_info"].is_string());
    let family = |answer: &Json| claims(&answer["access_token"])["rh"].clone();
    assert_eq!(family(&one), family(&two));
    // Other resources, if consented; the first of two counts.
    let asked = format!("openid {RES}/Investigation.read User.Read offline_access");
    let three = refresh(&world, &two, Some(&asked)).await.expect("answers");
    assert_eq!(claims(&three["access_token"])["aud"], RES);
    let wider =
        refresh(&world, &three, Some(&format!("{RES}/Settings.manage"))).await.expect_err("is refused");
    check_refusal(&wider, 65001, "invalid_grant");
    // The refusal did not use the token up.
    assert!(refresh(&world, &three, None).await.is_ok());
}

#[tokio::test]
async fn a_used_token_ends_the_family() {
    let world = World::new().await;
    let one = first(&world).await;
    let two = refresh(&world, &one, None).await.expect("answers");
    let again = refresh(&world, &one, None).await.expect_err("is refused");
    check_refusal(&again, 70000, "invalid_grant");
    assert_eq!(again.suberror, Some("bad_token"));
    check_refusal(&refresh(&world, &two, None).await.expect_err("is refused"), 50173, "invalid_grant");
    let token = two["access_token"].as_str().expect("text");
    assert!(world.authority.verify_access_token(token, Audience::CloudApps).await.is_err());
    // Another sign-in of the same user is another family.
    assert!(refresh(&world, &first(&world).await, None).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_race_has_one_winner_and_then_all_is_over() {
    let world = Arc::new(World::new().await);
    for _ in 0..3 {
        let one = first(&world).await;
        let mut racers = tokio::task::JoinSet::new();
        for _ in 0..64 {
            let (world, one) = (Arc::clone(&world), one.clone());
            racers.spawn(async move { refresh(&world, &one, None).await });
        }
        let results = racers.join_all().await;
        let winners: Vec<&Json> = results.iter().filter_map(|r| r.as_ref().ok()).collect();
        assert_eq!(winners.len(), 1);
        assert!(refresh(&world, winners[0], None).await.is_err());
    }
}

#[tokio::test]
async fn tokens_are_bound_to_client_and_time_and_user() {
    let world = World::new().await;
    let one = first(&world).await;
    let text = one["refresh_token"].as_str().expect("text");
    let (other, spa) = (OTHER.to_string(), SPA.to_string());
    let foreign = [
        ("grant_type", "refresh_token"),
        ("client_id", other.as_str()),
        ("client_secret", SECRET),
        ("refresh_token", text),
    ];
    world.refused(V2, &foreign, 70000, "invalid_grant").await;
    let public = [("grant_type", "refresh_token"), ("client_id", spa.as_str()), ("refresh_token", text)];
    world.refused(V2, &public, 70000, "invalid_grant").await;
    let id = DESKTOP.to_string();
    let nonsense = [("grant_type", "refresh_token"), ("client_id", id.as_str()), ("refresh_token", "1.Ax")];
    world.refused(V2, &nonsense, 70000, "invalid_grant").await;
    let late = refresh(&world.later(91 * 24 * 60 * 60).await, &one, None).await.expect_err("is refused");
    check_refusal(&late, 700082, "invalid_grant");
    let access = world.authority.verify_access_token(text, Audience::CloudApps).await;
    assert!(access.is_err(), "a refresh token is no access token");

    world.sql("update users set enabled = 0").await;
    check_refusal(&refresh(&world, &one, None).await.expect_err("is refused"), 50057, "invalid_grant");
    world.sql("update users set enabled = 1, sessions_valid_from = sessions_valid_from + 3600001").await;
    check_refusal(&refresh(&world, &one, None).await.expect_err("is refused"), 50173, "invalid_grant");
    world.sql("update users set sessions_valid_from = 0").await;
    world.sql("delete from permission_grants").await;
    let refusal = refresh(&world, &one, None).await.expect_err("is refused");
    check_refusal(&refusal, 65001, "invalid_grant");
}
