//! Whether a token is good, for those who are party to it (RFC 7662): the application that it was issued
//! to, and the one that it was issued for.
//!
//! Everything that keeps a token from being good has the same answer, `{"active": false}`, so that
//! nobody learns from it about tokens of others.

use std::sync::Arc;

use casbah_model::{Secret, TenantId, Timestamp};
use casbah_store::{Tx, token_families, users};
use serde_json::{Map, Value as Json, json};

use crate::authority::Authority;
use crate::client::{Client, Credentials};
use crate::codes;
use crate::error::OAuthError;
use crate::grants::is_named;
use crate::master_key::{MasterKey, SecretKind};
use crate::opaque;
use crate::refusals::Attempted;
use crate::resource::Identifiers;
use crate::tenant::{Hints, TenantName};
use crate::token::{RefreshDetails, TokenRequest};
use crate::verify::{Refusal, TokenFacts, facts, standing};

/// A token that somebody asks about.
#[derive(Clone)]
pub(crate) enum Subject {
    /// An access token in its time that we signed, and all that it says.
    Access(Box<TokenFacts>, Map<String, Json>),
    /// What may be a refresh token.
    Opaque(Secret),
}

/// A request of an application about a token.
pub(crate) struct Inquiry {
    pub(crate) tenant: TenantName,
    pub(crate) credentials: Credentials,
    /// None for what is no token of ours, or not any more.
    pub(crate) subject: Option<Subject>,
    pub(crate) master: Arc<MasterKey>,
    pub(crate) now: Timestamp,
    public_url: String,
}

impl Authority {
    /// Answers a request to the introspection endpoint: the JSON of the answer.
    ///
    /// # Errors
    /// The refusal of the client; whatever is wrong with the token is `{"active": false}`.
    pub async fn introspect(&self, request: TokenRequest) -> Result<Json, OAuthError> {
        let attempted = Attempted::by_client(&request.tenant, &request.form, request.authorization.as_ref());
        let answer = match self.inquiry(request).await {
            Ok(inquiry) => self.store.read(move |tx| inquiry.answer(tx)).await,
            Err(error) => Err(error),
        };
        if let Err(error) = &answer {
            self.note_refused_client(attempted, error).await;
        }
        answer
    }

    /// Reads a request about a token.
    pub(crate) async fn inquiry(&self, request: TokenRequest) -> Result<Inquiry, OAuthError> {
        let TokenRequest { tenant, form, authorization, .. } = request;
        form.check_unrepeated()?;
        let tenant = TenantName::parse(&tenant)?;
        let credentials = Credentials::of_request(&form, authorization.as_ref().map(Secret::expose))?;
        let token = form.secret("token").ok_or_else(|| OAuthError::missing("token"))?;
        let now = self.clock.now();
        let claims = match self.signed(token.expose()).await {
            Ok(claims) => Some(claims),
            Err(Refusal::Unavailable(cause)) => return Err(unavailable(cause)),
            Err(_) => None,
        };
        // The hint is none that we need: the two kinds cannot be taken for each other.
        let subject = match claims {
            None => Some(Subject::Opaque(token)),
            Some(claims) => facts(&claims, self.public_url(), now)
                .ok()
                .map(|facts| Subject::Access(Box::new(facts), claims)),
        };
        let hints = Hints { embedded: tenant_of(subject.as_ref()), ..Hints::default() };
        let credentials = self.check_assertion(credentials, &tenant, hints).await?;
        let (master, public_url) = (Arc::clone(&self.master), self.public_url().to_string());
        Ok(Inquiry { tenant, credentials, subject, master, now, public_url })
    }
}

/// The tenant that the token itself names.
fn tenant_of(subject: Option<&Subject>) -> Option<TenantId> {
    match subject? {
        Subject::Access(token, _) => Some(token.tenant),
        Subject::Opaque(token) => opaque::tenant_of(token.expose()),
    }
}

impl Inquiry {
    /// The application that asks.
    pub(crate) fn client(&self, tx: &mut Tx<'_>) -> Result<Client, OAuthError> {
        let embedded = tenant_of(self.subject.as_ref());
        let tenant = self.tenant.require(tx, &Hints { embedded, ..Hints::default() })?;
        self.credentials.authenticate(tx, tenant, &self.master, self.now)
    }

    fn answer(&self, tx: &mut Tx<'_>) -> Result<Json, OAuthError> {
        let client = self.client(tx)?;
        client.check_authenticated()?;
        let found = match &self.subject {
            Some(Subject::Access(token, claims)) => self.access(tx, &client, token, claims)?,
            Some(Subject::Opaque(token)) => self.refresh(tx, &client, token)?,
            None => None,
        };
        Ok(found.unwrap_or_else(|| json!({ "active": false })))
    }

    fn access(
        &self,
        tx: &mut Tx<'_>,
        client: &Client,
        token: &TokenFacts,
        claims: &Map<String, Json>,
    ) -> Result<Option<Json>, OAuthError> {
        let tenant = client.tenant.id;
        let own = token.client == client.application.app_id;
        if token.tenant != tenant || !(own || is_named(&client.application, &token.audience)) {
            return Ok(None);
        }
        let standing = match standing(tx, token) {
            Ok(standing) => standing,
            Err(Refusal::Unavailable(cause)) => return Err(unavailable(cause)),
            Err(_) => return Ok(None),
        };
        let identifiers = Identifiers { public_url: &self.public_url };
        // A token for a resource that is disabled or gone is good for nothing.
        match identifiers.find(tx, tenant, &token.audience) {
            Ok(_) => {}
            Err(error) if error.cause.is_some() => return Err(error),
            Err(_) => return Ok(None),
        }
        let mut answer = json!({
            "active": true,
            "client_id": token.client,
            "token_type": if token.confirmation.is_some() { "DPoP" } else { "Bearer" },
            "jti": token.id,
        });
        // RFC 7662, section 2.2: names of JSON web tokens mean there what they mean here.
        for name in ["aud", "iss", "sub", "exp", "iat", "nbf", "tid", "oid", "roles", "cnf", "idtyp"] {
            if let Some(value) = claims.get(name) {
                answer[name] = value.clone();
            }
        }
        if token.family.is_some() {
            answer["scope"] = token.permissions.join(" ").into();
        }
        if let Some(user) = standing.user {
            answer["username"] = user.user_principal_name.into();
        }
        Ok(Some(answer))
    }

    fn refresh(&self, tx: &mut Tx<'_>, client: &Client, token: &Secret) -> Result<Option<Json>, OAuthError> {
        let tenant = client.tenant.id;
        let digest = self.master.digest(SecretKind::RefreshToken, token);
        let Some(token) = token_families::find_refresh_token(tx, tenant, &digest)? else { return Ok(None) };
        if token.replaced.is_some() || token.expires <= self.now {
            return Ok(None);
        }
        let Some(family) = token_families::find(tx, tenant, token.family)? else { return Ok(None) };
        if family.application != client.application.app_id || family.revoked.is_some() {
            return Ok(None);
        }
        let user = users::find(tx, tenant, family.user)?.filter(|u| u.enabled);
        let Some(user) = user.filter(|u| family.created >= u.sessions_valid_from) else { return Ok(None) };
        let details: RefreshDetails = serde_json::from_value(token.details).map_err(OAuthError::internal)?;
        let words = details.wanted.entries.iter().map(|entry| entry.text.as_str());
        let scope: Vec<&str> = words.chain(details.wanted.oidc_words()).chain(["offline_access"]).collect();
        Ok(Some(json!({
            "active": true,
            "client_id": family.application,
            "scope": scope.join(" "),
            "username": user.user_principal_name,
            "exp": token.expires.seconds(),
            "iat": token.created.seconds(),
            "tid": tenant.to_string(),
            "oid": user.id,
        })))
    }
}

/// Not being able to look is no answer: the client must ask again.
pub(crate) fn unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> OAuthError {
    OAuthError { cause: Some(cause.into()), ..OAuthError::plain(codes::UNAVAILABLE) }
}
