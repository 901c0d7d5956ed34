//! Signatures that others made: the asymmetric algorithms of JSON Web Tokens, and the keys to check
//! them with. There is no way to ask for `none` or for a symmetric algorithm.

use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512,
    RsaParameters, UnparsedPublicKey, VerificationAlgorithm,
};
use serde_json::Value as Json;

use crate::encoding;

/// An algorithm (RFC 7518, section 3.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
}

/// A public key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum PublicKey {
    /// `SubjectPublicKeyInfo` of a certificate, DER.
    Spki(Vec<u8>),
    /// Modulus and exponent, big endian without leading zeros.
    Rsa { n: Vec<u8>, e: Vec<u8> },
    /// A point on P-256, uncompressed.
    P256(Vec<u8>),
}

impl Algorithm {
    /// By the name in a header, which is compared character by character.
    pub(crate) fn find(name: &str) -> Option<Algorithm> {
        Some(match name {
            "RS256" => Algorithm::Rs256,
            "RS384" => Algorithm::Rs384,
            "RS512" => Algorithm::Rs512,
            "PS256" => Algorithm::Ps256,
            "PS384" => Algorithm::Ps384,
            "PS512" => Algorithm::Ps512,
            "ES256" => Algorithm::Es256,
            _ => return None,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Algorithm::Rs256 => "RS256",
            Algorithm::Rs384 => "RS384",
            Algorithm::Rs512 => "RS512",
            Algorithm::Ps256 => "PS256",
            Algorithm::Ps384 => "PS384",
            Algorithm::Ps512 => "PS512",
            Algorithm::Es256 => "ES256",
        }
    }

    fn rsa(self) -> Option<&'static RsaParameters> {
        Some(match self {
            Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
            Algorithm::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
            Algorithm::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
            Algorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
            Algorithm::Ps384 => &RSA_PSS_2048_8192_SHA384,
            Algorithm::Ps512 => &RSA_PSS_2048_8192_SHA512,
            Algorithm::Es256 => return None,
        })
    }

    /// Whether the key made the signature. A key of another kind than the algorithm's never did.
    pub(crate) fn verify(self, key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
        match (self.rsa(), key) {
            (Some(parameters), PublicKey::Spki(spki)) => matches(parameters, spki, message, signature),
            (Some(parameters), PublicKey::Rsa { n, e }) => {
                PublicKeyComponents { n, e }.verify(parameters, message, signature).is_ok()
            }
            (None, PublicKey::Spki(key) | PublicKey::P256(key)) => {
                // 64 bytes as the RFC wants, or the ASN.1 that one client sends.
                if signature.len() == 64 {
                    matches(&ECDSA_P256_SHA256_FIXED, key, message, signature)
                } else {
                    matches(&ECDSA_P256_SHA256_ASN1, key, message, signature)
                }
            }
            (Some(_), PublicKey::P256(_)) | (None, PublicKey::Rsa { .. }) => false,
        }
    }
}

fn matches(
    algorithm: &'static dyn VerificationAlgorithm,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> bool {
    UnparsedPublicKey::new(algorithm, key).verify(message, signature).is_ok()
}

impl PublicKey {
    /// A key of a key document (RFC 7517); none when it is not one for signatures that we know.
    pub(crate) fn of_jwk(jwk: &Json) -> Option<PublicKey> {
        let bytes = |name: &str| jwk.get(name).and_then(Json::as_str).and_then(encoding::base64);
        if jwk.get("use").and_then(Json::as_str).is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        match jwk.get("kty")?.as_str()? {
            "RSA" => {
                let bare = |mut number: Vec<u8>| {
                    number.drain(..number.iter().take_while(|b| **b == 0).count());
                    number
                };
                Some(PublicKey::Rsa { n: bare(bytes("n")?), e: bare(bytes("e")?) })
            }
            "EC" if jwk.get("crv")?.as_str()? == "P-256" => {
                let (x, y) = (bytes("x")?, bytes("y")?);
                (x.len() == 32 && y.len() == 32).then(|| PublicKey::P256([vec![4], x, y].concat()))
            }
            _ => None,
        }
    }

    /// Whether some algorithm here takes the key.
    pub(crate) fn is_usable(&self) -> bool {
        // A wrong signature and an unusable key are one error to the library, so the key is parsed alone.
        match self {
            PublicKey::Spki(spki) => {
                aws_lc_rs::signature::ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, spki).is_ok()
                    || aws_lc_rs::signature::ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, spki).is_ok()
            }
            PublicKey::Rsa { n, .. } => (256..=1024).contains(&n.len()),
            PublicKey::P256(_) => true,
        }
    }
}
