//! Signing keys that an administrator rotates or withdraws.

use serde_json::Value as Json;

use super::world::{World, part};
use crate::{Audience, Endpoint, InSameTransaction, KeyError, KeyState, KeySummary, Pace, Refusal};

const HOUR: u64 = 60 * 60;
const DAY: u64 = 24 * HOUR;

fn no_record() -> Box<InSameTransaction> {
    Box::new(|_, _, _| Ok(()))
}

/// The ids of the next key, the one that signs, and those that only verify.
fn states(keys: &[KeySummary]) -> (Vec<&str>, Vec<&str>, Vec<&str>) {
    let with = |state| keys.iter().filter(|k| k.state == state).map(|k| k.id.as_str()).collect::<Vec<_>>();
    (with(KeyState::Next), with(KeyState::Signing), with(KeyState::Verifying))
}

async fn world() -> World {
    let world = World::new().await;
    assert!(world.authority.rotate_if_due().await.expect("rotates"));
    world
}

async fn list(world: &World) -> Vec<KeySummary> {
    world.authority.list_keys().await.expect("lists")
}

fn key_of(answer: &Json) -> String {
    part(&answer["access_token"], 0)["kid"].as_str().expect("text").to_string()
}

/// An answer with a token that is signed now.
async fn token(world: &World) -> Json {
    world.password("alice", "05a65629-4c1b-48c1-a78b-804c4abdd4af/.default offline_access").await
}

async fn opens(world: &World, answer: &Json) -> Result<(), Refusal> {
    let token = answer["access_token"].as_str().expect("text");
    world.authority.verify_access_token(token, Audience::CloudApps).await.map(drop)
}

async fn published(world: &World) -> Vec<String> {
    let document = world.authority.key_document(Endpoint::V2).await.expect("answers");
    let keys = document["keys"].as_array().expect("a list").clone();
    keys.iter().map(|key| key["kid"].as_str().expect("text").to_string()).collect()
}

#[tokio::test]
async fn the_usual_rotation_waits_until_clients_have_seen_the_next_key() {
    let world = world().await;
    let before = list(&world).await;
    let (next, signing, _) = states(&before);
    let first = token(&world).await;
    assert_eq!(key_of(&first), signing[0]);
    let after = world.authority.rotate_keys(Pace::Published, no_record()).await.expect("rotates");
    // Just published: it takes over after 26 hours, not after 45 days.
    assert_eq!(states(&after).0, next);
    assert_eq!(key_of(&token(&world).await), signing[0]);
    assert_eq!(key_of(&token(&world.later(26 * HOUR - 1).await).await), signing[0]);
    let taken_over = world.later(26 * HOUR).await;
    assert_eq!(key_of(&token(&taken_over).await), next[0]);
    assert_eq!(published(&taken_over).await.len(), 2);

    // A key that has been published long enough takes over at once, and another stands behind it.
    let later = world.later(30 * DAY).await;
    later.authority.rotate_if_due().await.expect("rotates");
    let later = world.later(32 * DAY).await;
    let keys = list(&later).await;
    let (next, signing, _) = states(&keys);
    let last_token = token(&later).await;
    let after = later.authority.rotate_keys(Pace::Published, no_record()).await.expect("rotates");
    let (third, now_signing, verifying) = states(&after);
    assert_eq!((now_signing, verifying), (next.clone(), signing.clone()));
    assert!(third.len() == 1 && !keys.iter().any(|key| key.id == third[0]));
    assert_eq!(key_of(&token(&later).await), next[0]);
    opens(&later, &last_token).await.expect("is still good");
    // The old key stays until 48 hours after the last token that anybody can have had from it.
    let old = signing[0].to_string();
    assert!(published(&world.later(32 * DAY + 72 * HOUR).await).await.contains(&old));
    assert!(!published(&world.later(32 * DAY + 72 * HOUR + 1).await).await.contains(&old));
}

#[tokio::test]
async fn in_an_emergency_the_next_key_takes_over_at_once_and_nobody_is_signed_out() {
    let world = world().await;
    let keys = list(&world).await;
    let (next, signing, _) = states(&keys);
    let answer =
        world.password("alice", "05a65629-4c1b-48c1-a78b-804c4abdd4af/.default offline_access").await;
    let after = world.authority.rotate_keys(Pace::Now, no_record()).await.expect("rotates");
    assert_eq!((states(&after).1, states(&after).2), (next.clone(), signing.clone()));
    assert_eq!(published(&world).await.len(), 3);
    assert_eq!(key_of(&token(&world).await), next[0]);
    opens(&world, &answer).await.expect("is still good");

    // Withdrawn, the old key verifies nothing any more; refresh tokens live on.
    let old = signing[0].to_string();
    let left = world.authority.revoke_key(old.clone(), no_record()).await.expect("is revoked");
    assert!(left.len() == 2 && !left.iter().any(|key| key.id == old));
    assert!(!published(&world).await.contains(&old));
    assert!(matches!(opens(&world, &answer).await, Err(Refusal::UnknownKey)));
    let id = super::world::DESKTOP.to_string();
    let refresh = [
        ("grant_type", "refresh_token"),
        ("client_id", id.as_str()),
        ("refresh_token", answer["refresh_token"].as_str().expect("text")),
    ];
    let fresh = world.v2(&refresh).await.expect("answers");
    opens(&world, &fresh).await.expect("is good");
    let again = world.authority.revoke_key(old, no_record()).await;
    assert!(matches!(again, Err(KeyError::NoSuchKey)));
}

#[tokio::test]
async fn a_key_is_replaced_when_it_is_withdrawn() {
    let world = world().await;
    // The one that signs: the next takes over, and there is a next again.
    let keys = list(&world).await;
    let (next, signing, _) = states(&keys);
    let after = world.authority.revoke_key(signing[0].to_string(), no_record()).await.expect("is revoked");
    assert_eq!(states(&after).1, next);
    assert_eq!(states(&after).0.len(), 1);
    assert_eq!(key_of(&token(&world).await), next[0]);
    // The next one: another takes its place, published long enough before it signs.
    let doomed = states(&after).0[0].to_string();
    let after = world.authority.revoke_key(doomed.clone(), no_record()).await.expect("is revoked");
    let (replaced, still, _) = states(&after);
    assert!(replaced.len() == 1 && replaced[0] != doomed && still == next);
    // Alone, as right after the first start.
    let lonely = World::new().await;
    let only = list(&lonely).await[0].id.clone();
    let after = lonely.authority.revoke_key(only.clone(), no_record()).await.expect("is revoked");
    assert!(after.len() == 2 && !after.iter().any(|key| key.id == only));
    token(&lonely).await;
}

#[tokio::test]
async fn what_is_recorded_is_part_of_the_change() {
    let world = world().await;
    let refuse: Box<InSameTransaction> = Box::new(|_, before, after| {
        assert_eq!((before.len(), after.len()), (2, 3));
        Err(casbah_store::Error::Shape("no".into()))
    });
    let before = list(&world).await;
    assert!(world.authority.rotate_keys(Pace::Now, refuse).await.is_err());
    assert_eq!(list(&world).await, before);
}
