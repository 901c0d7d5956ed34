//! A severity as the number the API uses, 0 to 3.

use casbah_model::Severity;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

// serde hands fields over by reference, however small.
#[allow(clippy::trivially_copy_pass_by_ref)]
pub(crate) fn serialize<S: Serializer>(severity: &Severity, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(severity.number())
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Severity, D::Error> {
    let number = i64::deserialize(deserializer)?;
    Severity::from_number(number).ok_or_else(|| D::Error::custom(format!("{number} is no severity: 0 to 3")))
}
