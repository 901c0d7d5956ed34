//! Recovery codes: what people write down for the day on which their second factor is lost.

use casbah_model::{Guid, Secret, random};

use crate::master_key::{MasterKey, SecretKind};

/// How many are made at once.
pub(super) const COUNT: usize = 10;
/// No letters or digits that look like another: 10 of them are 48 bits, tried a few times an hour.
const ALPHABET: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
const LENGTH: usize = 10;

/// Fresh codes, with a hyphen in the middle.
pub(super) fn draw() -> Vec<Secret> {
    let code = || {
        let text = random::text(LENGTH, ALPHABET);
        Secret::new(format!("{}-{}", &text[..LENGTH / 2], &text[LENGTH / 2..]))
    };
    (0..COUNT).map(|_| code()).collect()
}

/// The digest under which a user's code is stored. People type capitals, blanks and no hyphen.
pub(super) fn digest(master: &MasterKey, user: Guid, code: &Secret) -> Vec<u8> {
    let typed: String =
        code.expose().chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    master.digest(SecretKind::RecoveryCode, &Secret::new(format!("{user} {typed}")))
}
