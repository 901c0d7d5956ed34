//! Registering second factors, and taking them away.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use casbah_model::{Guid, Secret, Tenant, TenantId, Timestamp, User, random};
use casbah_store::second_factors::{self, FactorKind, SecondFactor};
use casbah_store::{Tx, audit, browser_sessions, recovery_codes};
use serde_json::{Value as Json, json};
use zeroize::Zeroizing;

use super::passkey::PasskeyAnswer;
use super::pending::{self, Details, Missing};
use super::requirement::MFA;
use super::{Desk, SignInStep, recovery, totp, webauthn};
use crate::authority::Authority;
use crate::codes;
use crate::error::OAuthError;
use crate::master_key::MasterKey;
use crate::session;
use crate::visitor::Visitor;

/// How long ago somebody may have signed in who changes what proves who it is.
const FRESH: Duration = Duration::from_secs(15 * 60);
/// How long the page with a new key may stay open.
const SETUP_LIFE: Duration = Duration::from_secs(30 * 60);
/// Second factors of one person.
const MOST: usize = 20;
const LONGEST_NAME: usize = 60;

/// Who registers a second factor.
#[derive(Clone, Debug)]
pub enum FactorHolder {
    /// Somebody who is signed in; the session cookie.
    Session(Secret),
    /// Somebody whose sign-in lacks nothing else; the cookie of the sign-in under way.
    Pending(Secret),
}

/// A second factor, for pages and lists.
#[derive(Clone, Debug)]
pub struct Factor {
    /// Its id.
    pub id: Guid,
    /// `totp` or `passkey`.
    pub kind: &'static str,
    /// Name that the owner gave it.
    pub name: String,
    /// When it was registered.
    pub created: Timestamp,
    /// When it was last used.
    pub last_used: Option<Timestamp>,
}

impl From<&SecondFactor> for Factor {
    fn from(factor: &SecondFactor) -> Factor {
        Factor {
            id: factor.id,
            kind: factor.kind.name(),
            name: factor.name.clone(),
            created: factor.created,
            last_used: factor.last_used,
        }
    }
}

/// A new key for an authenticator program. It counts once a code of it was typed.
#[derive(Clone, Debug)]
pub struct TotpSetup {
    /// The key as text to type.
    pub key: Secret,
    /// The same as an address that authenticator programs read from a QR code.
    pub uri: Secret,
    /// The key sealed; must come back with the code.
    pub setup: String,
}

/// What a registration led to.
#[derive(Debug)]
pub struct Registered {
    /// Recovery codes to be shown once; empty when the person had some already.
    pub recovery_codes: Vec<Secret>,
    /// The sign-in that it completed, if there was one under way.
    pub step: Option<SignInStep>,
}

/// A key drawn before the transaction.
pub(super) struct NewKey(Zeroizing<[u8; totp::KEY_LENGTH]>);

impl NewKey {
    pub(super) fn draw() -> NewKey {
        NewKey(Zeroizing::new(random::bytes()))
    }

    pub(super) fn of_setup(
        master: &MasterKey,
        tenant: TenantId,
        user: Guid,
        setup: &str,
        now: Timestamp,
    ) -> Option<NewKey> {
        let (until, sealed) = setup.split_once('.')?;
        let in_time = until.parse::<i64>().is_ok_and(|until| now.0 < until);
        let sealed = URL_SAFE_NO_PAD.decode(sealed).ok().filter(|_| in_time)?;
        let opened = master.open(&setup_name(tenant, user, until), &sealed).ok()?;
        Some(NewKey(Zeroizing::new(opened.as_slice().try_into().ok()?)))
    }

    pub(super) fn setup(
        &self,
        master: &MasterKey,
        tenant: &Tenant,
        user: &User,
        now: Timestamp,
    ) -> Result<TotpSetup, OAuthError> {
        let until = now.plus(SETUP_LIFE).0.to_string();
        let sealed = master.seal(&setup_name(tenant.id, user.id, &until), self.0.as_slice());
        let sealed = sealed.ok_or_else(|| OAuthError::internal("sealing failed"))?;
        let key = totp::base32(self.0.as_slice());
        let mut uri = url::Url::parse("otpauth://totp/").map_err(OAuthError::internal)?;
        uri.set_path(&format!("Casbah:{}", user.user_principal_name));
        uri.query_pairs_mut().append_pair("secret", &key).append_pair("issuer", "Casbah");
        let setup = format!("{until}.{}", URL_SAFE_NO_PAD.encode(sealed));
        Ok(TotpSetup { key: Secret::new(key), uri: Secret::new(uri), setup })
    }
}

/// The name under which a key is sealed in its row: nowhere else can it be opened.
pub(super) fn seal_name(tenant: TenantId, user: Guid, factor: Guid) -> String {
    format!("totp {tenant} {user} {factor}")
}

fn setup_name(tenant: TenantId, user: Guid, until: &str) -> String {
    format!("totp setup {tenant} {user} {until}")
}

/// Whoever registers, found good.
struct Registrant {
    tenant: TenantId,
    user: User,
    pending: Option<(Vec<u8>, Details)>,
    session: Option<(Vec<u8>, Vec<String>)>,
}

impl Authority {
    /// A new key for an authenticator program of whoever is signed in.
    ///
    /// # Errors
    /// 50133 when the sign-in is not fresh.
    pub async fn totp_setup(&self, session: &Secret) -> Result<TotpSetup, OAuthError> {
        let (desk, session) = (self.desk(&Visitor::default()), session.clone());
        let new = NewKey::draw();
        self.store
            .read(move |tx| {
                let session = fresh_session(tx, &desk, &session)?;
                new.setup(&desk.master, &session.tenant, &session.user, desk.now)
            })
            .await
    }

    /// Registers an authenticator program that showed the present code of a new key.
    ///
    /// # Errors
    /// 500121 wrong code; 50133 or 50089 when the sign-in is too old.
    pub async fn add_totp(
        &self,
        holder: &FactorHolder,
        setup: String,
        code: Secret,
        name: String,
        visitor: &Visitor,
    ) -> Result<Registered, OAuthError> {
        let (desk, holder, codes_drawn) = (self.desk(visitor), holder.clone(), recovery::draw());
        self.store
            .write(move |tx| {
                let registrant = registrant(tx, &desk, &holder)?;
                let (tenant, user) = (registrant.tenant, registrant.user.id);
                let new = NewKey::of_setup(&desk.master, tenant, user, &setup, desk.now)
                    .ok_or_else(|| OAuthError::plain(codes::STEP_EXPIRED))?;
                let step = totp::matching_step(new.0.as_slice(), code.expose(), desk.now);
                let last_step = step.ok_or_else(|| OAuthError::plain(codes::WRONG_SECOND_FACTOR))?;
                let id = desk.draws.ids.guid(1);
                let sealed = desk.master.seal(&seal_name(tenant, user, id), new.0.as_slice());
                let sealed = sealed.ok_or_else(|| OAuthError::internal("sealing failed"))?;
                let kind = FactorKind::Totp { sealed, last_step };
                desk.register(tx, registrant, id, kind, &name, &codes_drawn)
            })
            .await
    }

    /// Registers a passkey that the browser has just made.
    ///
    /// # Errors
    /// 500121 when the answer is not good; 50133 or 50089 when the sign-in is too old.
    pub async fn add_passkey(
        &self,
        holder: &FactorHolder,
        answer: PasskeyAnswer,
        name: String,
        visitor: &Visitor,
    ) -> Result<Registered, OAuthError> {
        let made = answer.read_new(self, visitor)?;
        let (desk, holder, codes_drawn) = (self.desk(visitor), holder.clone(), recovery::draw());
        self.store
            .write(move |tx| {
                let registrant = registrant(tx, &desk, &holder)?;
                made.use_challenge(tx, registrant.tenant)?;
                if second_factors::find_passkey(tx, registrant.tenant, &made.credential.id)?.is_some() {
                    let text = "This passkey is registered already.";
                    return Err(OAuthError::new(codes::WRONG_SECOND_FACTOR, text));
                }
                let webauthn::NewCredential { id, public_key, counter } = &made.credential;
                let kind = FactorKind::Passkey {
                    credential: id.clone(),
                    public_key: public_key.clone(),
                    counter: i64::from(*counter),
                };
                desk.register(tx, registrant, desk.draws.ids.guid(1), kind, &name, &codes_drawn)
            })
            .await
    }

    /// Takes a second factor of whoever is signed in away; with the last one go the recovery codes.
    ///
    /// # Errors
    /// 50133 when the sign-in is not fresh; one that is gone already is none.
    pub async fn remove_factor(&self, session: &Secret, id: Guid) -> Result<(), OAuthError> {
        let (desk, session) = (self.desk(&Visitor::default()), session.clone());
        self.store
            .write(move |tx| {
                let session = fresh_session(tx, &desk, &session)?;
                let (tenant, user) = (session.tenant.id, session.user.id);
                let held = second_factors::of_user(tx, tenant, user)?;
                let old = held.iter().find(|factor| factor.id == id);
                if let Some(old) = old
                    && second_factors::remove(tx, tenant, user, id)?
                {
                    if !second_factors::has_any(tx, tenant, user)? {
                        recovery_codes::remove_of_user(tx, tenant, user)?;
                    }
                    let facts = json!({ "factor": id, "kind": old.kind.name(), "name": old.name });
                    let record = desk.record(0, user, "remove second factor", json!({}));
                    audit::append(tx, tenant, &record.changed(user, &facts, &Json::Null))?;
                }
                Ok(())
            })
            .await
    }

    /// Makes new recovery codes for whoever is signed in; the old ones are worth nothing any more.
    ///
    /// # Errors
    /// 50133 when the sign-in is not fresh.
    pub async fn new_recovery_codes(&self, session: &Secret) -> Result<Vec<Secret>, OAuthError> {
        let (desk, session, drawn) = (self.desk(&Visitor::default()), session.clone(), recovery::draw());
        self.store
            .write(move |tx| {
                let session = fresh_session(tx, &desk, &session)?;
                let (tenant, user) = (session.tenant.id, session.user.id);
                desk.replace_recovery_codes(tx, tenant, user, &drawn)?;
                let record = desk.record(0, user, "replace recovery codes", json!({}));
                audit::append(tx, tenant, &record)?;
                Ok(drawn.clone())
            })
            .await
    }
}

impl Desk {
    fn register(
        &self,
        tx: &mut Tx<'_>,
        registrant: Registrant,
        id: Guid,
        kind: FactorKind,
        name: &str,
        drawn: &[Secret],
    ) -> Result<Registered, OAuthError> {
        let Registrant { tenant, user, pending, session } = registrant;
        if second_factors::of_user(tx, tenant, user.id)?.len() >= MOST {
            let text = "You have as many second factors as there may be. Remove one first.";
            return Err(OAuthError::new(codes::WRONG_SECOND_FACTOR, text));
        }
        let (kind_name, method, usual) = match &kind {
            FactorKind::Totp { .. } => ("totp", "otp", "Authenticator program"),
            FactorKind::Passkey { .. } => ("passkey", "fido", "Passkey"),
        };
        let name: String = name.trim().chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect();
        let name = if name.is_empty() { usual.to_string() } else { name };
        let factor = SecondFactor { id, user: user.id, name, created: self.now, last_used: None, kind };
        second_factors::insert(tx, tenant, &factor)?;
        let facts = json!({ "factor": id, "kind": kind_name, "name": factor.name });
        let record = self.record(1, user.id, "add second factor", json!({}));
        audit::append(tx, tenant, &record.changed(user.id, &Json::Null, &facts))?;
        let fresh_codes = recovery_codes::count_left(tx, tenant, user.id)? == 0;
        if fresh_codes {
            self.replace_recovery_codes(tx, tenant, user.id, drawn)?;
        }
        let step = match pending {
            Some((digest, mut details)) => {
                details.add(&[method, MFA]);
                Some(self.advance(tx, tenant, &user, &details, Some(&digest))?)
            }
            None => None,
        };
        if let Some((digest, amr)) = session {
            // The code or passkey was shown in this very session.
            let mut details = Details { amr, ..Details::default() };
            details.add(&[method, MFA]);
            browser_sessions::set_amr(tx, tenant, &digest, &details.amr)?;
        }
        Ok(Registered { recovery_codes: if fresh_codes { drawn.to_vec() } else { Vec::new() }, step })
    }

    fn replace_recovery_codes(
        &self,
        tx: &mut Tx<'_>,
        tenant: TenantId,
        user: Guid,
        drawn: &[Secret],
    ) -> Result<(), OAuthError> {
        let digests: Vec<_> = drawn.iter().map(|code| recovery::digest(&self.master, user, code)).collect();
        Ok(recovery_codes::replace(tx, tenant, user, &digests)?)
    }
}

fn registrant(tx: &mut Tx<'_>, desk: &Desk, holder: &FactorHolder) -> Result<Registrant, OAuthError> {
    match holder {
        FactorHolder::Session(cookie) => {
            let found = fresh_session(tx, desk, cookie)?;
            Ok(Registrant {
                tenant: found.tenant.id,
                user: found.user,
                pending: None,
                session: Some((found.digest, found.amr)),
            })
        }
        FactorHolder::Pending(cookie) => {
            let found = pending::find(tx, &desk.master, cookie, desk.now)?;
            found.require(Missing::Registration)?;
            Ok(Registrant {
                tenant: found.tenant.id,
                user: found.user,
                pending: Some((found.digest, found.details)),
                session: None,
            })
        }
    }
}

/// The session of somebody who may change what proves who it is: signed in a moment ago, with all that
/// is registered so far.
fn fresh_session(tx: &mut Tx<'_>, desk: &Desk, cookie: &Secret) -> Result<session::Session, OAuthError> {
    let found = session::find(tx, &desk.master, cookie, desk.now)?;
    let found = found.ok_or_else(|| OAuthError::plain(codes::NOT_SIGNED_IN))?;
    if is_fresh(tx, &found, desk.now)? { Ok(found) } else { Err(OAuthError::plain(codes::SIGN_IN_AGAIN)) }
}

/// Whether somebody may change what proves who it is.
pub(crate) fn is_fresh(
    tx: &mut Tx<'_>,
    session: &session::Session,
    now: Timestamp,
) -> casbah_store::Result<bool> {
    let with_all = session.amr.iter().any(|word| word == MFA)
        || !second_factors::has_any(tx, session.tenant.id, session.user.id)?;
    Ok(with_all && session.signed_in.plus(FRESH) > now)
}
