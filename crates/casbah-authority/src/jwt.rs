//! JSON Web Tokens, signed with RS256 and nothing else.
//!
//! There is no choice of algorithm anywhere: what the header says is compared with the one word we
//! write, so `none`, HMAC with the public key, or a key of the attacker's choice have no way in.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::keys::{KeyError, SigningKey};

/// The longest token we look at.
const LONGEST: usize = 16 * 1024;

/// Signs claims. Tokens of version 1 carry the thumbprint twice.
pub(crate) fn encode(key: &SigningKey, version: u8, claims: &Json) -> Result<String, KeyError> {
    let id = &key.id;
    let header = if version == 1 {
        format!(r#"{{"typ":"JWT","alg":"RS256","x5t":"{id}","kid":"{id}"}}"#)
    } else {
        format!(r#"{{"typ":"JWT","alg":"RS256","kid":"{id}"}}"#)
    };
    let mut token = URL_SAFE_NO_PAD.encode(header);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(claims.to_string(), &mut token);
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(token)
}

/// A token taken apart; nothing in it is believed yet.
pub(crate) struct Unverified<'a> {
    signed: &'a [u8],
    claims: &'a str,
    signature: Vec<u8>,
    /// The key id that the header names; only ever compared with ids of our own keys.
    pub(crate) key_id: String,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
    #[serde(default)]
    typ: Option<String>,
    #[serde(default)]
    crit: Option<Json>,
}

/// The text is not a token of the one kind that we sign.
#[derive(Debug)]
pub(crate) struct NotOurs;

/// Takes a token apart.
pub(crate) fn parse(token: &str) -> Result<Unverified<'_>, NotOurs> {
    if token.len() > LONGEST {
        return Err(NotOurs);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(NotOurs)?;
    let (header, claims) = signed.split_once('.').ok_or(NotOurs)?;
    if claims.contains('.') {
        return Err(NotOurs);
    }
    let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| NotOurs)?;
    let header: Header = serde_json::from_slice(&header).map_err(|_| NotOurs)?;
    let type_is_ours = header.typ.as_deref().is_none_or(|typ| typ == "JWT");
    if header.alg != "RS256" || !type_is_ours || header.crit.is_some() {
        return Err(NotOurs);
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| NotOurs)?;
    Ok(Unverified { signed: signed.as_bytes(), claims, signature, key_id: header.kid })
}

impl Unverified<'_> {
    /// The claims, if `key` signed them.
    pub(crate) fn verify(&self, key: &SigningKey) -> Result<Map<String, Json>, NotOurs> {
        if key.id != self.key_id || !key.verifies(self.signed, &self.signature) {
            return Err(NotOurs);
        }
        let claims = URL_SAFE_NO_PAD.decode(self.claims).map_err(|_| NotOurs)?;
        serde_json::from_slice(&claims).map_err(|_| NotOurs)
    }
}
