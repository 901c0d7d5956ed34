//! Assertions of another issuer (workload identity federation): a token whose issuer, subject and audience
//! an application has registered, compared character by character.

use casbah_model::{FederatedCredential, Guid, TenantId};
use casbah_store::service_principals;

use super::check::Known;
use super::{Assertion, ProofKind, refused};
use crate::authority::Authority;
use crate::claims::Endpoint;
use crate::client;
use crate::codes::{self, Code};
use crate::error::OAuthError;
use crate::outbound::OutboundError;
use crate::signature::PublicKey;

/// The longest claim that a message repeats.
const SHOWN: usize = 200;

impl Authority {
    /// Checks a token of another issuer. The issuer is asked for its keys only when it is registered and
    /// everything else about the token fits: nobody can make us call an address by sending a token.
    pub(super) async fn check_federated(
        &self,
        assertion: &Assertion,
        known: &Known,
    ) -> Result<ProofKind, OAuthError> {
        let credential = registered(assertion, known)?;
        assertion.check_time(self.clock.now(), None)?;
        // Casbah's and Entra's tokens say whom they stand for; a person's must not stand for an application.
        let kind = assertion.text("idtyp");
        if kind.is_some_and(|kind| kind != "app") {
            return Err(OAuthError::plain(codes::FEDERATED_USER));
        }
        let key = match self.own_tenant(&credential.issuer) {
            Some(tenant) if kind == Some("app") => self.own_key(assertion, tenant).await?,
            Some(_) => return Err(OAuthError::plain(codes::FEDERATED_USER)),
            None => self.issuer_key(assertion, &credential.issuer).await?,
        };
        let key = key.ok_or_else(|| refused("the issuer publishes no key of that id"))?;
        assertion.check_signature(&key)?;
        Ok(ProofKind::Federated(credential.id))
    }

    async fn issuer_key(&self, assertion: &Assertion, issuer: &str) -> Result<Option<PublicKey>, OAuthError> {
        let algorithm = assertion.algorithm()?;
        let found = self.issuer_keys.find(&self.outbound, issuer, assertion.key_id(), algorithm).await;
        found.map_err(|error| {
            tracing::warn!(issuer, %error, "the keys of an issuer could not be fetched");
            match error {
                OutboundError::Refused(_) => {
                    refused("the issuer of the assertion is at an address that must not be called")
                }
                OutboundError::Failed(_) => {
                    let text =
                        "The keys of the issuer of the assertion could not be fetched. Try again soon.";
                    OAuthError::new(codes::UNAVAILABLE, text)
                }
            }
        })
    }

    /// The tenant of this authority that an issuer is.
    fn own_tenant(&self, issuer: &str) -> Option<TenantId> {
        let rest = issuer.strip_prefix(self.public_url())?.strip_prefix('/')?;
        let tenant: TenantId = rest.split('/').next()?.parse().ok()?;
        let spellings = [self.issuer(tenant, Endpoint::V1), self.issuer(tenant, Endpoint::V2)];
        spellings.iter().any(|spelling| spelling == issuer).then_some(tenant)
    }

    /// Our own key, without a call; and the application that the token is of must still be enabled.
    async fn own_key(
        &self,
        assertion: &Assertion,
        tenant: TenantId,
    ) -> Result<Option<PublicKey>, OAuthError> {
        let principal: Option<Guid> = assertion.text("oid").and_then(|id| id.parse().ok());
        let principal = principal.ok_or_else(|| OAuthError::plain(codes::FEDERATED_USER))?;
        let live = self.store.read(move |tx| service_principals::find(tx, tenant, principal)).await?;
        if !live.is_some_and(|principal| principal.enabled) {
            return Err(refused("the application that the token was issued to is disabled"));
        }
        let Some(id) = &assertion.key_id else { return Ok(None) };
        Ok(self.verifying_key(id).await?.map(|key| PublicKey::Spki(key.public_der())))
    }
}

/// The credential whose issuer, subject and audience are those of the token.
fn registered<'a>(assertion: &Assertion, known: &'a Known) -> Result<&'a FederatedCredential, OAuthError> {
    let claim = |name: &str| assertion.text(name).unwrap_or_default();
    let label = client::label(&known.application);
    let none = |code: &'static Code, claim: &str, value: &str| {
        let value: String = value.chars().take(SHOWN).collect();
        let text = format!(
            "No federated identity credential of the application {label} matches the {claim} of the \
             assertion, {value}. Both must be the same, character by character."
        );
        OAuthError::new(code, text)
    };
    let issuer = claim("iss");
    let mut of_issuer = known.federated.iter().filter(|c| c.issuer == issuer).peekable();
    if of_issuer.peek().is_none() {
        return Err(none(codes::FEDERATED_ISSUER, "issuer (iss)", issuer));
    }
    let credential = of_issuer
        .find(|c| c.subject == claim("sub"))
        .ok_or_else(|| none(codes::FEDERATED_SUBJECT, "subject (sub)", claim("sub")))?;
    let audiences = assertion.audiences();
    if !audiences.contains(&credential.audience.as_str()) {
        return Err(none(codes::FEDERATED_AUDIENCE, "audience (aud)", &audiences.join(" ")));
    }
    Ok(credential)
}
