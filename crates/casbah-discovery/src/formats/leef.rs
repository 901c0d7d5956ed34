//! Log Event Extended Format from any device. What its keys mean stands with the shape.

use crate::format::{Basis, Format, Shape};

pub(crate) const GENERIC_LEEF: Format = Format {
    id: "GENERIC_LEEF",
    log_type: 181,
    vendor: "Any (LEEF)",
    basis: Basis::Inferred,
    sample: include_bytes!("../../samples/GENERIC_LEEF.log"),
    shape: Shape::Leef,
    ..Format::PLAIN
};

pub(crate) const GENERIC_LEEF_SYSLOG: Format = Format {
    id: "GENERIC_LEEF_SYSLOG",
    log_type: 182,
    sample: include_bytes!("../../samples/GENERIC_LEEF_SYSLOG.log"),
    ..GENERIC_LEEF
};
