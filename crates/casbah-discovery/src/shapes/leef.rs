//! Log Event Extended Format 1.0 and 2.0.

use memchr::{memchr, memchr_iter, memmem};

/// Calls `pair` with each key and value. False where the line is not LEEF.
pub(crate) fn leef<'l>(line: &'l [u8], mut pair: impl FnMut(&'l [u8], &'l [u8])) -> bool {
    let Some(start) = memmem::find(line, b"LEEF:") else { return false };
    let header = &line[start + 5..];
    let mut bars = memchr_iter(b'|', header).filter(|at| *at == 0 || header[at - 1] != b'\\');
    let (Some(product), Some(event)) = (bars.nth(1), bars.nth(1)) else { return false };
    let Some(end) = bars.next() else { return false };
    pair(b"deviceProduct", header[product + 1..event].split(|b| *b == b'|').next().unwrap_or_default());
    pair(b"eventId", &header[event + 1..end]);
    let mut attributes = &header[end + 1..];
    let mut declared = None;
    if let Some(bar) = memchr(b'|', attributes)
        && let Some(delimiter) = delimiter(&attributes[..bar])
    {
        declared = Some(delimiter);
        attributes = &attributes[bar + 1..];
    }
    // Some devices declare one and write another.
    let delimiter = declared.filter(|d| memchr(*d, attributes).is_some()).unwrap_or_else(|| used(attributes));
    for attribute in attributes.split(|b| *b == delimiter) {
        if let Some(equals) = memchr(b'=', attribute) {
            pair(attribute[..equals].trim_ascii(), attribute[equals + 1..].trim_ascii());
        }
    }
    true
}

/// What a delimiter cell declares: one character, or its number as `x7C` or `0x7C`. Nothing means TAB.
fn delimiter(cell: &[u8]) -> Option<u8> {
    let cell = cell.trim_ascii();
    match cell {
        [] => Some(b'\t'),
        [one] => Some(*one),
        [b'\\', b't'] => Some(b'\t'),
        [b'0', b'x' | b'X', hex @ ..] | [b'x' | b'X', hex @ ..] => {
            u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()
        }
        _ => None,
    }
}

/// The delimiter as it looks: TAB, or the bar that Palo Alto Networks uses, or a caret.
fn used(attributes: &[u8]) -> u8 {
    let looks = |d: &u8| memchr(*d, attributes).is_some_and(|at| memchr(b'=', &attributes[..at]).is_some());
    [b'\t', b'|', b'^'].into_iter().find(looks).unwrap_or(b'\t')
}

#[cfg(test)]
mod tests {
    use super::leef;

    fn check(line: &str, expected: &str) {
        let mut found = String::new();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(leef(line.as_bytes(), |k, v| found += &format!("<{}:{}>", text(k), text(v))), "{line}");
        assert_eq!(found, expected, "{line}");
    }

    #[test]
    fn both_versions_and_every_delimiter() {
        let head = "<deviceProduct:P><eventId:7>";
        check(
            "LEEF:1.0|V|P|1|7|src=1\turl=http://a/?b=c\tuser=x y",
            &format!("{head}<src:1><url:http://a/?b=c><user:x y>"),
        );
        check("LEEF:1.0|V|P|1|7|src=1|user=x y", &format!("{head}<src:1><user:x y>"));
        check("LEEF:2.0|V|P|1|7|x7C|src=1|user=x", &format!("{head}<src:1><user:x>"));
        check("LEEF:2.0|V|P|1|7|0x5E|src=1^user=x", &format!("{head}<src:1><user:x>"));
        check("LEEF:2.0|V|P|1|7|^|src=1^user=x", &format!("{head}<src:1><user:x>"));
        check("LEEF:2.0|V|P|1|7||src=1\tuser=x", &format!("{head}<src:1><user:x>"));
        check("LEEF:2.0|V|P|1|7|src=1\tuser=x", &format!("{head}<src:1><user:x>"));
        check("LEEF:2.0|V|P|1|7|x09|src=1|user=x", &format!("{head}<src:1><user:x>"));
    }

    #[test]
    fn other_text_is_refused() {
        assert!(!leef(b"LEEF:1.0|V|P|1", |_, _| ()));
        assert!(!leef(b"CEF:0|a|b", |_, _| ()));
    }
}
