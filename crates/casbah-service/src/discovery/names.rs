//! User names of logs: replaced by sign-in names of the directory, and hidden where that is asked for.
//!
//! A hidden name is `user_` and the base32 of a key's number and the name under AES-128-GCM-SIV (RFC 8452) with a
//! fixed nonce: the same name always becomes the same text, so counts stay right, and that two are the same is
//! all that the text tells. Lower case, because stored names are.

use std::collections::HashMap;

use aws_lc_rs::aead::{AES_128_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use casbah_authority::Caller;
use casbah_model::{TenantId, random};
use casbah_store::{Tx, audit, discovery_settings, users};
use serde_json::json;

use crate::{Error, Service};

const PREFIX: &str = "user_";
const PURPOSE: &[u8] = b"casbah user name 1";
/// Names that one question may hold.
const MOST_NAMES: usize = 1_000;

/// Hides names of one tenant, and shows them again.
pub(crate) struct NameCipher {
    /// By number; the last one hides.
    keys: Vec<(u8, LessSafeKey)>,
}

impl NameCipher {
    /// The hidden form of a name in lower case; none when the library fails.
    pub(crate) fn hide(&self, name: &str) -> Option<String> {
        let (number, key) = self.keys.last()?;
        let mut text = name.as_bytes().to_vec();
        key.seal_in_place_append_tag(nonce(), Aad::from(PURPOSE), &mut text).ok()?;
        let mut bytes = vec![*number];
        bytes.append(&mut text);
        Some(format!("{PREFIX}{}", base32(&bytes)))
    }

    /// The name behind a hidden one; none when it is none of this tenant's.
    pub(crate) fn show(&self, hidden: &str) -> Option<String> {
        let bytes = from_base32(hidden.trim().to_ascii_lowercase().strip_prefix(PREFIX)?)?;
        let (number, text) = bytes.split_first()?;
        let (_, key) = self.keys.iter().find(|(known, _)| known == number)?;
        let mut text = text.to_vec();
        let plain = key.open_in_place(nonce(), Aad::from(PURPOSE), &mut text).ok()?;
        String::from_utf8(plain.to_vec()).ok()
    }
}

/// Always the same: that is what makes the result deterministic, and what this mode is safe with.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

/// What `hide` is written in: RFC 4648's alphabet in lower case, without padding.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

fn base32(bytes: &[u8]) -> String {
    let mut text = String::new();
    let (mut buffer, mut bits) = (0_u32, 0);
    for byte in bytes {
        buffer = (buffer << 8 | u32::from(*byte)) & 0xFFFF;
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(ALPHABET[(buffer >> bits & 31) as usize]));
        }
    }
    if bits > 0 {
        text.push(char::from(ALPHABET[(buffer << (5 - bits) & 31) as usize]));
    }
    text
}

fn from_base32(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut buffer, mut bits) = (0_u32, 0);
    for letter in text.bytes() {
        let value = ALPHABET.iter().position(|known| *known == letter)?;
        buffer = (buffer << 5 | u32::try_from(value).ok()?) & 0xFFFF;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(buffer >> bits & 0xFF).ok()?);
        }
    }
    Some(bytes)
}

/// The people of the directory by the names that logs may have for them, in lower case. A name that two people
/// share is nobody's.
pub(crate) struct Directory(HashMap<String, Option<String>>);

impl Directory {
    pub(crate) fn read(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Directory, casbah_store::Error> {
        let mut by_name: HashMap<String, Option<String>> = HashMap::new();
        for person in users::login_names(tx, tenant)? {
            let sign_in = person.sign_in.to_lowercase();
            for name in [sign_in.clone(), person.mail, person.nickname] {
                if name.is_empty() {
                    continue;
                }
                let known = by_name.entry(name).or_insert_with(|| Some(sign_in.clone()));
                if known.as_ref().is_some_and(|known| *known != sign_in) {
                    *known = None;
                }
            }
        }
        Ok(Directory(by_name))
    }

    /// The sign-in name of whoever a log calls so: by sign-in name, address for mail, or the short name, also
    /// behind `DOMAIN\`.
    pub(crate) fn find(&self, logged: &str) -> Option<&str> {
        let of = |name: &str| self.0.get(name).and_then(Option::as_deref);
        of(logged).or_else(|| of(logged.rsplit_once('\\')?.1))
    }
}

/// A name and what it is on the other side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedName {
    /// As it was asked for.
    pub given: String,
    /// The name behind a hidden one, or the hidden form of a name; none when a hidden one is not this tenant's.
    pub resolved: Option<String>,
}

impl Service {
    /// Shows the names behind hidden ones, and the hidden form of others. Every question is recorded with its
    /// reason.
    pub async fn resolve_names(
        &self,
        caller: &Caller,
        names: Vec<String>,
        justification: String,
    ) -> Result<Vec<ResolvedName>, Error> {
        let justification = justification.trim().to_string();
        if justification.is_empty() || justification.chars().count() > 500 {
            return Err(Error::invalid("justification", "say in 1 to 500 characters why"));
        }
        if names.is_empty() || names.len() > MOST_NAMES {
            return Err(Error::invalid("userNames", format!("give 1 to {MOST_NAMES} names")));
        }
        let (tenant, now) = (caller.tenant, self.clock.now());
        let cipher = self.name_cipher(tenant).await?;
        let mut found = Vec::new();
        for given in names {
            let name = given.trim().to_lowercase();
            let hidden = name.starts_with(PREFIX);
            let resolved = if hidden { cipher.show(&name) } else { cipher.hide(&name) };
            found.push(ResolvedName { given, resolved });
        }
        // What was asked, not what came out: the record must not hold a name beside its hidden form.
        let asked: Vec<&str> = found.iter().map(|one| one.given.as_str()).collect();
        let details = json!({ "justification": justification, "userNames": asked });
        let record = caller.audit(now, "resolve user names", "discovery settings", tenant, details);
        self.store.write(move |tx| audit::append(tx, tenant, &record)).await?;
        Ok(found)
    }

    /// Whether the tenant has a key for names, and since when it hides by default.
    pub async fn has_name_key(&self, caller: &Caller) -> Result<bool, Error> {
        let tenant = caller.tenant;
        Ok(self.store.read(move |tx| discovery_settings::keys(tx, tenant)).await?.pop().is_some())
    }

    /// The tenant's keys for names; the first time, one is made.
    pub(crate) async fn name_cipher(&self, tenant: TenantId) -> Result<NameCipher, Error> {
        let lost = || Error::internal("a key for user names cannot be opened");
        let mut rows = self.store.read(move |tx| discovery_settings::keys(tx, tenant)).await?;
        if rows.is_empty() {
            let (fresh, now): ([u8; 16], _) = (random::bytes(), self.clock.now());
            let sealed = self.authority.seal_name_key(tenant, 1, &fresh).ok_or_else(lost)?;
            let insert = move |tx: &mut Tx<'_>| {
                discovery_settings::insert_key(tx, tenant, 1, &sealed, now)?;
                discovery_settings::keys(tx, tenant)
            };
            // Of two nodes that make one at the same moment, the first one's counts.
            rows = self.store.write(insert).await?;
        }
        let mut keys = Vec::new();
        for (number, sealed) in rows {
            let bytes = self.authority.open_name_key(tenant, number, &sealed).ok_or_else(lost)?;
            let key = UnboundKey::new(&AES_128_GCM_SIV, &bytes).map_err(|_| lost())?;
            keys.push((u8::try_from(number).map_err(Error::internal)?, LessSafeKey::new(key)));
        }
        Ok(NameCipher { keys })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cipher(byte: u8) -> NameCipher {
        let key = UnboundKey::new(&AES_128_GCM_SIV, &[byte; 16]).expect("a key");
        NameCipher { keys: vec![(1, LessSafeKey::new(key))] }
    }

    #[test]
    fn a_hidden_name_is_always_the_same_and_comes_back_under_its_key_only() {
        let (mine, theirs) = (cipher(1), cipher(2));
        for name in ["", "a", "ann", "ann@contoso.example", "ångström", &"x".repeat(300)] {
            let hidden = mine.hide(name).expect("hidden");
            assert_eq!(Some(&hidden), mine.hide(name).as_ref());
            assert_eq!(hidden, hidden.to_lowercase());
            assert_eq!(mine.show(&hidden).as_deref(), Some(name));
            assert_eq!(mine.show(&hidden.to_uppercase().replace("USER_", "User_")).as_deref(), Some(name));
            assert_eq!(theirs.show(&hidden), None);
            assert_ne!(theirs.hide(name).as_ref(), Some(&hidden));
        }
        for wrong in ["", "user_", "user_!", "user_aaaa", "ann", "user_é"] {
            assert_eq!(mine.show(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn base32_is_that_of_rfc_4648() {
        for (bytes, text) in [("", ""), ("f", "my"), ("fo", "mzxq"), ("foobar", "mzxw6ytboi")] {
            assert_eq!(base32(bytes.as_bytes()), text);
            assert_eq!(from_base32(text).as_deref(), Some(bytes.as_bytes()));
        }
    }
}
