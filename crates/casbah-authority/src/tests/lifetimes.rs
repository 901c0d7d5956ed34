use casbah_model::{TenantSettings, TokenLifetimes};
use casbah_store::tenant_settings;
use serde_json::Value as Json;

use super::world::{CONTOSO, DESKTOP, World, check_refusal, claims};
use crate::{OAuthError, codes};

const DAY: u64 = 24 * 60 * 60;
const SCOPE: &str = "05a65629-4c1b-48c1-a78b-804c4abdd4af/.default openid offline_access";

async fn set(world: &World, tokens: TokenLifetimes) {
    let settings = TenantSettings { tokens, ..TenantSettings::default() };
    let save = world.store.write(move |tx| tenant_settings::save(tx, CONTOSO, &settings)).await;
    save.expect("is saved");
}

async fn refresh(world: &World, answer: &Json) -> Result<Json, OAuthError> {
    let id = DESKTOP.to_string();
    let token = answer["refresh_token"].as_str().expect("text");
    world.v2(&[("grant_type", "refresh_token"), ("client_id", &id), ("refresh_token", token)]).await
}

async fn refused(world: &World, answer: &Json, code: u32) -> OAuthError {
    let refusal = refresh(world, answer).await.expect_err("is refused");
    check_refusal(&refusal, code, "invalid_grant");
    refusal
}

fn life(token: &Json) -> i64 {
    let claims = claims(token);
    claims["exp"].as_i64().expect("a number") - claims["iat"].as_i64().expect("a number")
}

#[tokio::test]
async fn access_and_id_tokens_live_as_the_tenant_says_from_the_next_token_on() {
    let world = World::new().await;
    let usual = world.password("alice", SCOPE).await;
    assert_eq!((life(&usual["access_token"]), life(&usual["id_token"])), (3599, 3599));
    set(&world, TokenLifetimes { access_token: 600, id_token: 900, ..TokenLifetimes::default() }).await;
    let fresh = refresh(&world, &usual).await.expect("answers");
    assert_eq!((life(&fresh["access_token"]), life(&fresh["id_token"])), (600, 900));
    assert_eq!(fresh["expires_in"], 600);
    assert_eq!(fresh["ext_expires_in"], 600);
    let app_only = world.app_only().await;
    assert_eq!((life(&app_only["access_token"]), app_only["expires_in"].as_i64()), (600, Some(600)));
}

#[tokio::test]
async fn an_unused_refresh_token_ends() {
    let world = World::new().await;
    let first = world.password("alice", SCOPE).await;
    refused(&world.later(90 * DAY).await, &first, 700082).await;
    // Use keeps it alive.
    let second = refresh(&world.later(89 * DAY).await, &first).await.expect("answers");
    let third = refresh(&world.later(178 * DAY).await, &second).await.expect("answers");
    // Tightened, the limit counts for what was issued before.
    set(&world, TokenLifetimes { refresh_token_inactive: 3600, ..TokenLifetimes::default() }).await;
    refused(&world.later(178 * DAY + 3600).await, &third, 700082).await;
    let fourth = refresh(&world.later(178 * DAY + 3599).await, &third).await.expect("answers");
    // Relaxed, it does not bring back what was issued to end earlier.
    set(&world, TokenLifetimes::default()).await;
    refused(&world.later(178 * DAY + 3 * 3600).await, &fourth, 700082).await;
}

#[tokio::test]
async fn use_does_not_carry_a_refresh_token_over_the_absolute_end() {
    let world = World::new().await;
    let week = TokenLifetimes { refresh_token_absolute: Some(7 * 86_400), ..TokenLifetimes::default() };
    set(&world, week).await;
    let first = world.password("alice", SCOPE).await;
    let second = refresh(&world.later(6 * DAY).await, &first).await.expect("answers");
    let ended = world.later(7 * DAY).await;
    let refusal = refused(&ended, &second, 70043).await;
    assert_eq!((refusal.suberror, refusal.code), (Some("bad_token"), codes::SIGN_IN_TOO_OLD));
    assert!(refresh(&world.later(7 * DAY - 1).await, &second).await.is_ok());
}

/// OWASP ASVS 10.4: without any setting a sign-in ends after a year, however often its tokens are used; a
/// tenant can say that it never does.
#[tokio::test]
async fn a_sign_in_lasts_for_a_year_at_most_unless_the_tenant_says_otherwise() {
    let world = World::new().await;
    let used_until_day_320 = async || {
        let mut newest = world.password("alice", SCOPE).await;
        for time in 1..=4 {
            newest = refresh(&world.later(time * 80 * DAY).await, &newest).await.expect("answers");
        }
        newest
    };
    let newest = used_until_day_320().await;
    refused(&world.later(365 * DAY).await, &newest, 70043).await;
    assert!(refresh(&world.later(365 * DAY - 1).await, &newest).await.is_ok());
    set(&world, TokenLifetimes { refresh_token_absolute: None, ..TokenLifetimes::default() }).await;
    let newest = used_until_day_320().await;
    let newest = refresh(&world.later(400 * DAY).await, &newest).await.expect("answers");
    assert!(refresh(&world.later(480 * DAY).await, &newest).await.is_ok());
}
