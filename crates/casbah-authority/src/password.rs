//! People's passwords: Argon2id, 19 MiB, two passes, one lane (OWASP's floor), always on a blocking
//! thread and never more at once than there are processors, so that a flood of sign-ins cannot take
//! all memory.

use std::sync::LazyLock;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use casbah_model::{Secret, random};
use tokio::sync::Semaphore;

/// Hashing goes on in at most this many places at once.
static PLACES: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(std::thread::available_parallelism().map_or(2, std::num::NonZero::get)));

/// What an unknown user's password is compared with, so that the answer takes as long as a known one's.
static NOBODY: LazyLock<Option<String>> =
    LazyLock::new(|| hash_here(&Secret::random(32, b"abcdefghijklmnopqrstuvwxyz")).ok());

/// The password could not be hashed. Our fault.
#[derive(Debug)]
pub struct HashingFailed;

impl std::fmt::Display for HashingFailed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the password could not be hashed")
    }
}

impl std::error::Error for HashingFailed {}

/// Hashes a new password; answers PHC text for [`casbah_model::User::password_hash`].
///
/// # Errors
/// [`HashingFailed`] when memory is short.
pub async fn hash_password(password: Secret) -> Result<String, HashingFailed> {
    in_a_place(move || hash_here(&password)).await?
}

/// Whether a password is the one that `hash` was made from. No hash means an unknown user, or one
/// without a password: that is false, after the same work.
///
/// # Errors
/// [`HashingFailed`] when memory is short or the hash cannot be read.
pub async fn verify_password(password: Secret, hash: Option<String>) -> Result<bool, HashingFailed> {
    in_a_place(move || {
        let known = hash.is_some();
        let Some(text) = hash.or_else(|| NOBODY.clone()) else { return Err(HashingFailed) };
        let parsed = PasswordHash::new(&text).map_err(|_| HashingFailed)?;
        Ok(function()?.verify_password(password.expose().as_bytes(), &parsed).is_ok() && known)
    })
    .await?
}

async fn in_a_place<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, HashingFailed> {
    let _place = PLACES.acquire().await.map_err(|_| HashingFailed)?;
    tokio::task::spawn_blocking(work).await.map_err(|_| HashingFailed)
}

fn hash_here(password: &Secret) -> Result<String, HashingFailed> {
    let salt: [u8; 16] = random::bytes();
    let hashed = function()?.hash_password_with_salt(password.expose().as_bytes(), &salt);
    hashed.map(|hash| hash.to_string()).map_err(|_| HashingFailed)
}

fn function() -> Result<Argon2<'static>, HashingFailed> {
    let params = Params::new(19 * 1024, 2, 1, None).map_err(|_| HashingFailed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}
