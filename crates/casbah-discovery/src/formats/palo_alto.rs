//! Palo Alto Networks firewalls: CSV by position, 46 to over 110 cells, of which the tail is not read; or LEEF.

use memchr::memchr;

use crate::format::{Cells, Column::*, Field, Format, Shape, Verdict};
use crate::value::Escape;

pub(crate) const PALO_ALTO: Format = Format {
    id: "PALO_ALTO",
    log_type: 112,
    vendor: "Palo Alto Networks",
    sample: include_bytes!("../../samples/PALO_ALTO.log"),
    shape: Shape::Separated(b','),
    columns: &[
        (Field::Device, At(2)),
        (Field::Kind, At(3)),
        (Field::Subkind, At(4)),
        (Field::Time, At(6)),
        (Field::SourceIp, At(7)),
        (Field::DestinationIp, At(8)),
        (Field::User, At(12)),
        (Field::Application, At(14)),
        (Field::Session, At(22)),
        (Field::Action, At(30)),
        (Field::Total, At(31)),
        (Field::Up, At(32)),
        (Field::Down, At(33)),
    ],
    // The headings of the portal's CSV export; its order is the same, but exports can be cut to fewer columns.
    names: &[
        (Field::Device, "Serial #"),
        (Field::Device, "Serial Number"),
        (Field::Kind, "Type"),
        (Field::Subkind, "Threat/Content Type"),
        (Field::Subkind, "Subtype"),
        (Field::Time, "Generate Time"),
        (Field::Time, "Generated Time"),
        (Field::Time, "Receive Time"),
        (Field::SourceIp, "Source address"),
        (Field::DestinationIp, "Destination address"),
        (Field::User, "Source User"),
        (Field::Application, "Application"),
        (Field::Session, "Session ID"),
        (Field::Action, "Action"),
        (Field::Total, "Bytes"),
        (Field::Up, "Bytes Sent"),
        (Field::Down, "Bytes Received"),
        (Field::Url, "URL/Filename"),
        (Field::Url, "URL"),
    ],
    blocked: &["deny", "drop", "drop-icmp", "reset-client", "reset-server", "reset-both", "block*"],
    starts: |rest| {
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        digits > 0 && rest.get(digits) == Some(&b',')
    },
    quirk,
    escape: Escape::DoubledQuote,
    marks: &[",TRAFFIC,", ",THREAT,", "Config Version"],
    ..Format::PLAIN
};

pub(crate) const PALO_ALTO_SYSLOG: Format = Format {
    id: "PALO_ALTO_SYSLOG",
    log_type: 126,
    sample: include_bytes!("../../samples/PALO_ALTO_SYSLOG.log"),
    ..PALO_ALTO
};

pub(crate) const PALO_ALTO_LEEF: Format = Format {
    id: "PALO_ALTO_LEEF",
    log_type: 208,
    sample: include_bytes!("../../samples/PALO_ALTO_LEEF.log"),
    shape: Shape::Leef,
    columns: &[],
    names: &[
        (Field::Time, "devTime"),
        (Field::Time, "GeneratedTime"),
        (Field::Time, "ReceiveTime"),
        (Field::User, "usrName"),
        (Field::User, "SourceUser"),
        (Field::Application, "Application"),
        (Field::Kind, "cat"),
        (Field::Kind, "Type"),
        (Field::Subkind, "Subtype"),
        (Field::Device, "SerialNumber"),
        (Field::Session, "SessionID"),
        (Field::Url, "Miscellaneous"),
    ],
    starts: |_| false,
    escape: Escape::None,
    marks: &["|Palo Alto Networks|"],
    ..PALO_ALTO
};

pub(crate) const PALO_ALTO_LEEF_SYSLOG: Format = Format {
    id: "PALO_ALTO_LEEF_SYSLOG",
    log_type: 209,
    sample: include_bytes!("../../samples/PALO_ALTO_LEEF_SYSLOG.log"),
    ..PALO_ALTO_LEEF
};

fn quirk(cells: &mut Cells<'_>) -> Verdict {
    match (cells.get(Field::Kind), cells.get(Field::Subkind)) {
        (b"TRAFFIC", b"end") => Verdict::End,
        (b"TRAFFIC", b"start") => Verdict::Start,
        (b"TRAFFIC", b"drop" | b"deny") => Verdict::Blocked,
        // An export of the traffic log alone may leave out the type.
        (b"TRAFFIC", b"") | (b"", b"end") => Verdict::Keep,
        (b"THREAT", b"url") => {
            // In these records the URL stands where the traffic record has its bytes.
            if cells.get(Field::Url).is_empty() {
                cells.set(Field::Url, cells.get(Field::Total));
            }
            for field in [Field::Total, Field::Up, Field::Down] {
                cells.set(field, b"");
            }
            Verdict::Request
        }
        (b"", b"") => Verdict::Keep,
        // SYSTEM, CONFIG, USERID, HIPMATCH, other threats; a line of foreign text has no such word.
        (kind, _) if kind.iter().all(u8::is_ascii_uppercase) && memchr(b'/', cells.get(Field::Time)).is_some() => {
            Verdict::Ignore
        }
        _ => Verdict::Keep,
    }
}
