//! Cisco ASA and its predecessors (PIX, FWSM): message text with a number.
//!
//! Counted are torn down connections and denials. `bytes` is one total of both directions.

use std::net::IpAddr;

use memchr::{memchr, memmem, memrchr};

use crate::format::{Cells, Field, Format, Shape, Verdict};
use crate::value;

pub(crate) const CISCO_ASA: Format = Format {
    id: "CISCO_ASA",
    log_type: 104,
    vendor: "Cisco ASA",
    sample: include_bytes!("../../samples/CISCO_ASA.log"),
    shape: Shape::Text(read),
    starts,
    quirk,
    marks: &["%ASA-", "%PIX-"],
    ..Format::PLAIN
};

pub(crate) const CISCO_ASA_SYSLOG: Format = Format {
    id: "CISCO_ASA_SYSLOG",
    log_type: 141,
    sample: include_bytes!("../../samples/CISCO_ASA_SYSLOG.log"),
    ..CISCO_ASA
};

pub(crate) const CISCO_FWSM: Format = Format {
    id: "CISCO_FWSM",
    log_type: 157,
    vendor: "Cisco FWSM",
    sample: include_bytes!("../../samples/CISCO_FWSM.log"),
    marks: &["%FWSM-"],
    ..CISCO_ASA
};

pub(crate) const CISCO_FWSM_SYSLOG: Format = Format {
    id: "CISCO_FWSM_SYSLOG",
    log_type: 158,
    sample: include_bytes!("../../samples/CISCO_FWSM_SYSLOG.log"),
    ..CISCO_FWSM
};

fn starts(rest: &[u8]) -> bool {
    [&b"%ASA-"[..], b"%FWSM-", b"%PIX-", b"%ASA--"].iter().any(|mark| rest.starts_with(mark))
}

const TEARDOWN: &[u8] = b"teardown";
const DENIED: &[u8] = b"denied";
const OTHER: &[u8] = b"other";

/// `%ASA-level-code: text`
fn read<'l>(line: &'l [u8], cells: &mut Cells<'l>) -> bool {
    let Some(colon) = memmem::find(line, b": ").filter(|_| starts(line)) else { return false };
    let (mark, text) = (&line[..colon], &line[colon + 2..]);
    let code = &mark[memrchr(b'-', mark).map_or(0, |at| at + 1)..];
    let ends = match code {
        b"302014" | b"302016" => {
            cells.set(Field::Kind, TEARDOWN);
            // The older module puts the reason itself in brackets.
            teardown(text, cells, !line.starts_with(b"%FWSM"))
        }
        b"106023" | b"106001" | b"106006" | b"106015" | b"106100" => {
            let permitted = memmem::find(text, b" permitted ").is_some();
            cells.set(Field::Kind, if permitted { OTHER } else { DENIED });
            denial(text)
        }
        _ => {
            cells.set(Field::Kind, OTHER);
            None
        }
    };
    let Some((first, second)) = ends else { return cells.get(Field::Kind) == OTHER };
    let (client, server) = match cells.get(Field::Kind) {
        TEARDOWN if is_client(first.address, second.address) => (first, second),
        TEARDOWN => (second, first),
        _ => (first, second),
    };
    if cells.get(Field::Kind) == DENIED && !private(client.address) && private(server.address) {
        // Somebody knocks from outside: no use of a cloud service.
        cells.set(Field::Kind, OTHER);
    }
    cells.set(Field::SourceIp, client.address);
    cells.set(Field::DestinationIp, server.address);
    cells.offer(Field::User, 0, client.user);
    true
}

fn quirk(cells: &mut Cells<'_>) -> Verdict {
    match cells.get(Field::Kind) {
        OTHER => Verdict::Ignore,
        DENIED => Verdict::Blocked,
        _ => Verdict::Keep,
    }
}

/// One end of a connection.
#[derive(Clone, Copy, Default)]
struct End<'l> {
    address: &'l [u8],
    user: &'l [u8],
}

/// The first end named is the outer one of a connection that began inside; the client is the private end,
/// and the second where both or none are private.
fn is_client(first: &[u8], second: &[u8]) -> bool {
    private(first) && !private(second)
}

fn private(address: &[u8]) -> bool {
    value::address(address).is_some_and(value::is_private)
}

/// `Teardown TCP connection N for <end> to <end> duration H:MM:SS bytes N reason [(user)]`
fn teardown<'l>(text: &'l [u8], cells: &mut Cells<'l>, named: bool) -> Option<(End<'l>, End<'l>)> {
    let from = memmem::find(text, b" for ")? + 5;
    let to = from + memmem::find(&text[from..], b" to ")?;
    let duration = to + memmem::find(&text[to..], b" duration ")?;
    let bytes = duration + memmem::find(&text[duration..], b" bytes ")? + 7;
    let behind = &text[bytes..];
    let digits = behind.iter().take_while(|b| b.is_ascii_digit()).count();
    cells.set(Field::Total, &behind[..digits]);
    let second = interface_end(&text[to + 4..duration])?;
    // Behind the reason may stand the user; what holds a blank there is the reason itself.
    if let Some(open) = memrchr(b'(', behind).filter(|_| behind.ends_with(b")"))
        && named
        && open > digits
        && memchr(b' ', &behind[open..]).is_none()
    {
        cells.offer(Field::User, 1, plain_user(&behind[open + 1..behind.len() - 1]));
    }
    Some((interface_end(&text[from..to])?, second))
}

/// The two ends of a denial, source first.
fn denial(text: &[u8]) -> Option<(End<'_>, End<'_>)> {
    if let Some(src) = memmem::find(text, b" src ") {
        let dst = src + memmem::find(&text[src..], b" dst ")?;
        let end = text.len();
        let by = memmem::find(&text[dst..], b" by ").map_or(end, |at| dst + at);
        return Some((interface_end(&text[src + 5..dst])?, interface_end(&text[dst + 5..by])?));
    }
    if let Some(arrow) = memmem::find(text, b" -> ") {
        let source = &text[..arrow];
        let source = &source[memrchr(b' ', source)? + 1..];
        let behind = &text[arrow + 4..];
        return Some((listed_end(source)?, listed_end(&behind[..memchr(b' ', behind).unwrap_or(behind.len())])?));
    }
    let from = memmem::find(text, b" from ")? + 6;
    let to = from + memmem::find(&text[from..], b" to ")?;
    let behind = &text[to + 4..];
    let server = &behind[..memchr(b' ', behind).unwrap_or(behind.len())];
    let ends = |text| Some(End { address: without_port(text), user: b"" }).filter(is_address);
    Some((ends(&text[from..to])?, ends(server)?))
}

fn is_address(end: &End<'_>) -> bool {
    value::address(end.address).is_some()
}

/// `outside:203.0.113.10/443`, with `(user)` behind it where the firewall knows names.
fn interface_end(text: &[u8]) -> Option<End<'_>> {
    let text = text.trim_ascii();
    let text = &text[memchr(b':', text)? + 1..];
    let (address, behind) = text.split_at(text.iter().position(|b| b" (".contains(b)).unwrap_or(text.len()));
    let user = match behind.trim_ascii() {
        [b'(', inner @ .., b')'] => plain_user(inner),
        _ => b"",
    };
    Some(End { address: without_port(address), user }).filter(is_address)
}

/// `inside/10.0.0.7(53210)(user)`, as access lists write it.
fn listed_end(text: &[u8]) -> Option<End<'_>> {
    let text = &text[memchr(b'/', text)? + 1..];
    let open = memchr(b'(', text).unwrap_or(text.len());
    let user = memmem::find(&text[open..], b")(").map_or(&b""[..], |at| &text[open + at + 2..]);
    let user = user.strip_suffix(b")").unwrap_or(user);
    Some(End { address: &text[..open], user: plain_user(user) }).filter(is_address)
}

fn without_port(text: &[u8]) -> &[u8] {
    &text[..memrchr(b'/', text).unwrap_or(text.len())]
}

/// A name in the brackets behind an end; an address there is the translated one.
fn plain_user(text: &[u8]) -> &[u8] {
    let address: Option<IpAddr> = value::address(without_port(text));
    // The local database is no domain.
    if address.is_some() { b"" } else { text.strip_prefix(b"LOCAL\\").unwrap_or(text) }
}
