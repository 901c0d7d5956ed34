//! Sending the browser to the provider (OpenID Connect Core, section 3.1.2.1).

use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use casbah_model::{Guid, IdentityProvider, Secret, TenantId};
use casbah_store::identity_providers;
use casbah_store::upstream_sign_ins::{self, UpstreamSignIn};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use url::Url;

use super::{UpstreamPurpose, UpstreamRequest};
use crate::authority::Authority;
use crate::codes;
use crate::error::OAuthError;
use crate::master_key::{MasterKey, SecretKind};
use crate::opaque::{self, Draw};
use crate::outbound::OutboundError;

/// How long somebody may take at the provider.
const LIFE: Duration = Duration::from_secs(30 * 60);
/// How old a sign-in there may be that has to be fresh, in seconds; with it the provider must say when it was.
pub(super) const FRESH: i64 = 5 * 60;

/// What is kept of a sign-in on its way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Begun {
    pub(super) return_to: String,
    pub(super) leads_to: Option<String>,
    pub(super) fresh: bool,
    pub(super) purpose: Purpose,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Purpose {
    SignIn,
    Invitation(Guid),
    /// Digest of the session's cookie.
    Link(String),
}

/// What is made from a `state`, and never stored.
pub(super) struct Derived {
    pub(super) nonce: Secret,
    pub(super) verifier: Secret,
}

impl Derived {
    pub(super) fn of(master: &MasterKey, state: &Secret) -> Derived {
        let derive = |what: &[u8]| {
            let parts: [&[u8]; 3] = [b"upstream", what, state.expose().as_bytes()];
            Secret::new(URL_SAFE_NO_PAD.encode(master.ticket(&parts)))
        };
        Derived { nonce: derive(b"nonce"), verifier: derive(b"code verifier") }
    }
}

/// The digest of a session's cookie, as text.
pub(super) fn session_digest(authority: &Authority, session: &Secret) -> String {
    URL_SAFE_NO_PAD.encode(authority.digest(SecretKind::Session, session))
}

/// What a provider says of itself (OpenID Connect Discovery, section 3), as far as Casbah needs it.
pub(super) struct Metadata {
    pub(super) authorization_endpoint: Url,
    pub(super) token_endpoint: String,
    /// Whether it takes the client secret in the form; otherwise in the header.
    pub(super) secret_in_form: bool,
    /// Whether its answers always carry `iss` (RFC 9207).
    pub(super) promises_issuer: bool,
}

impl Metadata {
    fn read(document: &Json) -> Option<Metadata> {
        let text = |name: &str| document.get(name).and_then(Json::as_str);
        let authorization_endpoint = Url::parse(text("authorization_endpoint")?).ok()?;
        let methods = document.get("token_endpoint_auth_methods_supported").and_then(Json::as_array);
        let posts = |methods: &Vec<Json>| methods.iter().any(|m| m == "client_secret_post");
        let promise = "authorization_response_iss_parameter_supported";
        (authorization_endpoint.scheme() == "https").then_some(Metadata {
            authorization_endpoint,
            token_endpoint: text("token_endpoint")?.to_string(),
            secret_in_form: methods.is_some_and(posts),
            promises_issuer: document.get(promise) == Some(&Json::Bool(true)),
        })
    }
}

impl Authority {
    /// Begins a sign-in at another provider; answers the address to send the browser to, with GET.
    ///
    /// # Errors
    /// 9900004 when the tenant has no such provider or the provider says nothing usable of itself, 90033 when
    /// it does not answer; and what the tenant segment can be refused for.
    pub async fn begin_upstream(&self, request: UpstreamRequest) -> Result<String, OAuthError> {
        let UpstreamRequest { tenant, provider, purpose, return_to, leads_to, login_hint, fresh, visitor } =
            request;
        let tenant = self.tenant_of_page(&tenant, None).await?;
        let tenant = tenant.ok_or_else(|| OAuthError::plain(codes::NO_TENANT))?;
        let provider = self.store.read(move |tx| identity_providers::find(tx, tenant, provider)).await?;
        let provider = provider.filter(|p| p.enabled).ok_or_else(not_offered)?;
        let metadata = self.metadata_of(&provider).await?;
        let now = self.clock.now();
        let state = Draw::new().upstream_state(tenant);
        let browser = visitor.seen(&self.master).browser.ok_or_else(not_offered)?;
        let purpose = match purpose {
            UpstreamPurpose::SignIn => Purpose::SignIn,
            UpstreamPurpose::Invitation(user) => Purpose::Invitation(user),
            UpstreamPurpose::Link(session) => {
                // Whoever is signed in elsewhere has nothing to add here.
                if opaque::tenant_of(session.expose()) != Some(tenant) {
                    return Err(OAuthError::plain(codes::NOT_SIGNED_IN));
                }
                Purpose::Link(session_digest(self, &session))
            }
        };
        let begun = Begun { return_to, leads_to, fresh, purpose };
        let row = UpstreamSignIn {
            digest: self.digest(SecretKind::UpstreamState, &state),
            provider: provider.id,
            browser,
            details: serde_json::to_value(begun).map_err(OAuthError::internal)?,
            created: now,
            expires: now.plus(LIFE),
            used: None,
        };
        self.store.write(move |tx| upstream_sign_ins::insert(tx, tenant, &row)).await?;
        Ok(self.upstream_address(tenant, &provider, metadata, &state, login_hint.as_deref(), fresh))
    }

    fn upstream_address(
        &self,
        tenant: TenantId,
        provider: &IdentityProvider,
        metadata: Metadata,
        state: &Secret,
        login_hint: Option<&str>,
        fresh: bool,
    ) -> String {
        let derived = Derived::of(&self.master, state);
        let hash = digest::digest(&digest::SHA256, derived.verifier.expose().as_bytes());
        let mut address = metadata.authorization_endpoint;
        let callback = self.upstream_callback(tenant);
        let (challenge, max_age) = (URL_SAFE_NO_PAD.encode(hash), FRESH.to_string());
        let mut pairs = address.query_pairs_mut();
        pairs
            .append_pair("client_id", &provider.client_id)
            .append_pair("response_type", "code")
            .append_pair("redirect_uri", &callback)
            .append_pair("scope", &provider.details.scope)
            .append_pair("state", state.expose())
            .append_pair("nonce", derived.nonce.expose())
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        if fresh {
            pairs.append_pair("prompt", "login").append_pair("max_age", &max_age);
        }
        if let Some(hint) = login_hint.filter(|hint| hint.contains('@')) {
            pairs.append_pair("login_hint", hint);
        }
        drop(pairs);
        address.into()
    }

    /// What the provider says of itself.
    pub(super) async fn metadata_of(&self, provider: &IdentityProvider) -> Result<Metadata, OAuthError> {
        let document = self.issuer_keys.document(&self.outbound, &provider.issuer).await;
        let document = document.map_err(|error| unreachable(provider, &error))?;
        Metadata::read(&document).ok_or_else(|| {
            let text = "The provider does not say where to sign in. Ask an administrator to look at it.";
            OAuthError::new(codes::UPSTREAM, text)
        })
    }
}

/// A provider that does not answer, or must not be called. Why is for the log: it may tell of a private
/// network.
pub(super) fn unreachable(provider: &IdentityProvider, error: &OutboundError) -> OAuthError {
    tracing::warn!(issuer = provider.issuer, %error, "an identity provider could not be called");
    match error {
        OutboundError::Refused(_) => {
            let text = "The provider is at an address that must not be called. Ask the operator to allow it.";
            OAuthError::new(codes::UPSTREAM, text)
        }
        OutboundError::Failed(_) => {
            OAuthError::new(codes::UNAVAILABLE, "The provider does not answer. Try again soon.")
        }
    }
}

fn not_offered() -> OAuthError {
    OAuthError::new(codes::UPSTREAM, "The organisation does not let people sign in with that provider.")
}
