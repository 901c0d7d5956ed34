//! Reads single cells: addresses, hosts, URLs, names and numbers.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use memchr::{memchr, memchr2, memchr3, memmem, memrchr};
use percent_encoding::percent_decode;

use crate::record::{Destination, SkipReason};

/// Words that devices write where they know nothing.
const NOTHING: &[&str] = &["-", "n/a", "na", "none", "null"];
/// The same for users only: a host may well be called so.
const NOBODY: &[&str] = &["anonymous", "unknown", "no authentication required"];
/// Longer "names" are damage; keeping them would let one file hold much memory.
const MAX_NAME: usize = 512;

/// How a cell writes characters that mean something to its format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Escape {
    None,
    /// `""` inside quotes.
    DoubledQuote,
    /// A backslash before an equals sign, a quote, a backslash or a bar.
    Backslash,
    /// As in JSON strings.
    Json,
}

/// Nothing where the cell is empty or says so.
pub(crate) fn present(cell: &[u8]) -> Option<&[u8]> {
    let cell = cell.trim_ascii();
    let nothing = cell.is_empty() || (cell.len() <= 4 && is_one_of(cell, NOTHING));
    (!nothing).then_some(cell)
}

fn is_one_of(cell: &[u8], words: &[&str]) -> bool {
    words.iter().any(|word| cell.eq_ignore_ascii_case(word.as_bytes()))
}

/// An address, whatever is around it: port, brackets, zone index.
pub(crate) fn address(cell: &[u8]) -> Option<IpAddr> {
    if let Some(v4) = plain_ipv4(cell) {
        return Some(IpAddr::V4(v4));
    }
    let cell = match present(cell)? {
        [b'[', rest @ ..] => &rest[..memchr(b']', rest)?],
        other => other,
    };
    let cell = &cell[..memchr(b'%', cell).unwrap_or(cell.len())];
    let text = std::str::from_utf8(cell).ok()?;
    if let Ok(v4) = text.parse::<Ipv4Addr>() {
        return Some(IpAddr::V4(v4));
    }
    if let Ok(v6) = text.parse::<Ipv6Addr>() {
        return Some(v6.to_canonical());
    }
    if let Some(number) = whole_number(text) {
        return Some(IpAddr::V4(number.into()));
    }
    let (host, port) = text.rsplit_once(':')?;
    port.parse::<u16>().ok()?;
    host.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

/// Some cloud feeds write addresses of version 4 as one number.
fn whole_number(text: &str) -> Option<u32> {
    let digits = (8..=10).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|number| digits && *number >= 1 << 24)
}

/// Four numbers and nothing else, which is what most cells hold; the rest is left to the standard library.
fn plain_ipv4(cell: &[u8]) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    let mut rest = cell;
    for (at, octet) in octets.iter_mut().enumerate() {
        let digits = rest.iter().take(4).take_while(|b| b.is_ascii_digit()).count();
        let (number, behind) = rest.split_at(digits);
        let value = number.iter().fold(0_u16, |value, b| value * 10 + u16::from(b - b'0'));
        // With a leading zero some read the octet as octal.
        if !(1..=3).contains(&digits) || (digits > 1 && number[0] == b'0') {
            return None;
        }
        *octet = u8::try_from(value).ok()?;
        rest = if at < 3 { behind.strip_prefix(b".")? } else { behind };
    }
    rest.is_empty().then_some(octets.into())
}

/// The address of a client: one that can be somebody's.
pub(crate) fn client(cell: &[u8]) -> Option<IpAddr> {
    address(cell).filter(|ip| !ip.is_unspecified())
}

/// A count of bytes; unknown where the cell is not a plain number.
pub(crate) fn count(cell: &[u8]) -> Option<u64> {
    let cell = cell.trim_ascii();
    if cell.is_empty() || cell.len() > 20 {
        return None;
    }
    cell.iter().try_fold(0_u64, |value, b| {
        let digit = b.is_ascii_digit().then(|| u64::from(b - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

/// The URL of a request line, `METHOD URL HTTP/1.1`; method and version may be absent.
pub(crate) fn request_url(request: &[u8]) -> &[u8] {
    let request = request.trim_ascii();
    let url = memchr(b' ', request).map_or(request, |at| &request[at + 1..]);
    match memrchr(b' ', url) {
        Some(at) if url[at + 1..].starts_with(b"HTTP/") => &url[..at],
        _ => url,
    }
}

/// Whether an address is one of those that stand behind a firewall.
pub(crate) fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            // 100.64.0.0/10 is that of carriers.
            ip.is_private()
                || ip.is_link_local()
                || ip.is_loopback()
                || (ip.octets()[0] == 100 && ip.octets()[1] & 0xC0 == 64)
        }
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_loopback(),
    }
}

/// Splits `[scheme://][user@]host[:port][/path][?query]` into authority and path; both may be empty.
pub(crate) fn split_url(cell: &[u8]) -> (&[u8], &[u8]) {
    let cell = cell.trim_ascii();
    let rest = match memchr2(b':', b'/', cell) {
        Some(at) if cell[at..].starts_with(b"://") && is_scheme(&cell[..at]) => &cell[at + 3..],
        _ => cell.strip_prefix(b"//").unwrap_or(cell),
    };
    let end = memchr3(b'/', b'?', b'#', rest).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    let path = &rest[..memchr2(b'?', b'#', rest).unwrap_or(rest.len())];
    (authority, path)
}

fn is_scheme(word: &[u8]) -> bool {
    word.iter().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b))
}

/// The destination an authority (`[user@]host[:port]`) names.
pub(crate) fn destination(authority: &[u8]) -> Result<Option<Destination<'_>>, SkipReason> {
    let Some(cell) = present(authority) else { return Ok(None) };
    if let Some(host) = plain_host(cell) {
        return Ok(Some(Destination::Host(Cow::Borrowed(host))));
    }
    let cell = match memrchr(b'@', cell) {
        Some(at) => &cell[at + 1..],
        None => cell,
    };
    let may_be_address = memchr2(b'[', b':', cell).is_some() || cell.last().is_some_and(u8::is_ascii_digit);
    if may_be_address && let Some(ip) = address(cell) {
        return Ok((!ip.is_unspecified()).then_some(Destination::Ip(ip)));
    }
    let cell = match memrchr(b':', cell) {
        Some(at) if cell[at + 1..].iter().all(u8::is_ascii_digit) => &cell[..at],
        _ => cell,
    };
    let cell = cell.strip_suffix(b".").unwrap_or(cell);
    let host = if cell.iter().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(b)) {
        // Just checked to be ASCII.
        let Ok(text) = std::str::from_utf8(cell) else { return Err(SkipReason::Encoding) };
        if cell.iter().any(u8::is_ascii_uppercase) {
            Cow::Owned(text.to_ascii_lowercase())
        } else {
            Cow::Borrowed(text)
        }
    } else {
        Cow::Owned(international(cell)?)
    };
    check_host(&host)?;
    Ok(Some(Destination::Host(host)))
}

/// The host of `host` and `host:port` where nothing about it needs a second look, which is so in most
/// lines: one walk over its bytes instead of one for each question.
fn plain_host(cell: &[u8]) -> Option<&str> {
    let (mut end, mut label) = (0, 0);
    for byte in cell {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => label += 1,
            b'.' if (1..=63).contains(&label) => label = 0,
            _ => break,
        }
        end += 1;
    }
    let (host, behind) = cell.split_at(end);
    let port = behind.strip_prefix(b":").unwrap_or(behind);
    // A last character that is no digit tells that this is no address and that the last label is no number.
    let fits = (1..=63).contains(&label) && end <= 253 && !host.last()?.is_ascii_digit();
    let whole = port.iter().all(u8::is_ascii_digit) && (behind.is_empty() || behind[0] == b':');
    std::str::from_utf8(host).ok().filter(|_| fits && whole)
}

/// Names outside ASCII become punycode; escaped ones are decoded first.
fn international(cell: &[u8]) -> Result<String, SkipReason> {
    let decoded: Cow<'_, [u8]> = percent_decode(cell).into();
    let text = std::str::from_utf8(&decoded).map_err(|_| SkipReason::Encoding)?;
    match url::Host::parse(text) {
        Ok(url::Host::Domain(host)) => Ok(host.strip_suffix('.').unwrap_or(&host).to_owned()),
        _ => Err(SkipReason::Destination),
    }
}

/// Labels of 1 to 63 characters, 253 in all, and a last label that is no number: `10.0.0` is no host.
fn check_host(host: &str) -> Result<(), SkipReason> {
    let (mut label, mut labels_fit, mut number) = (0, true, true);
    for byte in host.bytes() {
        if byte == b'.' {
            labels_fit &= (1..=63).contains(&label);
            (label, number) = (0, true);
        } else {
            label += 1;
            number &= byte.is_ascii_digit();
        }
    }
    let fits = labels_fit && (1..=63).contains(&label) && !number && host.len() <= 253;
    if fits { Ok(()) } else { Err(SkipReason::Destination) }
}

/// A user's name as logged; `None` where there is nobody.
pub(crate) fn user(cell: &[u8], escape: Escape, percent: bool) -> Result<Option<Cow<'_, str>>, SkipReason> {
    let mut cell = cell.trim_ascii();
    if let [b'"', inner @ .., b'"'] = cell {
        cell = inner.trim_ascii();
    }
    let Some(cell) = present(cell) else { return Ok(None) };
    if is_one_of(cell, NOBODY) || cell.len() > MAX_NAME {
        return Ok(None);
    }
    // A fold, not `all`: without a way out the compiler looks at many bytes at once.
    let plain = cell
        .iter()
        .fold(true, |plain, b| plain & matches!(b, b' '..=b'~') & !matches!(b, b'%' | b'"' | b'\\'));
    if plain {
        return text(cell).map(Some);
    }
    let mut name = unescape(cell, escape);
    if percent && memchr(b'%', &name).is_some() {
        name = Cow::Owned(percent_decode(&name).collect());
    }
    let name = match name {
        Cow::Borrowed(bytes) => text(bytes)?,
        Cow::Owned(bytes) => Cow::Owned(text(&bytes)?.into_owned()),
    };
    if name.chars().any(char::is_control) {
        // A name with terminal escapes would run them wherever it is printed.
        return Ok(Some(Cow::Owned(
            name.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect(),
        )));
    }
    Ok(Some(name))
}

fn unescape(cell: &[u8], escape: Escape) -> Cow<'_, [u8]> {
    if escape == Escape::Json && memmem::find(cell, b"\\u").is_some() {
        return unescape_json(cell);
    }
    let mark = match escape {
        Escape::None => return Cow::Borrowed(cell),
        Escape::DoubledQuote => b'"',
        Escape::Backslash | Escape::Json => b'\\',
    };
    if memchr(mark, cell).is_none() {
        return Cow::Borrowed(cell);
    }
    let mut out = Vec::with_capacity(cell.len());
    let mut bytes = cell.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        out.push(byte);
        let Some(next) = bytes.peek().copied().filter(|_| byte == mark) else { continue };
        match (escape, next) {
            (Escape::DoubledQuote, b'"') => {}
            // Anything else behind a backslash is `DOMAIN\name`, which many products do not escape.
            (Escape::Backslash, b'\\' | b'=' | b'|' | b'"') | (Escape::Json, b'\\' | b'"' | b'/') => {
                out.pop();
                out.push(next);
            }
            _ => continue,
        }
        bytes.next();
    }
    Cow::Owned(out)
}

/// Letters written as their number need a real reader; where they are none, the name stays as it is.
fn unescape_json(cell: &[u8]) -> Cow<'_, [u8]> {
    let mut out = Vec::with_capacity(cell.len());
    let mut rest = cell;
    while let Some(at) = memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        let hex = |from: usize| {
            let digits = rest.get(from + 2..from + 6).filter(|_| rest[from..].starts_with(b"\\u"))?;
            u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
        };
        let (letter, used) = match (hex(at), hex(at + 6)) {
            (Some(high @ 0xD800..=0xDBFF), Some(low)) => (char::decode_utf16([high, low]).next(), 12),
            (Some(one), _) => (char::decode_utf16([one]).next(), 6),
            (None, _) => {
                out.extend(rest.get(at + 1));
                rest = rest.get(at + 2..).unwrap_or_default();
                continue;
            }
        };
        let letter = letter.and_then(Result::ok).unwrap_or(char::REPLACEMENT_CHARACTER);
        out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        rest = rest.get(at + used..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    Cow::Owned(out)
}

/// UTF-8, else Windows-1252, whose five holes are the only bytes that cannot be text.
fn text(bytes: &[u8]) -> Result<Cow<'_, str>, SkipReason> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok(Cow::Borrowed(text));
    }
    bytes
        .iter()
        .map(|b| windows_1252(*b).ok_or(SkipReason::Encoding))
        .collect::<Result<String, _>>()
        .map(Cow::Owned)
}

fn windows_1252(byte: u8) -> Option<char> {
    const UPPER: [char; 32] = [
        '€', '\0', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\0', 'Ž', '\0', '\0', '‘', '’',
        '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\0', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9F => Some(UPPER[usize::from(byte - 0x80)]).filter(|c| *c != '\0'),
        other => Some(char::from(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_host_of(cell: &str, expected: &str) {
        let found = match destination(split_url(cell.as_bytes()).0) {
            Ok(Some(Destination::Host(host))) => host.into_owned(),
            Ok(Some(Destination::Ip(ip))) => ip.to_string(),
            Ok(None) => "nothing".to_owned(),
            Err(reason) => format!("{reason:?}"),
        };
        assert_eq!(found, expected, "{cell}");
    }

    #[test]
    fn hosts() {
        check_host_of("https://user:pa@WWW.Example.COM.:8443/a?b=c@d", "www.example.com");
        check_host_of("app.box.com:443", "app.box.com");
        check_host_of("app.box.com/a/b:443", "app.box.com");
        check_host_of("https://bücher.example/", "xn--bcher-kva.example");
        check_host_of("https://[2001:DB8::1]:443/x", "2001:db8::1");
        check_host_of("[fe80::1%25eth0]:443", "fe80::1");
        check_host_of("192.0.2.7:80", "192.0.2.7");
        check_host_of("2001:db8::7", "2001:db8::7");
        check_host_of("ftp://files.example.net?x", "files.example.net");
        check_host_of("/only/a/path", "nothing");
        check_host_of("-", "nothing");
        check_host_of("999.1.2.3", "Destination");
        check_host_of("a..b", "Destination");
        check_host_of("10.0.0", "Destination");
        check_host_of("4shared", "4shared");
        check_host_of(&"a".repeat(64), "Destination");
        check_host_of(&"a.".repeat(130), "Destination");
        check_host_of("exa mple.com", "Destination");
        check_host_of("tunnel://host_name.example:443/", "host_name.example");
    }

    #[test]
    fn urls_keep_their_path() {
        assert_eq!(split_url(b"https://a.example/x/y?z#q"), (&b"a.example"[..], &b"/x/y"[..]));
        assert_eq!(split_url(b"a.example?u=http://b/"), (&b"a.example"[..], &b""[..]));
        assert_eq!(split_url(b"/x"), (&b""[..], &b"/x"[..]));
    }

    #[test]
    fn users() {
        let check = |cell: &[u8], escape, expected: Option<&str>| {
            assert_eq!(user(cell, escape, false).unwrap().as_deref(), expected, "{cell:?}");
        };
        check(b" \"CONTOSO\\amal\" ", Escape::None, Some("CONTOSO\\amal"));
        check(b"Anonymous", Escape::None, None);
        check(b"N/A", Escape::None, None);
        check(b"a \"\"b\"\"", Escape::DoubledQuote, Some("a \"b\""));
        check(b"CONTOSO\\\\amal", Escape::Backslash, Some("CONTOSO\\amal"));
        check(b"CONTOSO\\amal", Escape::Backslash, Some("CONTOSO\\amal"));
        check(b"a \\\"b\\\"", Escape::Backslash, Some("a \"b\""));
        check(br"CONTOSO\\u\u00e9\ud83d\ude00", Escape::Json, Some("CONTOSO\\ué😀"));
        check(b"ren\xE9", Escape::None, Some("rené"));
        check("rené".as_bytes(), Escape::None, Some("rené"));
        check(b"\x1B[31mred", Escape::None, Some("\u{FFFD}[31mred"));
        assert_eq!(user(b"a\x81b", Escape::None, false), Err(SkipReason::Encoding));
        assert_eq!(user(b"a%20b", Escape::None, true).unwrap().as_deref(), Some("a b"));
    }

    #[test]
    fn counts() {
        assert_eq!(count(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(count(b"18446744073709551616"), None);
        for cell in [&b"-5"[..], b"", b"-", b"1.5", b"4K"] {
            assert_eq!(count(cell), None);
        }
    }

    #[test]
    fn clients() {
        assert_eq!(client(b"0.0.0.0"), None);
        assert_eq!(client(b"::ffff:10.1.2.3"), "10.1.2.3".parse().ok());
        assert_eq!(client(b"10.1.2.3:5060"), "10.1.2.3".parse().ok());
        assert_eq!(client(b"10.1.2"), None);
        assert_eq!(client(b"169090600"), "10.20.30.40".parse().ok());
        assert_eq!(client(b"2001:db8::1:63657"), "2001:db8::1".parse().ok());
        assert_eq!(client(b"[fe80::1%eth0]"), "fe80::1".parse().ok());
    }

    #[test]
    fn addresses_are_those_of_the_standard_library() {
        for cell in [
            "10.1.2.3",
            "0.0.0.0",
            "255.255.255.255",
            "256.1.1.1",
            "10.01.2.3",
            "10.1.2.3.4",
            "1.2.3.",
            "1.2.3.4567",
        ] {
            assert_eq!(plain_ipv4(cell.as_bytes()), cell.parse().ok(), "{cell}");
        }
    }

    proptest::proptest! {
        #[test]
        fn plain_addresses_agree(cell in "[0-9.]{0,16}") {
            proptest::prop_assert_eq!(plain_ipv4(cell.as_bytes()), cell.parse().ok());
        }

        #[test]
        fn plain_hosts_agree(cell in "[a-zA-Z0-9._:-]{0,30}") {
            // A user name in front sends the same host the long way.
            let long = format!("user@{cell}");
            if plain_host(cell.as_bytes()).is_some() && present(cell.as_bytes()).is_some() {
                proptest::prop_assert_eq!(destination(cell.as_bytes()), destination(long.as_bytes()));
            }
        }
    }
}
