//! What the master key does: keyed digests of secrets that we generate, sealing of private keys,
//! and values that only this installation can make.
//!
//! The master key itself is used for nothing but deriving one key per purpose, so that what is
//! made for one purpose is worthless for another.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use casbah_model::{Secret, random};
use zeroize::Zeroizing;

/// What a secret is for. Its digest depends on it, so that a secret of one kind, put where another
/// kind is expected, is never found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SecretKind {
    /// The secret of an application.
    ClientSecret,
    /// An authorisation code.
    AuthorizationCode,
    /// A refresh token.
    RefreshToken,
    /// The code that a device holds during its sign-in.
    DeviceCode,
    /// The cookie of a browser session.
    Session,
    /// The reference to a pushed authorization request.
    PushedRequest,
    /// A legacy API token.
    ApiToken,
    /// A request to the token endpoint, secret and all; its digest is never stored.
    TokenRequest,
    /// The cookie of a sign-in under way.
    PendingSignIn,
    /// The cookie by which a browser is known again.
    Browser,
    /// A name that somebody typed and nobody has.
    UnknownName,
    /// A recovery code, with whose it is in front.
    RecoveryCode,
    /// The `state` of a sign-in that was sent to another provider.
    UpstreamState,
    /// The cookie of a session of the portal.
    PortalSession,
    /// A form of the portal that is good for being sent once.
    PortalForm,
    /// The address under which an appliance fetches a list.
    BlockList,
}

impl SecretKind {
    fn label(self) -> &'static [u8] {
        match self {
            SecretKind::ClientSecret => b"client secret",
            SecretKind::AuthorizationCode => b"authorization code",
            SecretKind::RefreshToken => b"refresh token",
            SecretKind::DeviceCode => b"device code",
            SecretKind::Session => b"session",
            SecretKind::PushedRequest => b"pushed request",
            SecretKind::ApiToken => b"api token",
            SecretKind::TokenRequest => b"token request",
            SecretKind::PendingSignIn => b"pending sign-in",
            SecretKind::Browser => b"browser",
            SecretKind::UnknownName => b"unknown name",
            SecretKind::RecoveryCode => b"recovery code",
            SecretKind::BlockList => b"block list",
            SecretKind::UpstreamState => b"upstream state",
            SecretKind::PortalSession => b"portal session",
            SecretKind::PortalForm => b"portal form",
        }
    }
}

/// The keys derived from the master key.
pub(crate) struct MasterKey {
    digest: hmac::Key,
    pairwise: hmac::Key,
    ticket: hmac::Key,
    seal: LessSafeKey,
}

/// A sealed value was not sealed under this key, or was changed since.
#[derive(Debug)]
pub(crate) struct CannotOpen;

impl MasterKey {
    /// Derives the keys; none when the master key is too short to be 32 random bytes.
    pub(crate) fn derive(master: &Secret) -> Option<MasterKey> {
        if master.expose().trim().len() < 32 {
            return None;
        }
        let root = hmac::Key::new(hmac::HMAC_SHA256, master.expose().trim().as_bytes());
        let derive = |purpose: &str| {
            let tag = hmac::sign(&root, format!("casbah 1 {purpose}").as_bytes());
            Zeroizing::new(tag.as_ref().to_vec())
        };
        let hmac_key = |purpose: &str| hmac::Key::new(hmac::HMAC_SHA256, &derive(purpose));
        Some(MasterKey {
            digest: hmac_key("digest"),
            pairwise: hmac_key("pairwise subject"),
            ticket: hmac_key("ticket"),
            seal: LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &derive("seal")).ok()?),
        })
    }

    /// The digest under which a secret is stored. The secrets carry 256 random bits, so a fast
    /// function is enough; the key makes a stolen database useless for guessing all the same.
    pub(crate) fn digest(&self, kind: SecretKind, secret: &Secret) -> Vec<u8> {
        mac(&self.digest, &[kind.label(), secret.expose().as_bytes()])
    }

    /// The same of a secret that comes in parts, so that they need not be put together.
    pub(crate) fn digest_of_parts<'a>(
        &self,
        kind: SecretKind,
        parts: impl IntoIterator<Item = &'a str>,
    ) -> Vec<u8> {
        let parts = parts.into_iter().map(str::as_bytes);
        mac(&self.digest, &std::iter::once(kind.label()).chain(parts).collect::<Vec<_>>())
    }

    /// Bytes that tell a user apart within one sector and cannot be linked across sectors.
    pub(crate) fn pairwise(&self, parts: &[&[u8]]) -> Vec<u8> {
        mac(&self.pairwise, parts)
    }

    /// Proof that we made a statement.
    pub(crate) fn ticket(&self, parts: &[&[u8]]) -> Vec<u8> {
        mac(&self.ticket, parts)
    }

    /// Encrypts; `name` binds the result to the row it stands in.
    pub(crate) fn seal(&self, name: &str, plain: &[u8]) -> Option<Vec<u8>> {
        let nonce: [u8; NONCE_LEN] = random::bytes();
        let mut sealed = plain.to_vec();
        let aad = Aad::from(name.as_bytes());
        let nonce_used = Nonce::assume_unique_for_key(nonce);
        self.seal.seal_in_place_append_tag(nonce_used, aad, &mut sealed).ok()?;
        let mut out = nonce.to_vec();
        out.append(&mut sealed);
        Some(out)
    }

    /// Decrypts what [`MasterKey::seal`] made.
    pub(crate) fn open(&self, name: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN).ok_or(CannotOpen)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| CannotOpen)?;
        let mut buffer = Zeroizing::new(rest.to_vec());
        let length = self
            .seal
            .open_in_place(nonce, Aad::from(name.as_bytes()), &mut buffer)
            .map_err(|_| CannotOpen)?
            .len();
        buffer.truncate(length);
        Ok(buffer)
    }
}

/// A keyed hash of several parts; each is preceded by its length, so that none can run into the next.
fn mac(key: &hmac::Key, parts: &[&[u8]]) -> Vec<u8> {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    context.sign().as_ref().to_vec()
}

#[cfg(test)]
mod tests;
