//! JSON Web Tokens, signed with RS256 and nothing else.
//!
//! There is no choice of algorithm anywhere: what the header says is compared with the one we use, so
//! `none`, HMAC with the public key, or a key of the attacker's choice have no way in.
//!
//! Verification is the library's. Signing is done here with the key as it was parsed once: the library
//! would parse the private key again for every signature, which costs as much as signing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation};
use serde_json::{Map, Value as Json};

use crate::keys::{KeyError, SigningKey};

/// The longest token we look at.
const LONGEST: usize = 16 * 1024;

/// The only algorithm.
const ALGORITHM: Algorithm = Algorithm::RS256;

/// What a header and a signature take in a token, in characters.
const BESIDE_CLAIMS: usize = 512;

/// Signs claims, JSON text. Tokens of version 1 carry the thumbprint twice.
pub(crate) fn encode(key: &SigningKey, version: u8, claims: &str) -> Result<String, KeyError> {
    let id = &key.id;
    let header = if version == 1 {
        format!(r#"{{"typ":"JWT","alg":"RS256","x5t":"{id}","kid":"{id}"}}"#)
    } else {
        format!(r#"{{"typ":"JWT","alg":"RS256","kid":"{id}"}}"#)
    };
    let mut token = String::with_capacity(BESIDE_CLAIMS + claims.len() / 3 * 4);
    URL_SAFE_NO_PAD.encode_string(header, &mut token);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(claims, &mut token);
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(token)
}

/// A token whose header is one that we write; nothing in it is believed yet.
pub(crate) struct Unverified<'a> {
    token: &'a str,
    /// The key id that the header names; only ever compared with ids of our own keys.
    pub(crate) key_id: String,
}

/// Why a text is not a token that we signed.
#[derive(Debug)]
pub(crate) enum NotOurs {
    /// It is not a token of the one kind that we sign.
    Shape,
    /// The key that it names did not sign it.
    Signature,
}

/// Looks at a token's header.
pub(crate) fn parse(token: &str) -> Result<Unverified<'_>, NotOurs> {
    if token.len() > LONGEST {
        return Err(NotOurs::Shape);
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_| NotOurs::Shape)?;
    let type_is_ours = header.typ.as_deref().is_none_or(|typ| typ == "JWT");
    if header.alg != ALGORITHM || !type_is_ours || header.crit.is_some() {
        return Err(NotOurs::Shape);
    }
    Ok(Unverified { token, key_id: header.kid.ok_or(NotOurs::Shape)? })
}

impl Unverified<'_> {
    /// The claims, if `key` signed them. What they say is not checked: the library would take the time
    /// from the system, not from our clock.
    pub(crate) fn verify(&self, key: &SigningKey) -> Result<Map<String, Json>, NotOurs> {
        if key.id != self.key_id {
            return Err(NotOurs::Signature);
        }
        let mut validation = Validation::new(ALGORITHM);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        let decoded = jsonwebtoken::decode(self.token, key.public(), &validation);
        decoded.map(|token| token.claims).map_err(|e| match e.kind() {
            ErrorKind::InvalidSignature => NotOurs::Signature,
            _ => NotOurs::Shape,
        })
    }
}
