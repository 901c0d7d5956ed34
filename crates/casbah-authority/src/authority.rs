//! The authority: everything that issuing and verifying need.

use std::sync::Arc;

use casbah_model::{Clock, Secret, Timestamp};
use casbah_store::{
    Store, authorization_codes, browser_sessions, device_codes, pending_sign_ins, portal_sessions,
    pushed_requests, revoked_tokens, session_applications, sign_in_attempts, token_families,
    upstream_sign_ins, used_assertions, used_challenges, used_proofs,
};
use serde_json::Value as Json;

use crate::answers::Answers;
use crate::issuer_keys::IssuerKeys;
use crate::keys::{KeyError, KeyRing, SigningKey};
use crate::master_key::{MasterKey, SecretKind};
use crate::outbound::{Outbound, OutboundSettings};
use crate::sign_in_log::SignInLog;
use crate::throttle::{FAMILIAR, Throttle};
use crate::use_notes::UseNotes;

const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// What an operator can set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Public origin, scheme and host and port, without a final slash: `https://localhost:8443`.
    pub public_url: String,
    /// The master key, 32 random bytes as text from a key file outside the database: digests of
    /// secrets are keyed with it, and private keys are sealed under it.
    pub master_key: Secret,
}

/// Issues and verifies tokens; cheap to share.
pub struct Authority {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) settings: Arc<Settings>,
    pub(crate) master: Arc<MasterKey>,
    pub(crate) throttle: Throttle,
    pub(crate) use_notes: UseNotes,
    pub(crate) answers: Answers,
    pub(crate) sign_in_log: SignInLog,
    pub(crate) outbound: Outbound,
    pub(crate) issuer_keys: IssuerKeys,
    keys: KeyRing,
}

impl Authority {
    /// Opens the authority on a database, making the first signing key when there is none. The next
    /// one takes a moment more and is made behind the caller's back by [`Authority::rotate_if_due`],
    /// which the binary calls once after the start and then every hour.
    ///
    /// # Errors
    /// When the master key is too short or is not the one that belongs to the database.
    pub async fn open(store: Store, clock: Clock, settings: Settings) -> Result<Authority, KeyError> {
        let master = Arc::new(MasterKey::derive(&settings.master_key).ok_or(KeyError::MasterKeyTooShort)?);
        let keys = KeyRing::open(&store, &master, clock.now()).await?;
        let settings = Arc::new(settings);
        // Without authorities of its own this cannot fail.
        let outbound = Outbound::new(&OutboundSettings::default()).map_err(|_| KeyError::Crypto)?;
        Ok(Authority {
            store,
            clock,
            settings,
            master,
            throttle: Throttle::default(),
            use_notes: UseNotes::default(),
            answers: Answers::default(),
            sign_in_log: SignInLog::default(),
            outbound,
            issuer_keys: IssuerKeys::default(),
            keys,
        })
    }

    /// The same authority, calling others in the way that an operator has set.
    #[must_use]
    pub fn with_outbound(self, outbound: Outbound) -> Authority {
        Authority { outbound, ..self }
    }

    /// How this authority calls others.
    pub fn outbound(&self) -> &Outbound {
        &self.outbound
    }

    /// The clock.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Public origin, without a final slash.
    pub fn public_url(&self) -> &str {
        &self.settings.public_url
    }

    /// Makes the next signing key when there is none, and forgets keys whose time is over. Answers
    /// whether one was made.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rotate_if_due(&self) -> Result<bool, KeyError> {
        self.keys.rotate_if_due(&self.store, &self.master, self.clock.now()).await
    }

    /// Forgets codes, sessions and refresh tokens that ended a day ago or earlier. They are kept for
    /// that day so that a replay is still recognised as one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove_ended(&self) -> Result<u64, casbah_store::Error> {
        let now = self.clock.now();
        let before = now.minus(std::time::Duration::from_secs(24 * 60 * 60));
        let unfamiliar = self.clock.now().minus(FAMILIAR);
        self.store
            .write(move |tx| {
                Ok(authorization_codes::remove_ended(tx, before)?
                    + device_codes::remove_ended(tx, before)?
                    + browser_sessions::remove_ended(tx, before)?
                    + portal_sessions::remove_ended(tx, before)?
                    + token_families::remove_ended(tx, before)?
                    + used_assertions::remove_ended(tx, before)?
                    + revoked_tokens::remove_ended(tx, before)?
                    + used_proofs::remove_ended(tx, before)?
                    + pushed_requests::remove_ended(tx, before)?
                    + pending_sign_ins::remove_ended(tx, before)?
                    + upstream_sign_ins::remove_ended(tx, now)?
                    + used_challenges::remove_ended(tx, before)?
                    + sign_in_attempts::remove_ended(tx, before, unfamiliar)?
                    + session_applications::remove_ended(tx)?)
            })
            .await
    }

    /// Writes to the audit trail what was only counted of sign-ins so far; the binary calls it every minute
    /// and before it stops.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn flush_sign_ins(&self) -> Result<(), casbah_store::Error> {
        self.sign_in_log.flush(&self.store, self.clock.now()).await
    }

    /// The digest under which a generated secret is stored and found.
    pub fn digest(&self, kind: SecretKind, secret: &Secret) -> Vec<u8> {
        self.master.digest(kind, secret)
    }

    /// A fresh legacy API token: 64 letters and digits.
    pub fn new_api_token(&self) -> Secret {
        Secret::random(64, ALPHANUMERIC)
    }

    pub(crate) async fn signing_key(&self, now: Timestamp) -> Result<Arc<SigningKey>, KeyError> {
        self.keys.signing(&self.store, &self.master, now).await
    }

    pub(crate) async fn verifying_key(&self, id: &str) -> Result<Option<Arc<SigningKey>>, KeyError> {
        self.keys.verifying(&self.store, &self.master, self.clock.now(), id).await
    }

    /// Reads the keys again on this node, which has just changed them.
    pub(crate) async fn look_at_keys_again(&self) -> Result<(), KeyError> {
        self.keys.look_again(&self.store, &self.master, self.clock.now()).await.map(drop)
    }

    pub(crate) async fn published_keys(&self) -> Result<Vec<Json>, KeyError> {
        self.keys.published(&self.store, &self.master, self.clock.now()).await
    }
}
