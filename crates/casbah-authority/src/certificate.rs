//! Reading X.509 certificates: enough to know the key, the dates and the thumbprints. Nobody's
//! signature on a certificate matters here: a certificate is trusted because its owner registered it.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use casbah_model::Timestamp;
use yasna::Tag;
use yasna::tags::{TAG_GENERALIZEDTIME, TAG_UTCTIME};

use crate::encoding;
use crate::signature::PublicKey;

/// The largest certificate that is looked at, in bytes.
const LARGEST: usize = 16 * 1024;
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// A certificate, read.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The whole of it, DER.
    pub der: Vec<u8>,
    /// SHA-1 of the DER.
    pub thumbprint: Vec<u8>,
    /// SHA-256 of the DER.
    pub thumbprint_sha256: Vec<u8>,
    /// `notBefore`
    pub starts: Timestamp,
    /// `notAfter`
    pub ends: Timestamp,
    /// The common name of its subject, if it has one in UTF-8.
    pub common_name: Option<String>,
    pub(crate) key: PublicKey,
}

/// Why something is not a certificate that can be used; one sentence for people.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CertificateError {
    /// It is larger than any certificate.
    TooLarge,
    /// It holds a private key, which Casbah must never see.
    PrivateKey,
    /// It is not an X.509 certificate in DER, PEM or base64.
    Unreadable,
    /// Its key is neither RSA of 2048 to 8192 bits nor P-256.
    UnsupportedKey,
}

impl std::fmt::Display for CertificateError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            CertificateError::TooLarge => "is larger than a certificate can be.",
            CertificateError::PrivateKey => {
                "holds a private key. Keep that to yourself and send the certificate alone."
            }
            CertificateError::Unreadable => "is not an X.509 certificate in DER, PEM or base64.",
            CertificateError::UnsupportedKey => {
                "has a key that is not supported: use RSA with 2048 to 8192 bits, or P-256."
            }
        })
    }
}

impl std::error::Error for CertificateError {}

impl Certificate {
    /// Reads a certificate in DER, in PEM (the first one of a chain), or in base64 with or without line
    /// breaks. Base64 of PEM is read as well: that is what `az … --cert @file` makes of a PEM file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(bytes: &[u8]) -> Result<Certificate, CertificateError> {
        if bytes.len() > 4 * LARGEST {
            return Err(CertificateError::TooLarge);
        }
        if bytes.first() == Some(&0x30)
            && let Some(certificate) = Certificate::of_der(bytes.to_vec())
        {
            return certificate.checked();
        }
        let text = std::str::from_utf8(bytes).map_err(|_| CertificateError::Unreadable)?;
        if text.contains("PRIVATE KEY-----") {
            return Err(CertificateError::PrivateKey);
        }
        let pem = text.split_once(BEGIN).map(|(_, rest)| rest.split_once(END).map_or(rest, |(body, _)| body));
        let decoded = encoding::base64(pem.unwrap_or(text)).ok_or(CertificateError::Unreadable)?;
        if decoded.starts_with(b"-----BEGIN") {
            return Certificate::read(&decoded);
        }
        Certificate::of_der(decoded).ok_or(CertificateError::Unreadable)?.checked()
    }

    /// Reads DER whatever its key; none when it is not a certificate.
    pub(crate) fn of_der(der: Vec<u8>) -> Option<Certificate> {
        if der.len() > LARGEST {
            return None;
        }
        let fields = fields(&der)?;
        Some(Certificate {
            thumbprint: hash(&digest::SHA1_FOR_LEGACY_USE_ONLY, &der),
            thumbprint_sha256: hash(&digest::SHA256, &der),
            starts: fields.starts,
            ends: fields.ends,
            common_name: fields.common_name,
            key: PublicKey::Spki(fields.key),
            der,
        })
    }

    fn checked(self) -> Result<Certificate, CertificateError> {
        if self.key.is_usable() { Ok(self) } else { Err(CertificateError::UnsupportedKey) }
    }

    /// PEM text of the certificate.
    pub fn pem(&self) -> String {
        let body = STANDARD.encode(&self.der);
        let lines: Vec<&str> =
            body.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
        format!("{BEGIN}\n{}\n{END}\n", lines.join("\n"))
    }
}

pub(crate) fn hash(algorithm: &'static digest::Algorithm, bytes: &[u8]) -> Vec<u8> {
    digest::digest(algorithm, bytes).as_ref().to_vec()
}

struct Fields {
    starts: Timestamp,
    ends: Timestamp,
    common_name: Option<String>,
    key: Vec<u8>,
}

/// RFC 5280, section 4.1: `Certificate` and its `TBSCertificate`.
fn fields(der: &[u8]) -> Option<Fields> {
    let read = yasna::parse_der(der, |certificate| {
        certificate.read_sequence(|parts| {
            let fields = parts.next().read_sequence(|tbs| {
                tbs.read_optional(|version| {
                    version.read_tagged(Tag::context(0), |number| number.read_der())
                })?;
                let _serial = tbs.next().read_der()?;
                let _algorithm = tbs.next().read_der()?;
                let _issuer = tbs.next().read_der()?;
                let validity = tbs.next().read_sequence(|times| {
                    let starts = times.next().read_tagged_der()?;
                    Ok((starts, times.next().read_tagged_der()?))
                })?;
                let subject = tbs.next().read_der()?;
                let key = tbs.next().read_der()?;
                // Unique ids and extensions.
                while tbs.read_optional(|part| part.read_der())?.is_some() {}
                Ok((validity, subject, key))
            })?;
            let _algorithm = parts.next().read_der()?;
            let _signature = parts.next().read_der()?;
            Ok(fields)
        })
    });
    let ((starts, ends), subject, key) = read.ok()?;
    let time = |value: yasna::models::TaggedDerValue| time(value.tag(), value.value());
    Some(Fields { starts: time(starts)?, ends: time(ends)?, common_name: common_name(&subject), key })
}

/// RFC 5280, section 4.1.2.5: `YYMMDDHHMMSSZ` up to 2049, `YYYYMMDDHHMMSSZ` after.
fn time(tag: Tag, value: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(value).ok()?.strip_suffix('Z')?;
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let full = match (tag, text.len()) {
        (TAG_UTCTIME, 12) => format!("{}{text}", if text < "50" { "20" } else { "19" }),
        (TAG_GENERALIZEDTIME, 14) => text.to_string(),
        _ => return None,
    };
    let part = |from: usize, to: usize| &full[from..to];
    let (date, hour, minute, second) =
        (format!("{}-{}-{}", part(0, 4), part(4, 6), part(6, 8)), part(8, 10), part(10, 12), part(12, 14));
    format!("{date}T{hour}:{minute}:{second}Z").parse().ok()
}

/// The last `CN` of a name.
fn common_name(subject: &[u8]) -> Option<String> {
    let mut found = None;
    let read = yasna::parse_der(subject, |name| {
        name.read_sequence_of(|set| {
            set.read_set_of(|pair| {
                pair.read_sequence(|pair| {
                    let kind = pair.next().read_oid()?;
                    let value = pair.next().read_tagged_der()?;
                    if kind.components().as_slice() == [2, 5, 4, 3] {
                        found = String::from_utf8(value.value().to_vec()).ok();
                    }
                    Ok(())
                })
            })
        })
    });
    read.ok()?;
    found
}
