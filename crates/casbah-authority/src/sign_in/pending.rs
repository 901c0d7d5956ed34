//! A sign-in under way: what is missing, and the steps that supply it.

use std::time::Duration;

use casbah_model::{Secret, SignInFacts, Tenant, TenantId, Timestamp, User};
use casbah_store::pending_sign_ins as store;
use casbah_store::second_factors::{self, FactorKind};
use casbah_store::{Tx, audit, identity_providers, recovery_codes, tenants, users};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::factors::{self, TotpSetup};
use super::passkey::{self, PasskeyAnswer};
use super::requirement::{MFA, PasswordChange, Requirement};
use super::{Desk, SignInStep, recovery, totp, webauthn};
use crate::authority::Authority;
use crate::codes;
use crate::error::OAuthError;
use crate::master_key::{MasterKey, SecretKind};
use crate::opaque;
use crate::session;
use crate::throttle::{self, Tried};
use crate::upstream::Voucher;
use crate::visitor::Visitor;

/// How long a sign-in may take from the password to its end.
const LIFE: Duration = Duration::from_secs(10 * 60);
/// Wrong codes after which it has to start from the password again.
const WRONG_CODES: u32 = 5;

/// A sign-in under way, for the browser to keep.
#[derive(Debug)]
pub struct PendingSignIn {
    /// The cookie's value. Hand it to the browser and forget it.
    pub cookie: Secret,
    /// When it ends.
    pub expires: Timestamp,
}

/// A kind of code that can be typed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CodeKind {
    /// From an authenticator program.
    Totp,
    /// A recovery code.
    Recovery,
}

/// What the page for a sign-in under way needs to know.
#[derive(Debug)]
pub struct PendingView {
    /// The user's sign-in name.
    pub user_name: String,
    /// Name of the tenant.
    pub tenant_name: String,
    /// Redirect URI at which the sign-in ends up; the page's policy must let its form lead there.
    pub leads_to: Option<String>,
    /// What is asked for now.
    pub step: PendingStep,
}

/// What a sign-in under way lacks.
#[derive(Debug)]
pub enum PendingStep {
    /// A second factor that is registered.
    SecondFactor {
        /// Whether codes of an authenticator program can be typed.
        totp: bool,
        /// Options for the browser, JSON, when there are passkeys.
        passkey: Option<String>,
        /// How many recovery codes are left.
        recovery_codes: i64,
    },
    /// A second factor has to be registered.
    Register {
        /// For an authenticator program.
        totp: TotpSetup,
        /// Options for the browser, JSON; none where browsers make no passkeys.
        passkey: Option<String>,
    },
    /// A new password.
    ChangePassword {
        /// Why.
        why: PasswordChange,
        /// Characters that it must have at least.
        least: u32,
    },
}

/// What is kept of a sign-in under way.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Details {
    pub(crate) amr: Vec<String>,
    pub(crate) keep: bool,
    pub(crate) return_to: String,
    pub(crate) leads_to: Option<String>,
    /// Who vouched for the person, if another provider did.
    #[serde(default)]
    pub(crate) voucher: Option<Voucher>,
    /// The application asks for a second factor.
    pub(crate) demanded: bool,
    pub(crate) wrong: u32,
}

/// What is missing; the order is that of the pages. A thief who knows the password alone gets to neither
/// of the last two.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Missing {
    SecondFactor,
    Password(PasswordChange),
    Registration,
}

impl Details {
    pub(super) fn missing(
        &self,
        tx: &mut Tx<'_>,
        tenant: TenantId,
        user: &User,
        now: Timestamp,
    ) -> Result<Option<Missing>, OAuthError> {
        let requirement = Requirement::of(tx, tenant, user)?;
        let shown = self.amr.iter().any(|word| word == MFA);
        if requirement.has_factor && !shown {
            return Ok(Some(Missing::SecondFactor));
        }
        let with_password = self.amr.iter().any(|word| word == "pwd");
        if let Some(why) = requirement.password_change(user, now).filter(|_| with_password) {
            return Ok(Some(Missing::Password(why)));
        }
        let wanted = requirement.by_policy || self.demanded;
        Ok((wanted && !shown).then_some(Missing::Registration))
    }

    pub(crate) fn add(&mut self, methods: &[&str]) {
        for method in methods {
            if !self.amr.iter().any(|known| known == method) {
                self.amr.push((*method).to_string());
            }
        }
    }
}

/// A sign-in under way that was found good.
pub(super) struct Found {
    pub(super) tenant: Tenant,
    pub(super) user: User,
    pub(super) digest: Vec<u8>,
    pub(super) details: Details,
    pub(super) missing: Option<Missing>,
}

impl Found {
    pub(super) fn require(&self, missing: Missing) -> Result<(), OAuthError> {
        // A form of a step that is not the present one: going on to the next page puts it right.
        if self.missing == Some(missing) { Ok(()) } else { Err(OAuthError::plain(codes::STEP_EXPIRED)) }
    }
}

/// The sign-in of a cookie, if it is good now and its user may still sign in.
///
/// # Errors
/// 50089 when it is over, 50057.
pub(super) fn find(
    tx: &mut Tx<'_>,
    master: &MasterKey,
    cookie: &Secret,
    now: Timestamp,
) -> Result<Found, OAuthError> {
    let over = || OAuthError::plain(codes::STEP_EXPIRED);
    let tenant = opaque::tenant_of(cookie.expose()).ok_or_else(over)?;
    let digest = master.digest(SecretKind::PendingSignIn, cookie);
    let pending = store::find(tx, tenant, &digest)?;
    let pending = pending.filter(|p| p.ended.is_none() && p.expires > now).ok_or_else(over)?;
    let tenant = tenants::find(tx, tenant)?.ok_or_else(over)?;
    let user = users::find(tx, tenant.id, pending.user)?.ok_or_else(over)?;
    if !user.enabled {
        return Err(OAuthError::plain(codes::USER_DISABLED));
    }
    // Reset or signed out everywhere since the password was entered.
    if pending.created < user.sessions_valid_from {
        return Err(over());
    }
    let details: Details = serde_json::from_value(pending.details).map_err(OAuthError::internal)?;
    if let Some(voucher) = &details.voucher {
        let provider = identity_providers::find(tx, tenant.id, voucher.provider)?;
        provider.filter(|provider| provider.enabled).ok_or_else(over)?;
    }
    let missing = details.missing(tx, tenant.id, &user, now)?;
    Ok(Found { tenant, user, digest, details, missing })
}

impl Desk {
    pub(super) fn keep_pending(
        &self,
        tx: &mut Tx<'_>,
        tenant: TenantId,
        user: &User,
        details: &Details,
        pending: Option<&[u8]>,
    ) -> Result<SignInStep, OAuthError> {
        let details = serde_json::to_value(details).map_err(OAuthError::internal)?;
        let expires = self.now.plus(LIFE);
        if let Some(digest) = pending {
            // The same, one step further; under a new cookie, so that the old one opens no later step.
            store::end(tx, tenant, digest, self.now)?;
        }
        let cookie = self.draws.secret.pending_sign_in(tenant);
        let row = store::PendingSignIn {
            digest: self.master.digest(SecretKind::PendingSignIn, &cookie),
            user: user.id,
            details,
            created: self.now,
            expires,
            ended: None,
        };
        store::insert(tx, tenant, &row)?;
        Ok(SignInStep::Continue(PendingSignIn { cookie, expires }))
    }
}

impl Authority {
    /// Says what a sign-in under way lacks.
    ///
    /// # Errors
    /// 50089 when it is over: start again.
    pub async fn pending(&self, cookie: &Secret, visitor: &Visitor) -> Result<PendingView, OAuthError> {
        let (desk, cookie, settings) = (self.desk(visitor), cookie.clone(), self.settings.clone());
        let (setup, challenge) = (factors::NewKey::draw(), passkey::Challenge::new(self, visitor));
        self.store
            .read(move |tx| {
                let found = find(tx, &desk.master, &cookie, desk.now)?;
                let site = webauthn::Site::of(&settings.public_url);
                let site = site.as_ref();
                let step = match found.missing {
                    Some(Missing::SecondFactor) => {
                        let factors = second_factors::of_user(tx, found.tenant.id, found.user.id)?;
                        PendingStep::SecondFactor {
                            totp: factors.iter().any(|f| matches!(f.kind, FactorKind::Totp { .. })),
                            passkey: site.and_then(|site| challenge.options_to_prove(site, &factors)),
                            recovery_codes: recovery_codes::count_left(tx, found.tenant.id, found.user.id)?,
                        }
                    }
                    Some(Missing::Password(why)) => {
                        let requirement = Requirement::of(tx, found.tenant.id, &found.user)?;
                        PendingStep::ChangePassword { why, least: requirement.settings.password_min_length }
                    }
                    // None missing any more: whoever is here has just registered elsewhere, or an
                    // administrator changed the rules. The next step finds out.
                    Some(Missing::Registration) | None => PendingStep::Register {
                        totp: setup.setup(&desk.master, &found.tenant, &found.user, desk.now)?,
                        passkey: site
                            .map(|site| challenge.options_to_create(site, &found.tenant, &found.user, &[])),
                    },
                };
                Ok(PendingView {
                    user_name: found.user.user_principal_name,
                    tenant_name: found.tenant.display_name,
                    leads_to: found.details.leads_to,
                    step,
                })
            })
            .await
    }

    /// Takes a typed code as the second factor.
    ///
    /// # Errors
    /// 500121 wrong or used before, 50053 too many wrong ones, 50089 start again.
    pub async fn prove_with_code(
        &self,
        cookie: &Secret,
        kind: CodeKind,
        code: Secret,
        visitor: &Visitor,
    ) -> Result<SignInStep, OAuthError> {
        let _turn = self.turn_of_pending(cookie).await?;
        let (desk, cookie) = (self.desk(visitor), cookie.clone());
        self.store
            .write(move |tx| -> Result<Result<SignInStep, OAuthError>, OAuthError> {
                let mut found = find(tx, &desk.master, &cookie, desk.now)?;
                found.require(Missing::SecondFactor)?;
                let (tenant, user) = (found.tenant.id, found.user.id);
                let counted =
                    throttle::count(tx, tenant, user, Tried::SecondFactor, &desk.seen, None, desk.now)?;
                let right = match kind {
                    CodeKind::Totp => desk.is_right_code(tx, tenant, &found.user, &code)?,
                    CodeKind::Recovery => {
                        let digest = recovery::digest(&desk.master, user, &code);
                        recovery_codes::take(tx, tenant, user, &digest, desk.now)?
                    }
                };
                if !right {
                    return desk.wrong_factor(tx, &mut found).map(Err);
                }
                throttle::clear(tx, tenant, &counted)?;
                if kind == CodeKind::Recovery {
                    let left = recovery_codes::count_left(tx, tenant, user)?;
                    let record = desk.record(1, user, "use recovery code", json!({ "left": left }));
                    audit::append(tx, tenant, &record)?;
                }
                found.details.add(&["otp", MFA]);
                desk.advance(tx, tenant, &found.user, &found.details, Some(&found.digest)).map(Ok)
            })
            .await?
    }

    /// Takes a passkey as the second factor.
    ///
    /// # Errors
    /// As [`Authority::prove_with_code`].
    pub async fn prove_with_passkey(
        &self,
        cookie: &Secret,
        answer: PasskeyAnswer,
        visitor: &Visitor,
    ) -> Result<SignInStep, OAuthError> {
        let answer = answer.read(self, visitor)?;
        let _turn = self.turn_of_pending(cookie).await?;
        let (desk, cookie) = (self.desk(visitor), cookie.clone());
        self.store
            .write(move |tx| -> Result<Result<SignInStep, OAuthError>, OAuthError> {
                let mut found = find(tx, &desk.master, &cookie, desk.now)?;
                found.require(Missing::SecondFactor)?;
                let (tenant, user) = (found.tenant.id, found.user.id);
                let counted =
                    throttle::count(tx, tenant, user, Tried::SecondFactor, &desk.seen, None, desk.now)?;
                let owner = answer.check(tx, tenant, false, desk.now)?;
                if owner != Some(user) {
                    return desk.wrong_factor(tx, &mut found).map(Err);
                }
                throttle::clear(tx, tenant, &counted)?;
                found.details.add(&["fido", MFA]);
                desk.advance(tx, tenant, &found.user, &found.details, Some(&found.digest)).map(Ok)
            })
            .await?
    }

    /// Asks somebody who is signed in for the step that a request wants besides: a `second_factor`, or a
    /// new password. The session stays what it is until they are done; then a new one takes its place.
    ///
    /// # Errors
    /// 50058 when nobody is signed in (any more).
    pub async fn interrupt(
        &self,
        session: &Secret,
        second_factor: bool,
        return_to: String,
        leads_to: Option<String>,
        visitor: &Visitor,
    ) -> Result<SignInStep, OAuthError> {
        let (desk, session) = (self.desk(visitor), session.clone());
        self.store
            .write(move |tx| {
                let found = session::find(tx, &desk.master, &session, desk.now)?;
                let found = found.ok_or_else(|| OAuthError::plain(codes::NOT_SIGNED_IN))?;
                // What was shown before is asked for once more: it is not enough, or too old.
                let stays = |word: &String| !second_factor || word == "pwd" || word == "fed";
                let details = Details {
                    amr: found.amr.into_iter().filter(stays).collect(),
                    keep: found.kept,
                    return_to: return_to.clone(),
                    leads_to: leads_to.clone(),
                    voucher: found.voucher,
                    demanded: second_factor,
                    ..Details::default()
                };
                desk.keep_pending(tx, found.tenant.id, &found.user, &details, None)
            })
            .await
    }

    pub(super) async fn turn_of_pending(
        &self,
        cookie: &Secret,
    ) -> Result<tokio::sync::SemaphorePermit<'_>, OAuthError> {
        let tenant = opaque::tenant_of(cookie.expose());
        let tenant = tenant.ok_or_else(|| OAuthError::plain(codes::STEP_EXPIRED))?;
        self.throttle.turn(tenant, cookie.expose()).await
    }
}

impl Desk {
    /// Whether it is the present code of one of the user's programs, and the first time.
    fn is_right_code(
        &self,
        tx: &mut Tx<'_>,
        tenant: TenantId,
        user: &User,
        typed: &Secret,
    ) -> Result<bool, OAuthError> {
        for factor in second_factors::of_user(tx, tenant, user.id)? {
            let FactorKind::Totp { sealed, .. } = &factor.kind else { continue };
            let name = factors::seal_name(tenant, user.id, factor.id);
            let key = self.master.open(&name, sealed).map_err(|_| OAuthError::internal("a sealed key"))?;
            let step = totp::matching_step(&key, typed.expose(), self.now);
            if let Some(step) = step
                && second_factors::use_step(tx, tenant, user.id, factor.id, step, self.now)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Notes a wrong second factor; after a few the sign-in has to start again.
    fn wrong_factor(&self, tx: &mut Tx<'_>, found: &mut Found) -> Result<OAuthError, OAuthError> {
        let tenant = found.tenant.id;
        throttle::note_wrong(tx, tenant, &self.seen, None, self.now)?;
        let facts = SignInFacts { interactive: true, ..SignInFacts::default() };
        let mut record = self.record(0, found.user.id, "failed sign-in", facts.details());
        record.failure = Some(i64::from(codes::WRONG_SECOND_FACTOR.number));
        audit::append(tx, tenant, &record)?;
        found.details.wrong += 1;
        if found.details.wrong >= WRONG_CODES {
            store::end(tx, tenant, &found.digest, self.now)?;
            return Ok(OAuthError::plain(codes::STEP_EXPIRED));
        }
        let details = serde_json::to_value(&found.details).map_err(OAuthError::internal)?;
        store::save_details(tx, tenant, &found.digest, &details)?;
        Ok(OAuthError::plain(codes::WRONG_SECOND_FACTOR))
    }
}
