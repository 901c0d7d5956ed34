//! Browser sessions: who a cookie stands for, and signing out.

use std::sync::Arc;

use casbah_model::{Entitlements, Guid, RecordId, Role, Secret, Tenant, TenantId, Timestamp, User};
use casbah_store::audit::{self, AuditRecord};
use casbah_store::browser_sessions::{self, BrowserSession};
use casbah_store::{Tx, administrators, applications, identity_providers, tenants, users};
use serde_json::json;

use crate::authority::Authority;
use crate::caller::{Caller, Principal};
use crate::error::OAuthError;
use crate::master_key::{MasterKey, SecretKind};
use crate::opaque;
use crate::upstream::Voucher;
use crate::verify::Refusal;

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
    /// How the user proved who it is (RFC 8176).
    pub(crate) amr: Vec<String>,
    /// Who vouched for the user, if another provider did.
    pub(crate) voucher: Option<Voucher>,
    /// Whether the user chose to stay signed in.
    pub(crate) kept: bool,
    /// Network address that the user signed in from.
    pub(crate) address: Option<String>,
}

impl Authority {
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
                let (tenant, user) = (session.tenant.id, session.user.id);
                let entitlements = administrators::entitlements(tx, tenant, user, &session.roles)?;
                Ok(Some((session, entitlements)))
            })
            .await?;
        let (session, entitlements) = found.ok_or(Refusal::Expired)?;
        Ok(Caller { permissions: entitlements.permissions(), entitlements, ..session.caller() })
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
            entitlements: Entitlements::default(),
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
    of_row(tx, tenant, session)
}

/// What a row stands for that has not ended, if its user may still sign in.
pub(crate) fn of_row(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    session: BrowserSession,
) -> Result<Option<Session>, casbah_store::Error> {
    let Some(tenant) = tenants::find(tx, tenant)? else { return Ok(None) };
    let user = users::find(tx, tenant.id, session.user)?;
    let user = user.filter(|u| u.enabled && session.created >= u.sessions_valid_from);
    let Some(user) = user else { return Ok(None) };
    let voucher = match session.provider {
        Some(id) => {
            let provider = identity_providers::find(tx, tenant.id, id)?.filter(|provider| provider.enabled);
            let Some(provider) = provider else { return Ok(None) };
            Some(Voucher { provider: id, issuer: provider.issuer })
        }
        None => None,
    };
    let roles = users::roles(tx, tenant.id, user.id)?;
    let administrator = roles.iter().any(|r| r.administers_directory);
    Ok(Some(Session {
        tenant,
        id: session.id,
        user,
        signed_in: session.created,
        administrator,
        roles,
        digest: session.digest,
        amr: session.amr,
        voucher,
        kept: session.kept,
        address: session.address,
    }))
}
