//! Signing people in with another OpenID provider, towards which Casbah is the client.
//!
//! ```text
//! begin_upstream(provider, where to go on) -> address to send the browser to     state, nonce, PKCE
//!    ... the person signs in there ...
//! finish_upstream(query of the callback)   -> SignInStep, as after a password; or the account is linked
//!      state -> provider -> iss -> code -> ID token -> who is it here? ([`person`])
//! ```
//! A `state` is good once, in the browser that it was made for, and for one provider; nonce and code verifier
//! are made from it, so that nothing of a sign-in on its way can be read from the database. Tokens of the
//! provider are looked at and forgotten.

mod answer;
mod begin;
mod id_token;
mod person;

use casbah_model::{Guid, IdentityProvider, Secret, TenantId};
use casbah_store::{Tx, identity_providers};
use serde::{Deserialize, Serialize};

use crate::authority::Authority;
use crate::codes;
use crate::error::OAuthError;
use crate::sign_in::SignInStep;
use crate::token::SignIn;
use crate::visitor::Visitor;

/// A sign-in to be sent to another provider.
#[derive(Debug)]
pub struct UpstreamRequest {
    /// The tenant segment of the page's URL.
    pub tenant: String,
    /// The provider.
    pub provider: Guid,
    /// What for.
    pub purpose: UpstreamPurpose,
    /// Address on our own origin at which the user goes on afterwards: path and query.
    pub return_to: String,
    /// Redirect URI at which that ends up, if it does.
    pub leads_to: Option<String>,
    /// Name that the user typed or the application hinted at.
    pub login_hint: Option<String>,
    /// Whether somebody who is signed in there has to prove it anew.
    pub fresh: bool,
    /// Where the request comes from.
    pub visitor: Visitor,
}

/// What a sign-in at another provider is for.
#[derive(Clone, Debug)]
pub enum UpstreamPurpose {
    /// Signing in.
    SignIn,
    /// Accepting the invitation of that guest.
    Invitation(Guid),
    /// Adding the account there to the one of this session.
    Link(Secret),
}

/// What came of it.
#[derive(Debug)]
pub enum UpstreamStep {
    /// The sign-in goes on.
    SignIn(SignInStep),
    /// The account was added to the one of the session.
    Linked {
        /// Where the user goes on.
        return_to: String,
    },
}

/// Why nothing came of it, and how to go on.
#[derive(Debug)]
pub struct UpstreamRefusal {
    /// The reason.
    pub error: OAuthError,
    /// Name of the provider. Chosen by whoever registered it: escape it.
    pub provider_name: Option<String>,
    /// Where to start again.
    pub return_to: Option<String>,
}

impl From<OAuthError> for UpstreamRefusal {
    fn from(error: OAuthError) -> UpstreamRefusal {
        UpstreamRefusal { error, provider_name: None, return_to: None }
    }
}

/// A provider on the sign-in page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OfferedProvider {
    /// Its id.
    pub id: Guid,
    /// Its name. Chosen by whoever registered it: escape it.
    pub name: String,
}

/// Who vouched for a person that is signed in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Voucher {
    pub(crate) provider: Guid,
    /// The claim `idp`.
    pub(crate) issuer: String,
}

impl Authority {
    /// Where providers send the browser back to. Fixed, and of one tenant, so that it can be registered
    /// there as it is.
    pub fn upstream_callback(&self, tenant: TenantId) -> String {
        format!("{}/{tenant}/oauth2/v2.0/authresp", self.public_url())
    }

    /// Seals the client secret of a provider for its row.
    pub fn seal_provider_secret(&self, tenant: TenantId, provider: Guid, secret: &Secret) -> Option<Vec<u8>> {
        self.master.seal(&seal_name(tenant, provider), secret.expose().as_bytes())
    }

    /// The providers that people of a tenant may sign in with, by name; none when it is not clear which
    /// tenant the page is of.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn offered_providers(&self, tenant: &str) -> Result<Vec<OfferedProvider>, OAuthError> {
        let Some(tenant) = self.tenant_of_page(tenant, None).await? else { return Ok(Vec::new()) };
        self.store.read(move |tx| Ok(offered(tx, tenant)?)).await
    }

    /// The client secret of a provider.
    ///
    /// # Errors
    /// When it was sealed under another key.
    pub fn provider_secret(
        &self,
        tenant: TenantId,
        provider: &IdentityProvider,
    ) -> Result<Option<Secret>, OAuthError> {
        let Some(sealed) = &provider.sealed_secret else { return Ok(None) };
        let opened = self.master.open(&seal_name(tenant, provider.id), sealed);
        let opened = opened.map_err(|_| OAuthError::internal("a sealed secret of a provider"))?;
        let text = std::str::from_utf8(&opened).map_err(OAuthError::internal)?;
        Ok(Some(Secret::new(text)))
    }
}

/// The name under which a secret is sealed in its row: nowhere else can it be opened.
fn seal_name(tenant: TenantId, provider: Guid) -> String {
    format!("identity provider {tenant} {provider}")
}

/// The enabled providers of a tenant, as its pages offer them.
pub(crate) fn offered(tx: &mut Tx<'_>, tenant: TenantId) -> casbah_store::Result<Vec<OfferedProvider>> {
    let enabled = identity_providers::list(tx, tenant)?.into_iter().filter(|p| p.enabled);
    Ok(enabled.map(|p| OfferedProvider { id: p.id, name: p.display_name }).collect())
}

/// The provider that vouches for a domain, by itself or the name of somebody in it: home realm discovery.
pub(crate) fn home_of(tx: &mut Tx<'_>, tenant: TenantId, hint: &str) -> casbah_store::Result<Option<Guid>> {
    let domain = hint.rsplit_once('@').map_or(hint, |(_, domain)| domain).trim().to_ascii_lowercase();
    let mut providers = identity_providers::list(tx, tenant)?.into_iter();
    Ok(providers.find(|p| p.enabled && p.details.domains.contains(&domain)).map(|p| p.id))
}

/// Refuses what stands on a provider that people may no longer sign in with.
pub(crate) fn check_voucher(tx: &mut Tx<'_>, tenant: TenantId, sign_in: &SignIn) -> Result<(), OAuthError> {
    let Some(voucher) = &sign_in.voucher else { return Ok(()) };
    match identity_providers::find(tx, tenant, voucher.provider)? {
        Some(provider) if provider.enabled => Ok(()),
        _ => Err(OAuthError::plain(codes::REVOKED)),
    }
}
