//! A private key with a certificate.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};

pub struct Signer {
    pair: KeyPair,
    pub der: Vec<u8>,
}

impl Signer {
    /// A fresh P-256 key, whose certificate is valid in every year of the tests.
    pub fn new() -> Signer {
        let pair = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2040, 1, 1);
        let der = params.self_signed(&pair).unwrap().der().to_vec();
        Signer { pair, der }
    }

    /// The RSA key and the certificate of a PEM file.
    pub fn of_pem(pem: &str) -> Signer {
        let (key, certificate) = pem.split_once("-----BEGIN CERTIFICATE-----").unwrap();
        let body = certificate.split_once("-----END").unwrap().0.replace('\n', "");
        Signer { pair: KeyPair::from_pem(key).unwrap(), der: STANDARD.decode(body).unwrap() }
    }

    pub fn private_pem(&self) -> String {
        self.pair.serialize_pem()
    }

    /// A token that names its certificate.
    pub fn assertion(&self, claims: &Value) -> String {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &self.der);
        let algorithm = if self.ecdsa().is_some() { "ES256" } else { "RS256" };
        self.token(json!({ "alg": algorithm, "x5t#S256": URL_SAFE_NO_PAD.encode(hash) }), claims)
    }

    pub fn token(&self, header: Value, claims: &Value) -> String {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&header), encode(claims));
        let random = SystemRandom::new();
        let signature = match self.ecdsa() {
            Some(pair) => pair.sign(&random, signed.as_bytes()).unwrap().as_ref().to_vec(),
            None => {
                let pair = RsaKeyPair::from_pkcs8(&self.pair.serialize_der()).unwrap();
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature).unwrap();
                signature
            }
        };
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn ecdsa(&self) -> Option<EcdsaKeyPair> {
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &self.pair.serialize_der()).ok()
    }
}
