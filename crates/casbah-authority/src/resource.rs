//! Which application a resource identifier names.

use casbah_model::{Application, Guid, ServicePrincipal, TenantId};
use casbah_store::{Tx, applications, service_principals};

use crate::codes;
use crate::error::OAuthError;
use crate::seed;

/// An application as the resource of a token.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    pub(crate) application: Application,
    pub(crate) principal: ServicePrincipal,
    /// The identifier as the client spelled it.
    pub(crate) identifier: String,
}

impl Resource {
    /// The `aud` claim of a version 1 token: the identifier as asked, but for *Microsoft Cloud App
    /// Security* always its id, whatever the spelling.
    pub(crate) fn audience(&self) -> String {
        if self.application.app_id == seed::CLOUD_APPS || self.identifier.is_empty() {
            return self.application.app_id.to_string();
        }
        self.identifier.clone()
    }

    /// The `resource` of a version 1 answer: what the client sent.
    pub(crate) fn audience_as_asked(&self) -> String {
        if self.identifier.is_empty() { self.application.app_id.to_string() } else { self.identifier.clone() }
    }
}

/// The identifiers that work without being registered.
#[derive(Clone, Copy)]
pub(crate) struct Identifiers<'a> {
    pub(crate) public_url: &'a str,
}

impl Identifiers<'_> {
    /// The built-in resource that an identifier names: by its id, `api://` and its id, or one of the
    /// directory's URLs.
    pub(crate) fn built_in(&self, identifier: &str) -> Option<Guid> {
        if let Some(id) = by_id(identifier) {
            return [seed::CLOUD_APPS, seed::DIRECTORY].into_iter().find(|known| *known == id);
        }
        let plain = identifier.trim_end_matches('/');
        let directory = ["https://graph.microsoft.com", self.public_url];
        directory.iter().any(|url| plain.eq_ignore_ascii_case(url)).then_some(seed::DIRECTORY)
    }

    /// The resource that `identifier` names in a tenant; the empty identifier is the directory.
    pub(crate) fn find(
        &self,
        tx: &mut Tx<'_>,
        tenant: TenantId,
        identifier: &str,
    ) -> Result<Resource, OAuthError> {
        let application = match self.application(tx, tenant, identifier)? {
            Some(application) => application,
            None => return Err(unknown(identifier, tenant)),
        };
        let principal = service_principals::find_by_app_id(tx, tenant, application.app_id)?;
        let principal = principal.ok_or_else(|| unknown(identifier, tenant))?;
        if !principal.enabled {
            let text = format!("The resource {identifier} is disabled in the tenant {tenant}.");
            return Err(OAuthError::new(codes::RESOURCE_DISABLED, text));
        }
        Ok(Resource { application, principal, identifier: identifier.to_string() })
    }

    fn application(
        &self,
        tx: &mut Tx<'_>,
        tenant: TenantId,
        identifier: &str,
    ) -> Result<Option<Application>, OAuthError> {
        // A habit of version 1 clients.
        let identifier = identifier.strip_prefix("spn:").unwrap_or(identifier);
        if identifier.is_empty() {
            return Ok(applications::find_by_app_id(tx, tenant, seed::DIRECTORY)?);
        }
        if let Some(id) = by_id(identifier).or_else(|| self.built_in(identifier)) {
            let found = applications::find_by_app_id(tx, tenant, id)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        let plain = identifier.trim_end_matches('/');
        for spelling in [identifier.to_string(), plain.to_string(), format!("{plain}/")] {
            let found = applications::find_by_identifier_uri(tx, tenant, &spelling)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}

/// The id in `05a65629-...` and `api://05a65629-...`, with or without slashes behind.
fn by_id(identifier: &str) -> Option<Guid> {
    let plain = identifier.trim_end_matches('/');
    let scheme = plain.get(..6).filter(|start| start.eq_ignore_ascii_case("api://"));
    let id = if scheme.is_some() { &plain[6..] } else { plain };
    id.parse().ok()
}

fn unknown(identifier: &str, tenant: TenantId) -> OAuthError {
    let text = format!(
        "The resource principal named {identifier} was not found in the tenant {tenant}. Check the \
         identifier, and that the application was added to the tenant."
    );
    OAuthError::new(codes::UNKNOWN_RESOURCE, text)
}
