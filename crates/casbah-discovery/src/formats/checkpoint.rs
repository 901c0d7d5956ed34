//! Check Point: `fw logexport` text, Log Exporter pairs and CEF, the Tracker's export, XML.

use super::cef::GENERIC_CEF;
use crate::format::{Basis, Field, Format, Shape};
use crate::value::Escape;

pub(crate) const CHECKPOINT: Format = Format {
    id: "CHECKPOINT",
    log_type: 103,
    vendor: "Check Point",
    sample: include_bytes!("../../samples/CHECKPOINT.log"),
    shape: Shape::Separated(b';'),
    names: NAMES,
    starts: |rest| rest.starts_with(b"time=") || rest.starts_with(b"num="),
    escape: Escape::DoubledQuote,
    ..Format::PLAIN
};

pub(crate) const CHECKPOINT_SYSLOG: Format = Format { id: "CHECKPOINT_SYSLOG", log_type: 140, ..CHECKPOINT };

pub(crate) const CHECKPOINT_CEF: Format = Format {
    id: "CHECKPOINT_CEF",
    log_type: 218,
    vendor: "Check Point (CEF)",
    basis: Basis::Verified,
    sample: include_bytes!("../../samples/CHECKPOINT_CEF_SYSLOG.log"),
    marks: &["|Check Point|"],
    ..GENERIC_CEF
};

pub(crate) const CHECKPOINT_CEF_SYSLOG: Format =
    Format { id: "CHECKPOINT_CEF_SYSLOG", log_type: 219, ..CHECKPOINT_CEF };

pub(crate) const CHECKPOINT_SMART_VIEW_TRACKER: Format = Format {
    id: "CHECKPOINT_SMART_VIEW_TRACKER",
    log_type: 189,
    vendor: "Check Point SmartView Tracker",
    basis: Basis::Inferred,
    sample: include_bytes!("../../samples/CHECKPOINT_SMART_VIEW_TRACKER.log"),
    shape: Shape::Words { brackets: false },
    starts: |rest| rest.first() == Some(&b'"'),
    ..CHECKPOINT
};

pub(crate) const CHECKPOINT_SMART_VIEW_TRACKER_SYSLOG: Format = Format {
    id: "CHECKPOINT_SMART_VIEW_TRACKER_SYSLOG",
    log_type: 190,
    ..CHECKPOINT_SMART_VIEW_TRACKER
};

pub(crate) const CHECKPOINT_XML: Format = Format {
    id: "CHECKPOINT_XML",
    log_type: 187,
    vendor: "Check Point (XML)",
    basis: Basis::Unverified,
    sample: include_bytes!("../../samples/CHECKPOINT_XML.log"),
    shape: Shape::Any,
    starts: |rest| super::unverified::starts(rest) || matches!(rest, [b'<', b'a'..=b'z' | b'A'..=b'Z', ..]),
    ..CHECKPOINT
};

pub(crate) const CHECKPOINT_XML_SYSLOG: Format =
    Format { id: "CHECKPOINT_XML_SYSLOG", log_type: 188, ..CHECKPOINT_XML };

/// Which columns a file has, and in which order, differs from file to file.
const NAMES: &[(Field, &str)] = &[
    (Field::Time, "Timestamp"),
    (Field::Date, "date"),
    (Field::Clock, "time"),
    (Field::SourceIp, "src"),
    (Field::SourceIp, "Source"),
    (Field::DestinationIp, "dst"),
    (Field::DestinationIp, "Destination"),
    (Field::User, "src_user_name"),
    (Field::User, "user"),
    (Field::User, "Source User Name"),
    (Field::Url, "resource"),
    (Field::Host, "dst_domain_name"),
    (Field::Up, "sent_bytes"),
    (Field::Up, "client_outbound_bytes"),
    (Field::Down, "received_bytes"),
    (Field::Down, "client_inbound_bytes"),
    (Field::Total, "bytes"),
    (Field::Action, "action"),
    (Field::Application, "appi_name"),
];
