//! Common Event Format from any device.

use crate::format::{Field, Format, Shape, no_quirk};
use crate::value::Escape;

pub(crate) const GENERIC_CEF: Format = Format {
    id: "GENERIC_CEF",
    log_type: 179,
    vendor: "Any (CEF)",
    sample: include_bytes!("../../samples/GENERIC_CEF.log"),
    shape: Shape::Cef,
    columns: &[],
    names: &[
        (Field::Time, "rt"),
        (Field::Time, "end"),
        (Field::Time, "start"),
        (Field::Time, "deviceCustomDate1"),
        (Field::SourceIp, "src"),
        (Field::SourceIp, "c6a2"),
        (Field::User, "suser"),
        (Field::User, "duser"),
        (Field::Url, "request"),
        (Field::Host, "dhost"),
        (Field::Host, "destinationDnsDomain"),
        (Field::DestinationIp, "dst"),
        (Field::DestinationIp, "c6a3"),
        // Seen from the device's client: in is what came to it.
        (Field::Down, "in"),
        (Field::Up, "out"),
        (Field::Action, "act"),
        (Field::Outcome, "outcome"),
    ],
    blocked: &["block*", "den*", "drop*", "reject*", "reset*", "prevent*"],
    starts: |rest| rest.starts_with(b"CEF:"),
    quirk: no_quirk,
    escape: Escape::Backslash,
    percent: false,
};

pub(crate) const GENERIC_CEF_SYSLOG: Format = Format {
    id: "GENERIC_CEF_SYSLOG",
    log_type: 180,
    sample: include_bytes!("../../samples/GENERIC_CEF_SYSLOG.log"),
    ..GENERIC_CEF
};
