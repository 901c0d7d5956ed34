//! The one source of randomness: the operating system's.

use std::num::NonZeroU32;

/// Fills an array with random bytes.
///
/// # Panics
/// When the operating system has no randomness to give. Going on without it would make every
/// secret guessable, so there is nothing safe to return.
#[allow(clippy::disallowed_methods, reason = "this is the one place that draws")]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut out = [0; N];
    getrandom::fill(&mut out).expect("the operating system gives randomness");
    out
}

/// A text of `length` characters, each drawn evenly from `alphabet`.
pub fn text(length: usize, alphabet: &[u8]) -> String {
    let count = NonZeroU32::new(u32::try_from(alphabet.len()).unwrap_or(u32::MAX)).unwrap_or(NonZeroU32::MIN);
    // Draws above the last whole multiple are thrown away, so that no character is likelier.
    let limit = u32::MAX - u32::MAX % count;
    let mut out = String::with_capacity(length);
    while out.len() < length {
        let draw = u32::from_be_bytes(bytes());
        if draw < limit {
            out.push(char::from(alphabet[(draw % count) as usize]));
        }
    }
    out
}

/// A number from 0 up to, not including, `end`; 0 when `end` is 0.
pub fn below(end: u64) -> u64 {
    if end == 0 { 0 } else { u64::from_be_bytes(bytes()) % end }
}
