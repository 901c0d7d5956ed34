//! The signing keys: made, shared between nodes through the database, rotated.
//!
//! ```text
//!   made        signs_from              signs_until        published_until
//!    |--- published, not yet used ---|--- signs ---|--- verifies ---|
//!                                    ^ the previous key's signs_until
//! ```
//! There is always one key that signs, and, soon after the first start, one that will sign next:
//! clients that keep the published keys for a day know it long before its first signature. How keys take
//! over from each other is in [`rotation`].

pub(crate) mod rotation;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use casbah_model::Timestamp;
use casbah_store::Store;
use casbah_store::signing_keys::{self, SigningKey as Row};
use jsonwebtoken::DecodingKey;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_RSA_SHA256};
use serde_json::{Value as Json, json};

use crate::master_key::MasterKey;

/// Keys read from the database are believed for this long: as long as it takes until what one node does
/// with the keys counts on all.
const FRESH: Duration = Duration::from_secs(2);

/// One key, ready to use.
pub(crate) struct SigningKey {
    pub(crate) id: String,
    opened: Arc<Opened>,
    signs_from: Timestamp,
    signs_until: Timestamp,
    published_until: Timestamp,
}

/// What takes time to open, and never changes.
struct Opened {
    pair: RsaKeyPair,
    public: DecodingKey,
    certificate: Vec<u8>,
}

impl SigningKey {
    /// Signs with RSASSA-PKCS1-v1_5 and SHA-256 (`RS256`).
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let mut signature = vec![0; self.opened.pair.public_modulus_len()];
        self.opened
            .pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| KeyError::Crypto)?;
        Ok(signature)
    }

    /// The public half, which verifies.
    pub(crate) fn public(&self) -> &DecodingKey {
        &self.opened.public
    }

    fn jwk(&self) -> Json {
        let public = self.opened.pair.public_key();
        json!({
            "kty": "RSA", "use": "sig", "kid": self.id, "x5t": self.id, "alg": "RS256",
            "n": URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero()),
            "e": URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero()),
            "x5c": [STANDARD.encode(&self.opened.certificate)],
        })
    }

    /// The public half as PKCS #1 DER.
    pub(crate) fn public_der(&self) -> Vec<u8> {
        self.opened.pair.public_key().as_ref().to_vec()
    }
}

/// Something is wrong with the keys. Never shown to callers.
#[derive(Debug)]
pub enum KeyError {
    /// The database failed.
    Store(casbah_store::Error),
    /// The master key is not 32 random bytes as text.
    MasterKeyTooShort,
    /// A key in the database was sealed under another master key, or damaged.
    CannotOpen {
        /// Id of the key.
        id: String,
    },
    /// A cryptographic operation failed.
    Crypto,
    /// There is no published key with the id that an administrator named.
    NoSuchKey,
}

impl std::fmt::Display for KeyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            KeyError::Store(e) => write!(f, "signing keys: {e}"),
            KeyError::MasterKeyTooShort => {
                f.write_str("the master key is too short: it must be 32 random bytes as text")
            }
            KeyError::CannotOpen { id } => write!(
                f,
                "signing key {id} cannot be opened with this master key: start casbah with the key file that \
                 belongs to this database"
            ),
            KeyError::NoSuchKey => f.write_str("no published signing key has this id"),
            KeyError::Crypto => f.write_str("signing keys: a cryptographic operation failed"),
        }
    }
}

impl std::error::Error for KeyError {}

impl From<casbah_store::Error> for KeyError {
    fn from(e: casbah_store::Error) -> KeyError {
        KeyError::Store(e)
    }
}

/// All keys that are published now.
pub(crate) struct Keys {
    keys: Vec<Arc<SigningKey>>,
    read: Instant,
}

impl Keys {
    /// The key that signs now: of those whose time has come, the latest. One that was replaced in the
    /// moment in which it began ends earlier.
    fn current(&self, now: Timestamp) -> Option<&Arc<SigningKey>> {
        let begun = self.keys.iter().filter(|k| k.signs_from <= now);
        let begun = begun.max_by_key(|k| (k.signs_from, k.signs_until));
        // A clock that was set back must not leave us without a key.
        begun.or_else(|| self.keys.iter().min_by_key(|k| k.signs_from))
    }

    fn find(&self, id: &str) -> Option<&Arc<SigningKey>> {
        self.keys.iter().find(|k| k.id == id)
    }
}

/// This node's view of the keys.
pub(crate) struct KeyRing {
    cached: RwLock<Arc<Keys>>,
    /// Held while reading, so that a hundred requests at once read once.
    reading: tokio::sync::Mutex<()>,
}

impl KeyRing {
    /// Reads the keys, making the first one when there is none.
    pub(crate) async fn open(
        store: &Store,
        master: &Arc<MasterKey>,
        now: Timestamp,
    ) -> Result<KeyRing, KeyError> {
        let mut keys = read(store, master, now, &[]).await?;
        if keys.keys.is_empty() {
            let made = make(master, now).await?;
            store.write(move |tx| rotation::add_if_due(tx, &made, now)).await?;
            keys = read(store, master, now, &[]).await?;
        }
        Ok(KeyRing { cached: RwLock::new(Arc::new(keys)), reading: tokio::sync::Mutex::default() })
    }

    fn cached(&self) -> Arc<Keys> {
        Arc::clone(&self.cached.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The keys, read again when they are older than `age`.
    async fn keys(
        &self,
        store: &Store,
        master: &Arc<MasterKey>,
        now: Timestamp,
        age: Duration,
    ) -> Result<Arc<Keys>, KeyError> {
        let cached = self.cached();
        if cached.read.elapsed() < age {
            return Ok(cached);
        }
        let _reading = self.reading.lock().await;
        let cached = self.cached();
        if cached.read.elapsed() < age {
            return Ok(cached);
        }
        let fresh = Arc::new(read(store, master, now, &cached.keys).await?);
        *self.cached.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&fresh);
        Ok(fresh)
    }

    /// The key that signs now.
    pub(crate) async fn signing(
        &self,
        store: &Store,
        master: &Arc<MasterKey>,
        now: Timestamp,
    ) -> Result<Arc<SigningKey>, KeyError> {
        let keys = self.keys(store, master, now, FRESH).await?;
        keys.current(now).cloned().ok_or(KeyError::Crypto)
    }

    /// The published key with that id.
    pub(crate) async fn verifying(
        &self,
        store: &Store,
        master: &Arc<MasterKey>,
        now: Timestamp,
        id: &str,
    ) -> Result<Option<Arc<SigningKey>>, KeyError> {
        let keys = self.keys(store, master, now, FRESH).await?;
        Ok(keys.find(id).cloned())
    }

    /// The public halves, for the key document.
    pub(crate) async fn published(
        &self,
        store: &Store,
        master: &Arc<MasterKey>,
        now: Timestamp,
    ) -> Result<Vec<Json>, KeyError> {
        let keys = self.keys(store, master, now, FRESH).await?;
        Ok(keys.keys.iter().map(|k| k.jwk()).collect())
    }

    /// Makes the next key when there is none, and forgets keys whose time is over. Answers whether
    /// a key was made.
    pub(crate) async fn rotate_if_due(
        &self,
        store: &Store,
        master: &Arc<MasterKey>,
        now: Timestamp,
    ) -> Result<bool, KeyError> {
        let keys = self.look_again(store, master, now).await?;
        let made = if keys.keys.iter().any(|k| k.signs_from > now) {
            false
        } else {
            let made = make(master, now).await?;
            store.write(move |tx| rotation::add_if_due(tx, &made, now)).await?
        };
        store.write(move |tx| signing_keys::remove_unpublished(tx, now)).await?;
        self.look_again(store, master, now).await?;
        Ok(made)
    }

    /// Reads the keys however fresh they are: this node has just changed them.
    pub(crate) async fn look_again(
        &self,
        store: &Store,
        master: &Arc<MasterKey>,
        now: Timestamp,
    ) -> Result<Arc<Keys>, KeyError> {
        self.keys(store, master, now, Duration::ZERO).await
    }
}

/// Reads the keys; those of `known` are not opened again.
async fn read(
    store: &Store,
    master: &Arc<MasterKey>,
    now: Timestamp,
    known: &[Arc<SigningKey>],
) -> Result<Keys, KeyError> {
    let rows = store.read(signing_keys::all).await?;
    let open = |row: Row| {
        // An id is the thumbprint of the certificate: the same id is the same key.
        let opened = match known.iter().find(|key| key.id == row.id) {
            Some(key) => Arc::clone(&key.opened),
            None => Arc::new(open(master, &row)?),
        };
        Ok(Arc::new(SigningKey {
            id: row.id,
            opened,
            signs_from: row.signs_from,
            signs_until: row.signs_until,
            published_until: row.published_until,
        }))
    };
    let keys = rows.into_iter().filter(|row| row.published_until >= now).map(open);
    Ok(Keys { keys: keys.collect::<Result<_, KeyError>>()?, read: Instant::now() })
}

fn open(master: &MasterKey, row: &Row) -> Result<Opened, KeyError> {
    let cannot = || KeyError::CannotOpen { id: row.id.clone() };
    let plain = master.open(&row.id, &row.sealed).map_err(|_| cannot())?;
    let pair = RsaKeyPair::from_pkcs8(&plain).map_err(|_| cannot())?;
    let public = DecodingKey::from_rsa_der(pair.public_key().as_ref());
    Ok(Opened { pair, public, certificate: row.certificate.clone() })
}

/// Makes a key that is in no row yet; its times are for the transaction that adds it.
pub(crate) async fn make(master: &Arc<MasterKey>, now: Timestamp) -> Result<Row, KeyError> {
    let master = Arc::clone(master);
    tokio::task::spawn_blocking(move || make_here(&master, now)).await.map_err(|_| KeyError::Crypto)?
}

fn make_here(master: &MasterKey, now: Timestamp) -> Result<Row, KeyError> {
    let pair = KeyPair::generate_for(&PKCS_RSA_SHA256).map_err(|_| KeyError::Crypto)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Casbah token signing");
    let certificate = params.self_signed(&pair).map_err(|_| KeyError::Crypto)?.der().to_vec();
    let thumbprint = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &certificate);
    let id = URL_SAFE_NO_PAD.encode(thumbprint);
    let plain = zeroize::Zeroizing::new(pair.serialize_der());
    let sealed = master.seal(&id, &plain).ok_or(KeyError::Crypto)?;
    Ok(Row { id, sealed, certificate, created: now, signs_from: now, signs_until: now, published_until: now })
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let SigningKey { id, signs_from, signs_until, published_until, .. } = self;
        write!(f, "SigningKey {id} signs {signs_from} to {signs_until}, published until {published_until}")
    }
}
