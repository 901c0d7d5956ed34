//! Signing people in at the authority's pages, in as many steps as the tenant and the person want.
//!
//! ```text
//! sign_in(name, password) ----------------------------> SignInStep::Done(session)
//!    |                                                        ^
//!    +--> SignInStep::Continue(pending) --> pending(..) says what is missing:
//!            second factor -> prove_with_code / prove_with_passkey ---+
//!            new password  -> change_pending_password ----------------+
//!            registration  -> add_totp / add_passkey, finish_pending -+
//! sign_in_with_passkey -------------------------------------> Done, or Continue
//! finish_upstream (another provider vouches) ----------------> Done, or Continue
//! ```
//! A sign-in under way is no session: it has a cookie and a table of its own, and only what checks the
//! missing step turns it into one.

mod factors;
mod new_password;
mod passkey;
mod password_policy;
pub(crate) mod pending;
mod recovery;
pub(crate) mod requirement;
pub(crate) mod totp;
mod webauthn;

use std::sync::Arc;
use std::time::Duration;

use casbah_model::{Guid, RecordId, Secret, SignInFacts, TenantId, Timestamp, User};
use casbah_store::audit::{self, AuditRecord};
use casbah_store::browser_sessions::{self, BrowserSession};
use casbah_store::{Tx, users};
use serde_json::Value as Json;

use crate::authority::Authority;
use crate::codes;
use crate::error::OAuthError;
use crate::master_key::{MasterKey, SecretKind};
use crate::opaque::Draw;
use crate::sign_in_log::Entry;
use crate::tenant::{Hints, TenantName};
use crate::throttle::{self, Tried};
use crate::visitor::{Seen, Visitor};

pub(crate) use factors::is_fresh;
pub use factors::{Factor, FactorHolder, Registered, TotpSetup};

pub use passkey::PasskeyAnswer;
pub use password_policy::check_new_password;
pub use pending::{CodeKind, PendingSignIn, PendingStep, PendingView};
pub use requirement::PasswordChange;

use pending::Details;

/// How long a browser stays signed in.
const SESSION_LIFE: Duration = Duration::from_secs(8 * 60 * 60);
/// How long it does when the user wants to stay signed in.
const KEPT_SESSION_LIFE: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// A name and a password from the sign-in page.
#[derive(Debug)]
pub struct SignInRequest {
    /// The tenant segment of the page's URL.
    pub tenant: String,
    /// Sign-in name.
    pub name: String,
    /// The password.
    pub password: Secret,
    /// Whether to stay signed in for 90 days.
    pub keep: bool,
    /// Address on our own origin at which the user goes on afterwards: path and query.
    pub return_to: String,
    /// Redirect URI at which that ends up, if it does: the pages on the way must let their forms lead there.
    pub leads_to: Option<String>,
    /// Where the request comes from.
    pub visitor: Visitor,
}

/// How far a sign-in has come.
#[derive(Debug)]
pub enum SignInStep {
    /// To its end.
    Done(Box<SignedIn>),
    /// Something is missing; [`Authority::pending`] says what.
    Continue(PendingSignIn),
}

/// A fresh sign-in.
#[derive(Debug)]
pub struct SignedIn {
    /// The cookie's value. Hand it to the browser and forget it.
    pub session: Secret,
    /// When it ends.
    pub expires: Timestamp,
    /// Whether the cookie shall outlive the browser.
    pub kept: bool,
    /// The user's sign-in name.
    pub user_name: String,
    /// Where the user goes on.
    pub return_to: String,
    /// Recovery codes that were made on the way, to be shown once.
    pub recovery_codes: Vec<Secret>,
}

/// Random bits and ids of one step, drawn before the transaction.
#[derive(Clone)]
pub(crate) struct Draws {
    secret: Draw,
    pub(crate) ids: Draw,
    pub(crate) audit: [RecordId; 2],
}

impl Draws {
    fn new(now: Timestamp) -> Draws {
        Draws { secret: Draw::new(), ids: Draw::new(), audit: [RecordId::new(now), RecordId::new(now)] }
    }
}

/// Everything that the steps of a sign-in share; moved into transactions.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) master: Arc<MasterKey>,
    pub(crate) now: Timestamp,
    seen: Seen,
    pub(crate) draws: Draws,
}

impl Authority {
    pub(crate) fn desk(&self, visitor: &Visitor) -> Desk {
        let now = self.clock.now();
        let (master, seen) = (Arc::clone(&self.master), visitor.seen(&self.master));
        Desk { master, now, seen, draws: Draws::new(now) }
    }

    /// Signs a person in with name and password.
    ///
    /// # Errors
    /// 50126 wrong name or password (the two are not told apart), 50053 too many wrong ones, 50057
    /// disabled; and what the tenant segment can be refused for.
    pub async fn sign_in(&self, request: SignInRequest) -> Result<SignInStep, OAuthError> {
        let SignInRequest { tenant, name, password, keep, return_to, leads_to, visitor } = request;
        let tenant = self.tenant_of_page(&tenant, Some(&name)).await?;
        // A name of no known domain is a wrong name, nothing more.
        let tenant = tenant.ok_or_else(|| OAuthError::plain(codes::WRONG_PASSWORD))?;
        let checked = self.check_password(tenant, name, password, &visitor, None).await;
        let user = checked.inspect_err(|error| self.note_failure(tenant, error))?;
        let desk = self.desk(&visitor);
        let details =
            Details { amr: vec!["pwd".to_string()], keep, return_to, leads_to, ..Details::default() };
        self.store.write(move |tx| desk.advance(tx, tenant, &user, &details, None)).await
    }

    pub(crate) async fn tenant_of_page(
        &self,
        segment: &str,
        name: Option<&str>,
    ) -> Result<Option<TenantId>, OAuthError> {
        let named = TenantName::parse(segment)?;
        let user_name = name.map(str::to_string);
        let found = self.store.read(move |tx| {
            let hints = Hints { user_name: user_name.as_deref(), ..Hints::default() };
            named.resolve(tx, &hints)
        });
        Ok(found.await?.map(|tenant| tenant.id))
    }

    /// Checks a name and a password. The time does not tell whether the name exists.
    pub(crate) async fn check_password(
        &self,
        tenant: TenantId,
        name: String,
        password: Secret,
        visitor: &Visitor,
        client: Option<Guid>,
    ) -> Result<User, OAuthError> {
        let _turn = self.throttle.turn(tenant, &name).await?;
        let desk = self.desk(visitor);
        let (at_desk, now) = (desk.clone(), desk.now);
        // Somebody who does not exist is counted under an id that depends on the name alone.
        let key = Secret::new(format!("{tenant} {}", users::name_key(&name)));
        let stranger = self.master.digest(SecretKind::UnknownName, &key);
        let stranger = u128::from_be_bytes(stranger[..16].try_into().map_err(OAuthError::internal)?);
        let (user, counted) = self
            .store
            .write(move |tx| -> Result<_, OAuthError> {
                let user = users::find_by_name(tx, tenant, &name)?;
                let account = user.as_ref().map_or(Guid::from_u128(stranger), |user| user.id);
                let counted =
                    throttle::count(tx, tenant, account, Tried::Password, &at_desk.seen, client, now)?;
                Ok((user, counted))
            })
            .await?;
        let hash = user.as_ref().and_then(|user| user.password_hash.clone());
        let right = crate::password::verify_password(password, hash).await?;
        let Some(user) = user.clone().filter(|_| right) else {
            let at_desk = desk.clone();
            self.store.write(move |tx| throttle::note_wrong(tx, tenant, &at_desk.seen, client, now)).await?;
            let wrong = OAuthError::new(codes::WRONG_PASSWORD, "Invalid user name or password.");
            return Err(match &user {
                Some(user) => wrong.of_user(user.id),
                None => wrong,
            });
        };
        self.store.write(move |tx| throttle::clear(tx, tenant, &counted)).await?;
        if !user.enabled {
            // Only who knows the password learns this.
            return Err(OAuthError::plain(codes::USER_DISABLED).of_user(user.id));
        }
        Ok(user)
    }

    /// Leaves a trace of a sign-in at our pages that failed. What was typed as a name that does not exist is
    /// left out: people type passwords there.
    pub(crate) fn note_failure(&self, tenant: TenantId, error: &OAuthError) {
        let entry = Entry {
            tenant,
            actor: error.user.as_deref().copied(),
            as_itself: false,
            client: None,
            resource: None,
            credential: None,
            grant: None,
            session: None,
            failure: Some(error.code.number),
            origin: audit::origin(),
        };
        self.sign_in_log.note(&self.store, self.clock.now(), entry);
    }
}

impl Desk {
    /// Makes the session, unless a step is missing: then writes down how far the sign-in has come.
    /// `pending` is the digest of the sign-in under way, if there was one before.
    pub(crate) fn advance(
        &self,
        tx: &mut Tx<'_>,
        tenant: TenantId,
        user: &User,
        details: &Details,
        pending: Option<&[u8]>,
    ) -> Result<SignInStep, OAuthError> {
        if details.missing(tx, tenant, user, self.now)?.is_some() {
            return self.keep_pending(tx, tenant, user, details, pending);
        }
        if let Some(digest) = pending
            && !casbah_store::pending_sign_ins::end(tx, tenant, digest, self.now)?
        {
            return Err(OAuthError::plain(codes::STEP_EXPIRED));
        }
        self.establish(tx, tenant, user, details).map(|signed_in| SignInStep::Done(Box::new(signed_in)))
    }

    fn establish(
        &self,
        tx: &mut Tx<'_>,
        tenant: TenantId,
        user: &User,
        details: &Details,
    ) -> Result<SignedIn, OAuthError> {
        let secret = self.draws.secret.session(tenant);
        let life = if details.keep { KEPT_SESSION_LIFE } else { SESSION_LIFE };
        let session = BrowserSession {
            digest: self.master.digest(SecretKind::Session, &secret),
            id: self.draws.ids.guid(0),
            user: user.id,
            created: self.now,
            expires: self.now.plus(life),
            revoked: None,
            amr: details.amr.clone(),
            kept: details.keep,
            address: self.seen.address.clone(),
            agent: self.seen.agent.clone(),
            provider: details.voucher.as_ref().map(|voucher| voucher.provider),
        };
        browser_sessions::insert(tx, tenant, &session)?;
        throttle::make_familiar(tx, tenant, user.id, &self.seen, self.now)?;
        let facts = SignInFacts {
            factors: details.amr.clone(),
            interactive: true,
            session: Some(session.id),
            identity_provider: session.provider,
            ..SignInFacts::default()
        };
        let record = AuditRecord {
            id: self.draws.audit[0].clone(),
            ..AuditRecord::new(
                self.now,
                ("user", user.id),
                "sign in",
                ("session", session.id),
                facts.details(),
            )
        };
        audit::append(tx, tenant, &record)?;
        Ok(SignedIn {
            session: secret,
            expires: session.expires,
            kept: details.keep,
            user_name: user.user_principal_name.clone(),
            return_to: details.return_to.clone(),
            recovery_codes: Vec::new(),
        })
    }

    /// An audit record of something that a person did to the own account; `number` tells the records of
    /// one step apart.
    pub(crate) fn record(&self, number: usize, user: Guid, action: &str, details: Json) -> AuditRecord {
        AuditRecord {
            id: self.draws.audit[number].clone(),
            ..AuditRecord::new(self.now, ("user", user), action, ("user", user), details)
        }
    }
}
