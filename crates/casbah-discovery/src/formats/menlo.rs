//! Menlo Security: CEF, or its JSON feed. An isolated page is an allowed one.

use super::cef::GENERIC_CEF;
use crate::format::{Basis, Field, Format};

pub(crate) const MENLO_SECURITY_CEF: Format = Format {
    id: "MENLO_SECURITY_CEF",
    log_type: 224,
    vendor: "Menlo Security",
    basis: Basis::Inferred,
    sample: include_bytes!("../../samples/MENLO_SECURITY_CEF.log"),
    names: &[
        (Field::Time, "event_time"),
        (Field::SourceIp, "x-client-ip"),
        (Field::SourceIp, "src"),
        (Field::User, "userid"),
        (Field::User, "suser"),
        (Field::Url, "url"),
        (Field::Host, "domain"),
        (Field::Action, "pe_action"),
    ],
    marks: &["|Menlo Security|", "\"Menlo Security\"", "MSIP"],
    ..GENERIC_CEF
};
