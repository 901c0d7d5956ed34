//! Fortinet FortiGate: key=value, bare values up to FortiOS 5, quoted ones since; commas between the pairs
//! where the administrator chose CSV. One session may be told by a traffic and by a web filter record.

use crate::format::{Cells, Field, Format, Verdict};
use crate::value::Escape;

pub(crate) const FORTIGATE: Format = Format {
    id: "FORTIGATE",
    log_type: 108,
    vendor: "Fortinet FortiGate",
    sample: include_bytes!("../../samples/FORTIGATE.log"),
    names: &[
        // Seconds or nanoseconds since 1970: needs no zone.
        (Field::Time, "eventtime"),
        (Field::Time, "FTNTFGTeventtime"),
        (Field::Date, "date"),
        (Field::Clock, "time"),
        (Field::Zone, "tz"),
        (Field::Zone, "FTNTFGTtz"),
        (Field::SourceIp, "srcip"),
        (Field::SourceIp, "src"),
        (Field::User, "user"),
        (Field::User, "unauthuser"),
        (Field::Url, "url"),
        (Field::Host, "hostname"),
        (Field::Host, "dsthostname"),
        (Field::DestinationIp, "dstip"),
        (Field::DestinationIp, "dst"),
        (Field::Up, "sentbyte"),
        (Field::Up, "sent"),
        (Field::Down, "rcvdbyte"),
        (Field::Down, "rcvd"),
        (Field::Action, "action"),
        (Field::Outcome, "utmaction"),
        (Field::Outcome, "FTNTFGTutmaction"),
        (Field::Outcome, "status"),
        (Field::Application, "app"),
        (Field::Kind, "type"),
        (Field::Kind, "cat"),
        (Field::Subkind, "subtype"),
        (Field::Subkind, "FTNTFGTsubtype"),
        (Field::Device, "devid"),
        (Field::Device, "deviceExternalId"),
        (Field::Session, "sessionid"),
        (Field::Session, "externalId"),
    ],
    starts,
    quirk,
    escape: Escape::Backslash,
    marks: &["type=traffic", "type=\"traffic\"", "|Fortinet|"],
    ..Format::PLAIN
};

pub(crate) const FORTIGATE_SYSLOG: Format = Format {
    id: "FORTIGATE_SYSLOG",
    log_type: 136,
    sample: include_bytes!("../../samples/FORTIGATE_SYSLOG.log"),
    ..FORTIGATE
};

pub(crate) const FORTIOS: Format = Format {
    id: "FORTIOS",
    log_type: 204,
    vendor: "Fortinet FortiOS",
    sample: include_bytes!("../../samples/FORTIOS_SYSLOG.log"),
    marks: &["webfilter", "app-ctrl"],
    ..FORTIGATE
};

pub(crate) const FORTIOS_SYSLOG: Format = Format { id: "FORTIOS_SYSLOG", log_type: 205, ..FORTIOS };

fn starts(rest: &[u8]) -> bool {
    rest.starts_with(b"date=") || rest.starts_with(b"logver=")
}

fn quirk(cells: &mut Cells<'_>) -> Verdict {
    let kind = cells.get(Field::Kind);
    let kind = &kind[..kind.iter().position(|b| *b == b':').unwrap_or(kind.len())];
    match (kind, cells.get(Field::Subkind)) {
        (b"traffic", b"local" | b"multicast") => Verdict::Ignore,
        (b"traffic", _) if cells.is(Field::Action, "start") => Verdict::Ignore,
        (b"traffic", _) => Verdict::End,
        // Both know the host; the traffic record of the session knows the bytes.
        (b"utm" | b"webfilter", b"webfilter" | b"app-ctrl" | b"") | (b"utm", b"urlfilter") => Verdict::Request,
        (b"webfilter" | b"app-ctrl", _) => Verdict::Request,
        (b"", b"") => Verdict::Keep,
        _ => Verdict::Ignore,
    }
}
