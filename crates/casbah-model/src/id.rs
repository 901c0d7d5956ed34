//! Identifiers: GUIDs as the Microsoft identity platform writes them, and the 24 hex digits of
//! Cloud Apps records.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::random;

/// A text that should have been an identifier and is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidId;

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a valid id")
    }
}

impl std::error::Error for InvalidId {}

/// A GUID, held and written in lower case.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Guid(uuid::Uuid);

impl Guid {
    /// A fresh, random (version 4) GUID.
    pub fn random() -> Guid {
        Guid(uuid::Builder::from_random_bytes(random::bytes()).into_uuid())
    }

    /// A GUID from its number, for constants.
    pub const fn from_u128(value: u128) -> Guid {
        Guid(uuid::Uuid::from_u128(value))
    }

    /// The sixteen bytes, most significant first.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl FromStr for Guid {
    type Err = InvalidId;

    /// Reads the hyphenated form, 8-4-4-4-12, in any case; the other spellings of a UUID are refused.
    fn from_str(text: &str) -> Result<Guid, InvalidId> {
        if text.len() != 36 {
            return Err(InvalidId);
        }
        uuid::Uuid::try_parse(text).map(Guid).map_err(|_| InvalidId)
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The identifier of a tenant. A type of its own, so that no query can be written without one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantId(pub Guid);

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for TenantId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<TenantId, InvalidId> {
        text.parse().map(TenantId)
    }
}

/// The 24 lower-case hex digits that name an alert, policy, stream, upload or other Cloud Apps
/// record. Ids made later sort later, to the second.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordId(String);

impl RecordId {
    /// A fresh id: four bytes of the time in seconds, then eight random ones.
    pub fn new(now: crate::Timestamp) -> RecordId {
        let seconds = u32::try_from(now.seconds().rem_euclid(1 << 32)).unwrap_or(0);
        let noise: [u8; 8] = random::bytes();
        RecordId(format!("{seconds:08x}{:016x}", u64::from_be_bytes(noise)))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RecordId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<RecordId, InvalidId> {
        let hex = text.bytes().all(|b| b.is_ascii_hexdigit());
        if text.len() == 24 && hex { Ok(RecordId(text.to_ascii_lowercase())) } else { Err(InvalidId) }
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! text_serde {
    ($($name:ty),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

text_serde!(Guid, TenantId, RecordId);
