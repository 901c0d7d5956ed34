//! What people see and end of their own: sessions, sign-ins to applications, consents.

use casbah_model::{Activity, ConsentType, Guid, Role, Secret, Tenant, Timestamp, User};
use casbah_store::{
    Tx, applications, audit, browser_sessions, pending_sign_ins, permission_grants, recovery_codes,
    second_factors, service_principals, token_families, user_identities, users,
};
use serde_json::{Value as Json, json};

use crate::authority::Authority;
use crate::codes;
use crate::error::OAuthError;
use crate::session::{self, Session};
use crate::sign_in::requirement::Requirement;
use crate::sign_in::{Factor, is_fresh};
use crate::upstream::{self, OfferedProvider};

/// Rows of each list on the page.
const MOST: i64 = 100;
/// Sign-ins of the past on the page.
const MOST_SIGN_INS: i64 = 30;

/// Everything on the account page.
#[derive(Debug)]
pub struct Account {
    /// The user's tenant.
    pub tenant: Tenant,
    /// The user.
    pub user: User,
    /// Directory roles.
    pub roles: Vec<&'static Role>,
    /// Whether the sign-in is so fresh that second factors may be changed.
    pub is_fresh: bool,
    /// Second factors.
    pub factors: Vec<Factor>,
    /// Recovery codes that are left.
    pub recovery_codes: i64,
    /// Whether the tenant demands a second factor of this user.
    pub factor_demanded: bool,
    /// What the user is at other providers.
    pub identities: Vec<OwnIdentity>,
    /// Providers at which an account can be added to this one.
    pub addable: Vec<OfferedProvider>,
    /// Browsers that are signed in, the newest first.
    pub sessions: Vec<OwnSession>,
    /// Applications that hold tokens, the newest sign-in first.
    pub applications: Vec<OwnApplication>,
    /// What applications were allowed.
    pub consents: Vec<OwnConsent>,
    /// The latest sign-ins, those that failed too, the newest first.
    pub sign_ins: Vec<OwnSignIn>,
}

/// A sign-in of the past.
#[derive(Debug)]
pub struct OwnSignIn {
    /// When.
    pub at: Timestamp,
    /// From which network address, if known.
    pub address: Option<String>,
    /// Name of the application; none at our own pages. Chosen by whoever registered it: escape it.
    pub client_name: Option<String>,
    /// What the browser or program called itself.
    pub agent: Option<String>,
    /// Why it failed, the number of the reason; none when it did not.
    pub failure: Option<i64>,
    /// How often the same happened within its minute, after the first time; 0 for the first.
    pub repeats: u64,
}

/// An account at another provider, with which the user signs in too.
#[derive(Debug)]
pub struct OwnIdentity {
    /// Id of the provider.
    pub provider: Guid,
    /// Its name. Chosen by whoever registered it: escape it.
    pub name: String,
    /// Since when.
    pub created: Timestamp,
}

/// A browser that is signed in.
#[derive(Debug)]
pub struct OwnSession {
    /// Its id.
    pub id: Guid,
    /// Whether it is the one that asks.
    pub is_this: bool,
    /// When the user signed in.
    pub created: Timestamp,
    /// When it ends by itself.
    pub expires: Timestamp,
    /// From which network address, if known.
    pub address: Option<String>,
    /// What the browser calls itself.
    pub agent: Option<String>,
    /// How the user proved who it is: `pwd`, `otp`, `fido`, `fed`, `mfa`.
    pub amr: Vec<String>,
}

/// A sign-in to an application, with the tokens that came from it.
#[derive(Debug)]
pub struct OwnApplication {
    /// Id of the sign-in.
    pub id: Guid,
    /// Name of the application. Chosen by whoever registered it: escape it.
    pub name: String,
    /// Its application id.
    pub app_id: Guid,
    /// When.
    pub created: Timestamp,
}

/// What an application was allowed.
#[derive(Debug)]
pub struct OwnConsent {
    /// Id of the grant.
    pub id: Guid,
    /// Name of the application. Chosen by whoever registered it: escape it.
    pub client_name: String,
    /// Its application id.
    pub client_app_id: Guid,
    /// Name of the resource.
    pub resource_name: String,
    /// The permissions' values.
    pub scopes: Vec<String>,
    /// Whether an administrator consented for everybody; only an administrator can take that back.
    pub for_everyone: bool,
    /// When.
    pub created: Timestamp,
}

/// What a user can end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// One browser session.
    Session(Guid),
    /// The tokens of one sign-in to an application.
    Application(Guid),
    /// A consent, and the tokens that the user's sign-ins gave the application.
    Consent(Guid),
    /// Signing in with the account at that provider; not for whoever has no password to sign in with.
    Identity(Guid),
    /// Every session, this one too, and every token.
    Everything,
}

impl Authority {
    /// Everything on the account page of whoever is signed in.
    ///
    /// # Errors
    /// 50058 when nobody is.
    pub async fn account(&self, session: &Secret) -> Result<Account, OAuthError> {
        let (master, cookie, now) = (self.master.clone(), session.clone(), self.clock.now());
        self.store
            .read(move |tx| {
                let session = session::find(tx, &master, &cookie, now)?;
                let session = session.ok_or_else(|| OAuthError::plain(codes::NOT_SIGNED_IN))?;
                account(tx, session, now)
            })
            .await
    }

    /// Ends something of whoever is signed in. What is not there, or somebody else's, changes nothing.
    ///
    /// # Errors
    /// 50058 when nobody is signed in.
    pub async fn end(&self, session: &Secret, what: Ending) -> Result<(), OAuthError> {
        let (master, cookie, now) = (self.master.clone(), session.clone(), self.clock.now());
        let id = casbah_model::RecordId::new(now);
        self.store
            .write(move |tx| {
                let session = session::find(tx, &master, &cookie, now)?;
                let session = session.ok_or_else(|| OAuthError::plain(codes::NOT_SIGNED_IN))?;
                let Some((action, kind, target, facts)) = end(tx, &session, what, now)? else {
                    return Ok(());
                };
                let mut record = session.caller().audit(now, action, kind, target, facts);
                record.id = id.clone();
                Ok(audit::append(tx, session.tenant.id, &record)?)
            })
            .await
    }
}

fn account(tx: &mut Tx<'_>, session: Session, now: Timestamp) -> Result<Account, OAuthError> {
    let (tenant, user) = (session.tenant.id, session.user.id);
    let requirement = Requirement::of(tx, tenant, &session.user)?;
    let own = |s: browser_sessions::BrowserSession| OwnSession {
        id: s.id,
        is_this: s.digest == session.digest,
        created: s.created,
        expires: s.expires,
        address: s.address,
        agent: s.agent,
        amr: s.amr,
    };
    let sessions = browser_sessions::live_of_user(tx, tenant, user, now, MOST)?;
    let sessions = sessions.into_iter().filter(|s| s.created >= session.user.sessions_valid_from).map(own);
    let mut signed_in_to = Vec::new();
    for family in token_families::live_of_user(tx, tenant, user, MOST)? {
        let application = applications::find_by_app_id(tx, tenant, family.application)?;
        let still = family.created >= session.user.sessions_valid_from;
        if let Some(application) = application.filter(|_| still) {
            let (id, created) = (family.id, family.created);
            let (name, app_id) = (application.display_name, application.app_id);
            signed_in_to.push(OwnApplication { id, name, app_id, created });
        }
    }
    let mut consents = Vec::new();
    for grant in permission_grants::of_user(tx, tenant, user)? {
        let client = service_principals::find(tx, tenant, grant.client)?;
        let resource = service_principals::find(tx, tenant, grant.resource)?;
        if let (Some(client), Some(resource)) = (client, resource) {
            consents.push(OwnConsent {
                id: grant.id,
                client_name: client.display_name,
                client_app_id: client.app_id,
                resource_name: resource.display_name,
                scopes: grant.scopes,
                for_everyone: grant.consent_type == ConsentType::AllPrincipals,
                created: grant.created,
            });
        }
    }
    let sign_ins = audit::sign_ins_of(tx, tenant, user, MOST_SIGN_INS)?.into_iter().map(sign_in);
    let providers = upstream::offered(tx, tenant)?;
    let known = user_identities::of_user(tx, tenant, user)?;
    let identities = known.iter().filter_map(|identity| {
        let provider = providers.iter().find(|p| p.id == identity.provider)?;
        Some(OwnIdentity { provider: provider.id, name: provider.name.clone(), created: identity.created })
    });
    let identities = identities.collect();
    let mut addable = providers.clone();
    addable.retain(|p| session.user.password_hash.is_some() && !known.iter().any(|i| i.provider == p.id));
    Ok(Account {
        sign_ins: sign_ins.collect(),
        identities,
        addable,
        sessions: sessions.collect(),
        applications: signed_in_to,
        consents,
        roles: users::roles(tx, tenant, user)?,
        is_fresh: is_fresh(tx, &session, now)?,
        factors: second_factors::of_user(tx, tenant, user)?.iter().map(Factor::from).collect(),
        recovery_codes: recovery_codes::count_left(tx, tenant, user)?,
        factor_demanded: requirement.by_policy,
        tenant: session.tenant,
        user: session.user,
    })
}

fn sign_in(activity: Activity) -> OwnSignIn {
    let repeats = activity.facts.details.get("count").and_then(Json::as_u64);
    OwnSignIn {
        at: activity.at(),
        address: activity.address,
        client_name: activity.facts.client_name,
        agent: activity.facts.user_agent,
        failure: activity.failure,
        repeats: repeats.unwrap_or(0),
    }
}

/// What the audit trail says of it: action, kind and id of the target, facts.
type Trace = (&'static str, &'static str, String, Json);

fn end(
    tx: &mut Tx<'_>,
    session: &Session,
    what: Ending,
    now: Timestamp,
) -> Result<Option<Trace>, OAuthError> {
    let (tenant, user) = (session.tenant.id, session.user.id);
    Ok(match what {
        Ending::Session(id) => browser_sessions::revoke_of_user_by_id(tx, tenant, user, id, now)?
            .then(|| ("end session", "session", id.to_string(), json!({}))),
        Ending::Application(id) => {
            let own = token_families::find(tx, tenant, id)?.filter(|family| family.user == user);
            let Some(family) = own else { return Ok(None) };
            token_families::revoke(tx, tenant, id, now)?.then(|| {
                let facts = json!({ "application": family.application });
                ("end sign-in to application", "token family", id.to_string(), facts)
            })
        }
        Ending::Consent(id) => {
            let grant = permission_grants::find(tx, tenant, id)?;
            let own =
                |grant: &casbah_model::PermissionGrant| grant.consent_type == ConsentType::Principal(user);
            let Some(grant) = grant.filter(own) else { return Ok(None) };
            permission_grants::delete(tx, tenant, id)?;
            let client = service_principals::find(tx, tenant, grant.client)?;
            if let Some(client) = &client {
                token_families::revoke_of_user_with(tx, tenant, user, client.app_id, now)?;
            }
            let before =
                json!({ "client": grant.client, "resource": grant.resource, "scopes": grant.scopes });
            let facts = json!({ "before": before, "after": null });
            Some(("revoke consent", "permission grant", id.to_string(), facts))
        }
        Ending::Identity(provider) => {
            let has_password = session.user.password_hash.is_some();
            if !has_password || !user_identities::delete(tx, tenant, user, provider)? {
                return Ok(None);
            }
            let facts = json!({ "identityProvider": provider });
            Some(("unlink identity", "user", user.to_string(), facts))
        }
        Ending::Everything => {
            let sessions = browser_sessions::revoke_of_user(tx, tenant, user, &[], now)?;
            let families = token_families::revoke_of_user(tx, tenant, user, now)?;
            pending_sign_ins::end_of_user(tx, tenant, user, now)?;
            let mut person = session.user.clone();
            person.sessions_valid_from = now;
            users::save(tx, tenant, &person)?;
            let facts = json!({ "endedSessions": sessions, "revokedSignIns": families });
            Some(("sign out everywhere", "user", user.to_string(), facts))
        }
    })
}
