//! Cells between a delimiter; quotes hold delimiters, `""` holds a quote.

use memchr::memchr;

/// Calls `cell` with number and content of each cell, until it says stop. `None` where a quote stays open,
/// which means that the line was cut off.
pub(super) fn split<'l>(
    line: &'l [u8],
    delimiter: u8,
    mut cell: impl FnMut(usize, &'l [u8]) -> bool,
) -> Option<usize> {
    let mut rest = line;
    let mut number = 0;
    loop {
        let (content, behind) = match rest {
            [b'"', inner @ ..] => match closing_quote(inner) {
                Some(close) => (Some(&inner[..close]), &inner[close + 1..]),
                // Between TABs a quote is a character like others.
                None if delimiter == b'\t' => (None, rest),
                None => return None,
            },
            _ => (None, rest),
        };
        let end = memchr(delimiter, behind);
        let content = content.unwrap_or(&behind[..end.unwrap_or(behind.len())]);
        let more = cell(number, content);
        number += 1;
        match end {
            Some(at) if more => rest = &behind[at + 1..],
            _ => return Some(number),
        }
    }
}

/// Where the quote that opened before `inner` closes.
pub(super) fn closing_quote(inner: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + memchr(b'"', &inner[from..])?;
        if inner.get(at + 1) != Some(&b'"') {
            return Some(at);
        }
        from = at + 2;
    }
}
