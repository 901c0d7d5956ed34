//! Common Event Format from any device. What its keys mean stands with the shape.

use crate::format::{Basis, Format, Shape, challenge};
use crate::value::Escape;

pub(crate) const GENERIC_CEF: Format = Format {
    id: "GENERIC_CEF",
    log_type: 179,
    vendor: "Any (CEF)",
    basis: Basis::Inferred,
    sample: include_bytes!("../../samples/GENERIC_CEF.log"),
    shape: Shape::Cef,
    quirk: challenge,
    escape: Escape::Backslash,
    ..Format::PLAIN
};

pub(crate) const GENERIC_CEF_SYSLOG: Format = Format {
    id: "GENERIC_CEF_SYSLOG",
    log_type: 180,
    sample: include_bytes!("../../samples/GENERIC_CEF_SYSLOG.log"),
    ..GENERIC_CEF
};
