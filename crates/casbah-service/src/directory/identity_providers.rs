//! Other OpenID providers through which people of a tenant sign in.

use casbah_authority::{Caller, check_https_url};
use casbah_model::{
    ClaimMapping, Guid, IdentityProvider, IdentityProviderDetails, Provisioning, Secret, TenantId,
    UserIdentity,
};
use casbah_store::{Tx, audit, identity_providers, user_identities};
use serde_json::{Value as Json, json};

use super::names;
use super::users::find_user;
use crate::{Error, Service};

/// Most providers of a tenant.
const MOST: usize = 50;
/// Longest text of a field, in characters.
const LONGEST: usize = 600;

/// How Casbah proves who it is to a provider.
#[derive(Clone, Debug)]
pub enum ProviderAuthentication {
    /// With a secret that the provider gave out.
    Secret(Secret),
    /// With its own signing key, which the provider finds among the keys that Casbah publishes.
    OwnKey,
}

/// A provider to be registered.
#[derive(Clone, Debug)]
pub struct NewIdentityProvider {
    /// Name on the sign-in page.
    pub display_name: String,
    /// The `iss` claim.
    pub issuer: String,
    /// What Casbah is to the provider.
    pub client_id: String,
    /// How it proves that.
    pub authentication: ProviderAuthentication,
    /// Whether people may sign in with it.
    pub enabled: bool,
    /// Everything else.
    pub details: IdentityProviderDetails,
}

/// What to change about a provider; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct IdentityProviderChange {
    /// Name on the sign-in page.
    pub display_name: Option<String>,
    /// The `iss` claim, which cannot change: only the same one is accepted.
    pub issuer: Option<String>,
    /// What Casbah is to the provider.
    pub client_id: Option<String>,
    /// How it proves that.
    pub authentication: Option<ProviderAuthentication>,
    /// Whether people may sign in with it; when not, what stands on it ends.
    pub enabled: Option<bool>,
    /// What is asked for.
    pub scope: Option<String>,
    /// Which claims say what. The one for `sub` cannot change.
    pub claims: Option<ClaimMapping>,
    /// Domains that it vouches for.
    pub domains: Option<Vec<String>>,
    /// What becomes of people whom nobody knows.
    pub provisioning: Option<Provisioning>,
    /// Whether its word counts that a second factor was shown.
    pub trusts_second_factor: Option<bool>,
}

impl Service {
    /// The tenant's providers, by name.
    pub async fn list_identity_providers(&self, caller: &Caller) -> Result<Vec<IdentityProvider>, Error> {
        let tenant = caller.tenant;
        self.store.read(move |tx| Ok(identity_providers::list(tx, tenant)?)).await
    }

    /// One of them.
    pub async fn fetch_identity_provider(
        &self,
        caller: &Caller,
        id: Guid,
    ) -> Result<IdentityProvider, Error> {
        let tenant = caller.tenant;
        self.store.read(move |tx| identity_providers::find(tx, tenant, id)?.ok_or(Error::NotFound)).await
    }

    /// Registers a provider. It is not called before somebody signs in with it.
    pub async fn create_identity_provider(
        &self,
        caller: &Caller,
        new: NewIdentityProvider,
    ) -> Result<IdentityProvider, Error> {
        let (tenant, now, id) = (caller.tenant, self.clock.now(), Guid::random());
        let provider = IdentityProvider {
            id,
            display_name: names::display_name("displayName", &new.display_name)?,
            issuer: new.issuer,
            client_id: new.client_id,
            enabled: new.enabled,
            sealed_secret: self.sealed(tenant, id, &new.authentication)?,
            created: now,
            details: new.details,
        };
        let provider = self.checked(tenant, provider)?;
        let record = caller.audit(now, "create identity provider", "identity provider", id, json!({}));
        self.store
            .write(move |tx| {
                let others = identity_providers::list(tx, tenant)?;
                if others.len() >= MOST {
                    let why = format!("a tenant has at most {MOST}; remove one first.");
                    return Err(Error::invalid("identityProviders", why));
                }
                check_beside(&provider, &others)?;
                identity_providers::insert(tx, tenant, &provider)?;
                audit::append(tx, tenant, &record.changed(id, &Json::Null, &facts(&provider)))?;
                Ok(provider.clone())
            })
            .await
    }

    /// Changes a provider.
    pub async fn change_identity_provider(
        &self,
        caller: &Caller,
        id: Guid,
        change: IdentityProviderChange,
    ) -> Result<(), Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let old = self.fetch_identity_provider(caller, id).await?;
        let sealed = change.authentication.as_ref().map(|a| self.sealed(tenant, id, a)).transpose()?;
        let new = self.checked(tenant, apply(old.clone(), &change, sealed)?)?;
        let record = caller.audit(now, "change identity provider", "identity provider", id, json!({}));
        let set_secret = matches!(change.authentication, Some(ProviderAuthentication::Secret(_)));
        self.store
            .write(move |tx| {
                let mut others = identity_providers::list(tx, tenant)?;
                let place = others.iter().position(|p| p.id == id).ok_or(Error::NotFound)?;
                let before = others.remove(place);
                if facts(&before) != facts(&old) {
                    return Err(Error::Conflict(
                        "somebody else changed it meanwhile; look again.".to_string(),
                    ));
                }
                check_beside(&new, &others)?;
                identity_providers::save(tx, tenant, &new)?;
                if before.enabled && !new.enabled {
                    identity_providers::end_all_of(tx, tenant, id, now)?;
                }
                let mut record = record.changed(id, &facts(&before), &facts(&new));
                if set_secret {
                    record.details["after"]["clientSecret"] = "set".into();
                }
                Ok(audit::append(tx, tenant, &record)?)
            })
            .await
    }

    /// Removes a provider. Nobody comes in by it any more, and who people are there is forgotten.
    pub async fn delete_identity_provider(&self, caller: &Caller, id: Guid) -> Result<(), Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let record = caller.audit(now, "delete identity provider", "identity provider", id, json!({}));
        self.store
            .write(move |tx| {
                let old = identity_providers::find(tx, tenant, id)?.ok_or(Error::NotFound)?;
                identity_providers::end_all_of(tx, tenant, id, now)?;
                identity_providers::delete(tx, tenant, id)?;
                Ok(audit::append(tx, tenant, &record.changed(id, &facts(&old), &Json::Null))?)
            })
            .await
    }

    /// What a person is at providers: issuer and subject.
    pub async fn identities_of_user(
        &self,
        caller: &Caller,
        id_or_name: &str,
    ) -> Result<Vec<(String, String)>, Error> {
        let (tenant, key) = (caller.tenant, id_or_name.to_string());
        self.store
            .read(move |tx| {
                let user = find_user(tx, tenant, &key)?;
                let known = user_identities::of_user(tx, tenant, user.id)?;
                known.into_iter().map(|identity| with_issuer(tx, tenant, identity)).collect()
            })
            .await
    }

    /// Whether a provider has exactly this client secret; with none, whether it has none.
    pub(crate) fn has_provider_secret(
        &self,
        tenant: TenantId,
        provider: &IdentityProvider,
        secret: Option<&Secret>,
    ) -> Result<bool, Error> {
        let known = self.authority.provider_secret(tenant, provider).map_err(Error::internal)?;
        Ok(match (known, secret) {
            (Some(known), Some(secret)) => known.matches(secret),
            (known, secret) => known.is_none() && secret.is_none(),
        })
    }

    fn sealed(
        &self,
        tenant: TenantId,
        id: Guid,
        authentication: &ProviderAuthentication,
    ) -> Result<Option<Vec<u8>>, Error> {
        match authentication {
            ProviderAuthentication::OwnKey => Ok(None),
            ProviderAuthentication::Secret(secret) => {
                if secret.expose().is_empty() || secret.expose().chars().count() > LONGEST {
                    let why = format!("must have 1 to {LONGEST} characters.");
                    return Err(Error::invalid("clientAuthentication/clientSecret", why));
                }
                let sealed = self.authority.seal_provider_secret(tenant, id, secret);
                sealed.map(Some).ok_or_else(|| Error::internal("sealing failed"))
            }
        }
    }

    /// The provider, if everything about it can be meant.
    fn checked(&self, tenant: TenantId, mut provider: IdentityProvider) -> Result<IdentityProvider, Error> {
        check_https_url(&provider.issuer).map_err(|why| Error::invalid("issuer", why))?;
        let own = format!("{}/{tenant}/", self.settings.public_url);
        if provider.issuer.len() > LONGEST || provider.issuer.starts_with(&own) {
            return Err(Error::invalid("issuer", "must be another issuer than this tenant itself."));
        }
        let printable = |text: &str| text.bytes().all(|b| b.is_ascii_graphic());
        let client = &provider.client_id;
        if client.is_empty() || client.len() > LONGEST || !printable(client) {
            let why = format!("must have 1 to {LONGEST} characters of ASCII without spaces.");
            return Err(Error::invalid("clientId", why));
        }
        // What Casbah signs for it has the client id as issuer, and must not pass for a token of Casbah.
        if provider.sealed_secret.is_none() && client.contains("://") {
            return Err(Error::invalid("clientId", "must not be a URL where Casbah's own key proves it."));
        }
        let details = &mut provider.details;
        let scope: Vec<&str> = details.scope.split_ascii_whitespace().collect();
        let allowed = |word: &&str| printable(word) && !word.contains(['"', '\\']);
        if !scope.contains(&"openid") || !scope.iter().all(allowed) || details.scope.len() > LONGEST {
            return Err(Error::invalid(
                "scope",
                "must be scopes with openid among them, separated by spaces.",
            ));
        }
        details.scope = scope.join(" ");
        check_claims(&details.claims)?;
        let domains = details.domains.iter().map(|domain| names::domain(domain));
        let wrong = |_| Error::invalid("casbah.domains", "must hold domain names such as partner.example.");
        details.domains = domains.collect::<Result<_, _>>().map_err(wrong)?;
        details.domains.sort_unstable();
        details.domains.dedup();
        if details.provisioning == Provisioning::Member && details.domains.is_empty() {
            let why = "member needs casbah.domains: the domains for which the provider is trusted.";
            return Err(Error::invalid("casbah.provisioning", why));
        }
        Ok(provider)
    }
}

fn with_issuer(tx: &mut Tx<'_>, tenant: TenantId, identity: UserIdentity) -> Result<(String, String), Error> {
    let provider = identity_providers::find(tx, tenant, identity.provider)?;
    let issuer = provider.map(|provider| provider.issuer).ok_or(Error::NotFound)?;
    Ok((issuer, identity.subject))
}

fn apply(
    mut provider: IdentityProvider,
    change: &IdentityProviderChange,
    sealed: Option<Option<Vec<u8>>>,
) -> Result<IdentityProvider, Error> {
    let fixed = |field: &str| {
        Error::invalid(field, "cannot be changed, because people are known by it; register another provider.")
    };
    if change.issuer.as_ref().is_some_and(|issuer| *issuer != provider.issuer) {
        return Err(fixed("issuer"));
    }
    let details = &mut provider.details;
    if let Some(claims) = &change.claims {
        if claims.sub != details.claims.sub {
            return Err(fixed("inboundClaimMapping/sub"));
        }
        details.claims.clone_from(claims);
    }
    details.scope = change.scope.clone().unwrap_or_else(|| details.scope.clone());
    details.domains = change.domains.clone().unwrap_or_else(|| details.domains.clone());
    details.provisioning = change.provisioning.unwrap_or(details.provisioning);
    details.trusts_second_factor = change.trusts_second_factor.unwrap_or(details.trusts_second_factor);
    if let Some(name) = &change.display_name {
        provider.display_name = names::display_name("displayName", name)?;
    }
    provider.client_id = change.client_id.clone().unwrap_or(provider.client_id);
    provider.enabled = change.enabled.unwrap_or(provider.enabled);
    provider.sealed_secret = sealed.unwrap_or(provider.sealed_secret);
    Ok(provider)
}

fn check_claims(claims: &ClaimMapping) -> Result<(), Error> {
    let ClaimMapping { sub, name, given_name, family_name, email, email_verified } = claims;
    let others = [name, given_name, family_name, email, email_verified];
    for claim in others.into_iter().flatten().chain([sub]) {
        if claim.is_empty() || claim.len() > LONGEST || claim.chars().any(char::is_control) {
            return Err(Error::invalid("inboundClaimMapping", "must hold names of claims."));
        }
    }
    Ok(())
}

/// One provider for each issuer, so that an answer cannot be taken for another's; one for each domain, so that
/// it is clear who vouches.
fn check_beside(provider: &IdentityProvider, others: &[IdentityProvider]) -> Result<(), Error> {
    for other in others {
        let name = &other.display_name;
        if other.issuer == provider.issuer {
            return Err(Error::Conflict(format!("the identity provider {name} has this issuer already.")));
        }
        if let Some(domain) = provider.details.domains.iter().find(|d| other.details.domains.contains(d)) {
            return Err(Error::Conflict(format!(
                "the identity provider {name} has the domain {domain} already."
            )));
        }
    }
    Ok(())
}

/// What the audit trail says of a provider.
fn facts(provider: &IdentityProvider) -> Json {
    json!({
        "displayName": provider.display_name,
        "issuer": provider.issuer,
        "clientId": provider.client_id,
        "isEnabled": provider.enabled,
        "clientAuthentication": if provider.sealed_secret.is_some() { "secret" } else { "key" },
        "more": provider.details,
    })
}
