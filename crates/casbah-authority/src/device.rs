//! Device sign-in (RFC 8628), without its pages.
//!
//! ```text
//! device                      authority                     browser
//!   | start_device ------------->|
//!   |<-- device code, user code -|
//!   | (polls the token endpoint) |<---- device_step(user code) |
//!   |                            |----- confirm this? -------->|
//!   |                            |<---- decide_device ---------|
//!   |<-- tokens -----------------|
//! ```

use std::sync::Arc;
use std::time::Duration;

use casbah_model::{Guid, RecordId, Secret, TenantId, Timestamp, random};
use casbah_store::audit::{self, AuditRecord};
use casbah_store::device_codes::{self, DeviceCode, DeviceCodeState};
use casbah_store::{Store, Tx};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::authority::{Authority, Settings};
use crate::authorize::{ConsentDecision, ConsentScope};
use crate::claims::Endpoint;
use crate::client::{self, Credentials};
use crate::codes;
use crate::consent::{self, Asking};
use crate::error::OAuthError;
use crate::form::Form;
use crate::guesses::Guesser;
use crate::master_key::{MasterKey, SecretKind};
use crate::opaque::Draw;
use crate::refusals::Attempted;
use crate::resource::Identifiers;
use crate::session::{self, Session};
use crate::tenant::{self, Hints, TenantName};
use crate::ticket::Page;
use crate::token::SignIn;
use crate::wanted::Wanted;

const LIFE: Duration = Duration::from_secs(15 * 60);
/// No vowels, so that no word appears; no 0, 1, and no letters that look like them.
const USER_CODE_ALPHABET: &[u8] = b"BCDFGHJKLMNPQRSTVWXZ23456789";
const USER_CODE_LENGTH: usize = 9;

/// What is kept for the redemption.
#[derive(Serialize, Deserialize)]
pub(crate) struct DeviceDetails {
    pub(crate) wanted: Wanted,
    /// How whoever approved had signed in.
    #[serde(default)]
    pub(crate) sign_in: Option<SignIn>,
}

/// What the device page shows next.
#[derive(Debug)]
pub enum DeviceStep {
    /// Nobody is signed in (in the tenant of the device code, whose id this is): sign in first, with
    /// [`Authority::sign_in`].
    SignIn {
        /// Tenant segment for the sign-in.
        tenant: Guid,
        /// Name of the application. Escape it.
        application_name: String,
    },
    /// Ask whether this is what the user is doing, then [`Authority::decide_device`].
    Confirm(DevicePrompt),
}

/// What the confirmation page needs to know.
#[derive(Clone, Debug)]
pub struct DevicePrompt {
    /// Name of the application. Chosen by whoever registered it: escape it.
    pub application_name: String,
    /// Its application id.
    pub application_id: Guid,
    /// Name of the tenant.
    pub tenant_name: String,
    /// Who is signed in.
    pub user_name: String,
    /// What the application asks for and has no consent for yet.
    pub scopes: Vec<ConsentScope>,
    /// Whether the user may consent for everybody.
    pub may_consent_for_everyone: bool,
    /// Whether the user may not consent because an administrator must.
    pub needs_administrator: bool,
    /// Must come back with the decision.
    pub ticket: String,
}

impl Authority {
    /// Answers a request to the device code endpoint: the JSON of the answer.
    ///
    /// # Errors
    /// The refusal, for [`OAuthError::body`].
    pub async fn start_device(
        &self,
        endpoint: Endpoint,
        tenant: &str,
        form: Form,
        authorization: Option<Secret>,
    ) -> Result<Json, OAuthError> {
        let attempted = Attempted::at_device_endpoint(tenant, &form, authorization.as_ref());
        let answer = self.started_device(endpoint, tenant, form, authorization).await;
        if let Err(error) = &answer {
            self.note_refusal(attempted, error).await;
        }
        answer
    }

    async fn started_device(
        &self,
        endpoint: Endpoint,
        tenant: &str,
        form: Form,
        authorization: Option<Secret>,
    ) -> Result<Json, OAuthError> {
        form.check_unrepeated()?;
        let name = TenantName::parse(tenant)?;
        let credentials = Credentials::of_request(&form, authorization.as_ref().map(Secret::expose))?;
        let wanted = Wanted::required(endpoint, &form)?;
        let credentials = self.check_assertion(credentials, &name, Hints::default()).await?;
        let (now, draw) = (self.clock.now(), Draw::new());
        let (master, settings) = (Arc::clone(&self.master), Arc::clone(&self.settings));
        // Two equal user codes are unlikely and cost another draw.
        let started = Arc::new(Start { name, credentials, wanted, now, draw, master, settings });
        let mut attempt = 0;
        let (device_code, user_code) = loop {
            attempt += 1;
            let user_code = random::text(USER_CODE_LENGTH, USER_CODE_ALPHABET);
            match started.clone().insert(&self.store, user_code.clone()).await? {
                Some(device_code) => break (device_code, user_code),
                None if attempt < 5 => {}
                None => return Err(OAuthError::plain(codes::UNAVAILABLE)),
            }
        };
        let page = format!("{}/device", self.public_url());
        let seconds = LIFE.as_secs();
        // In the words that scripts cut the code out of.
        let message = format!(
            "To sign in, use a web browser to open the page {page} and enter the code {user_code} to authenticate."
        );
        Ok(match endpoint {
            Endpoint::V2 => json!({
                "device_code": device_code.expose(),
                "user_code": user_code,
                "verification_uri": page,
                "verification_uri_complete": format!("{page}?code={user_code}"),
                "expires_in": seconds,
                "interval": 5,
                "message": message,
            }),
            // Two fields with the same meaning would upset a strict client: one version, one of them.
            Endpoint::V1 => json!({
                "device_code": device_code.expose(),
                "user_code": user_code,
                "verification_url": page,
                "expires_in": seconds.to_string(),
                "interval": "5",
                "message": message,
            }),
        })
    }

    /// Says what the device page shows next for a code that was typed.
    ///
    /// # Errors
    /// 70018 unknown code, 70019 expired, 50053 too many unknown ones.
    pub async fn device_step(
        &self,
        user_code: &str,
        session: Option<&Secret>,
    ) -> Result<DeviceStep, OAuthError> {
        self.device(user_code, session, None).await.map(|(step, _)| step)
    }

    /// Takes the user's decision. Answers the name of the application.
    ///
    /// # Errors
    /// As [`Authority::device_step`]; 9002313 when the ticket does not belong to this session and
    /// code; 90094 when only an administrator may consent.
    pub async fn decide_device(
        &self,
        user_code: &str,
        session: &Secret,
        decision: ConsentDecision,
        ticket: String,
    ) -> Result<String, OAuthError> {
        let (step, decided) = self.device(user_code, Some(session), Some((decision, ticket))).await?;
        let name = match step {
            DeviceStep::SignIn { .. } => return Err(OAuthError::plain(codes::NOT_SIGNED_IN)),
            DeviceStep::Confirm(prompt) => prompt.application_name,
        };
        if decided { Ok(name) } else { Err(OAuthError::plain(codes::DEVICE_UNKNOWN)) }
    }

    async fn device(
        &self,
        user_code: &str,
        session: Option<&Secret>,
        decision: Option<(ConsentDecision, String)>,
    ) -> Result<(DeviceStep, bool), OAuthError> {
        let now = self.clock.now();
        let look = Look {
            user_code: typed(user_code),
            session: session.cloned(),
            decision,
            now,
            master: Arc::clone(&self.master),
            settings: Arc::clone(&self.settings),
            ids: Draw::new(),
            audit: RecordId::new(now),
        };
        let _turn = self.throttle.turn(TenantId(Guid::from_u128(0)), "user codes").await?;
        self.store.write(move |tx| look.guess(tx)).await?
    }
}

/// People type lower case, blanks and hyphens.
fn typed(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric()).map(|c| c.to_ascii_uppercase()).collect()
}

struct Start {
    name: TenantName,
    credentials: Credentials,
    wanted: Wanted,
    now: Timestamp,
    draw: Draw,
    master: Arc<MasterKey>,
    settings: Arc<Settings>,
}

impl Start {
    /// The device code; none when the user code was taken.
    async fn insert(self: Arc<Self>, store: &Store, user_code: String) -> Result<Option<Secret>, OAuthError> {
        let inserted = store
            .write(move |tx| -> Result<Secret, Refused> {
                // With an alias, the tenant is that of the application, if only one knows it.
                let tenant = match self.name.resolve(tx, &Hints::default())? {
                    Some(tenant) => tenant,
                    None => match <[_; 1]>::try_from(tenant::knowing(tx, &self.credentials.client_id)?) {
                        Ok([only]) => only,
                        Err(_) => return Err(OAuthError::plain(codes::NO_TENANT).into()),
                    },
                };
                let client = self.credentials.authenticate(tx, tenant, &self.master, self.now)?;
                client.check_installed_or_authenticated()?;
                let identifiers = Identifiers { public_url: &self.settings.public_url };
                for entry in &self.wanted.entries {
                    identifiers.find(tx, client.tenant.id, &entry.resource)?;
                }
                let secret = self.draw.device_code(client.tenant.id);
                let details = DeviceDetails { wanted: self.wanted.clone(), sign_in: None };
                let code = DeviceCode {
                    digest: self.master.digest(SecretKind::DeviceCode, &secret),
                    user_code: user_code.clone(),
                    application: client.application.app_id,
                    details: serde_json::to_value(details).map_err(OAuthError::internal)?,
                    expires: self.now.plus(LIFE),
                    state: DeviceCodeState::Pending,
                };
                device_codes::insert(tx, client.tenant.id, &code)?;
                Ok(secret)
            })
            .await;
        match inserted {
            Ok(secret) => Ok(Some(secret)),
            Err(Refused::Taken) => Ok(None),
            Err(Refused::For(error)) => Err(error),
        }
    }
}

enum Refused {
    Taken,
    For(OAuthError),
}

impl From<casbah_store::Error> for Refused {
    fn from(e: casbah_store::Error) -> Refused {
        match e {
            casbah_store::Error::Duplicate => Refused::Taken,
            other => Refused::For(other.into()),
        }
    }
}

impl From<OAuthError> for Refused {
    fn from(e: OAuthError) -> Refused {
        Refused::For(e)
    }
}

/// One look at a typed code, in one transaction.
struct Look {
    user_code: String,
    session: Option<Secret>,
    decision: Option<(ConsentDecision, String)>,
    now: Timestamp,
    master: Arc<MasterKey>,
    settings: Arc<Settings>,
    ids: Draw,
    audit: RecordId,
}

impl Look {
    /// Looks, unless there were too many wrong codes. The outer error rolls back, the inner one leaves what
    /// was counted.
    fn guess(&self, tx: &mut Tx<'_>) -> Result<Result<(DeviceStep, bool), OAuthError>, OAuthError> {
        let session = match &self.session {
            Some(cookie) => session::find(tx, &self.master, cookie, self.now)?,
            None => None,
        };
        let guesser = Guesser::new(session.as_ref().map(|s| (s.tenant.id, s.user.id)));
        guesser.check(tx, self.now)?;
        match self.step(tx, session) {
            Err(error) if error.code == codes::DEVICE_UNKNOWN => {
                guesser.note_wrong(tx, self.now)?;
                Ok(Err(error))
            }
            other => other.map(Ok),
        }
    }

    fn step(&self, tx: &mut Tx<'_>, session: Option<Session>) -> Result<(DeviceStep, bool), OAuthError> {
        let found = device_codes::find_by_user_code(tx, &self.user_code)?;
        let (tenant, code) = found.ok_or_else(|| OAuthError::plain(codes::DEVICE_UNKNOWN))?;
        if code.expires <= self.now {
            return Err(OAuthError::plain(codes::USER_CODE_EXPIRED));
        }
        if code.state != DeviceCodeState::Pending {
            return Err(OAuthError::plain(codes::DEVICE_UNKNOWN));
        }
        let (application, principal) = client::find(tx, tenant, &code.application.to_string())?;
        let Some(session) = session.filter(|s| s.tenant.id == tenant) else {
            let application_name = application.display_name;
            return Ok((DeviceStep::SignIn { tenant: tenant.0, application_name }, false));
        };
        let details: DeviceDetails =
            serde_json::from_value(code.details.clone()).map_err(OAuthError::internal)?;
        let asking = Asking {
            tenant,
            client: &principal,
            user: session.user.id,
            identifiers: Identifiers { public_url: &self.settings.public_url },
        };
        let missing: Vec<_> = consent::delegations(tx, asking, &details.wanted)?
            .into_iter()
            .filter(|delegation| !delegation.missing.is_empty())
            .collect();
        let admin_only = missing.iter().flat_map(|d| &d.missing).any(|s| s.admin_only);
        let page = Page { kind: "device", session: &session.digest, request: &self.user_code };
        let prompt = DevicePrompt {
            application_name: application.display_name.clone(),
            application_id: application.app_id,
            tenant_name: session.tenant.display_name.clone(),
            user_name: session.user.user_principal_name.clone(),
            scopes: missing.iter().flat_map(shown).collect(),
            may_consent_for_everyone: session.administrator,
            needs_administrator: admin_only && !session.administrator,
            ticket: page.ticket(&self.master, self.now),
        };
        let Some((decision, ticket)) = &self.decision else {
            return Ok((DeviceStep::Confirm(prompt), false));
        };
        if !page.accepts(&self.master, ticket, self.now) {
            let text = "The page was open for too long or belongs to another sign-in. Start again.";
            return Err(OAuthError::new(codes::MALFORMED, text));
        }
        let approved = *decision != ConsentDecision::Decline;
        if approved && prompt.needs_administrator {
            return Err(OAuthError::plain(codes::ADMIN_CONSENT_NEEDED));
        }
        if approved {
            let everyone = session.administrator && *decision == ConsentDecision::AcceptForEveryone;
            self.record_consent(tx, &session, principal.id, &missing, everyone)?;
        }
        let sign_in = SignIn {
            at: session.signed_in,
            amr: session.amr.clone(),
            voucher: session.voucher.clone(),
            address: session.address.clone(),
            ..SignIn::default()
        };
        let details = DeviceDetails { sign_in: Some(sign_in), ..details };
        let details = serde_json::to_value(details).map_err(OAuthError::internal)?;
        let decided = device_codes::decide(tx, tenant, &code.digest, session.user.id, approved, &details)?;
        let action = if approved { "approve device sign-in" } else { "decline device sign-in" };
        let scopes: Vec<&String> = missing.iter().flat_map(|d| &d.missing).map(|s| &s.value).collect();
        let record = AuditRecord {
            id: self.audit.clone(),
            ..session.caller().audit(
                self.now,
                action,
                "service principal",
                principal.id,
                json!({ "consented": scopes }),
            )
        };
        audit::append(tx, tenant, &record)?;
        Ok((DeviceStep::Confirm(prompt), decided))
    }

    fn record_consent(
        &self,
        tx: &mut Tx<'_>,
        session: &Session,
        client: Guid,
        missing: &[consent::Delegation],
        everyone: bool,
    ) -> Result<(), OAuthError> {
        let consent_type = if everyone {
            casbah_model::ConsentType::AllPrincipals
        } else {
            casbah_model::ConsentType::Principal(session.user.id)
        };
        for (number, delegation) in (0..).zip(missing) {
            let scopes = delegation.missing.iter().map(|s| s.value.clone()).collect();
            let resource = delegation.resource.principal.id;
            let id = self.ids.guid(number);
            let when = (self.now, Some(session.user.id));
            let fresh = consent::fresh(id, client, resource, consent_type, scopes, when);
            consent::record(tx, session.tenant.id, fresh)?;
        }
        Ok(())
    }
}

fn shown(delegation: &consent::Delegation) -> Vec<ConsentScope> {
    let resource_name = &delegation.resource.application.display_name;
    let scope = |scope: &casbah_model::DelegatedScope| ConsentScope {
        resource_name: resource_name.clone(),
        value: scope.value.clone(),
        display_name: scope.display_name.clone(),
        description: scope.description.clone(),
        admin_only: scope.admin_only,
        is_role: false,
    };
    delegation.missing.iter().map(scope).collect()
}
