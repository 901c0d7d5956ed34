//! What an authenticator says (W3C Web Authentication, level 3), read and checked. Pure.
//!
//! The libraries for it bring OpenSSL, or the client's side only; what a relying party needs without
//! attestation is this file: the bytes are CBOR (minicbor), the signatures are checked by aws-lc-rs.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use casbah_model::Secret;
use minicbor::Decoder;
use minicbor::data::Type;
use serde::Deserialize;

/// COSE algorithms (RFC 9053) that are accepted, the preferred first: ES256, EdDSA, RS256.
pub(crate) const ALGORITHMS: [i64; 3] = [-7, -8, -257];

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const HAS_CREDENTIAL: u8 = 0x40;
/// Hash, flags and counter, which every authenticator sends.
const HEAD: usize = 37;
/// After the head of a registration: 16 bytes that name the model, 2 for the length of the id.
const MODEL: usize = 16;
/// Longest id of a credential (section 4).
const LONGEST_ID: usize = 1023;

/// Why an answer of an authenticator is not accepted; for the log, people get one sentence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Flaw {
    /// It cannot be read.
    Shape,
    /// It answers another kind of question.
    Ceremony,
    /// It was made for another site.
    Origin,
    /// Nobody touched the authenticator, or it did not check who did.
    NotVerified,
    /// The key's algorithm is not one that was offered.
    Algorithm,
    /// The signature is wrong.
    Signature,
}

impl std::fmt::Display for Flaw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the answer of the authenticator: {self:?}")
    }
}

impl std::error::Error for Flaw {}

/// The site that passkeys belong to.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// Host name: the relying party id.
    pub(crate) id: String,
    /// As browsers write it.
    pub(crate) origin: String,
}

impl Site {
    /// The site of a public URL; none for an address without a name, for which no browser makes passkeys.
    pub(crate) fn of(public_url: &str) -> Option<Site> {
        let url = url::Url::parse(public_url).ok()?;
        let url::Host::Domain(host) = url.host()? else { return None };
        Some(Site { id: host.to_string(), origin: url.origin().ascii_serialization() })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ceremony {
    Create,
    Get,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    r#type: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
}

/// The challenge, as text, that the browser's part of an answer is about. The caller checks it.
pub(crate) fn challenge(site: &Site, ceremony: Ceremony, client_data: &[u8]) -> Result<String, Flaw> {
    let data: ClientData = serde_json::from_slice(client_data).map_err(|_| Flaw::Shape)?;
    let wanted = match ceremony {
        Ceremony::Create => "webauthn.create",
        Ceremony::Get => "webauthn.get",
    };
    if data.r#type != wanted {
        return Err(Flaw::Ceremony);
    }
    if data.origin != site.origin || data.cross_origin {
        return Err(Flaw::Origin);
    }
    Ok(data.challenge)
}

/// A credential that an authenticator has just made.
#[derive(Debug)]
pub(crate) struct NewCredential {
    pub(crate) id: Vec<u8>,
    /// COSE key.
    pub(crate) public_key: Vec<u8>,
    pub(crate) counter: u32,
}

/// Reads an attestation object (section 6.5). Who made the authenticator is not asked, so a statement
/// about that is not looked at.
pub(crate) fn registration(site: &Site, attestation: &[u8]) -> Result<NewCredential, Flaw> {
    let data = authenticator_data(attestation)?;
    let head = Head::read(site, &data, false)?;
    if head.flags & HAS_CREDENTIAL == 0 {
        return Err(Flaw::Shape);
    }
    let rest = data.get(HEAD + MODEL..).ok_or(Flaw::Shape)?;
    let (length, rest) = rest.split_at_checked(2).ok_or(Flaw::Shape)?;
    let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
    let (id, rest) = rest.split_at_checked(length).ok_or(Flaw::Shape)?;
    if id.is_empty() || id.len() > LONGEST_ID {
        return Err(Flaw::Shape);
    }
    let mut decoder = Decoder::new(rest);
    decoder.skip().map_err(|_| Flaw::Shape)?;
    let public_key = rest.get(..decoder.position()).ok_or(Flaw::Shape)?;
    // A key that could not be used later is refused now.
    CoseKey::read(public_key)?;
    Ok(NewCredential { id: id.to_vec(), public_key: public_key.to_vec(), counter: head.counter })
}

/// Checks an assertion (section 7.2, steps 15 to 22); answers the signature counter.
pub(crate) fn assertion(
    site: &Site,
    public_key: &[u8],
    authenticator_data: &[u8],
    client_data: &[u8],
    signature: &[u8],
    must_verify_user: bool,
) -> Result<u32, Flaw> {
    let head = Head::read(site, authenticator_data, must_verify_user)?;
    let mut signed = authenticator_data.to_vec();
    signed.extend_from_slice(digest(&SHA256, client_data).as_ref());
    CoseKey::read(public_key)?.verify(&signed, signature)?;
    Ok(head.counter)
}

/// A clone of an authenticator betrays itself by a counter that does not grow (section 6.1.1).
pub(crate) fn counter_is_plausible(stored: i64, shown: u32) -> bool {
    (stored == 0 && shown == 0) || i64::from(shown) > stored
}

struct Head {
    flags: u8,
    counter: u32,
}

impl Head {
    fn read(site: &Site, data: &[u8], must_verify_user: bool) -> Result<Head, Flaw> {
        let (hash, rest) = data.split_at_checked(32).ok_or(Flaw::Shape)?;
        let [flags, a, b, c, d, ..] = *rest else { return Err(Flaw::Shape) };
        if !Secret::same_bytes(hash, digest(&SHA256, site.id.as_bytes()).as_ref()) {
            return Err(Flaw::Origin);
        }
        if flags & USER_PRESENT == 0 || (must_verify_user && flags & USER_VERIFIED == 0) {
            return Err(Flaw::NotVerified);
        }
        Ok(Head { flags, counter: u32::from_be_bytes([a, b, c, d]) })
    }
}

fn authenticator_data(attestation: &[u8]) -> Result<Vec<u8>, Flaw> {
    let mut decoder = Decoder::new(attestation);
    let shape = |_| Flaw::Shape;
    let count = decoder.map().map_err(shape)?.ok_or(Flaw::Shape)?;
    let mut found = None;
    for _ in 0..count {
        if decoder.str().map_err(shape)? == "authData" {
            found = Some(decoder.bytes().map_err(shape)?.to_vec());
        } else {
            decoder.skip().map_err(shape)?;
        }
    }
    found.ok_or(Flaw::Shape)
}

/// A public key in the shapes of [`ALGORITHMS`].
#[derive(Default)]
struct CoseKey<'a> {
    kind: i64,
    algorithm: i64,
    /// Curve, or the modulus of an RSA key (label -1).
    curve: i64,
    modulus: &'a [u8],
    /// x, or the exponent of an RSA key (label -2).
    x: &'a [u8],
    y: &'a [u8],
}

impl<'a> CoseKey<'a> {
    fn read(bytes: &'a [u8]) -> Result<CoseKey<'a>, Flaw> {
        let mut decoder = Decoder::new(bytes);
        let shape = |_| Flaw::Shape;
        let count = decoder.map().map_err(shape)?.ok_or(Flaw::Shape)?;
        let mut key = CoseKey::default();
        for _ in 0..count {
            let label = decoder.i64().map_err(shape)?;
            let is_bytes = decoder.datatype().map_err(shape)? == Type::Bytes;
            match label {
                1 => key.kind = decoder.i64().map_err(shape)?,
                3 => key.algorithm = decoder.i64().map_err(shape)?,
                -1 if is_bytes => key.modulus = decoder.bytes().map_err(shape)?,
                -1 => key.curve = decoder.i64().map_err(shape)?,
                -2 if is_bytes => key.x = decoder.bytes().map_err(shape)?,
                -3 if is_bytes => key.y = decoder.bytes().map_err(shape)?,
                _ => decoder.skip().map_err(shape)?,
            }
        }
        match (key.algorithm, key.kind, key.curve) {
            (-7, 2, 1) if key.x.len() == 32 && key.y.len() == 32 => Ok(key),
            (-8, 1, 6) if key.x.len() == 32 => Ok(key),
            (-257, 3, _) if (256..=1024).contains(&key.modulus.len()) && !key.x.is_empty() => Ok(key),
            _ => Err(Flaw::Algorithm),
        }
    }

    fn verify(&self, signed: &[u8], signature: &[u8]) -> Result<(), Flaw> {
        let with = |algorithm: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(algorithm, key).verify(signed, signature).map_err(|_| Flaw::Signature)
        };
        match self.algorithm {
            -7 => with(&ECDSA_P256_SHA256_ASN1, &[&[4], self.x, self.y].concat()),
            -8 => with(&ED25519, self.x),
            _ => PublicKeyComponents { n: self.modulus, e: self.x }
                .verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature)
                .map_err(|_| Flaw::Signature),
        }
    }
}

#[cfg(test)]
mod tests;
