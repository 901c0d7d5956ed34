//! Proof of possession (DPoP, RFC 9449): who shows a token also shows that a key is in hand.
//!
//! A proof is a small token that the client signs for each request with a key of its own, whose public
//! half stands in the proof. We never ask for a nonce: the libraries that speak DPoP today cannot answer
//! that question. Instead each proof is good for one use within a few minutes.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use casbah_model::{Secret, TenantId, Timestamp};
use casbah_store::{Tx, used_proofs};
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value as Json};
use url::Url;

use crate::codes;
use crate::error::OAuthError;

/// The signatures that a proof may have, for the metadata.
pub const ALGORITHMS: &[&str] = &["ES256", "RS256", "PS256", "EdDSA"];
/// How old a proof may be, and how far ahead of ours its maker's clock, in seconds.
const WINDOW: i64 = 5 * 60;
/// The longest proof we look at; one with an RSA key of 4096 bits is half as long.
const LONGEST: usize = 4 * 1024;
/// Members of a JSON web key that only the key's holder knows.
const PRIVATE: &[&str] = &["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A proof as it came with a request, and what it has to be for.
#[derive(Clone, Debug)]
pub struct PresentedProof {
    /// The values of the `DPoP` headers; there must be exactly one.
    pub proofs: Vec<Secret>,
    /// The request's method.
    pub method: String,
    /// The request's address as the client wrote it, without a query.
    pub url: String,
}

/// Why a proof is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadProof(pub &'static str);

impl From<BadProof> for OAuthError {
    fn from(e: BadProof) -> OAuthError {
        OAuthError::new(codes::BAD_PROOF, e.0)
    }
}

/// A proof that is right for its request. Whether it was shown before is still to be seen.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    /// RFC 7638 thumbprint of the key, as in `cnf.jkt`.
    pub(crate) thumbprint: String,
    digest: Vec<u8>,
    expires: Timestamp,
}

impl Shown {
    /// Notes the proof. False when it was shown before.
    pub(crate) fn use_up(&self, tx: &mut Tx<'_>, tenant: TenantId) -> Result<bool, casbah_store::Error> {
        used_proofs::insert(tx, tenant, &self.digest, self.expires)
    }
}

/// RFC 9449, section 4.3. With `token`, the proof must be for that access token.
pub(crate) fn check(
    presented: &PresentedProof,
    token: Option<&str>,
    now: Timestamp,
) -> Result<Shown, BadProof> {
    let [proof] = presented.proofs.as_slice() else {
        return Err(BadProof("The request must carry exactly one DPoP header."));
    };
    let proof = proof.expose();
    let (claims, thumbprint) = verify(proof)?;
    let text = |name: &str| claims.get(name).and_then(Json::as_str);
    let id = text("jti").filter(|jti| (1..=256).contains(&jti.len()));
    let id = id.ok_or(BadProof("The proof has no usable jti."))?;
    if text("htm") != Some(presented.method.as_str()) {
        return Err(BadProof("The htm of the proof is not the method of the request."));
    }
    if !text("htu").is_some_and(|htu| is_same_address(htu, &presented.url)) {
        return Err(BadProof("The htu of the proof is not the address of the request."));
    }
    let made = claims.get("iat").and_then(|iat| iat.as_i64().or_else(|| iat.as_f64().map(|f| f as i64)));
    let made = made.ok_or(BadProof("The proof has no iat."))?;
    if (now.seconds().saturating_sub(made)).saturating_abs() > WINDOW {
        return Err(BadProof("The proof was not made just now."));
    }
    if let Some(token) = token {
        let hash = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, token.as_bytes()));
        if !text("ath").is_some_and(|ath| Secret::same_bytes(ath.as_bytes(), hash.as_bytes())) {
            return Err(BadProof("The ath of the proof is not the hash of the access token."));
        }
    }
    let mut seen = digest::Context::new(&digest::SHA256);
    // A thumbprint always has the same length, so the two cannot run into each other.
    seen.update(thumbprint.as_bytes());
    seen.update(id.as_bytes());
    Ok(Shown {
        thumbprint,
        digest: seen.finish().as_ref().to_vec(),
        expires: Timestamp::from_seconds(made + WINDOW + 1),
    })
}

/// The claims of a proof that its own key signed, and the key's thumbprint.
fn verify(proof: &str) -> Result<(Map<String, Json>, String), BadProof> {
    const SHAPE: BadProof = BadProof("The proof is not a JSON web token of type dpop+jwt.");
    const KEY: BadProof = BadProof("The jwk of the proof is not a public key that fits its algorithm.");
    if proof.len() > LONGEST {
        return Err(SHAPE);
    }
    let header = proof.split('.').next().and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let header: Map<String, Json> =
        header.and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or(SHAPE)?;
    let is_proof =
        header.get("typ").and_then(Json::as_str).is_some_and(|t| t.eq_ignore_ascii_case("dpop+jwt"));
    if !is_proof || header.contains_key("crit") {
        return Err(SHAPE);
    }
    let key = header.get("jwk").and_then(Json::as_object).ok_or(KEY)?;
    if PRIVATE.iter().any(|member| key.contains_key(*member)) {
        return Err(BadProof("The jwk of the proof holds a private key."));
    }
    let is = |name: &str, value: &str| key.get(name).and_then(Json::as_str) == Some(value);
    let (algorithm, fits) = match header.get("alg").and_then(Json::as_str) {
        Some("ES256") => (Algorithm::ES256, is("kty", "EC") && is("crv", "P-256")),
        Some("RS256") => (Algorithm::RS256, is("kty", "RSA") && is_strong(key)),
        Some("PS256") => (Algorithm::PS256, is("kty", "RSA") && is_strong(key)),
        Some("EdDSA") => (Algorithm::EdDSA, is("kty", "OKP") && is("crv", "Ed25519")),
        _ => return Err(BadProof("The alg of the proof is not one that the metadata lists.")),
    };
    if !fits {
        return Err(KEY);
    }
    // Only what makes the key: other members could contradict the algorithm that was just settled.
    let members = ["kty", "crv", "x", "y", "n", "e"];
    let bare: Map<String, Json> =
        members.iter().filter_map(|m| Some(((*m).to_string(), key.get(*m)?.clone()))).collect();
    let key: Jwk = serde_json::from_value(Json::Object(bare)).map_err(|_| KEY)?;
    let public = DecodingKey::from_jwk(&key).map_err(|_| KEY)?;
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let decoded = jsonwebtoken::decode::<Map<String, Json>>(proof, &public, &validation);
    let claims = decoded.map_err(|_| BadProof("The signature of the proof is wrong."))?.claims;
    Ok((claims, key.thumbprint(ThumbprintHash::SHA256).map_err(|_| KEY)?))
}

/// RSA keys of 2048 to 4096 bits: shorter ones are weak, longer ones make us work.
fn is_strong(key: &Map<String, Json>) -> bool {
    let modulus = key.get("n").and_then(Json::as_str).and_then(|n| URL_SAFE_NO_PAD.decode(n).ok());
    modulus.is_some_and(|n| (256..=513).contains(&n.len()))
}

/// Whether two addresses are the same but for query and fragment (RFC 9449, section 4.3).
fn is_same_address(left: &str, right: &str) -> bool {
    let (Ok(left), Ok(right)) = (Url::parse(left), Url::parse(right)) else { return false };
    left.origin() == right.origin() && left.path() == right.path() && left.username().is_empty()
}

/// Whether a text can be a thumbprint, as in the parameter `dpop_jkt`.
pub(crate) fn is_thumbprint(text: &str) -> bool {
    URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 32)
}
