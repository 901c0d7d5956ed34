//! What the browser brings back from a provider, step by step.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use casbah_model::{Guid, IdentityProvider, Secret, TenantId, Timestamp};
use casbah_store::{identity_providers, upstream_sign_ins};
use serde_json::{Value as Json, json};
use url::form_urlencoded;

use super::begin::{Begun, Derived, Metadata, Purpose, session_digest, unreachable};
use super::id_token::Vouched;
use super::{UpstreamRefusal, UpstreamStep, Voucher};
use crate::authority::Authority;
use crate::codes;
use crate::error::OAuthError;
use crate::form::Form;
use crate::jwt;
use crate::master_key::SecretKind;
use crate::opaque;
use crate::session;
use crate::sign_in::{is_fresh, pending::Details, requirement::MFA};
use crate::visitor::Visitor;

/// The longest word of a provider that a message repeats.
const SHOWN: usize = 200;
/// Seconds that a proof of our own is good for.
const PROOF_LIFE: i64 = 60;

/// A sign-in that has come back to the browser it was sent from, for the first time.
pub(super) struct Returned {
    pub(super) tenant: TenantId,
    pub(super) provider: IdentityProvider,
    pub(super) begun: Begun,
    pub(super) sent: Timestamp,
    pub(super) derived: Derived,
}

impl Authority {
    /// Takes what the browser brought back from a provider: the query of the callback.
    ///
    /// # Errors
    /// [`UpstreamRefusal`] with 50089 when the sign-in is not one that this browser began or not the first
    /// time, 9900004 when the provider refused or its answer cannot be trusted, 50020 when the person is
    /// nobody here, 50057, 90033.
    pub async fn finish_upstream(
        &self,
        tenant: &str,
        form: &Form,
        session: Option<&Secret>,
        visitor: &Visitor,
    ) -> Result<UpstreamStep, UpstreamRefusal> {
        let returned = self.returned(tenant, form, visitor).await?;
        let tenant = returned.tenant;
        let (name, return_to) = (returned.provider.display_name.clone(), returned.begun.return_to.clone());
        self.finish(returned, form, session, visitor).await.map_err(|error| {
            self.note_failure(tenant, &error);
            UpstreamRefusal { error, provider_name: Some(name), return_to: Some(return_to) }
        })
    }

    /// Finds the sign-in of a `state` and uses it up. Another browser's stays good for that browser.
    async fn returned(&self, tenant: &str, form: &Form, visitor: &Visitor) -> Result<Returned, OAuthError> {
        let over = || OAuthError::plain(codes::STEP_EXPIRED);
        form.check_unrepeated()?;
        let tenant: TenantId = tenant.parse().map_err(|_| over())?;
        let state = form.secret("state").ok_or_else(over)?;
        if opaque::tenant_of(state.expose()) != Some(tenant) {
            return Err(over());
        }
        let digest = self.digest(SecretKind::UpstreamState, &state);
        let (now, browser) = (self.clock.now(), visitor.seen(&self.master).browser);
        let found = self.store.write(move |tx| -> Result<_, OAuthError> {
            let found = upstream_sign_ins::find(tx, tenant, &digest)?;
            let found = found.filter(|s| s.used.is_none() && s.expires > now).ok_or_else(over)?;
            let same = |browser: &String| Secret::same_bytes(browser.as_bytes(), found.browser.as_bytes());
            if !browser.as_ref().is_some_and(same) || !upstream_sign_ins::use_up(tx, tenant, &digest, now)? {
                return Err(over());
            }
            let provider = identity_providers::find(tx, tenant, found.provider)?.filter(|p| p.enabled);
            Ok((found, provider))
        });
        let (found, provider) = found.await?;
        let provider = provider.ok_or_else(|| {
            let text = "The organisation does not let people sign in with that provider any more.";
            OAuthError::new(codes::UPSTREAM, text)
        })?;
        let begun = serde_json::from_value(found.details).map_err(OAuthError::internal)?;
        let derived = Derived::of(&self.master, &state);
        Ok(Returned { tenant, provider, begun, sent: found.created, derived })
    }

    async fn finish(
        &self,
        returned: Returned,
        form: &Form,
        session: Option<&Secret>,
        visitor: &Visitor,
    ) -> Result<UpstreamStep, OAuthError> {
        let metadata = self.metadata_of(&returned.provider).await?;
        check_issuer(form, &metadata, &returned.provider.issuer)?;
        if let Some(error) = form.get("error") {
            return Err(refused_there(error, form.get("error_description")));
        }
        let code = form.secret("code").ok_or_else(|| untrusted("it holds no code"))?;
        let id_token = self.redeem_there(&returned, &metadata, code).await?;
        let vouched = self.vouched(&returned, &id_token).await?;
        match &returned.begun.purpose {
            Purpose::Link(digest) => {
                let session = session.filter(|s| session_digest(self, s) == *digest).cloned();
                let session = session.ok_or_else(|| OAuthError::plain(codes::NOT_SIGNED_IN))?;
                self.link(&returned, vouched, session, visitor).await
            }
            Purpose::SignIn => self.sign_in_as(&returned, vouched, None, visitor).await,
            Purpose::Invitation(guest) => self.sign_in_as(&returned, vouched, Some(*guest), visitor).await,
        }
    }

    /// Redeems the code where the provider says, and nowhere else: the answer cannot name another place.
    async fn redeem_there(
        &self,
        returned: &Returned,
        metadata: &Metadata,
        code: Secret,
    ) -> Result<Secret, OAuthError> {
        let provider = &returned.provider;
        let text = |text: &str| Secret::new(text);
        let mut form = vec![
            ("grant_type", text("authorization_code")),
            ("code", code),
            ("redirect_uri", Secret::new(self.upstream_callback(returned.tenant))),
            ("code_verifier", returned.derived.verifier.clone()),
        ];
        let mut authorization = None;
        match self.provider_secret(returned.tenant, provider)? {
            Some(secret) if metadata.secret_in_form => {
                form.extend([("client_id", text(&provider.client_id)), ("client_secret", secret)]);
            }
            // RFC 6749, section 2.3.1: both are form-encoded before they are joined.
            Some(secret) => authorization = Some(basic(&provider.client_id, &secret)),
            None => {
                let proof = self.client_proof(provider, &metadata.token_endpoint).await?;
                let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
                form.extend([
                    ("client_id", text(&provider.client_id)),
                    ("client_assertion_type", text(kind)),
                    ("client_assertion", proof),
                ]);
            }
        }
        let answer = self.outbound.post_form(&metadata.token_endpoint, &form, authorization).await;
        let answer = answer.map_err(|error| unreachable(provider, &error))?;
        let body: Json = serde_json::from_slice(&answer.body).unwrap_or_default();
        if answer.status != 200 {
            let error = body.get("error").and_then(Json::as_str).unwrap_or("no reason");
            tracing::warn!(
                issuer = provider.issuer,
                status = answer.status,
                error,
                "a code was not redeemed"
            );
            return Err(untrusted("it does not take back the code that it sent"));
        }
        let token = body.get("id_token").and_then(Json::as_str);
        token.map(Secret::new).ok_or_else(|| untrusted("it sends no ID token"))
    }

    /// Proof of who Casbah is, by its own signing key (OpenID Connect Core, section 9: `private_key_jwt`).
    async fn client_proof(&self, provider: &IdentityProvider, audience: &str) -> Result<Secret, OAuthError> {
        let now = self.clock.now();
        let key = self.signing_key(now).await?;
        let claims = json!({
            "iss": provider.client_id, "sub": provider.client_id, "aud": audience, "jti": Guid::random(),
            "iat": now.seconds(), "nbf": now.seconds(), "exp": now.seconds() + PROOF_LIFE,
        });
        Ok(Secret::new(jwt::encode(&key, 2, &claims.to_string())?))
    }

    async fn sign_in_as(
        &self,
        returned: &Returned,
        vouched: Vouched,
        guest: Option<Guid>,
        visitor: &Visitor,
    ) -> Result<UpstreamStep, OAuthError> {
        let desk = self.desk(visitor);
        let (tenant, provider, begun) = (returned.tenant, returned.provider.clone(), returned.begun.clone());
        let mut details = Details {
            amr: vec!["fed".to_string()],
            return_to: begun.return_to,
            leads_to: begun.leads_to,
            voucher: Some(Voucher { provider: provider.id, issuer: provider.issuer.clone() }),
            ..Details::default()
        };
        if provider.details.trusts_second_factor && vouched.second_factor {
            details.add(&[MFA]);
        }
        self.store
            .write(move |tx| {
                // Disabled in between: nobody comes in any more.
                let provider = identity_providers::find(tx, tenant, provider.id)?.filter(|p| p.enabled);
                let provider = provider.ok_or_else(|| OAuthError::plain(codes::STEP_EXPIRED))?;
                let user = desk.person(tx, tenant, &provider, &vouched, guest)?;
                desk.advance(tx, tenant, &user, &details, None).map(UpstreamStep::SignIn)
            })
            .await
    }

    async fn link(
        &self,
        returned: &Returned,
        vouched: Vouched,
        session: Secret,
        visitor: &Visitor,
    ) -> Result<UpstreamStep, OAuthError> {
        let desk = self.desk(visitor);
        let (tenant, provider) = (returned.tenant, returned.provider.id);
        let return_to = returned.begun.return_to.clone();
        self.store
            .write(move |tx| {
                let found = session::find(tx, &desk.master, &session, desk.now)?;
                let found = found.ok_or_else(|| OAuthError::plain(codes::NOT_SIGNED_IN))?;
                if !is_fresh(tx, &found, desk.now)? {
                    return Err(OAuthError::plain(codes::SIGN_IN_AGAIN));
                }
                let provider = identity_providers::find(tx, tenant, provider)?.filter(|p| p.enabled);
                let provider = provider.ok_or_else(|| OAuthError::plain(codes::STEP_EXPIRED))?;
                desk.link(tx, tenant, &provider, &vouched, &found.user)?;
                Ok(UpstreamStep::Linked { return_to: return_to.clone() })
            })
            .await
    }
}

/// RFC 9207, section 2.4: an answer that another provider sent, or one of which it cannot be told although
/// the provider always says so, is not looked at any further.
fn check_issuer(form: &Form, metadata: &Metadata, issuer: &str) -> Result<(), OAuthError> {
    match form.get("iss") {
        Some(sender) if sender == issuer => Ok(()),
        None if !metadata.promises_issuer => Ok(()),
        Some(_) => Err(untrusted("another provider sent it (iss)")),
        None => Err(untrusted("it does not say who sent it (iss)")),
    }
}

fn basic(client: &str, secret: &Secret) -> Secret {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encoded(client), encoded(secret.expose()));
    Secret::new(format!("Basic {}", STANDARD.encode(pair)))
}

/// 9900004 with a reason.
pub(super) fn untrusted(why: &str) -> OAuthError {
    OAuthError::new(codes::UPSTREAM, format!("The answer of the provider cannot be trusted: {why}."))
}

/// The provider's own refusal, in its words.
fn refused_there(error: &str, description: Option<&str>) -> OAuthError {
    let shown = |text: &str| text.chars().take(SHOWN).collect::<String>();
    let mut text = format!("The provider did not sign you in: {}", shown(error));
    if let Some(description) = description {
        text = format!("{text} ({})", shown(description));
    }
    OAuthError::new(codes::UPSTREAM, text + ".")
}
