//! Cisco Firepower: `Key: value,` pairs, from the module inside an ASA (`SFIMS:`) and from FTD 6.3 on
//! (`%FTD-1-430003:`).

use memchr::memmem;

use crate::format::{Cells, Field, Format, Shape, Verdict};
use crate::shapes;

pub(crate) const CISCO_ASA_FIREPOWER: Format = Format {
    id: "CISCO_ASA_FIREPOWER",
    log_type: 177,
    vendor: "Cisco ASA with FirePOWER",
    sample: include_bytes!("../../samples/CISCO_ASA_FIREPOWER_SYSLOG.log"),
    shape: Shape::Text(read),
    starts,
    quirk,
    marks: &["SFIMS"],
    ..Format::PLAIN
};

pub(crate) const CISCO_ASA_FIREPOWER_SYSLOG: Format =
    Format { id: "CISCO_ASA_FIREPOWER_SYSLOG", log_type: 178, ..CISCO_ASA_FIREPOWER };

pub(crate) const CISCO_FIREPOWER_V6: Format = Format {
    id: "CISCO_FIREPOWER_V6",
    log_type: 222,
    vendor: "Cisco Firepower Threat Defense",
    sample: include_bytes!("../../samples/CISCO_FIREPOWER_V6_SYSLOG.log"),
    marks: &["%FTD-", "%NGIPS-"],
    ..CISCO_ASA_FIREPOWER
};

pub(crate) const CISCO_FIREPOWER_V6_SYSLOG: Format =
    Format { id: "CISCO_FIREPOWER_V6_SYSLOG", log_type: 223, ..CISCO_FIREPOWER_V6 };

fn starts(rest: &[u8]) -> bool {
    [&b"%FTD-"[..], b"%NGIPS-", b"SFIMS"].iter().any(|mark| rest.starts_with(mark))
}

/// `SFIMS: Key: value, …` or `%FTD-level-code: Key: value, …`
fn read<'l>(line: &'l [u8], cells: &mut Cells<'l>) -> bool {
    let Some(colon) = memmem::find(line, b": ").filter(|_| starts(line)) else { return false };
    cells.set(Field::Kind, &line[..colon]);
    let count = shapes::labels(&line[colon + 2..], |key, value| {
        let (field, rank) = match key {
            b"FirstPacketSecond" => (Field::Begin, 0),
            b"SrcIP" => (Field::SourceIp, 1),
            // Set where a proxy stands between the client and the firewall.
            b"OriginalClientIP" if !matches!(value, b"::" | b"0.0.0.0") => (Field::SourceIp, 0),
            b"DstIP" => (Field::DestinationIp, 0),
            b"URL" => (Field::Url, 0),
            b"ReferencedHost" | b"HTTP_Hostname" | b"DNSQuery" | b"SSLServerName" => (Field::Host, 0),
            b"User" | b"UserName" => (Field::User, 0),
            b"InitiatorBytes" => (Field::Up, 0),
            b"ResponderBytes" => (Field::Down, 0),
            b"AccessControlRuleAction" => (Field::Action, 0),
            b"ConnectType" => (Field::Subkind, 0),
            _ => return,
        };
        cells.offer(field, rank, value);
    });
    count > 1
}

fn quirk(cells: &mut Cells<'_>) -> Verdict {
    // `Block`, `Block with reset`, `Interactive Block`.
    let is_block = |word: &[u8]| word.eq_ignore_ascii_case(b"block");
    let blocked = cells.get(Field::Action).split(|b| *b == b' ').any(is_block);
    let kind = cells.get(Field::Kind);
    match (kind.rsplit(|b| *b == b'-').next(), cells.get(Field::Subkind)) {
        (Some(b"430002" | b"430003"), _) | (_, b"Start" | b"End") if blocked => Verdict::Blocked,
        (Some(b"430003"), _) => Verdict::Keep,
        (Some(b"430002"), _) | (_, b"Start") => Verdict::Ignore,
        // Intrusion, file and malware events; any other message of the device.
        (Some(code), _) if code.len() == 6 && kind.first() == Some(&b'%') => Verdict::Ignore,
        _ => Verdict::Keep,
    }
}
