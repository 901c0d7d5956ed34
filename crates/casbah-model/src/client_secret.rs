//! The form of client secrets that Casbah makes, so that whoever finds one knows what it is.
//!
//! ```text
//! k3T8Cb~V1u...(43 characters)...9x2bQ7pL
//! ---     hint: kept in clear, so that people can tell secrets apart
//!    ---- mark: the same in every secret
//!        --- 43 characters that carry 259 random bits
//!                                  ------ checksum of all before it: CRC-32 in base 62
//! ```
//! No character needs encoding in a URL, a form, a header, or a shell; the first and the last are letters or
//! digits, so that no command line takes a secret for an option and no reader cuts it short.

use crate::{Secret, random};

const ALPHANUMERIC: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// The characters that a URL carries as they are (RFC 3986, section 2.3).
const UNRESERVED: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._~-";
/// Follows the hint.
const MARK: &str = "8Cb~";
const HINT: usize = 3;
const RANDOM: usize = 43;
const CHECKSUM: usize = 6;

/// Length of a client secret.
pub const CLIENT_SECRET_LENGTH: usize = HINT + MARK.len() + RANDOM + CHECKSUM;
/// The regular expression for secret scanners; what it finds is one of ours when the checksum fits.
pub const CLIENT_SECRET_PATTERN: &str = "[0-9A-Za-z]{3}8Cb~[0-9A-Za-z._~-]{43}[0-9A-Za-z]{6}";

/// What a text is, as far as can be told without the server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClientSecretForm {
    /// A client secret of Casbah whose checksum fits.
    Whole,
    /// It has the form of one, but the checksum does not fit: mistyped, cut and mended, or made up.
    Damaged,
    /// It begins like one, and is as long as they were before they had a checksum.
    Unchecked,
}

/// A fresh client secret.
pub fn new_client_secret() -> Secret {
    let hint = Secret::random(HINT, ALPHANUMERIC);
    let rest = Secret::new(random::text(RANDOM, UNRESERVED));
    let text = Secret::new(format!("{}{MARK}{}", hint.expose(), rest.expose()));
    Secret::new(format!("{}{}", text.expose(), checksum(text.expose())))
}

/// The client secrets in a line of text: where each begins, its length, and what it is.
pub fn find_client_secrets(line: &str) -> Vec<(usize, usize, ClientSecretForm)> {
    let bytes = line.as_bytes();
    let of_secret = |byte: &u8| UNRESERVED.contains(byte);
    let mut found = Vec::new();
    for (mark, _) in line.match_indices(MARK) {
        let Some(start) = mark.checked_sub(HINT) else { continue };
        let before_checksum = HINT + MARK.len() + RANDOM;
        let length = bytes[start..].iter().take_while(|byte| of_secret(byte)).count();
        let hint_fits = bytes[start..mark].iter().all(u8::is_ascii_alphanumeric);
        let overlaps = found.last().is_some_and(|(at, length, _)| start < at + length);
        if !hint_fits || overlaps || length < before_checksum {
            continue;
        }
        if length < CLIENT_SECRET_LENGTH {
            found.push((start, before_checksum, ClientSecretForm::Unchecked));
            continue;
        }
        // All of it is ASCII, so these are whole characters.
        let (text, sum) = line[start..start + CLIENT_SECRET_LENGTH].split_at(before_checksum);
        let form = if checksum(text) == sum { ClientSecretForm::Whole } else { ClientSecretForm::Damaged };
        found.push((start, CLIENT_SECRET_LENGTH, form));
    }
    found
}

/// CRC-32 (ISO 3309) in base 62, most significant digit first.
fn checksum(text: &str) -> String {
    let mut number = crc32fast::hash(text.as_bytes());
    let mut digits = [b'0'; CHECKSUM];
    for digit in digits.iter_mut().rev() {
        *digit = ALPHANUMERIC[(number % 62) as usize];
        number /= 62;
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

#[cfg(test)]
mod tests;
