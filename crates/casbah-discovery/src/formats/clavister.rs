//! Clavister cOS Core: key=value, counted are closed connections and dropped packets.

use crate::format::{Basis, Cells, Field, Format, Verdict};
use crate::value;

pub(crate) const CLAVISTER: Format = Format {
    id: "CLAVISTER",
    log_type: 164,
    vendor: "Clavister NGFW",
    basis: Basis::Inferred,
    sample: include_bytes!("../../samples/CLAVISTER_SYSLOG.log"),
    names: &[
        (Field::SourceIp, "connsrcip"),
        (Field::SourceIp, "srcip"),
        (Field::DestinationIp, "conndestip"),
        (Field::DestinationIp, "destip"),
        (Field::User, "connsrcuser"),
        (Field::User, "authuser"),
        (Field::User, "username"),
        (Field::User, "user"),
        (Field::Url, "url"),
        (Field::Host, "hostname"),
        (Field::Up, "origsent"),
        (Field::Down, "termsent"),
        (Field::Action, "action"),
        (Field::Kind, "event"),
    ],
    starts,
    quirk,
    marks: &["EFW:", "CONN:", "DROP", "event=", "connsrcip="],
    ..Format::PLAIN
};

pub(crate) const CLAVISTER_SYSLOG: Format = Format { id: "CLAVISTER_SYSLOG", log_type: 165, ..CLAVISTER };

fn starts(rest: &[u8]) -> bool {
    [&b"prio="[..], b"id=", b"[conn "].iter().any(|key| rest.starts_with(key))
}

fn quirk(cells: &mut Cells<'_>) -> Verdict {
    if let Some(number) = cells.get(Field::SourceIp).strip_suffix(b"]") {
        cells.set(Field::SourceIp, number);
    }
    let event = cells.get(Field::Kind);
    let private = value::address(cells.get(Field::SourceIp)).is_some_and(value::is_private);
    match event {
        b"" => Verdict::Keep,
        _ if event.starts_with(b"conn_close") || event.starts_with(b"request_url") => Verdict::Keep,
        _ if event.ends_with(b"drop_packet") || event.starts_with(b"url_") => {
            // Drops of what comes from outside are no use of a cloud service.
            if private { Verdict::Keep } else { Verdict::Ignore }
        }
        _ => Verdict::Ignore,
    }
}
