//! Barracuda: the activity log of the F series (NextGen, CloudGen) and its web log, a fixed template.

use memchr::{memchr, memmem, memrchr};

use crate::format::{Basis, Cells, Field, Format, Shape, Verdict};
use crate::value;

pub(crate) const BARRACUDA_NEXT_GEN_FW: Format = Format {
    id: "BARRACUDA_NEXT_GEN_FW",
    log_type: 191,
    vendor: "Barracuda F-series",
    basis: Basis::Inferred,
    sample: include_bytes!("../../samples/BARRACUDA_NEXT_GEN_FW.log"),
    shape: Shape::Text(activity),
    starts: |rest| ACTIONS.iter().any(|action| rest.strip_prefix(*action).is_some_and(|b| b.starts_with(b": "))),
    blocked: &["block*", "localblock*", "deny", "drop"],
    quirk,
    marks: &["|TCP|", "|UDP|"],
    ..Format::PLAIN
};

pub(crate) const BARRACUDA_NEXT_GEN_FW_SYSLOG: Format =
    Format { id: "BARRACUDA_NEXT_GEN_FW_SYSLOG", log_type: 192, ..BARRACUDA_NEXT_GEN_FW };

pub(crate) const BARRACUDA_NEXT_GEN_FW_WEBLOG: Format = Format {
    id: "BARRACUDA_NEXT_GEN_FW_WEBLOG",
    log_type: 193,
    vendor: "Barracuda F-series web log",
    sample: include_bytes!("../../samples/BARRACUDA_NEXT_GEN_FW_WEBLOG.log"),
    shape: Shape::Text(web),
    starts: |rest| {
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        (9..=11).contains(&digits) && rest[digits..].starts_with(b" 1 ")
    },
    marks: &[" BYF "],
    ..Format::PLAIN
};

pub(crate) const BARRACUDA_NEXT_GEN_FW_WEBLOG_SYSLOG: Format =
    Format { id: "BARRACUDA_NEXT_GEN_FW_WEBLOG_SYSLOG", log_type: 194, ..BARRACUDA_NEXT_GEN_FW_WEBLOG };

pub(crate) const BARRACUDA: Format = Format {
    id: "BARRACUDA",
    log_type: 101,
    vendor: "Barracuda",
    ..super::unverified::ANY
};

pub(crate) const BARRACUDA_SYSLOG: Format = Format { id: "BARRACUDA_SYSLOG", log_type: 166, ..BARRACUDA };

const ACTIONS: [&[u8]; 11] = [
    b"Allow",
    b"LocalAllow",
    b"Remove",
    b"LocalRemove",
    b"Detect",
    b"LocalDetect",
    b"Block",
    b"LocalBlock",
    b"Deny",
    b"LocalDeny",
    b"Drop",
];

/// `<stamp> <level> <box> <action>: <type>|proto|srcIF|srcIP|srcPort|srcMAC|dstIP|dstPort|service|dstIF|rule|
/// info|srcNAT|dstNAT|duration|count|receivedBytes|sentBytes|receivedPkts|sentPkts|user|protocol|application|…`
fn activity<'l>(line: &'l [u8], cells: &mut Cells<'l>) -> bool {
    let Some(bar) = memchr(b'|', line) else { return false };
    let Some(colon) = memmem::rfind(&line[..bar], b": ") else { return false };
    let action = &line[memrchr(b' ', &line[..colon]).map_or(0, |at| at + 1)..colon];
    cells.set(Field::Action, action);
    let mut count = 0;
    for (place, cell) in line[colon + 2..].split(|b| *b == b'|').enumerate() {
        let field = match place {
            3 => Field::SourceIp,
            6 => Field::DestinationIp,
            14 => Field::Subkind,
            // Of the peer's bytes, as the firewall receives them.
            16 => Field::Down,
            17 => Field::Up,
            20 => Field::User,
            22 => Field::Application,
            23 => Field::Host,
            _ => continue,
        };
        cells.offer(field, 0, cell);
        count = place;
    }
    // What stands there is a name only where the firewall looked inside.
    if !cells.get(Field::Host).contains(&b'.') {
        cells.set(Field::Host, b"");
    }
    count >= 17
}

fn quirk(cells: &mut Cells<'_>) -> Verdict {
    let nothing = |field| value::count(cells.get(field)).unwrap_or(0) == 0;
    match cells.get(Field::Action) {
        // An allowed connection is told when it begins, and again, with its bytes, when it ends.
        b"Allow" | b"LocalAllow" if nothing(Field::Up) && nothing(Field::Down) => Verdict::Start,
        b"Remove" | b"LocalRemove" => Verdict::End,
        _ => Verdict::Keep,
    }
}

/// `epoch 1 srcip dstip type srcip uri length BYF ALLOWED CLEAN 2 1 0 action … host category [user] host - - 0`
fn web<'l>(line: &'l [u8], cells: &mut Cells<'l>) -> bool {
    let Some(mark) = memmem::find(line, b" BYF ") else { return false };
    // The content type may hold blanks, so the rest is counted from its end.
    let mut first = line[..mark].split(|b| *b == b' ');
    cells.set(Field::Time, first.next().unwrap_or_default());
    cells.set(Field::SourceIp, first.nth(1).unwrap_or_default());
    cells.set(Field::DestinationIp, first.next().unwrap_or_default());
    let mut last = line[..mark].rsplit(|b| *b == b' ');
    cells.set(Field::Down, last.next().unwrap_or_default());
    cells.set(Field::Url, last.next().unwrap_or_default());
    let behind = &line[mark + 5..];
    // ALLOWED CLEAN 2 1 0: the same in every line, whatever was done.
    let Some(number) = behind.split(|b| *b == b' ').nth(5) else { return false };
    cells.set(Field::Action, if number == b"1" { b"blocked" } else { b"allowed" });
    let Some(open) = memrchr(b'[', behind) else { return false };
    let user = &behind[open + 1..];
    let Some(close) = memchr(b']', user) else { return false };
    cells.set(Field::User, &user[..close]);
    let host = user[close + 1..].trim_ascii_start();
    cells.set(Field::Host, &host[..memchr(b' ', host).unwrap_or(host.len())]);
    true
}
