//! Sophos: XG (SFOS) and its predecessor Cyberoam, which are alike, and SG (UTM 9).

use crate::format::{Cells, Field, Format, Verdict};
use crate::value::Escape;

pub(crate) const SOPHOS_XG: Format = Format {
    id: "SOPHOS_XG",
    log_type: 198,
    vendor: "Sophos XG",
    sample: include_bytes!("../../samples/SOPHOS_XG.log"),
    names: &[
        (Field::Time, "timestamp"),
        (Field::Date, "date"),
        (Field::Clock, "time"),
        (Field::Zone, "timezone"),
        (Field::SourceIp, "src_ip"),
        (Field::DestinationIp, "dst_ip"),
        (Field::User, "user_name"),
        (Field::User, "user"),
        (Field::Url, "url"),
        (Field::Host, "domain"),
        (Field::Up, "sent_bytes"),
        (Field::Up, "bytes_sent"),
        (Field::Down, "recv_bytes"),
        (Field::Down, "bytes_received"),
        (Field::Action, "log_subtype"),
        (Field::Outcome, "status"),
        (Field::Status, "status_code"),
        (Field::Kind, "log_type"),
        (Field::Subkind, "log_component"),
        (Field::Session, "con_id"),
        (Field::Session, "connid"),
        (Field::Device, "device_id"),
    ],
    starts: |rest| [&b"device="[..], b"device_name=", b"date=", b"timestamp="].iter().any(|k| rest.starts_with(k)),
    quirk: firewall,
    escape: Escape::Backslash,
    marks: &["device=\"SFW\"", "device_name=\"SFW\"", "device_name=\"XG", "SFOS"],
    ..Format::PLAIN
};

pub(crate) const SOPHOS_XG_SYSLOG: Format = Format {
    id: "SOPHOS_XG_SYSLOG",
    log_type: 199,
    sample: include_bytes!("../../samples/SOPHOS_XG_SYSLOG.log"),
    ..SOPHOS_XG
};

pub(crate) const SOPHOS_CYBEROAM: Format = Format {
    id: "SOPHOS_CYBEROAM",
    log_type: 162,
    vendor: "Sophos Cyberoam",
    sample: include_bytes!("../../samples/SOPHOS_CYBEROAM_SYSLOG.log"),
    marks: &["device_name=\"CR"],
    ..SOPHOS_XG
};

pub(crate) const SOPHOS_CYBEROAM_SYSLOG: Format =
    Format { id: "SOPHOS_CYBEROAM_SYSLOG", log_type: 163, ..SOPHOS_CYBEROAM };

pub(crate) const SOPHOS_SG: Format = Format {
    id: "SOPHOS_SG",
    log_type: 130,
    vendor: "Sophos SG (UTM 9)",
    sample: include_bytes!("../../samples/SOPHOS_SG.log"),
    // The stamp is that of the header: `2026:11:17-08:04:59`, in local time.
    names: &[
        (Field::SourceIp, "srcip"),
        (Field::DestinationIp, "dstip"),
        (Field::User, "user"),
        (Field::Url, "url"),
        (Field::Down, "size"),
        (Field::Action, "action"),
        (Field::Status, "statuscode"),
        (Field::Kind, "sub"),
        (Field::Subkind, "id"),
    ],
    starts: |rest| rest.starts_with(b"id=\""),
    quirk: gateway,
    escape: Escape::Backslash,
    marks: &["httpproxy[", "sys=\"Secure"],
    ..Format::PLAIN
};

pub(crate) const SOPHOS_SG_SYSLOG: Format = Format {
    id: "SOPHOS_SG_SYSLOG",
    log_type: 148,
    sample: include_bytes!("../../samples/SOPHOS_SG_SYSLOG.log"),
    ..SOPHOS_SG
};

fn firewall(cells: &mut Cells<'_>) -> Verdict {
    // Both may tell one connection; only the web filter knows where it went.
    match cells.get(Field::Kind) {
        b"" => Verdict::Keep,
        b"Content Filtering" | b"Web Filter" | b"Application Filter" => Verdict::Request,
        b"Firewall" if cells.is(Field::Subkind, "Firewall Rule") => Verdict::End,
        _ => Verdict::Ignore,
    }
}

fn gateway(cells: &mut Cells<'_>) -> Verdict {
    match (cells.get(Field::Kind), cells.get(Field::Subkind)) {
        (b"http" | b"", _) if cells.get(Field::Status) == b"407" => Verdict::Ignore,
        (b"http" | b"", [b'0', b'0', b'6', b'0'..=b'8']) => Verdict::Blocked,
        (b"http" | b"", _) => Verdict::Keep,
        // A packet filter tells the length of one packet, not of a connection.
        _ => Verdict::Ignore,
    }
}
