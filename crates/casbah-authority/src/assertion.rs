//! Client assertions (RFC 7523): JSON Web Tokens with which an application proves itself, signed by
//! the private key of one of its certificates, or by an issuer that it trusts.
//!
//! ```text
//! form -> Assertion::parse -> Authority::check_assertion -> proof -> Credentials::authenticate
//! ```
//! [`Assertion::parse`] takes the text apart and believes nothing. The key never comes from the token:
//! `jwk`, `jku` and `x5u` are not even read, and `x5c` only says which registered certificate is meant. ID
//! tokens of other providers are taken apart by the same code.

mod check;
mod federation;
mod key_proof;

use aws_lc_rs::digest;
use casbah_model::{ApplicationCertificate, Guid, Timestamp};
use serde_json::{Map, Value as Json};

use crate::certificate::hash;
use crate::codes;
use crate::encoding;
use crate::error::OAuthError;
use crate::signature::{Algorithm, PublicKey};

pub(crate) use check::{AssertionProof, ProofKind};

/// The longest assertion that we look at, in bytes; a chain in `x5c` makes them long.
const LONGEST: usize = 32 * 1024;
/// How far the clocks of client and authority may differ, in seconds.
pub(crate) const SKEW: i64 = 5 * 60;

/// A client assertion, taken apart. Nothing in it is believed yet.
pub struct Assertion {
    algorithm: Result<Algorithm, OAuthError>,
    key_id: Option<String>,
    thumbprints: Vec<Vec<u8>>,
    claims: Map<String, Json>,
    signed: String,
    signature: Vec<u8>,
}

impl std::fmt::Debug for Assertion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Assertion(***)")
    }
}

impl Assertion {
    /// Takes the text apart.
    ///
    /// # Errors
    /// 50027 when it is not a JSON Web Token.
    pub fn parse(text: &str) -> Result<Assertion, OAuthError> {
        let unreadable = || OAuthError::plain(codes::ASSERTION_MALFORMED);
        if text.len() > LONGEST {
            return Err(unreadable());
        }
        let (signed, signature) = text.trim().rsplit_once('.').ok_or_else(unreadable)?;
        let (header, payload) = signed.split_once('.').ok_or_else(unreadable)?;
        let object = |part: &str| -> Option<Map<String, Json>> {
            serde_json::from_slice(&encoding::base64(part)?).ok()
        };
        if payload.contains('.') {
            return Err(unreadable());
        }
        let header = object(header).ok_or_else(unreadable)?;
        Ok(Assertion {
            algorithm: algorithm(&header),
            key_id: header.get("kid").and_then(Json::as_str).map(str::to_string),
            thumbprints: thumbprints(&header),
            claims: object(payload).ok_or_else(unreadable)?,
            signed: signed.to_string(),
            signature: encoding::base64(signature).ok_or_else(unreadable)?,
        })
    }

    pub(crate) fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim).and_then(Json::as_str)
    }

    pub(crate) fn claims(&self) -> &Map<String, Json> {
        &self.claims
    }

    /// The key that the header names.
    pub(crate) fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// The client that signed it itself, for a request without a `client_id`.
    pub(crate) fn client(&self) -> Option<&str> {
        self.text("sub").filter(|sub| sub.parse::<Guid>().is_ok())
    }

    /// Whether it comes from another issuer. A client that signs for itself is its own issuer, by its id.
    fn is_federated(&self) -> bool {
        self.text("iss").is_some_and(|issuer| issuer.contains("://"))
    }

    /// The audiences: a text, or a list of them (RFC 7519, section 4.1.3).
    pub(crate) fn audiences(&self) -> Vec<&str> {
        match self.claims.get("aud") {
            Some(Json::String(one)) => vec![one],
            Some(Json::Array(many)) => many.iter().filter_map(Json::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// A time in seconds since 1970: a whole number, a fraction, or one of both in quotes.
    pub(crate) fn time(&self, claim: &str) -> Result<Option<i64>, OAuthError> {
        let malformed = || {
            let text = format!("The claim {claim} of the client assertion is not a time.");
            OAuthError::new(codes::ASSERTION_MALFORMED, text)
        };
        let number = match self.claims.get(claim) {
            None | Some(Json::Null) => return Ok(None),
            Some(Json::Number(number)) => number.as_f64(),
            Some(Json::String(text)) => text.trim().parse().ok(),
            Some(_) => None,
        };
        // Beyond what 64 bits hold, the conversion stops at the end of the range.
        number.filter(|n| n.is_finite()).map(|n| Some(n.floor() as i64)).ok_or_else(malformed)
    }

    /// Refuses an assertion outside its time. A missing `nbf` counts as 1970; `exp` must be there.
    pub(crate) fn check_time(&self, now: Timestamp, longest_life: Option<u32>) -> Result<i64, OAuthError> {
        let now = now.seconds();
        let (begins, ends) = (self.time("nbf")?.unwrap_or(0), self.time("exp")?);
        let refused = |why: String| {
            OAuthError::new(
                codes::ASSERTION_TIME,
                format!("The client assertion is not within its valid time range: {why}"),
            )
        };
        let Some(ends) = ends else { return Err(refused("it has no exp.".to_string())) };
        if now.saturating_add(SKEW) < begins {
            return Err(refused(format!("the time is {now}, it begins (nbf) at {begins}.")));
        }
        if now >= ends.saturating_add(SKEW) {
            return Err(refused(format!("the time is {now}, it ended (exp) at {ends}.")));
        }
        if let Some(longest) = longest_life
            && ends > now.saturating_add(i64::from(longest) + SKEW)
        {
            return Err(refused(format!("exp must not lie more than {longest} seconds ahead.")));
        }
        Ok(ends)
    }

    /// Refuses an assertion that the key did not sign.
    pub(crate) fn check_signature(&self, key: &PublicKey) -> Result<(), OAuthError> {
        let algorithm = self.algorithm()?;
        if algorithm.verify(key, self.signed.as_bytes(), &self.signature) {
            Ok(())
        } else {
            Err(refused("the signature is not that of the key"))
        }
    }

    pub(crate) fn algorithm(&self) -> Result<Algorithm, OAuthError> {
        match &self.algorithm {
            Ok(algorithm) => Ok(*algorithm),
            Err(error) => Err(OAuthError::new(error.code, error.text.clone())),
        }
    }

    /// Whether a certificate is the one that the header names.
    fn names(&self, certificate: &ApplicationCertificate) -> bool {
        self.thumbprints.iter().any(|t| *t == certificate.thumbprint || *t == certificate.thumbprint_sha256)
    }

    /// The first thumbprint of the header in capitals and hexadecimal, as tools show thumbprints.
    fn shown_thumbprint(&self) -> Option<String> {
        let thumbprint = self.thumbprints.first()?;
        Some(thumbprint.iter().map(|byte| format!("{byte:02X}")).collect())
    }
}

/// 700027 with a reason.
fn refused(why: &str) -> OAuthError {
    let text = format!("The client assertion was not accepted. [Reason - {why}.]");
    OAuthError::new(codes::ASSERTION_REFUSED, text)
}

fn algorithm(header: &Map<String, Json>) -> Result<Algorithm, OAuthError> {
    // RFC 7515, section 4.1.11: what we do not understand and must not ignore.
    if header.contains_key("crit") {
        return Err(refused("its header has critical extensions, and none are supported"));
    }
    let algorithm = header.get("alg").and_then(Json::as_str).and_then(Algorithm::find);
    algorithm.ok_or_else(|| {
        refused("its algorithm is not one of RS256, RS384, RS512, PS256, PS384, PS512 and ES256")
    })
}

/// The hashes of certificates that a header names; of the certificate in `x5c` when it names none.
fn thumbprints(header: &Map<String, Json>) -> Vec<Vec<u8>> {
    let named = ["x5t#S256", "x5t", "kid"].into_iter().filter_map(|name| header.get(name)?.as_str());
    let mut found: Vec<Vec<u8>> = named.filter_map(thumbprint).collect();
    if found.is_empty() {
        // A list, or one text; the certificate itself comes first.
        let first = match header.get("x5c") {
            Some(Json::Array(chain)) => chain.first().and_then(Json::as_str),
            Some(Json::String(only)) => Some(only.as_str()),
            _ => None,
        };
        let der = first.and_then(encoding::base64);
        found.extend(der.map(|der| hash(&digest::SHA256, &der)));
    }
    found
}

/// SHA-1 or SHA-256 in any base64, or in hexadecimal.
fn thumbprint(text: &str) -> Option<Vec<u8>> {
    let of_hash = |bytes: &Vec<u8>| matches!(bytes.len(), 20 | 32);
    let hexadecimal = || {
        let digits: Option<Vec<u8>> =
            text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
        digits.map(|digits| digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
    };
    encoding::base64(text).filter(of_hash).or_else(hexadecimal).filter(of_hash)
}
