//! Browser sessions: signing in at the authority's pages, and who a cookie stands for.

use std::sync::Arc;
use std::time::Duration;

use casbah_model::{Guid, RecordId, Role, Secret, SignInFacts, Tenant, Timestamp, User};
use casbah_store::audit::{self, AuditRecord};
use casbah_store::browser_sessions::{self, BrowserSession};
use casbah_store::{Tx, applications, tenants, users};
use serde_json::json;

use crate::authority::Authority;
use crate::caller::{Caller, Principal};
use crate::codes;
use crate::error::OAuthError;
use crate::master_key::{MasterKey, SecretKind};
use crate::opaque::{self, Draw};
use crate::sign_in_log::Entry;
use crate::tenant::{Hints, TenantName};
use crate::verify::{Refusal, allowed};

/// How long a browser stays signed in.
const SESSION_LIFE: Duration = Duration::from_secs(8 * 60 * 60);

/// A fresh sign-in.
#[derive(Debug)]
pub struct SignedIn {
    /// The cookie's value. Hand it to the browser and forget it.
    pub session: Secret,
    /// When it ends.
    pub expires: Timestamp,
    /// The user's sign-in name.
    pub user_name: String,
}

/// A session that is good now.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) tenant: Tenant,
    pub(crate) id: Guid,
    pub(crate) user: User,
    pub(crate) signed_in: Timestamp,
    pub(crate) administrator: bool,
    pub(crate) roles: Vec<&'static Role>,
    pub(crate) digest: Vec<u8>,
}

impl Authority {
    /// Checks a name and a password. The time does not tell whether the name exists.
    pub(crate) async fn check_password(
        &self,
        tenant: casbah_model::TenantId,
        name: String,
        password: Secret,
    ) -> Result<User, OAuthError> {
        let _turn = self.throttle.turn(tenant, &name).await?;
        let user = self.throttle.count(&self.store, tenant, name, self.clock.now()).await?;
        let hash = user.as_ref().and_then(|user| user.password_hash.clone());
        let right = crate::password::verify_password(password, hash).await?;
        if !right {
            let wrong = OAuthError::new(codes::WRONG_PASSWORD, "Invalid user name or password.");
            return Err(match &user {
                Some(user) => wrong.of_user(user.id),
                None => wrong,
            });
        }
        let user = user.ok_or_else(|| OAuthError::plain(codes::WRONG_PASSWORD))?;
        let id = user.id;
        self.store.write(move |tx| users::set_failures(tx, tenant, id, users::Failures::default())).await?;
        if !user.enabled {
            // Only who knows the password learns this.
            return Err(OAuthError::plain(codes::USER_DISABLED).of_user(user.id));
        }
        Ok(user)
    }

    /// Leaves a trace of a sign-in at our pages that failed. What was typed as a name that does not exist is
    /// left out: people type passwords there.
    fn note_failure(&self, tenant: casbah_model::TenantId, error: &OAuthError) {
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

    /// Signs a person in at the authority's pages. `tenant` is the tenant segment of the page's URL.
    ///
    /// # Errors
    /// 50126 wrong name or password (the two are not told apart), 50053 too many wrong ones, 50057
    /// disabled; and what the tenant segment can be refused for.
    pub async fn sign_in(&self, tenant: &str, name: &str, password: Secret) -> Result<SignedIn, OAuthError> {
        let named = TenantName::parse(tenant)?;
        let user_name = name.to_string();
        let tenant = self
            .store
            .read(move |tx| {
                let hints = Hints { user_name: Some(&user_name), ..Hints::default() };
                named.resolve(tx, &hints)
            })
            .await?;
        // A name of no known domain is a wrong name, nothing more.
        let tenant = tenant.ok_or_else(|| OAuthError::plain(codes::WRONG_PASSWORD))?.id;
        let checked = self.check_password(tenant, name.to_string(), password).await;
        let user = checked.inspect_err(|error| self.note_failure(tenant, error))?;
        let now = self.clock.now();
        let secret = Draw::new().session(tenant);
        let session = BrowserSession {
            digest: self.digest(SecretKind::Session, &secret),
            id: Guid::random(),
            user: user.id,
            created: now,
            expires: now.plus(SESSION_LIFE),
            revoked: None,
        };
        let expires = session.expires;
        let facts = SignInFacts {
            factors: vec!["pwd".to_string()],
            interactive: true,
            session: Some(session.id),
            ..SignInFacts::default()
        };
        let record =
            AuditRecord::new(now, ("user", user.id), "sign in", ("session", session.id), facts.details());
        self.store
            .write(move |tx| {
                browser_sessions::insert(tx, tenant, &session)?;
                audit::append(tx, tenant, &record)
            })
            .await?;
        Ok(SignedIn { session: secret, expires, user_name: user.user_principal_name })
    }

    /// Ends a browser session. Tokens that were issued in it live on (2.13).
    ///
    /// # Errors
    /// When the database fails; an unknown cookie is no error.
    pub async fn sign_out(&self, session: &Secret) -> Result<(), OAuthError> {
        let Some(tenant) = opaque::tenant_of(session.expose()) else { return Ok(()) };
        let (digest, now) = (self.digest(SecretKind::Session, session), self.clock.now());
        let record_id = RecordId::new(now);
        self.store
            .write(move |tx| {
                let Some(found) = browser_sessions::find(tx, tenant, &digest)? else { return Ok(()) };
                if browser_sessions::revoke(tx, tenant, &digest, now)? {
                    let record = AuditRecord {
                        id: record_id.clone(),
                        ..AuditRecord::new(
                            now,
                            ("user", found.user),
                            "sign out",
                            ("session", found.id),
                            json!({}),
                        )
                    };
                    audit::append(tx, tenant, &record)?;
                }
                Ok(())
            })
            .await
    }

    /// Whether the browser may be sent to `uri` after signing out: it must be a redirect URI of the
    /// application that asks, or, when the request does not say which that is, of one in the tenant of
    /// the session.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn may_return_to(
        &self,
        client_id: Option<Guid>,
        session: Option<&Secret>,
        uri: String,
    ) -> Result<bool, OAuthError> {
        let of_session = session.and_then(|s| opaque::tenant_of(s.expose()));
        self.store
            .read(move |tx| {
                let tenants = match of_session {
                    Some(tenant) => vec![tenant],
                    None if client_id.is_some() => tenants::all(tx)?.into_iter().map(|t| t.id).collect(),
                    None => Vec::new(),
                };
                for tenant in tenants {
                    let mut applications = match client_id {
                        Some(id) => applications::find_by_app_id(tx, tenant, id)?.into_iter().collect(),
                        None => applications::list(tx, tenant)?,
                    };
                    applications.retain(|a| crate::redirect::find(&a.redirect_uris, &uri).is_some());
                    if !applications.is_empty() {
                        return Ok(true);
                    }
                }
                Ok(false)
            })
            .await
    }

    /// Who is signed in with a session cookie, with all that the person's roles allow now. For the
    /// portal's own pages.
    ///
    /// # Errors
    /// [`Refusal::Expired`] when nobody is signed in (any more); [`Refusal::Unavailable`].
    pub async fn verify_session(&self, session: &Secret) -> Result<Caller, Refusal> {
        let (master, now, session) = (Arc::clone(&self.master), self.clock.now(), session.clone());
        let found = self
            .store
            .read(move |tx| -> Result<_, Refusal> {
                let Some(session) = find(tx, &master, &session, now)? else { return Ok(None) };
                let roles = users::roles(tx, session.tenant.id, session.user.id)?;
                Ok(Some((session, allowed(&roles))))
            })
            .await?;
        let (session, permissions) = found.ok_or(Refusal::Expired)?;
        Ok(Caller { permissions, ..session.caller() })
    }
}

impl Session {
    /// The user as a caller, for the audit trail.
    pub(crate) fn caller(&self) -> Caller {
        Caller {
            tenant: self.tenant.id,
            tenant_number: self.tenant.number,
            principal: Principal::User {
                id: self.user.id,
                name: self.user.user_principal_name.clone(),
                client: None,
                administrator: self.administrator,
                roles: self.roles.clone(),
            },
            permissions: casbah_model::PermissionSet::NONE,
            directory_permissions: Vec::new(),
            legacy: false,
        }
    }
}

/// The session of a cookie, if it is good now and its user may still sign in.
pub(crate) fn find(
    tx: &mut Tx<'_>,
    master: &MasterKey,
    cookie: &Secret,
    now: Timestamp,
) -> Result<Option<Session>, casbah_store::Error> {
    let Some(tenant) = opaque::tenant_of(cookie.expose()) else { return Ok(None) };
    let digest = master.digest(SecretKind::Session, cookie);
    let session = browser_sessions::find(tx, tenant, &digest)?;
    let Some(session) = session.filter(|s| s.revoked.is_none() && s.expires > now) else { return Ok(None) };
    let Some(tenant) = tenants::find(tx, tenant)? else { return Ok(None) };
    let user = users::find(tx, tenant.id, session.user)?;
    let user = user.filter(|u| u.enabled && session.created >= u.sessions_valid_from);
    let Some(user) = user else { return Ok(None) };
    let roles = users::roles(tx, tenant.id, user.id)?;
    let administrator = roles.iter().any(|r| r.administers_directory);
    Ok(Some(Session {
        tenant,
        id: session.id,
        user,
        signed_in: session.created,
        administrator,
        roles,
        digest,
    }))
}
