//! A key that a client holds, and the proofs that it makes with it (RFC 9449).

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256, RsaEncoding,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use casbah_model::{Guid, Timestamp};
use serde_json::{Value, json};

pub(super) struct ProofKey {
    algorithm: &'static str,
    pair: Pair,
}

enum Pair {
    P256(EcdsaKeyPair),
    Rsa(Box<rsa::KeyPair>, &'static dyn RsaEncoding),
    Ed25519(Ed25519KeyPair),
}

impl ProofKey {
    pub(super) fn new() -> ProofKey {
        ProofKey::with("ES256")
    }

    /// A key for one of the algorithms that the metadata lists.
    pub(super) fn with(algorithm: &str) -> ProofKey {
        let rsa = |encoding| {
            let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
            Pair::Rsa(Box::new(pair), encoding)
        };
        let (algorithm, pair) = match algorithm {
            "ES256" => {
                let made = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
                ("ES256", Pair::P256(made))
            }
            "RS256" => ("RS256", rsa(&RSA_PKCS1_SHA256)),
            "PS256" => ("PS256", rsa(&RSA_PSS_SHA256)),
            "EdDSA" => ("EdDSA", Pair::Ed25519(Ed25519KeyPair::generate().unwrap())),
            other => panic!("no client makes proofs with {other}"),
        };
        ProofKey { algorithm, pair }
    }

    pub(super) fn jwk(&self) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match &self.pair {
            Pair::P256(pair) => {
                let point = pair.public_key().as_ref();
                json!({ "kty": "EC", "crv": "P-256", "x": text(&point[1..33]), "y": text(&point[33..]) })
            }
            Pair::Rsa(pair, _) => {
                let public = pair.public_key();
                json!({ "kty": "RSA",
                    "n": text(public.modulus().big_endian_without_leading_zero()),
                    "e": text(public.exponent().big_endian_without_leading_zero()) })
            }
            Pair::Ed25519(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref()) })
            }
        }
    }

    pub(super) fn proof(&self, method: &str, url: &str, token: Option<&str>) -> String {
        self.proof_at(now(), method, url, token)
    }

    /// A proof that says it was made at another time.
    pub(super) fn proof_at(&self, made: i64, method: &str, url: &str, token: Option<&str>) -> String {
        let mut claims = json!({ "jti": Guid::random(), "htm": method, "htu": url, "iat": made });
        if let Some(token) = token {
            claims["ath"] = URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes())).into();
        }
        self.sign(&json!({ "typ": "dpop+jwt", "alg": self.algorithm, "jwk": self.jwk() }), &claims)
    }

    pub(super) fn sign(&self, header: &Value, claims: &Value) -> String {
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let message = format!("{}.{}", encode(header), encode(claims));
        let (random, bytes) = (SystemRandom::new(), message.as_bytes());
        let signature = match &self.pair {
            Pair::P256(pair) => pair.sign(&random, bytes).unwrap().as_ref().to_vec(),
            Pair::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, bytes, &mut signature).unwrap();
                signature
            }
            Pair::Ed25519(pair) => pair.sign(bytes).as_ref().to_vec(),
        };
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// The frozen time of the tests.
pub(super) fn now() -> i64 {
    crate::harness::NOW.parse::<Timestamp>().unwrap().seconds()
}
