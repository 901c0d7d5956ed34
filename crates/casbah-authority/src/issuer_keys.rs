//! The keys of other issuers: found by their discovery document (OpenID Connect Discovery, section 4),
//! kept for an hour, and looked up again when a token names a key that is not among them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use crate::outbound::{Outbound, OutboundError};
use crate::signature::{Algorithm, PublicKey};

/// Keys are believed for this long without another look.
const FRESH: Duration = Duration::from_secs(60 * 60);
/// Keys are still believed for this long while the issuer does not answer.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);
/// An unknown key, or a failure, makes us look again, but not more often than this: anyone can send one.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// Issuers remembered; forgetting one costs another look.
const MOST_ISSUERS: usize = 1000;
/// Keys of one issuer that are looked at.
const MOST_KEYS: usize = 100;

/// A published key.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct IssuerKey {
    id: Option<String>,
    algorithm: Option<String>,
    pub(crate) key: PublicKey,
}

impl IssuerKey {
    fn of_jwk(jwk: &Json) -> Option<IssuerKey> {
        let text = |name: &str| jwk.get(name).and_then(Json::as_str).map(str::to_string);
        let key = PublicKey::of_jwk(jwk).filter(PublicKey::is_usable)?;
        Some(IssuerKey { id: text("kid"), algorithm: text("alg"), key })
    }
}

/// What is remembered of one issuer.
#[derive(Default)]
struct Issuer {
    keys: Vec<IssuerKey>,
    fetched: Option<Instant>,
    tried: Option<Instant>,
}

/// The issuers that this node has looked up.
#[derive(Default)]
pub(crate) struct IssuerKeys {
    /// Each is held while it is looked up, so that a hundred requests at once look once.
    issuers: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Issuer>>>>,
}

impl IssuerKeys {
    /// The issuer's key with that id; its only key when the token names none. None when it has none such.
    pub(crate) async fn find(
        &self,
        outbound: &Outbound,
        issuer: &str,
        key_id: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<Option<PublicKey>, OutboundError> {
        let wanted = Wanted { key_id, algorithm };
        self.find_at(Instant::now(), issuer, wanted, || fetch(outbound, issuer)).await
    }

    async fn find_at<F, R>(
        &self,
        now: Instant,
        name: &str,
        wanted: Wanted<'_>,
        fetch: F,
    ) -> Result<Option<PublicKey>, OutboundError>
    where
        F: FnOnce() -> R,
        R: Future<Output = Result<Vec<IssuerKey>, OutboundError>>,
    {
        let issuer = self.issuer(name);
        let mut issuer = issuer.lock().await;
        let age = issuer.fetched.map(|at| now.saturating_duration_since(at));
        let found = wanted.among(&issuer.keys);
        if found.is_some() && age.is_some_and(|age| age < FRESH) {
            return Ok(found);
        }
        let usable = |found: Option<PublicKey>| found.filter(|_| age.is_some_and(|age| age < STALE));
        if issuer.tried.is_some_and(|at| now.saturating_duration_since(at) < LOOK_AGAIN) {
            return match issuer.fetched {
                Some(_) => Ok(usable(found)),
                None => Err(OutboundError::Failed("it did not answer a moment ago".to_string())),
            };
        }
        issuer.tried = Some(now);
        match fetch().await {
            Ok(keys) => {
                issuer.keys = keys;
                issuer.fetched = Some(now);
                Ok(wanted.among(&issuer.keys))
            }
            Err(error) => match usable(found) {
                Some(key) => {
                    tracing::warn!(issuer = name, %error, "the keys of an issuer were not refreshed");
                    Ok(Some(key))
                }
                None => Err(error),
            },
        }
    }

    fn issuer(&self, name: &str) -> Arc<tokio::sync::Mutex<Issuer>> {
        let mut issuers = self.issuers.lock().unwrap_or_else(PoisonError::into_inner);
        if issuers.len() >= MOST_ISSUERS && !issuers.contains_key(name) {
            issuers.clear();
        }
        Arc::clone(issuers.entry(name.to_string()).or_default())
    }
}

/// What a token's header says about its key.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    key_id: Option<&'a str>,
    algorithm: Algorithm,
}

impl Wanted<'_> {
    fn among(self, keys: &[IssuerKey]) -> Option<PublicKey> {
        let fits = |key: &&IssuerKey| key.algorithm.as_ref().is_none_or(|a| a == self.algorithm.name());
        match self.key_id {
            Some(id) => keys.iter().filter(fits).find(|key| key.id.as_deref() == Some(id)),
            None => keys.first().filter(|_| keys.len() == 1).filter(fits),
        }
        .map(|key| key.key.clone())
    }
}

async fn fetch(outbound: &Outbound, issuer: &str) -> Result<Vec<IssuerKey>, OutboundError> {
    let failed = |why: &str| OutboundError::Failed(why.to_string());
    let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let document = json(outbound, &address).await?;
    // Section 4.3: the document must be this issuer's own.
    if document.get("issuer").and_then(Json::as_str) != Some(issuer) {
        return Err(failed("the discovery document names another issuer"));
    }
    let keys = document.get("jwks_uri").and_then(Json::as_str);
    let keys =
        json(outbound, keys.ok_or_else(|| failed("the discovery document names no jwks_uri"))?).await?;
    let keys =
        keys.get("keys").and_then(Json::as_array).ok_or_else(|| failed("the key document has no keys"))?;
    Ok(keys.iter().take(MOST_KEYS).filter_map(IssuerKey::of_jwk).collect())
}

async fn json(outbound: &Outbound, address: &str) -> Result<Json, OutboundError> {
    let answer = outbound.get(address).await?;
    if answer.status != 200 {
        return Err(OutboundError::Failed(format!("{address} answered with the status {}", answer.status)));
    }
    serde_json::from_slice(&answer.body)
        .map_err(|_| OutboundError::Failed(format!("{address} did not answer with JSON")))
}

#[cfg(test)]
mod tests;
