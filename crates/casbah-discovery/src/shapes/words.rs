//! Words between runs of blanks; a word in quotes, or in brackets, may hold blanks.

use memchr::{memchr, memchr2};

use super::separated::closing_quote;

/// As `separated::split`, for words.
pub(crate) fn split<'l>(
    line: &'l [u8],
    brackets: bool,
    mut word: impl FnMut(usize, &'l [u8]) -> bool,
) -> Option<usize> {
    let mut rest = line.trim_ascii_start();
    let mut number = 0;
    while !rest.is_empty() {
        let (content, behind) = match rest {
            [b'"', inner @ ..] => {
                let close = closing_quote(inner)?;
                (&inner[..close], &inner[close + 1..])
            }
            [b'[', inner @ ..] if brackets => {
                let close = memchr(b']', inner)?;
                (&inner[..close], &inner[close + 1..])
            }
            _ => rest.split_at(memchr2(b' ', b'\t', rest).unwrap_or(rest.len())),
        };
        let more = word(number, content);
        number += 1;
        if !more {
            break;
        }
        rest = behind.trim_ascii_start();
    }
    Some(number)
}
