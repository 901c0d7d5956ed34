//! Any text as a client assertion: as it is, and as header, claims and signature that are encoded first, so that
//! the fuzzer reaches behind the base64.
#![no_main]

use casbah_authority::Assertion;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let _ = Assertion::parse(text);
    let parts: Vec<String> = text.splitn(3, '\n').map(|part| base64url(part.as_bytes())).collect();
    let _ = Assertion::parse(&parts.join("."));
});

/// Base64url without padding (RFC 4648, section 5).
fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let number = chunk.iter().fold(0_u32, |n, byte| n << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            text.push(char::from(DIGITS[(number >> (18 - 6 * place) & 63) as usize]));
        }
    }
    text
}
