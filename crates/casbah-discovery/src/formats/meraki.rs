//! Cisco Meraki MX: `epoch device urls src=ip:port dst=ip:port mac=… request: METHOD URL`. No user, no
//! bytes; of the firewall's lines only refusals count, because permitted ones are told by their URLs.

use memchr::{memchr, memmem, memrchr};

use crate::format::{Cells, Field, Format, Shape, Verdict};
use crate::shapes;

pub(crate) const MACHINE_ZONE_MERAKI: Format = Format {
    id: "MACHINE_ZONE_MERAKI",
    log_type: 153,
    vendor: "Cisco Meraki MX",
    sample: include_bytes!("../../samples/MACHINE_ZONE_MERAKI.log"),
    shape: Shape::Text(read),
    starts,
    quirk,
    marks: &[" urls src=", " flows ", " firewall ", " events "],
    ..Format::PLAIN
};

pub(crate) const MACHINE_ZONE_MERAKI_SYSLOG: Format = Format {
    id: "MACHINE_ZONE_MERAKI_SYSLOG",
    log_type: 154,
    sample: include_bytes!("../../samples/MACHINE_ZONE_MERAKI_SYSLOG.log"),
    ..MACHINE_ZONE_MERAKI
};

const EVENTS: [&[u8]; 9] = [
    b"urls src=",
    b"flows ",
    b"firewall ",
    b"vpn_firewall ",
    b"events ",
    b"security_event ",
    b"ids-alerts ",
    b"ip_flow_",
    b"airmarshal_events ",
];

fn starts(rest: &[u8]) -> bool {
    EVENTS.iter().any(|event| rest.starts_with(event))
}

fn read<'l>(line: &'l [u8], cells: &mut Cells<'l>) -> bool {
    if !starts(line) {
        return false;
    }
    let kind = &line[..memchr(b' ', line).unwrap_or(line.len())];
    cells.set(Field::Kind, kind);
    let refused = |word: &[u8]| [&b"deny"[..], b"1", b"block"].contains(&word);
    if kind.ends_with(b"firewall") || kind == b"flows" {
        let rest = line[kind.len()..].trim_ascii_start();
        let first = &rest[..memchr(b' ', rest).unwrap_or(rest.len())];
        let pattern = memmem::find(line, b"pattern: ").map_or(&b""[..], |at| &line[at + 9..]);
        let pattern = &pattern[..memchr(b' ', pattern).unwrap_or(pattern.len())];
        // `pattern: 1` denies; behind it may stand `all`.
        if refused(first) || (first != b"allow" && refused(pattern)) {
            cells.set(Field::Subkind, b"deny");
        }
    }
    if let Some(at) = memmem::find(line, b" request: ") {
        let request = line[at + 10..].trim_ascii();
        cells.set(Field::Url, memchr(b' ', request).map_or(b"", |blank| &request[blank + 1..]));
    }
    shapes::pairs(line, |key, value| match key {
        b"src" => cells.offer(Field::SourceIp, 0, without_port(value)),
        b"dst" => cells.offer(Field::DestinationIp, 0, without_port(value)),
        _ => {}
    });
    true
}

/// The last colon parts the port, also where an address of version 6 has no brackets. The firewall's lines
/// write addresses alone.
fn without_port(value: &[u8]) -> &[u8] {
    let Some(colon) = memrchr(b':', value).filter(|_| !value.starts_with(b"[")) else { return value };
    let port = &value[colon + 1..];
    let is_port = !port.is_empty() && port.iter().all(u8::is_ascii_digit);
    if is_port { &value[..colon] } else { value }
}

fn quirk(cells: &mut Cells<'_>) -> Verdict {
    match (cells.get(Field::Kind), cells.get(Field::Subkind)) {
        (b"urls", _) | (b"", _) => Verdict::Keep,
        (_, b"deny") => Verdict::Blocked,
        _ => Verdict::Ignore,
    }
}
