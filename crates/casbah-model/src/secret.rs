//! Text that must not leak.

use std::fmt;

use serde::{Deserialize, Deserializer};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A secret: password, client secret, token, authorisation code.
///
/// It cannot be printed (`Debug` shows `***`, there is no `Display`, no `Serialize`), is wiped
/// from memory when dropped, and is compared in constant time only ([`Secret::matches`]; there is
/// no `==`). [`Secret::expose`] is the one way to the text, so that a reviewer can find each use.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a text that must not leak.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(Zeroizing::new(text.into()))
    }

    /// A fresh secret of `length` characters from `alphabet`.
    pub fn random(length: usize, alphabet: &[u8]) -> Secret {
        Secret::new(crate::random::text(length, alphabet))
    }

    /// The text itself. For hashing, sealing, or handing it to its owner once.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether both hold the same text, in a time that does not depend on where they differ.
    pub fn matches(&self, other: &Secret) -> bool {
        Secret::same_bytes(self.0.as_bytes(), other.0.as_bytes())
    }

    /// The one comparison of secret bytes (digests, signatures, tokens) in Casbah.
    pub fn same_bytes(left: &[u8], right: &[u8]) -> bool {
        left.ct_eq(right).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Secret {
        Secret::new(text)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        String::deserialize(deserializer).map(Secret::new)
    }
}
