//! DNS servers: one line for each name that somebody asked for, without bytes. Names that never leave the
//! site are no use of a cloud service: reverse zones, single labels, and the zones kept for local networks.
//!
//! A refusal by a block list is told in another line, without the client; it is not seen.

use memchr::{memchr, memmem};

use crate::format::{Cells, Field, Format, Shape, Verdict};

/// dnsmasq with `log-queries`, also with `log-queries=extra`.
pub(crate) const DNSMASQ: Format = Format {
    id: "DNSMASQ",
    log_type: 10_101,
    vendor: "dnsmasq",
    sample: include_bytes!("../../samples/DNSMASQ.log"),
    shape: Shape::Text(dnsmasq),
    starts: |rest| rest.starts_with(b"dnsmasq"),
    quirk,
    ..Format::PLAIN
};

/// Pi-hole's log is that of dnsmasq inside it, with words of its own for what its lists block.
pub(crate) const PI_HOLE: Format = Format {
    id: "PI_HOLE",
    log_type: 10_102,
    vendor: "Pi-hole",
    sample: include_bytes!("../../samples/PI_HOLE.log"),
    marks: &["gravity blocked", "pihole", "regex blacklisted", "exactly denied"],
    ..DNSMASQ
};

/// Unbound with `log-queries`, `log-replies` or both.
pub(crate) const UNBOUND: Format = Format {
    id: "UNBOUND",
    log_type: 10_103,
    vendor: "Unbound",
    sample: include_bytes!("../../samples/UNBOUND.log"),
    shape: Shape::Text(unbound),
    starts: |rest| rest.starts_with(b"unbound["),
    quirk,
    marks: &["unbound["],
    ..Format::PLAIN
};

/// BIND 9, category `queries`.
pub(crate) const BIND: Format = Format {
    id: "BIND",
    log_type: 10_104,
    vendor: "ISC BIND",
    sample: include_bytes!("../../samples/BIND.log"),
    shape: Shape::Text(bind),
    starts: |rest| rest.starts_with(b"client "),
    quirk,
    marks: &[": query"],
    ..Format::PLAIN
};

const QUERY: &[u8] = b"query";
const REPLY: &[u8] = b"reply";
const REFUSED: &[u8] = b"refused";
const OTHER: &[u8] = b"other";

fn quirk(cells: &mut Cells<'_>) -> Verdict {
    let verdict = match cells.get(Field::Kind) {
        OTHER => return Verdict::Ignore,
        REFUSED => Verdict::Blocked,
        // Where questions and answers are both logged, they are two views of one.
        REPLY => Verdict::End,
        QUERY if cells.get(Field::Subkind) == REPLY => Verdict::Start,
        _ => Verdict::Keep,
    };
    if stays_here(cells.get(Field::Host)) { Verdict::Ignore } else { verdict }
}

/// Zones that no public server answers for (RFC 6761, RFC 6762, RFC 8375), and what routers use instead.
const LOCAL: [&str; 14] = [
    "in-addr.arpa",
    "ip6.arpa",
    "home.arpa",
    "local",
    "localhost",
    "localdomain",
    "lan",
    "home",
    "internal",
    "intranet",
    "corp",
    "test",
    "invalid",
    "onion",
];

/// Whether a name is answered on the spot.
pub(super) fn stays_here(name: &[u8]) -> bool {
    let name = name.strip_suffix(b".").unwrap_or(name);
    let within = |zone: &&str| {
        let Some(at) = name.len().checked_sub(zone.len()) else { return false };
        name[at..].eq_ignore_ascii_case(zone.as_bytes()) && (at == 0 || name[at - 1] == b'.')
    };
    !name.is_empty() && (memchr(b'.', name).is_none() || LOCAL.iter().any(within))
}

/// `dnsmasq[7]: query[A] name from client`, with `serial client/port ` before `query` where extra is on.
fn dnsmasq<'l>(line: &'l [u8], cells: &mut Cells<'l>) -> bool {
    if !line.starts_with(b"dnsmasq") {
        return false;
    }
    let Some(at) = memmem::find(line, b" query[") else {
        cells.set(Field::Kind, OTHER);
        return true;
    };
    let mut words = line[at + 1..].split(|b| *b == b' ').filter(|word| !word.is_empty()).skip(1);
    let (name, from, client) = (words.next(), words.next(), words.next());
    cells.set(Field::Host, name.unwrap_or_default());
    cells.set(Field::SourceIp, client.unwrap_or_default());
    from == Some(b"from")
}

/// `unbound[7:0] info: client name. TYPE IN`, with the answer's code behind it in a reply.
fn unbound<'l>(line: &'l [u8], cells: &mut Cells<'l>) -> bool {
    let Some(at) = memmem::find(line, b"info: ").filter(|_| line.starts_with(b"unbound[")) else {
        let ours = line.starts_with(b"unbound[");
        cells.set(Field::Kind, OTHER);
        return ours;
    };
    let mut text = &line[at + 6..];
    let tagged = text.strip_prefix(b"query: ").or_else(|| text.strip_prefix(b"reply: "));
    text = tagged.unwrap_or(text);
    let mut words = text.split(|b| *b == b' ').filter(|word| !word.is_empty());
    let (client, name, _, class) = (words.next(), words.next(), words.next(), words.next());
    let client = client.unwrap_or_default();
    if class != Some(b"IN") || crate::value::address(client).is_none() {
        // Cut off, or another message.
        let cut = crate::value::address(client).is_some();
        cells.set(Field::Kind, if cut { b"" } else { OTHER });
        return !cut;
    }
    cells.set(Field::SourceIp, client);
    cells.set(Field::Host, name.unwrap_or_default());
    let reply = words.next().is_some();
    cells.set(Field::Kind, if reply { REPLY } else { QUERY });
    cells.set(Field::Subkind, REPLY);
    true
}

/// `client @0x7f 10.0.0.7#53124 (name): query: name IN A +E(0)K (server)`
fn bind<'l>(line: &'l [u8], cells: &mut Cells<'l>) -> bool {
    let Some(rest) = line.strip_prefix(b"client ") else {
        // Other categories of the same server.
        cells.set(Field::Kind, OTHER);
        return memmem::find(line, b"named[").is_some() || memmem::find(line, b": info: ").is_some();
    };
    let client = rest.split(|b| *b == b' ').find(|word| word.contains(&b'#'));
    let Some(client) = client else { return false };
    cells.set(Field::SourceIp, &client[..memchr(b'#', client).unwrap_or(client.len())]);
    if let Some(at) = memmem::find(rest, b" query: ") {
        let mut words = rest[at + 8..].split(|b| *b == b' ');
        cells.set(Field::Host, words.next().unwrap_or_default());
        return words.next() == Some(b"IN");
    }
    let denied = memmem::find(rest, b" denied").is_some();
    let name = memmem::find(rest, b" query ").and_then(|at| quoted_name(&rest[at..]));
    match name.filter(|_| denied) {
        Some(name) => {
            cells.set(Field::Host, name);
            cells.set(Field::Kind, REFUSED);
        }
        None => cells.set(Field::Kind, OTHER),
    }
    true
}

/// The name in `'name/A/IN'`.
fn quoted_name(text: &[u8]) -> Option<&[u8]> {
    let text = &text[memchr(b'\'', text)? + 1..];
    Some(&text[..memchr(b'/', text)?])
}

#[cfg(test)]
mod tests {
    use super::stays_here;

    #[test]
    fn local_names_stay_here() {
        for name in ["7.0.0.10.in-addr.arpa.", "printer", "nas.LAN", "x.home.arpa", "a.b.internal", "local"] {
            assert!(stays_here(name.as_bytes()), "{name}");
        }
        for name in ["www.dropbox.com.", "notlocal.example", "mylan", ""] {
            assert_eq!(stays_here(name.as_bytes()), name == "mylan", "{name}");
        }
    }
}
