//! One XML element a line: its attributes and the text of its children. No entities, no nesting that matters.

use memchr::{memchr, memmem};

/// Calls `pair` with each name and text; answers how many there are.
pub(crate) fn xml<'l>(line: &'l [u8], mut pair: impl FnMut(&'l [u8], &'l [u8])) -> usize {
    let mut count = 0;
    let mut rest = line;
    while let Some(open) = memchr(b'<', rest) {
        let Some(close) = memchr(b'>', &rest[open..]).map(|at| open + at) else { break };
        let tag = &rest[open + 1..close];
        let name = &tag[..tag.iter().position(|b| b" \t/".contains(b)).unwrap_or(tag.len())];
        count += super::pairs(&tag[name.len()..], &mut pair);
        let text = &rest[close + 1..];
        if let Some(end) = memchr(b'<', text)
            && text[end..].starts_with(b"</")
            && text[end + 2..].starts_with(name)
            && !name.is_empty()
        {
            let text = text[..end].trim_ascii();
            let plain = text.strip_prefix(b"<![CDATA[").unwrap_or(text);
            pair(name, memmem::find(plain, b"]]>").map_or(plain, |at| &plain[..at]));
            count += 1;
        }
        rest = text;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::xml;

    fn check(line: &str, expected: &str) {
        let mut found = String::new();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        xml(line.as_bytes(), |name, value| found += &format!("<{}:{}>", text(name), text(value)));
        assert_eq!(found, expected, "{line}");
    }

    #[test]
    fn attributes_and_children() {
        check("<log num=\"1\" src=\"10.0.0.1\" user=\"a b\"/>", "<num:1><src:10.0.0.1><user:a b>");
        check("<log><src>10.0.0.1</src><dst></dst><x>a</y></log>", "<src:10.0.0.1><dst:>");
        check("<log num=\"1", "");
    }
}
