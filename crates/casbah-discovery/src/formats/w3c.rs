//! W3C extended log file format from any proxy; the `#Fields` line rules.

use crate::format::{Basis, Format, Shape, challenge};
use crate::value::Escape;

pub(crate) const GENERIC_W3C: Format = Format {
    id: "GENERIC_W3C",
    log_type: 183,
    vendor: "Any (W3C)",
    basis: Basis::Inferred,
    sample: include_bytes!("../../samples/GENERIC_W3C.log"),
    shape: Shape::W3c,
    starts,
    quirk: challenge,
    escape: Escape::DoubledQuote,
    ..Format::PLAIN
};

pub(crate) const GENERIC_W3C_SYSLOG: Format = Format {
    id: "GENERIC_W3C_SYSLOG",
    log_type: 184,
    sample: include_bytes!("../../samples/GENERIC_W3C_SYSLOG.log"),
    ..GENERIC_W3C
};

/// A comment, or the date that most logs begin with.
pub(super) fn starts(rest: &[u8]) -> bool {
    match rest {
        [b'#', ..] => true,
        [a, b, c, d, b'-' | b'/', _, _, b'-' | b'/', _, _, b' ' | b'\t', ..] => {
            [a, b, c, d].iter().all(|x| x.is_ascii_digit())
        }
        _ => false,
    }
}
