//! Somebody with a private key and a certificate: signs tokens in every way that clients do.

use std::sync::OnceLock;
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512,
    RsaEncoding,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use casbah_model::{ApplicationCertificate, Guid, TenantId};
use casbah_store::application_certificates;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::{Value as Json, json};

use super::world::{World, object_id, start};
use crate::certificate::Certificate;

/// A key pair with a certificate.
pub(crate) struct Signer {
    rsa: Option<RsaKeyPair>,
    private_key: Vec<u8>,
    pub(crate) certificate: Certificate,
}

/// The RSA key of the tests; making one takes a while.
pub(crate) fn rsa() -> &'static Signer {
    static SIGNER: OnceLock<Signer> = OnceLock::new();
    SIGNER.get_or_init(|| {
        Signer::new(&KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).expect("a key"))
    })
}

/// The P-256 key of the tests.
pub(crate) fn p256() -> &'static Signer {
    static SIGNER: OnceLock<Signer> = OnceLock::new();
    SIGNER.get_or_init(|| Signer::new(&KeyPair::generate().expect("a key")))
}

impl Signer {
    pub(crate) fn new(pair: &KeyPair) -> Signer {
        let params = CertificateParams::new(Vec::new()).expect("parameters");
        let certificate = params.self_signed(pair).expect("a certificate");
        let private_key = pair.serialize_der();
        Signer {
            rsa: RsaKeyPair::from_pkcs8(&private_key).ok(),
            private_key,
            certificate: Certificate::read(certificate.der()).expect("readable"),
        }
    }

    /// `ES256` in the form of the RFC, `ES256/ASN.1` as one client sends it.
    fn sign(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        let rsa = |padding: &'static dyn RsaEncoding| {
            let pair = self.rsa.as_ref().expect("an RSA key");
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(padding, &random, message, &mut signature).expect("signs");
            signature
        };
        let ecdsa = |form| {
            let pair = EcdsaKeyPair::from_pkcs8(form, &self.private_key).expect("a P-256 key");
            pair.sign(&random, message).expect("signs").as_ref().to_vec()
        };
        match algorithm {
            "RS256" => rsa(&RSA_PKCS1_SHA256),
            "RS384" => rsa(&RSA_PKCS1_SHA384),
            "RS512" => rsa(&RSA_PKCS1_SHA512),
            "PS256" => rsa(&RSA_PSS_SHA256),
            "PS384" => rsa(&RSA_PSS_SHA384),
            "PS512" => rsa(&RSA_PSS_SHA512),
            "ES256" => ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING),
            "ES256/ASN.1" => ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING),
            other => panic!("{other}"),
        }
    }

    /// A token; the header's `alg` is that of the signature.
    pub(crate) fn token(&self, algorithm: &str, mut header: Json, claims: &Json) -> String {
        header["alg"] = algorithm.split('/').next().into();
        let signed = unsigned(&header, claims);
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(self.sign(algorithm, signed.as_bytes())))
    }

    /// The public half in a key document.
    pub(crate) fn jwk(&self, id: &str) -> Json {
        match &self.rsa {
            Some(pair) => {
                let public = pair.public_key();
                let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
                json!({ "kty": "RSA", "use": "sig", "kid": id,
                    "n": number(public.modulus().big_endian_without_leading_zero()),
                    "e": number(public.exponent().big_endian_without_leading_zero()) })
            }
            None => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &self.private_key);
                let point = pair.expect("a key").public_key().as_ref().to_vec();
                json!({ "kty": "EC", "crv": "P-256", "use": "sig", "kid": id,
                    "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..]) })
            }
        }
    }
}

/// Header and claims, without a signature.
pub(crate) fn unsigned(header: &Json, claims: &Json) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()))
}

impl World {
    /// Registers a certificate for an application, valid from an hour ago for 30 days.
    pub(crate) async fn register(&self, tenant: TenantId, app: Guid, certificate: &Certificate) -> Guid {
        let certificate = certificate.clone();
        let key_id = Guid::random();
        let row = ApplicationCertificate {
            key_id,
            application: object_id(app),
            display_name: "test".to_string(),
            custom_key_identifier: certificate.thumbprint.clone(),
            der: certificate.der,
            thumbprint: certificate.thumbprint,
            thumbprint_sha256: certificate.thumbprint_sha256,
            starts: start().minus(Duration::from_secs(3600)),
            ends: start().plus(Duration::from_secs(30 * 24 * 3600)),
            last_used: None,
            last_address: None,
        };
        self.store
            .write(move |tx| application_certificates::insert(tx, tenant, &row))
            .await
            .expect("inserts");
        key_id
    }
}
