//! The identity providers of a bootstrap file. A provider is known by its issuer.

use casbah_authority::Caller;
use casbah_model::{ClaimMapping, IdentityProviderDetails, Secret};

use super::BootstrapReport;
use super::file::{self, IdentityProviderEntry};
use crate::directory::identity_providers::{
    IdentityProviderChange, NewIdentityProvider, ProviderAuthentication,
};
use crate::{Error, Service};

impl Service {
    pub(super) async fn apply_identity_provider(
        &self,
        caller: &Caller,
        entry: &IdentityProviderEntry,
        secret: Option<&Secret>,
        report: &mut BootstrapReport,
    ) -> Result<(), Error> {
        let name = &entry.display_name;
        let authentication = match secret {
            Some(secret) => ProviderAuthentication::Secret(secret.clone()),
            None => ProviderAuthentication::OwnKey,
        };
        let mut domains: Vec<String> = entry.domains.iter().map(|d| d.to_ascii_lowercase()).collect();
        domains.sort_unstable();
        domains.dedup();
        let usual = IdentityProviderDetails::default();
        let details = IdentityProviderDetails {
            scope: entry.scope.clone().unwrap_or(usual.scope),
            claims: entry.claims.as_ref().map_or(usual.claims, mapping),
            domains,
            provisioning: entry.provisioning,
            trusts_second_factor: entry.trusts_second_factor,
        };
        let known = self.list_identity_providers(caller).await?;
        let Some(known) = known.into_iter().find(|known| known.issuer == entry.issuer) else {
            let new = NewIdentityProvider {
                display_name: name.clone(),
                issuer: entry.issuer.clone(),
                client_id: entry.client_id.clone(),
                authentication,
                enabled: entry.enabled,
                details,
            };
            self.create_identity_provider(caller, new).await?;
            report.changes.push(format!("made the identity provider {name}"));
            return Ok(());
        };
        let same_secret = self.has_provider_secret(caller.tenant, &known, secret)?;
        let same = known.display_name == name.trim()
            && known.client_id == entry.client_id
            && known.enabled == entry.enabled
            && known.details == details;
        if same && same_secret {
            return Ok(());
        }
        let change = IdentityProviderChange {
            display_name: Some(name.clone()),
            issuer: None,
            client_id: Some(entry.client_id.clone()),
            authentication: (!same_secret).then_some(authentication),
            enabled: Some(entry.enabled),
            scope: Some(details.scope),
            claims: Some(details.claims),
            domains: Some(details.domains),
            provisioning: Some(details.provisioning),
            trusts_second_factor: Some(details.trusts_second_factor),
        };
        self.change_identity_provider(caller, known.id, change).await?;
        report.changes.push(format!("changed the identity provider {name}"));
        Ok(())
    }
}

/// The client secret of an entry; without one Casbah's own key proves it.
pub(super) fn secret(entry: &IdentityProviderEntry) -> Result<Option<Secret>, Error> {
    let what = format!("client_secret of {}", entry.display_name);
    let (file, variable) = (entry.client_secret_file.as_deref(), entry.client_secret_env.as_deref());
    file::secret(&what, entry.client_secret.as_ref(), file, variable)
}

fn mapping(claims: &file::ClaimsEntry) -> ClaimMapping {
    ClaimMapping {
        sub: claims.sub.clone(),
        name: claims.name.clone(),
        given_name: claims.given_name.clone(),
        family_name: claims.family_name.clone(),
        email: claims.email.clone(),
        email_verified: claims.email_verified.clone(),
    }
}
