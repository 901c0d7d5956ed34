//! What an application proves itself with besides a secret: certificates, and tokens of another issuer.

use crate::{Guid, Timestamp};

/// A certificate whose private key signs an application's client assertions (RFC 7523). Casbah holds
/// the public half only.
#[derive(Clone, Debug)]
pub struct ApplicationCertificate {
    /// Its id (`keyId`).
    pub key_id: Guid,
    /// Object id of its application.
    pub application: Guid,
    /// Name for people.
    pub display_name: String,
    /// `customKeyIdentifier`: the SHA-1 thumbprint unless the owner gave another.
    pub custom_key_identifier: Vec<u8>,
    /// The certificate, DER.
    pub der: Vec<u8>,
    /// SHA-1 of the DER: the `x5t` of assertions.
    pub thumbprint: Vec<u8>,
    /// SHA-256 of the DER: the `x5t#S256` of assertions.
    pub thumbprint_sha256: Vec<u8>,
    /// Valid from: the certificate's own date, or later.
    pub starts: Timestamp,
    /// Valid until: the certificate's own date, or earlier.
    pub ends: Timestamp,
    /// When a token was last issued for it, to the minute.
    pub last_used: Option<Timestamp>,
    /// The address from which that was asked, if known.
    pub last_address: Option<String>,
}

/// Trust in the tokens of another issuer: a token with exactly this issuer, subject and audience proves
/// the application (`federatedIdentityCredentials`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FederatedCredential {
    /// Its id.
    pub id: Guid,
    /// Object id of its application.
    pub application: Guid,
    /// Its name within the application; never changes.
    pub name: String,
    /// The `iss` claim; an https URL below which the issuer's discovery document stands.
    pub issuer: String,
    /// The `sub` claim.
    pub subject: String,
    /// The `aud` claim, normally `api://AzureADTokenExchange`.
    pub audience: String,
    /// What it is for.
    pub description: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When a token was last issued for it, to the minute.
    pub last_used: Option<Timestamp>,
    /// The address from which that was asked, if known.
    pub last_address: Option<String>,
}
