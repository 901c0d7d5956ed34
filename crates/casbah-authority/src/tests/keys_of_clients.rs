//! Keys that clients hold, and the proofs that they make with them.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use casbah_model::{Guid, Secret};
use serde_json::{Value as Json, json};

use crate::PresentedProof;

/// An ES256 key.
pub(crate) struct ClientKey {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

impl ClientKey {
    pub(crate) fn new() -> ClientKey {
        let random = SystemRandom::new();
        let document =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key is made");
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref());
        ClientKey { pair: pair.expect("a key"), random }
    }

    pub(crate) fn jwk(&self) -> Json {
        let point = self.pair.public_key().as_ref();
        json!({
            "kty": "EC", "crv": "P-256",
            "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..]),
        })
    }

    /// Signs any header and claims.
    pub(crate) fn sign(&self, header: &Json, claims: &Json) -> String {
        let encode = |part: &Json| URL_SAFE_NO_PAD.encode(part.to_string());
        let message = format!("{}.{}", encode(header), encode(claims));
        let signature = self.pair.sign(&self.random, message.as_bytes()).expect("signs");
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    pub(crate) fn header(&self) -> Json {
        json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk() })
    }

    /// A good proof for a request, bound to a token if there is one.
    pub(crate) fn proof(&self, method: &str, url: &str, seconds: i64, token: Option<&str>) -> PresentedProof {
        let mut claims = json!({ "jti": Guid::random(), "htm": method, "htu": url, "iat": seconds });
        if let Some(token) = token {
            let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
            claims["ath"] = URL_SAFE_NO_PAD.encode(hash).into();
        }
        presented(&self.sign(&self.header(), &claims), method, url)
    }
}

pub(crate) fn presented(proof: &str, method: &str, url: &str) -> PresentedProof {
    PresentedProof { proofs: vec![Secret::new(proof)], method: method.to_string(), url: url.to_string() }
}
