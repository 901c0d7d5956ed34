//! What other issuers publish: their discovery document (OpenID Connect Discovery, section 4) and their keys,
//! kept for an hour, and looked up again when a token names a key that is not among them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use casbah_model::well_known_endpoint;
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

/// What an issuer publishes.
#[derive(Default)]
struct Published {
    document: Json,
    keys: Vec<IssuerKey>,
}

/// What is remembered of one issuer.
#[derive(Default)]
struct Issuer {
    published: Published,
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
        self.find_at(Instant::now(), issuer, |p| wanted.among(&p.keys), || fetch(outbound, issuer)).await
    }

    /// The issuer's discovery document.
    pub(crate) async fn document(&self, outbound: &Outbound, issuer: &str) -> Result<Json, OutboundError> {
        let there = |p: &Published| Some(p.document.clone()).filter(Json::is_object);
        let found = self.find_at(Instant::now(), issuer, there, || fetch(outbound, issuer)).await?;
        found.ok_or_else(|| OutboundError::Failed("it did not answer a moment ago".to_string()))
    }

    async fn find_at<T, W, F, R>(
        &self,
        now: Instant,
        name: &str,
        wanted: W,
        fetch: F,
    ) -> Result<Option<T>, OutboundError>
    where
        W: Fn(&Published) -> Option<T>,
        F: FnOnce() -> R,
        R: Future<Output = Result<Published, OutboundError>>,
    {
        let issuer = self.issuer(name);
        let mut issuer = issuer.lock().await;
        let age = issuer.fetched.map(|at| now.saturating_duration_since(at));
        let found = wanted(&issuer.published);
        if found.is_some() && age.is_some_and(|age| age < FRESH) {
            return Ok(found);
        }
        let usable = |found: Option<T>| found.filter(|_| age.is_some_and(|age| age < STALE));
        if issuer.tried.is_some_and(|at| now.saturating_duration_since(at) < LOOK_AGAIN) {
            return match issuer.fetched {
                Some(_) => Ok(usable(found)),
                None => Err(OutboundError::Failed("it did not answer a moment ago".to_string())),
            };
        }
        issuer.tried = Some(now);
        match fetch().await {
            Ok(published) => {
                issuer.published = published;
                issuer.fetched = Some(now);
                Ok(wanted(&issuer.published))
            }
            Err(error) => match usable(found) {
                Some(old) => {
                    tracing::warn!(issuer = name, %error, "what an issuer publishes was not refreshed");
                    Ok(Some(old))
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

async fn fetch(outbound: &Outbound, issuer: &str) -> Result<Published, OutboundError> {
    let failed = |why: &str| OutboundError::Failed(why.to_string());
    let document = json(outbound, &well_known_endpoint(issuer)).await?;
    // Section 4.3: the document must be this issuer's own.
    if document.get("issuer").and_then(Json::as_str) != Some(issuer) {
        return Err(failed("the discovery document names another issuer"));
    }
    let keys = document.get("jwks_uri").and_then(Json::as_str);
    let keys =
        json(outbound, keys.ok_or_else(|| failed("the discovery document names no jwks_uri"))?).await?;
    let keys =
        keys.get("keys").and_then(Json::as_array).ok_or_else(|| failed("the key document has no keys"))?;
    let keys = keys.iter().take(MOST_KEYS).filter_map(IssuerKey::of_jwk).collect();
    Ok(Published { document, keys })
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
