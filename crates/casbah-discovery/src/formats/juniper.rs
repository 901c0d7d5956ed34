//! Juniper firewalls: SRX in three writings, and ScreenOS (SSG, NetScreen).
//!
//! A web filter record and the closed session of the same client port are one transaction.

use memchr::{memchr, memmem, memrchr};

use crate::format::{Basis, Cells, Field, Format, Shape, Verdict};
use crate::shapes;

pub(crate) const JUNIPER_SRX: Format = Format {
    id: "JUNIPER_SRX",
    log_type: 129,
    vendor: "Juniper SRX",
    sample: include_bytes!("../../samples/JUNIPER_SRX_SYSLOG.log"),
    shape: Shape::Text(read),
    starts,
    quirk,
    marks: &["RT_FLOW: ", "RT_UTM: "],
    ..Format::PLAIN
};

pub(crate) const JUNIPER_SRX_SYSLOG: Format =
    Format { id: "JUNIPER_SRX_SYSLOG", log_type: 147, ..JUNIPER_SRX };

pub(crate) const JUNIPER_SRX_SD: Format = Format {
    id: "JUNIPER_SRX_SD",
    log_type: 172,
    vendor: "Juniper SRX (structured data)",
    sample: include_bytes!("../../samples/JUNIPER_SRX_SD_SYSLOG.log"),
    marks: &["source-address=\""],
    ..JUNIPER_SRX
};

pub(crate) const JUNIPER_SRX_SD_SYSLOG: Format =
    Format { id: "JUNIPER_SRX_SD_SYSLOG", log_type: 173, ..JUNIPER_SRX_SD };

pub(crate) const JUNIPER_SRX_WELF: Format = Format {
    id: "JUNIPER_SRX_WELF",
    log_type: 174,
    vendor: "Juniper SRX (WELF)",
    basis: Basis::Inferred,
    sample: include_bytes!("../../samples/JUNIPER_SRX_WELF_SYSLOG.log"),
    shape: Shape::Pairs,
    names: WELF,
    starts: |rest| rest.starts_with(b"id=firewall"),
    quirk: |cells| if cells.is(Field::Kind, "session created") { Verdict::Ignore } else { Verdict::Keep },
    ..Format::PLAIN
};

pub(crate) const JUNIPER_SRX_WELF_SYSLOG: Format =
    Format { id: "JUNIPER_SRX_WELF_SYSLOG", log_type: 175, ..JUNIPER_SRX_WELF };

pub(crate) const JUNIPER_SSG: Format = Format {
    id: "JUNIPER_SSG",
    log_type: 168,
    vendor: "Juniper SSG (ScreenOS)",
    sample: include_bytes!("../../samples/JUNIPER_SSG_SYSLOG.log"),
    shape: Shape::Pairs,
    names: &[
        (Field::Time, "start_time"),
        (Field::SourceIp, "src"),
        (Field::DestinationIp, "dst"),
        (Field::User, "user_name"),
        (Field::User, "user"),
        (Field::Up, "sent"),
        (Field::Down, "rcvd"),
        (Field::Action, "action"),
        (Field::Kind, "device_id"),
    ],
    starts: |rest| rest.starts_with(b"NetScreen device_id="),
    quirk: |cells| {
        // Other messages of the device have no start time.
        let other = cells.get(Field::Time).is_empty() && !cells.get(Field::Kind).is_empty();
        if other && cells.get(Field::SourceIp).is_empty() { Verdict::Ignore } else { Verdict::Keep }
    },
    marks: &["NetScreen"],
    ..Format::PLAIN
};

pub(crate) const JUNIPER_SSG_SYSLOG: Format =
    Format { id: "JUNIPER_SSG_SYSLOG", log_type: 169, ..JUNIPER_SSG };

/// WebTrends Enhanced Log Format, as firewalls write it.
pub(super) const WELF: &[(Field, &str)] = &[
    (Field::Time, "time"),
    (Field::Zone, "tz"),
    (Field::SourceIp, "src"),
    (Field::DestinationIp, "dst"),
    (Field::User, "user"),
    (Field::User, "usr"),
    (Field::Host, "dstname"),
    (Field::Path, "arg"),
    (Field::Up, "sent"),
    (Field::Down, "rcvd"),
    (Field::Action, "action"),
    (Field::Outcome, "fw_action"),
    (Field::Outcome, "result"),
    (Field::Kind, "msg"),
];

fn starts(rest: &[u8]) -> bool {
    [&b"RT_FLOW"[..], b"RT_UTM", b"APPTRACK_", b"AppTrack", b"RT_AAMW", b"RT_IDP"]
        .iter()
        .any(|mark| rest.starts_with(mark))
}

/// `RT_FLOW_SESSION_CLOSE: session closed …`, or `RT_FLOW - RT_FLOW_SESSION_CLOSE [junos@… key="value"]`.
fn read<'l>(line: &'l [u8], cells: &mut Cells<'l>) -> bool {
    if !starts(line) {
        return false;
    }
    let event = memmem::find(line, b"_SESSION_").or_else(|| memmem::find(line, b"WEBFILTER_URL_"));
    let Some(at) = event else {
        // Another message of the device.
        cells.set(Field::Kind, b"OTHER");
        return true;
    };
    let from = memrchr(b' ', &line[..at]).map_or(0, |at| at + 1);
    let to = line[at..].iter().position(|b| b" :".contains(b)).map_or(line.len(), |end| at + end);
    cells.set(Field::Kind, &line[from..to]);
    let rest = &line[to..];
    let sound = if memmem::find(rest, b"source-address=\"").is_some() {
        structured(rest, cells);
        true
    } else {
        plain(rest.strip_prefix(b":").unwrap_or(rest), cells)
    };
    cells.set(Field::Device, cells.get(Field::SourceIp));
    sound
}

fn structured<'l>(text: &'l [u8], cells: &mut Cells<'l>) {
    shapes::pairs(text, |key, value| {
        let field = match key {
            b"source-address" => Field::SourceIp,
            b"source-port" => Field::Session,
            b"destination-address" => Field::DestinationIp,
            b"bytes-from-client" => Field::Up,
            b"bytes-from-server" => Field::Down,
            b"username" => Field::User,
            b"nested-application" => Field::Application,
            b"url" => Field::Host,
            b"obj" => Field::Path,
            _ => return,
        };
        cells.offer(field, 0, value);
    });
}

/// `… client/port->server/port service … packets(bytes) packets(bytes) seconds app nested user(roles) …`
fn plain<'l>(text: &'l [u8], cells: &mut Cells<'l>) -> bool {
    let Some(arrow) = memmem::find(text, b"->") else { return false };
    let left = &text[memrchr(b' ', &text[..arrow]).map_or(0, |at| at + 1)..arrow];
    let behind = &text[arrow + 2..];
    let end = memchr(b' ', behind).unwrap_or(behind.len());
    let (client, port) = address_and_port(left);
    cells.set(Field::SourceIp, client);
    cells.set(Field::Session, port);
    cells.set(Field::DestinationIp, address_and_port(&behind[..end]).0);
    let rest = &behind[end..];
    if cells.get(Field::Kind).starts_with(b"WEBFILTER") {
        return web_filter(rest, cells);
    }
    let mut sums = 0;
    let mut since = 0;
    for word in rest.split(|b| *b == b' ').filter(|word| !word.is_empty()) {
        since += 1;
        let Some(open) = memchr(b'(', word).filter(|_| word.ends_with(b")")) else {
            if sums == 2 && since == 3 {
                cells.offer(Field::Application, 0, word);
            }
            continue;
        };
        let (before, inner) = (&word[..open], &word[open + 1..word.len() - 1]);
        let counts = [before, inner].iter().all(|n| !n.is_empty() && n.iter().all(u8::is_ascii_digit));
        match (counts, sums) {
            (true, 0) => cells.set(Field::Up, inner),
            (true, 1) => cells.set(Field::Down, inner),
            (true, _) => {}
            (false, _) => cells.offer(Field::User, 0, before),
        }
        if counts {
            (sums, since) = (sums + 1, 0);
        }
    }
    if !cells.get(Field::Kind).ends_with(b"_CLOSE") && !cells.get(Field::Kind).ends_with(b"_CLOSE_LS") {
        // A denial has one such pair, and it counts something else.
        cells.set(Field::Up, b"");
        cells.set(Field::Down, b"");
        return true;
    }
    sums >= 2
}

/// `… URL=host OBJ=/path username u roles r`
fn web_filter<'l>(text: &'l [u8], cells: &mut Cells<'l>) -> bool {
    shapes::pairs(text, |key, value| match key {
        b"URL" => cells.set(Field::Host, value),
        b"OBJ" => cells.set(Field::Path, value),
        _ => {}
    });
    if let Some(at) = memmem::find(text, b" username ") {
        let name = &text[at + 10..];
        cells.offer(Field::User, 0, &name[..memchr(b' ', name).unwrap_or(name.len())]);
    }
    true
}

/// `10.0.0.7/53210` and `10.0.0.7(53210)`
fn address_and_port(text: &[u8]) -> (&[u8], &[u8]) {
    let at = text.iter().rposition(|b| b"/(".contains(b)).unwrap_or(text.len());
    (&text[..at], text.get(at + 1..).map_or(b"", |port| port.strip_suffix(b")").unwrap_or(port)))
}

fn quirk(cells: &mut Cells<'_>) -> Verdict {
    let kind = cells.get(Field::Kind);
    let kind = kind.strip_suffix(b"_LS").unwrap_or(kind);
    if kind.ends_with(b"_SESSION_CLOSE") {
        // Both tell the same session where both are on.
        return if kind.starts_with(b"APPTRACK") { Verdict::Request } else { Verdict::End };
    }
    if kind.ends_with(b"_DENY") {
        return Verdict::Blocked;
    }
    if kind.starts_with(b"WEBFILTER_URL_") {
        if kind.ends_with(b"BLOCKED") {
            cells.set(Field::Action, b"blocked");
        }
        return Verdict::Request;
    }
    if kind.is_empty() { Verdict::Keep } else { Verdict::Ignore }
}
