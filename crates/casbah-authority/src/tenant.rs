//! Which tenant a URL means: by id, by domain, or by an alias that leaves it to the request.

use casbah_model::{Guid, Tenant, TenantId};
use casbah_store::{Tx, applications, tenants};

use crate::codes;
use crate::error::OAuthError;

/// The tenant segment of a URL, read without regard to case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum TenantName {
    Id(TenantId),
    Domain(String),
    Common,
    Organizations,
    Consumers,
}

/// What else may tell the tenant when the URL has an alias; tried in this order.
#[derive(Default)]
pub(crate) struct Hints<'a> {
    /// From a code, token or cookie of ours.
    pub(crate) embedded: Option<TenantId>,
    /// Name of the user who signs in.
    pub(crate) user_name: Option<&'a str>,
    /// `domain_hint`
    pub(crate) domain: Option<&'a str>,
}

impl TenantName {
    pub(crate) fn parse(segment: &str) -> Result<TenantName, OAuthError> {
        let name = segment.to_ascii_lowercase();
        if let Ok(id) = name.parse() {
            return Ok(TenantName::Id(id));
        }
        let is_domain = name.contains('.')
            && name.len() <= 253
            && name.split('.').all(|label| {
                !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            });
        match name.as_str() {
            "common" => Ok(TenantName::Common),
            "organizations" => Ok(TenantName::Organizations),
            "consumers" => Ok(TenantName::Consumers),
            _ if is_domain => Ok(TenantName::Domain(name)),
            _ => Err(OAuthError::new(
                codes::MALFORMED_TENANT,
                format!("The tenant {segment} is neither a GUID nor a domain name."),
            )),
        }
    }

    /// The tenant, if the URL and the hints tell.
    pub(crate) fn resolve(&self, tx: &mut Tx<'_>, hints: &Hints<'_>) -> Result<Option<Tenant>, OAuthError> {
        let unknown = |name: &str| {
            let text = format!("The tenant {name} was not found. Check the tenant in the URL.");
            OAuthError::new(codes::UNKNOWN_TENANT, text)
        };
        match self {
            TenantName::Id(id) => tenants::find(tx, *id)?.map(Some).ok_or_else(|| unknown(&id.to_string())),
            TenantName::Domain(domain) => {
                tenants::find_by_domain(tx, domain)?.map(Some).ok_or_else(|| unknown(domain))
            }
            TenantName::Consumers => Err(OAuthError::plain(codes::PERSONAL_ACCOUNTS)),
            TenantName::Common | TenantName::Organizations => from_hints(tx, hints),
        }
    }

    /// The tenant, which the URL and the hints must tell.
    pub(crate) fn require(&self, tx: &mut Tx<'_>, hints: &Hints<'_>) -> Result<Tenant, OAuthError> {
        self.resolve(tx, hints)?.ok_or_else(|| OAuthError::plain(codes::NO_TENANT))
    }
}

/// The tenants that know an application, in the order of the tenants.
pub(crate) fn knowing(tx: &mut Tx<'_>, client_id: &str) -> Result<Vec<Tenant>, OAuthError> {
    let Ok(id) = client_id.trim().parse::<Guid>() else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for tenant in tenants::all(tx)? {
        if applications::find_by_app_id(tx, tenant.id, id)?.is_some() {
            found.push(tenant);
        }
    }
    Ok(found)
}

fn from_hints(tx: &mut Tx<'_>, hints: &Hints<'_>) -> Result<Option<Tenant>, OAuthError> {
    let embedded = hints.embedded.map(|id| tenants::find(tx, id)).transpose()?;
    if let Some(tenant) = embedded.flatten() {
        return Ok(Some(tenant));
    }
    let of_user = hints.user_name.and_then(|name| name.rsplit_once('@')).map(|(_, domain)| domain);
    for domain in [of_user, hints.domain].into_iter().flatten() {
        if let Some(tenant) = tenants::find_by_domain(tx, &domain.to_ascii_lowercase())? {
            return Ok(Some(tenant));
        }
    }
    // With one tenant there is no doubt which is meant.
    let mut all = tenants::all(tx)?;
    Ok(if all.len() == 1 { all.pop() } else { None })
}
