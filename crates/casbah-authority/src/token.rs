//! The token endpoint: shared steps first, the grant last.
//!
//! ```text
//! form -> grant type -> [password] -> one transaction: tenant, client, proof, consent, rows -> signature
//! ```
//! A grant only proves who the token is for. The transaction reads for `client_credentials` and
//! writes for everything else; the signature is made after it, on this thread: RSA-2048 takes a third
//! of a millisecond, less than handing it to another thread and back under load would cost.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use casbah_model::{Guid, RecordId, Secret, SignInFacts, TenantSettings, Timestamp, TokenLifetimes, User};
use casbah_store::audit::{self, AuditRecord};
use casbah_store::token_families::{self, RefreshToken, TokenFamily};
use casbah_store::{Tx, tenant_settings};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use crate::answer::{Answer, Subject, UserSubject};
use crate::authority::Authority;
use crate::claims::{self, Endpoint, Identity, Membership};
use crate::claims_request::ClaimsRequest;
use crate::client::{Client, Credentials, UsedCredential};
use crate::codes;
use crate::consent::{self, Asking, Delegation};
use crate::dpop::{self, BadProof, PresentedProof, Shown};
use crate::error::OAuthError;
use crate::form::Form;
use crate::grants::{self, Grant};
use crate::master_key::{MasterKey, SecretKind};
use crate::opaque::{self, Draw};
use crate::refusals::Attempted;
use crate::resource::{Identifiers, Resource};
use crate::sign_in::requirement;
use crate::sign_in_log::Entry;
use crate::tenant::{Hints, TenantName};
use crate::upstream;
use crate::verify::Refusal;
use crate::visitor::Visitor;
use crate::wanted::Wanted;

mod proof;

pub(crate) use proof::{Proof, ProvenUser, RefreshDetails, SignIn, UsedUp};

/// How far the clocks of two nodes may be apart, in seconds.
const MOST_AHEAD: i64 = 5 * 60;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A request to the token endpoint.
#[derive(Clone, Debug)]
pub struct TokenRequest {
    /// Which endpoint was called.
    pub endpoint: Endpoint,
    /// The tenant segment of the URL.
    pub tenant: String,
    /// The body.
    pub form: Form,
    /// The `Authorization` header.
    pub authorization: Option<Secret>,
    /// The `Origin` header: the request comes from a page in a browser.
    pub origin: Option<String>,
    /// The proof of possession, if a `DPoP` header came along.
    pub proof: Option<PresentedProof>,
}

/// Everything a grant may look at. Random bits are drawn before the transaction, which may run twice.
pub(crate) struct Attempt {
    pub(crate) endpoint: Endpoint,
    pub(crate) tenant: TenantName,
    pub(crate) form: Form,
    pub(crate) credentials: Credentials,
    pub(crate) origin: Option<String>,
    pub(crate) now: Timestamp,
    pub(crate) master: Arc<MasterKey>,
    public_url: String,
    /// The key that the client proved to hold; its tokens are bound to it.
    pub(crate) proof: Option<Shown>,
    pub(crate) claims: ClaimsRequest,
    /// What the token that serves as assertion says; its signature was checked, nothing else.
    pub(crate) assertion: Option<Map<String, Json>>,
    /// Who signed in with a password, once that is checked.
    pub(crate) password_user: Option<Guid>,
    family: Guid,
    refresh_token: Draw,
    audit: RecordId,
}

impl Authority {
    /// Answers a request to the token endpoint: the JSON of the answer.
    ///
    /// # Errors
    /// The refusal, for [`OAuthError::body`].
    pub async fn token(&self, request: TokenRequest) -> Result<Json, OAuthError> {
        let answer = self.answer_token(&request).await;
        if let Err(error) = &answer {
            self.note_refusal(Attempted::at_token_endpoint(&request), error).await;
        }
        answer
    }

    async fn answer_token(&self, request: &TokenRequest) -> Result<Json, OAuthError> {
        let client_info = request.form.get("client_info") == Some("1");
        let now = self.clock.now();
        let issued = issue_time(now, &ClaimsRequest::of_form(&request.form)?)?;
        let question = self.question(request);
        let known = question.as_ref().and_then(|question| self.answered(question, now));
        // Before the transaction: once a code is used up, nothing may fail any more.
        let key = self.signing_key(now).await?;
        let answer = match known {
            Some(answer) => answer,
            None => {
                let answer = Arc::new(self.work_out(request.clone(), now).await?);
                if let Some(question) = question {
                    self.keep_answer(question, &answer);
                }
                answer
            }
        };
        self.note_use(&answer.client, now);
        self.note_application(&answer, now);
        Ok(answer.sign(self, &key, issued, client_info)?)
    }

    /// Checks a request from its first parameter to its last right.
    async fn work_out(&self, request: TokenRequest, now: Timestamp) -> Result<Answer, OAuthError> {
        let TokenRequest { endpoint, tenant, form, authorization, origin, proof } = request;
        if form.is_empty() {
            return Err(OAuthError::missing("grant_type"));
        }
        form.check_unrepeated()?;
        let grant = grants::find(form.required("grant_type")?)?;
        let tenant = TenantName::parse(&tenant)?;
        let credentials = Credentials::of_request(&form, authorization.as_ref().map(Secret::expose))?;
        let proof = proof.map(|proof| dpop::check(&proof, None, now)).transpose()?;
        let claims = ClaimsRequest::of_form(&form)?;
        let mut attempt = Attempt {
            endpoint,
            tenant,
            form,
            credentials,
            origin,
            now,
            master: Arc::clone(&self.master),
            public_url: self.public_url().to_string(),
            proof,
            claims,
            assertion: None,
            password_user: None,
            family: Guid::random(),
            refresh_token: Draw::new(),
            audit: RecordId::new(now),
        };
        grant.check_request(&attempt)?;
        let hints = attempt.hints(grant.carrier(&attempt.form));
        attempt.credentials =
            self.check_assertion(attempt.credentials.clone(), &attempt.tenant, hints).await?;
        if grant.takes_password() {
            attempt.password_user = Some(self.signed_in_user(&attempt).await?);
        }
        if let Some(text) = grant.assertion(&attempt.form) {
            attempt.assertion = match self.signed(&text).await {
                Ok(claims) => Some(claims),
                Err(Refusal::Unavailable(cause)) => return Err(OAuthError::internal(cause)),
                Err(_) => None,
            };
        }
        if grant.only_reads() && attempt.proof.is_none() {
            self.store.read(move |tx| attempt.answer(tx, grant)).await?
        } else {
            self.store.write(move |tx| attempt.answer(tx, grant)).await?
        }
    }

    /// Leaves a trace of a token for an application that acts as itself: that transaction only read.
    fn note_application(&self, answer: &Answer, now: Timestamp) {
        let (Subject::Application { .. }, client) = (&answer.subject, &answer.client) else { return };
        let entry = Entry {
            tenant: client.tenant.id,
            actor: Some(client.principal.id),
            as_itself: true,
            client: Some(client.application.app_id),
            resource: Some((answer.resource.principal.id, answer.resource.application.app_id)),
            credential: client.credential.as_ref().map(|c| c.id()),
            grant: Some("client_credentials"),
            session: None,
            failure: None,
            origin: audit::origin(),
        };
        self.sign_in_log.note(&self.store, now, entry);
    }

    /// Notes that a credential was used, to the minute and behind the caller's back.
    fn note_use(&self, client: &Client, now: Timestamp) {
        let due = |c: &&UsedCredential| self.use_notes.is_due(c.id(), c.last_used(), now);
        let Some(credential) = client.credential.as_ref().filter(due).cloned() else { return };
        let (store, tenant) = (self.store.clone(), client.tenant.id);
        let address = audit::origin().address.map(|a| a.to_string());
        tokio::spawn(async move {
            let noted = store.write(move |tx| credential.touch(tx, tenant, now, address.as_deref()));
            if let Err(e) = noted.await {
                tracing::warn!(error = %e, "the last use of a credential was not noted");
            }
        });
    }

    /// The user behind `username` and `password`; the client is authenticated first, so that only
    /// registered applications can try passwords.
    async fn signed_in_user(&self, attempt: &Attempt) -> Result<Guid, OAuthError> {
        let name = attempt.form.required("username")?.to_string();
        let password = attempt.form.secret("password").ok_or_else(|| OAuthError::missing("password"))?;
        let (tenant, credentials) = (attempt.tenant.clone(), attempt.credentials.clone());
        let (master, now, user_name) = (Arc::clone(&attempt.master), attempt.now, name.clone());
        let (tenant, client) = self
            .store
            .read(move |tx| -> Result<_, OAuthError> {
                let hints = Hints { user_name: Some(&user_name), ..Hints::default() };
                let tenant = tenant.require(tx, &hints)?;
                let client = credentials.authenticate(tx, tenant, &master, now)?;
                client.check_installed_or_authenticated()?;
                Ok((client.tenant.id, client.application.app_id))
            })
            .await?;
        Ok(self.check_password(tenant, name, password, &Visitor::default(), Some(client)).await?.id)
    }
}

impl Attempt {
    pub(crate) fn public_url(&self) -> &str {
        &self.public_url
    }

    pub(crate) fn identifiers(&self) -> Identifiers<'_> {
        Identifiers { public_url: &self.public_url }
    }

    /// What tells the tenant when the URL does not.
    fn hints(&self, carrier: Option<String>) -> Hints<'_> {
        Hints {
            embedded: carrier
                .and_then(|text| opaque::tenant_of(&text))
                .or_else(|| self.assertion.as_ref().and_then(grants::tenant_of)),
            user_name: self.form.get("username"),
            domain: None,
        }
    }

    /// The digest of a secret in the form.
    pub(crate) fn digest(&self, kind: SecretKind, secret: &Secret) -> Vec<u8> {
        self.master.digest(kind, secret)
    }

    /// Ends a family because something of it was used twice, and leaves a trace of that.
    pub(crate) fn revoke_family(
        &self,
        tx: &mut Tx<'_>,
        client: &Client,
        family: Guid,
        why: &str,
    ) -> Result<(), OAuthError> {
        if token_families::revoke(tx, client.tenant.id, family, self.now)? {
            let record = AuditRecord {
                id: self.audit.clone(),
                client: Some(client.application.app_id),
                ..AuditRecord::new(
                    self.now,
                    ("application", client.principal.id),
                    "revoke token family",
                    ("token family", family),
                    json!({ "why": why }),
                )
            };
            audit::append(tx, client.tenant.id, &record)?;
        }
        Ok(())
    }

    /// Leaves a trace of a sign-in through an application, in the transaction that issues its tokens.
    fn note_sign_in(
        &self,
        tx: &mut Tx<'_>,
        client: &Client,
        family: &TokenFamily,
        resource: Guid,
        sign_in: &SignIn,
    ) -> Result<(), OAuthError> {
        let grant = self.form.get("grant_type").and_then(|name| grants::find(name).ok());
        let grant_type = grant.map(|g| g.grant_types()[0].to_string());
        let facts = SignInFacts {
            factors: sign_in.factors(),
            interactive: grant_type.as_deref() != Some("refresh_token"),
            grant_type,
            session: sign_in.session,
            family: Some(family.id),
            identity_provider: family.provider,
            resource: Some(resource),
            credential: client.credential.as_ref().map(|c| c.id()),
            ..SignInFacts::default()
        };
        let record = AuditRecord {
            id: self.audit.clone(),
            client: Some(client.application.app_id),
            ..AuditRecord::new(
                self.now,
                ("user", family.user),
                "sign in to application",
                ("service principal", client.principal.id),
                facts.details(),
            )
        };
        Ok(audit::append(tx, client.tenant.id, &record)?)
    }

    /// The transaction. The outer error rolls back, the inner one leaves what was written.
    fn answer(&self, tx: &mut Tx<'_>, grant: &dyn Grant) -> Result<Result<Answer, OAuthError>, OAuthError> {
        let tenant = self.tenant.require(tx, &self.hints(grant.carrier(&self.form)))?;
        let client = self.credentials.authenticate(tx, tenant, &self.master, self.now)?;
        if let Some(proof) = &self.proof
            && !proof.use_up(tx, client.tenant.id)?
        {
            return Err(BadProof("The proof was used before.").into());
        }
        match grant.prove(tx, &client, self)? {
            Proof::RefusedForGood(error) => Ok(Err(error)),
            Proof::Application => {
                let (resource, roles) = grants::application_roles(tx, &client, self)?;
                let subject = Subject::Application { roles, claims: OnceLock::new() };
                let settings = tenant_settings::find(tx, client.tenant.id)?;
                Ok(Ok(self.complete(client, resource, subject, settings)))
            }
            Proof::User(proven) => self.answer_user(tx, client, *proven).map(Ok),
        }
    }

    fn answer_user(&self, tx: &mut Tx<'_>, client: Client, proven: ProvenUser) -> Result<Answer, OAuthError> {
        let tenant = client.tenant.id;
        if !proven.user.enabled {
            return Err(OAuthError::plain(codes::USER_DISABLED));
        }
        self.check_key(&proven.sign_in)?;
        let confidential = client.is_authenticated();
        check_still_good(&proven, confidential)?;
        upstream::check_voucher(tx, tenant, &proven.sign_in)?;
        requirement::check_token(tx, tenant, &proven.user, &proven.sign_in, self.endpoint, self.now)?;
        let delegation = self.consented(tx, &client, &proven)?;
        let resource = &delegation.resource;
        for (application, principal) in
            [(&client.application, &client.principal), (&resource.application, &resource.principal)]
        {
            claims::check_user_assigned(tx, tenant, proven.user.id, application, principal)?;
        }
        let settings = tenant_settings::find(tx, tenant)?;
        let used = match &proven.used_up {
            UsedUp::Nothing => true,
            UsedUp::AuthorizationCode(digest) => {
                casbah_store::authorization_codes::redeem(tx, tenant, digest, self.now)?
            }
            UsedUp::RefreshToken(digest) => {
                token_families::replace_refresh_token(tx, tenant, digest, self.now)?
            }
            UsedUp::DeviceCode(digest) => casbah_store::device_codes::redeem(tx, tenant, digest)?,
        };
        if !used {
            return Err(OAuthError::plain(codes::INVALID_GRANT));
        }
        let family = match proven.family {
            Some(family) => family,
            None => {
                let family = TokenFamily {
                    id: proven.new_family.unwrap_or(self.family),
                    application: client.application.app_id,
                    user: proven.user.id,
                    // A sign-in is as old as the one that it stands for.
                    created: proven.parent.as_ref().map_or(self.now, |parent| parent.created),
                    revoked: None,
                    parent: proven.parent.map(|parent| parent.id),
                    password_based: is_password_based(&proven.sign_in),
                    confidential,
                    provider: proven.sign_in.voucher.as_ref().map(|voucher| voucher.provider),
                };
                token_families::insert(tx, tenant, &family)?;
                family
            }
        };
        self.note_sign_in(tx, &client, &family, resource.application.app_id, &proven.sign_in)?;
        let refreshable = proven.wanted.offline_access || proven.always_refreshable;
        let refresh_token = if refreshable {
            let authenticated = client.is_authenticated();
            let capable = self.claims.capable || proven.sign_in.capable;
            // RFC 9449, section 5: who proves itself otherwise may change its key.
            let bound_to = self.thumbprint().filter(|_| !authenticated);
            let sign_in = SignIn { authenticated, bound_to, capable, ..proven.sign_in.clone() };
            Some(self.add_refresh_token(tx, &client, &family, &proven.wanted, sign_in, settings.tokens)?)
        } else {
            None
        };
        let id_token = if proven.wanted.openid {
            let identity = Identity {
                nonce: proven.nonce.clone(),
                session: proven.sign_in.session,
                auth_time: (proven.sign_in.auth_time || self.claims.auth_time).then_some(proven.sign_in.at),
                email: proven.wanted.email,
            };
            let optional = &client.application.details.optional_claims.id_token;
            let towards = (&client.application, &client.principal);
            Some((identity, Membership::find(tx, tenant, proven.user.id, towards, optional)?))
        } else {
            None
        };
        let optional = &resource.application.details.optional_claims.access_token;
        let towards = (&resource.application, &resource.principal);
        let membership = Membership::find(tx, tenant, proven.user.id, towards, optional)?;
        let subject = Subject::User(Box::new(UserSubject {
            user: proven.user,
            family: family.id,
            sign_in: proven.sign_in,
            membership,
            scope: delegation.answer(self.endpoint, &proven.wanted),
            granted: delegation.granted,
            id_token,
            refresh_token,
        }));
        Ok(self.complete(client, delegation.resource, subject, settings))
    }

    fn thumbprint(&self) -> Option<String> {
        self.proof.as_ref().map(|proof| proof.thumbprint.clone())
    }

    /// A code or refresh token that is bound to a key is good with that key only.
    fn check_key(&self, sign_in: &SignIn) -> Result<(), OAuthError> {
        match (&sign_in.bound_to, self.thumbprint()) {
            (Some(bound), shown) if shown.as_ref() != Some(bound) => {
                Err(OAuthError::plain(codes::KEY_DIFFERS))
            }
            _ => Ok(()),
        }
    }

    fn complete(
        &self,
        client: Client,
        resource: Resource,
        subject: Subject,
        settings: TenantSettings,
    ) -> Answer {
        let earlier = matches!(&subject, Subject::User(user) if user.sign_in.capable);
        let (confirmation, capable) = (self.thumbprint(), self.claims.capable || earlier);
        let mut settings = settings;
        if let Some(longer) = settings.tokens.continuous_access.filter(|_| capable) {
            // A token that can be called back at any moment may live longer.
            settings.tokens.access_token = longer;
        }
        Answer { endpoint: self.endpoint, client, resource, subject, settings, confirmation, capable }
    }

    /// The one resource that the access token is for, with consent for all that is asked of it.
    fn consented(
        &self,
        tx: &mut Tx<'_>,
        client: &Client,
        proven: &ProvenUser,
    ) -> Result<Delegation, OAuthError> {
        let asking = Asking {
            tenant: client.tenant.id,
            client: &client.principal,
            user: proven.user.id,
            identifiers: self.identifiers(),
        };
        let mut delegations = consent::delegations(tx, asking, &proven.wanted)?;
        if delegations.len() > 1 && !proven.first_resource_only {
            return Err(OAuthError::plain(codes::TWO_RESOURCES));
        }
        let delegation = delegations.swap_remove(0);
        match delegation.missing.first() {
            None => Ok(delegation),
            Some(missing) => Err(OAuthError::new(
                codes::CONSENT_MISSING,
                format!(
                    "The user or an administrator has not consented to use the application {} with the \
                     permission {}. Send an interactive authorization request for this user and resource.",
                    client.label(),
                    missing.value
                ),
            )
            .with_suberror("consent_required")),
        }
    }

    fn add_refresh_token(
        &self,
        tx: &mut Tx<'_>,
        client: &Client,
        family: &TokenFamily,
        wanted: &Wanted,
        sign_in: SignIn,
        lifetimes: TokenLifetimes,
    ) -> Result<Secret, OAuthError> {
        let secret = self.refresh_token.refresh_token(client.tenant.id);
        let expires = sign_in.spa_ends.unwrap_or_else(|| {
            let inactive = self.now.plus(seconds(lifetimes.refresh_token_inactive));
            absolute_end(family, lifetimes).map_or(inactive, |end| inactive.min(end))
        });
        let details = RefreshDetails { wanted: wanted.clone(), sign_in };
        let token = RefreshToken {
            digest: self.digest(SecretKind::RefreshToken, &secret),
            family: family.id,
            details: serde_json::to_value(details).map_err(OAuthError::internal)?,
            created: self.now,
            expires,
            replaced: None,
        };
        token_families::insert_refresh_token(tx, client.tenant.id, &token)?;
        Ok(secret)
    }
}

/// When the refresh tokens of a family end, however often they are used; counted from its start.
pub(crate) fn absolute_end(family: &TokenFamily, lifetimes: TokenLifetimes) -> Option<Timestamp> {
    lifetimes.refresh_token_absolute.map(|life| family.created.plus(seconds(life)))
}

pub(crate) fn seconds(life: u32) -> Duration {
    Duration::from_secs(u64::from(life))
}

/// What stands in the token as the time of issue. A challenge names a time by the clock of another node,
/// which may be a little ahead of ours: the token must be newer all the same.
fn issue_time(now: Timestamp, claims: &ClaimsRequest) -> Result<Timestamp, OAuthError> {
    match claims.not_before {
        Some(wanted) if wanted > now.seconds() + MOST_AHEAD => {
            let text = "The claims ask for an access token that is newer than the present.";
            Err(OAuthError::new(codes::INVALID_PARAMETER, text))
        }
        Some(wanted) if wanted > now.seconds() => Ok(Timestamp::from_seconds(wanted)),
        _ => Ok(now),
    }
}

fn is_password_based(sign_in: &SignIn) -> bool {
    sign_in.amr.is_empty() || sign_in.amr.iter().any(|word| word == "pwd")
}

/// A new password ends what came from the old one, unless a confidential client holds it (3.8).
fn check_still_good(proven: &ProvenUser, confidential: bool) -> Result<(), OAuthError> {
    let changed = proven.user.details.password_changed;
    let older = changed.is_some_and(|changed| proven.sign_in.at < changed);
    if older && !confidential && is_password_based(&proven.sign_in) {
        return Err(OAuthError::plain(codes::REVOKED).with_suberror("bad_token"));
    }
    Ok(())
}

/// When the refresh tokens of a single-page application end that signs in now.
pub(crate) fn spa_end(now: Timestamp) -> Timestamp {
    now.plus(DAY)
}
