use std::cell::Cell;
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use super::{IssuerKey, IssuerKeys, Published, Wanted};
use crate::outbound::OutboundError;
use crate::signature::{Algorithm, PublicKey};

fn key(id: &str) -> IssuerKey {
    IssuerKey { id: Some(id.to_string()), algorithm: None, key: PublicKey::P256(id.as_bytes().to_vec()) }
}

fn found(id: &str) -> Option<PublicKey> {
    Some(key(id).key)
}

fn wanted(key_id: Option<&str>) -> Wanted<'_> {
    Wanted { key_id, algorithm: Algorithm::Rs256 }
}

/// Looks for a key at a time, with an issuer that publishes some or does not answer; says what was found
/// (an error is `Err`) and whether the issuer was asked.
async fn look(
    keys: &IssuerKeys,
    at: Instant,
    id: &str,
    published: Option<&[&str]>,
) -> (Result<Option<PublicKey>, ()>, bool) {
    let asked = Cell::new(false);
    let fetch = || {
        asked.set(true);
        let answer = match published {
            Some(ids) => Ok(Published { document: Json::Null, keys: ids.iter().map(|id| key(id)).collect() }),
            None => Err(OutboundError::Failed("no answer".to_string())),
        };
        std::future::ready(answer)
    };
    let seek = |published: &Published| wanted(Some(id)).among(&published.keys);
    let result = keys.find_at(at, "https://issuer.example", seek, fetch).await;
    (result.map_err(drop), asked.get())
}

#[tokio::test]
async fn keys_are_kept_and_looked_up_again_in_measure() {
    let (keys, start) = (IssuerKeys::default(), Instant::now());
    let at = |seconds: u64| start + Duration::from_secs(seconds);
    assert_eq!(look(&keys, at(0), "a", Some(&["a"])).await, (Ok(found("a")), true));
    assert_eq!(look(&keys, at(3599), "a", None).await, (Ok(found("a")), false));
    // A key that is not known makes us look, but not again and again.
    assert_eq!(look(&keys, at(40), "b", Some(&["a"])).await, (Ok(None), true));
    assert_eq!(look(&keys, at(69), "b", Some(&["a", "b"])).await, (Ok(None), false));
    assert_eq!(look(&keys, at(70), "b", Some(&["a", "b"])).await, (Ok(found("b")), true));
    // After an hour the issuer is asked; while it does not answer, the old keys do for a day.
    assert_eq!(look(&keys, at(4000), "a", None).await, (Ok(found("a")), true));
    assert_eq!(look(&keys, at(4010), "a", None).await, (Ok(found("a")), false));
    assert_eq!(look(&keys, at(86_000), "b", None).await, (Ok(found("b")), true));
    assert_eq!(look(&keys, at(90_000), "a", None).await, (Err(()), true));
    assert_eq!(look(&keys, at(90_001), "a", Some(&["a"])).await, (Ok(None), false));
    // What the issuer no longer publishes is no key any more.
    assert_eq!(look(&keys, at(90_100), "a", Some(&["c"])).await, (Ok(None), true));
}

#[tokio::test]
async fn an_issuer_that_never_answered_is_not_asked_at_once_again() {
    let (keys, start) = (IssuerKeys::default(), Instant::now());
    assert_eq!(look(&keys, start, "a", None).await, (Err(()), true));
    assert_eq!(look(&keys, start + Duration::from_secs(29), "a", Some(&["a"])).await, (Err(()), false));
    assert_eq!(look(&keys, start + Duration::from_secs(31), "a", Some(&["a"])).await, (Ok(found("a")), true));
}

#[test]
fn a_token_without_a_key_id_means_the_only_key() {
    let one = [key("a")];
    let two = [key("a"), key("b")];
    assert_eq!(wanted(None).among(&one), found("a"));
    assert_eq!(wanted(None).among(&two), None);
    assert_eq!(wanted(Some("A")).among(&one), None);
    let other = [IssuerKey { algorithm: Some("ES256".to_string()), ..key("a") }];
    assert_eq!(wanted(Some("a")).among(&other), None);
}
