//! SonicWall: WELF with message numbers. 97 is a web request, 14 a refused one, 537 a closed connection.

use memchr::{memchr, memchr_iter};

use super::juniper::WELF;
use crate::format::{Cells, Field, Format, Verdict};
use crate::value;

pub(crate) const SONICWALL: Format = Format {
    id: "SONICWALL",
    log_type: 113,
    vendor: "SonicWall",
    sample: include_bytes!("../../samples/SONICWALL_SYSLOG.log"),
    names: &[
        WELF[0],
        (Field::SourceIp, "srcV6"),
        (Field::SourceIp, "src"),
        (Field::DestinationIp, "dstV6"),
        (Field::DestinationIp, "dst"),
        (Field::User, "usr"),
        (Field::User, "susr"),
        (Field::User, "user"),
        (Field::Host, "dstname"),
        (Field::Path, "arg"),
        (Field::Up, "sent"),
        (Field::Down, "rcvd"),
        (Field::Action, "fw_action"),
        (Field::Outcome, "result"),
        (Field::Kind, "m"),
        (Field::Kind, "signatureId"),
    ],
    starts: |rest| rest.starts_with(b"id=") || rest.starts_with(b"sn="),
    quirk,
    marks: &[" sn=", "|SonicWall|", "|SonicWALL|"],
    ..Format::PLAIN
};

pub(crate) const SONICWALL_SYSLOG: Format = Format { id: "SONICWALL_SYSLOG", log_type: 160, ..SONICWALL };

fn quirk(cells: &mut Cells<'_>) -> Verdict {
    // `10.0.0.7:53210:X0:name`, where only the address is sure to be there.
    let (source, destination) = (cells.get(Field::SourceIp), cells.get(Field::DestinationIp));
    cells.set(Field::Device, ends(source, 2));
    cells.set(Field::Session, ends(destination, 2));
    cells.set(Field::SourceIp, ends(source, 1));
    cells.set(Field::DestinationIp, ends(destination, 1));
    if let Some(at) = memchr_iter(b':', destination).nth(2).filter(|_| is_old(destination))
        && destination[at + 1..].contains(&b'.')
    {
        cells.offer(Field::Host, 0x7F, &destination[at + 1..]);
    }
    match cells.get(Field::Kind) {
        b"97" | b"16" => Verdict::Part,
        b"14" => Verdict::Blocked,
        b"537" => Verdict::Sum,
        b"" => Verdict::Keep,
        number if number.iter().all(u8::is_ascii_digit) => Verdict::Ignore,
        _ => Verdict::Keep,
    }
}

/// The first parts of an address cell; one of version 6 is left as it is.
fn ends(cell: &[u8], parts: usize) -> &[u8] {
    match memchr_iter(b':', cell).nth(parts - 1) {
        Some(at) if is_old(cell) => &cell[..at],
        _ => cell,
    }
}

/// Whether the cell begins with an address of version 4.
fn is_old(cell: &[u8]) -> bool {
    let first = &cell[..memchr(b':', cell).unwrap_or(cell.len())];
    value::address(first).is_some_and(|ip| ip.is_ipv4())
}
