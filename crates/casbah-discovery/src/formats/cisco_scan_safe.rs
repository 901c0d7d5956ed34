//! Cisco Cloud Web Security (ScanSafe): W3C with TABs.

use crate::format::{Basis, Field, Format, Shape, challenge};
use crate::value::Escape;

pub(crate) const CISCO_SCAN_SAFE: Format = Format {
    id: "CISCO_SCAN_SAFE",
    log_type: 124,
    vendor: "Cisco ScanSafe",
    basis: Basis::Inferred,
    sample: include_bytes!("../../samples/CISCO_SCAN_SAFE.log"),
    shape: Shape::W3c,
    names: &[(Field::Action, "x-ss-last-rule-action"), (Field::Outcome, "x-ss-block-action")],
    starts: super::w3c::starts,
    quirk: challenge,
    escape: Escape::DoubledQuote,
    marks: &["x-ss-"],
    ..Format::PLAIN
};

pub(crate) const CISCO_SCAN_SAFE_SYSLOG: Format =
    Format { id: "CISCO_SCAN_SAFE_SYSLOG", log_type: 142, ..CISCO_SCAN_SAFE };
