//! Sources without a public layout: whatever vendors' generic layouts share is accepted, and the list of
//! sources says so. Nothing here claims to know the device.

use crate::format::{Basis, Format, Shape, challenge};
use crate::value::Escape;

pub(super) const ANY: Format = Format {
    basis: Basis::Unverified,
    sample: include_bytes!("../../samples/UNVERIFIED.log"),
    shape: Shape::Any,
    starts,
    quirk: challenge,
    escape: Escape::DoubledQuote,
    ..Format::PLAIN
};

pub(crate) const CONTENTKEEPER: Format =
    Format { id: "CONTENTKEEPER", log_type: 214, vendor: "ContentKeeper", ..ANY };

pub(crate) const CONTENTKEEPER_SYSLOG: Format =
    Format { id: "CONTENTKEEPER_SYSLOG", log_type: 215, ..CONTENTKEEPER };

pub(crate) const CORRATA: Format = Format { id: "CORRATA", log_type: 220, vendor: "Corrata", ..ANY };

pub(crate) const CORRATA_SYSLOG: Format = Format { id: "CORRATA_SYSLOG", log_type: 221, ..CORRATA };

// The numbers of these two are not public; ours stand above all that are.
pub(crate) const OPEN_SYSTEMS_SECURE_WEB_GATEWAY: Format = Format {
    id: "OPEN_SYSTEMS_SECURE_WEB_GATEWAY",
    log_type: 10_001,
    vendor: "Open Systems Secure Web Gateway",
    ..ANY
};

pub(crate) const WANDERA_SYSLOG: Format =
    Format { id: "WANDERA_SYSLOG", log_type: 10_002, vendor: "Wandera", ..ANY };

/// A comment, a date, a bracket of JSON, or a first pair.
pub(super) fn starts(rest: &[u8]) -> bool {
    super::w3c::starts(rest)
        || matches!(rest, [b'[', b'0'..=b'9' | b'"', ..])
        || (rest.first().is_some_and(u8::is_ascii_alphabetic) && crate::shapes::starts_with_pair(rest))
}
