//! Time-based one-time codes (RFC 6238): SHA-1, 6 digits, 30 seconds, as every authenticator program
//! has them.

use aws_lc_rs::hmac;
use casbah_model::{Secret, Timestamp};

/// Seconds of a step.
const STEP: i64 = 30;
/// How many steps before and after the present one are accepted: clocks differ, people are slow.
const AROUND: i64 = 1;
/// Bytes of a key (RFC 4226, section 4: 160 bits).
pub(crate) const KEY_LENGTH: usize = 20;

/// The step whose code was typed, if it is near `now`. The caller sees to it that none is used twice.
pub(crate) fn matching_step(key: &[u8], typed: &str, now: Timestamp) -> Option<i64> {
    let typed: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    let present = now.seconds().div_euclid(STEP);
    let mut found = None;
    // All of them are looked at, so that the time says nothing.
    for step in present - AROUND..=present + AROUND {
        if Secret::same_bytes(code(key, step).as_bytes(), typed.as_bytes()) {
            found = Some(step);
        }
    }
    found
}

/// The code of a step (RFC 4226, section 5.3).
pub(crate) fn code(key: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let bytes = tag.as_ref();
    let offset = usize::from(bytes[bytes.len() - 1] & 0x0f);
    let word = bytes[offset..offset + 4].iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
    format!("{:06}", (word & 0x7fff_ffff) % 1_000_000)
}

/// The key as people type it: RFC 4648, section 6, without padding.
pub(crate) fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut out = String::new();
    let (mut buffer, mut bits) = (0_u32, 0);
    for byte in bytes {
        buffer = buffer << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(char::from(ALPHABET[(buffer >> bits & 31) as usize]));
        }
    }
    if bits > 0 {
        out.push(char::from(ALPHABET[(buffer << (5 - bits) & 31) as usize]));
    }
    out
}

#[cfg(test)]
mod tests;
