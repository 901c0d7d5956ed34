//! What a user delegated to an application on a resource, and what is still missing.

use casbah_model::{
    Application, ConsentType, DelegatedScope, Guid, PermissionGrant, ServicePrincipal, TenantId, Timestamp,
};
use casbah_store::{Tx, applications, permission_grants};

use crate::claims::Endpoint;
use crate::codes;
use crate::error::OAuthError;
use crate::resource::{Identifiers, Resource};
use crate::seed;
use crate::wanted::{self, Wanted};

/// What is asked of one resource, compared with what was consented to.
pub(crate) struct Delegation {
    pub(crate) resource: Resource,
    /// Values in the directory's spelling, sorted: the `scp` claim.
    pub(crate) granted: Vec<String>,
    /// What consent lacks.
    pub(crate) missing: Vec<DelegatedScope>,
    /// The named scopes, as spelled in the request, with their value in the directory.
    named: Vec<(String, String)>,
    /// `X/.default`, as spelled, if that was asked.
    default: Option<String>,
}

/// For whom, and with what, consent is looked up.
#[derive(Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) tenant: TenantId,
    pub(crate) client: &'a ServicePrincipal,
    pub(crate) user: Guid,
    pub(crate) identifiers: Identifiers<'a>,
}

/// Resolves everything that is asked, one delegation for each resource, in the order of the request.
/// Nothing but OIDC scopes means the directory, for its user-info endpoint.
pub(crate) fn delegations(
    tx: &mut Tx<'_>,
    asking: Asking<'_>,
    wanted: &Wanted,
) -> Result<Vec<Delegation>, OAuthError> {
    let mut found: Vec<Delegation> = Vec::new();
    for entry in &wanted.entries {
        let known = found.iter().position(|d| d.resource.identifier == entry.resource);
        let position = match known {
            Some(position) => position,
            None => {
                let resource = asking.identifiers.find(tx, asking.tenant, &entry.resource)?;
                let id = resource.application.app_id;
                match found.iter().position(|d| d.resource.application.app_id == id) {
                    Some(position) => position,
                    None => {
                        found.push(start(tx, asking, resource)?);
                        found.len() - 1
                    }
                }
            }
        };
        let delegation = &mut found[position];
        if entry.is_default() {
            delegation.default = Some(entry.text.clone());
        } else {
            let mut scopes = enabled_scopes(&delegation.resource);
            let scope = scopes.find(|s| s.value.eq_ignore_ascii_case(&entry.permission));
            let scope = scope.ok_or_else(|| wanted::invalid(&entry.text))?;
            let scope = scope.clone();
            drop(scopes);
            if !delegation.granted.contains(&scope.value) && !delegation.missing.contains(&scope) {
                delegation.missing.push(scope.clone());
            }
            delegation.named.push((entry.text.clone(), scope.value.clone()));
        }
        if let (Some(default), Some((named, _))) = (&delegation.default, delegation.named.first()) {
            let text = format!("The scope {default} cannot be combined with {named}.");
            return Err(OAuthError::new(codes::INVALID_SCOPE, text));
        }
    }
    if found.is_empty() {
        let resource = asking.identifiers.find(tx, asking.tenant, "")?;
        found.push(start(tx, asking, resource)?);
    }
    for delegation in &mut found {
        complete(tx, asking, delegation, wanted)?;
    }
    Ok(found)
}

fn start(tx: &mut Tx<'_>, asking: Asking<'_>, resource: Resource) -> Result<Delegation, OAuthError> {
    let grants =
        permission_grants::for_user(tx, asking.tenant, asking.client.id, resource.principal.id, asking.user)?;
    let consented: Vec<String> = grants.into_iter().flat_map(|g| g.scopes).collect();
    let trusted = pre_authorized(&resource.application, asking.client.app_id);
    let is_consented = |value: &str| {
        consented.iter().any(|s| s.trim().eq_ignore_ascii_case(value)) || trusted.iter().any(|s| s == value)
    };
    let mut granted: Vec<String> =
        enabled_scopes(&resource).map(|s| s.value.clone()).filter(|v| is_consented(v)).collect();
    granted.sort_unstable();
    Ok(Delegation { resource, granted, missing: Vec::new(), named: Vec::new(), default: None })
}

/// The scopes of a resource that need no consent for a client, because the resource says so.
pub(crate) fn pre_authorized(resource: &Application, client: Guid) -> Vec<String> {
    let trusted = resource.details.pre_authorized.iter().filter(|trusted| trusted.app_id == client);
    let ids: Vec<Guid> = trusted.flat_map(|trusted| trusted.delegated_permission_ids.clone()).collect();
    resource.scopes.iter().filter(|s| ids.contains(&s.id)).map(|s| s.value.clone()).collect()
}

fn complete(
    tx: &mut Tx<'_>,
    asking: Asking<'_>,
    delegation: &mut Delegation,
    wanted: &Wanted,
) -> Result<(), OAuthError> {
    let own = delegation.resource.application.app_id == asking.client.app_id;
    if delegation.default.is_some() && delegation.granted.is_empty() && !own {
        // `.default` stands for what the registration lists, once nothing was consented to yet.
        delegation.missing = listed(tx, asking, &delegation.resource)?;
        if delegation.missing.is_empty() {
            let text = format!(
                "The application {} has no consent for the resource {} and lists no permission on it.",
                asking.client.app_id, delegation.resource.identifier
            );
            return Err(OAuthError::new(codes::MISCONFIGURED, text));
        }
    }
    if delegation.resource.application.app_id == seed::DIRECTORY {
        // The OIDC scopes are the directory's; asking for them needs no consent.
        for word in wanted.oidc_words() {
            if !delegation.granted.iter().any(|value| value == word) {
                delegation.granted.push(word.to_string());
            }
        }
        delegation.granted.sort_unstable();
    }
    Ok(())
}

/// The scopes on a resource that the client has consent for.
pub(crate) fn held(
    tx: &mut Tx<'_>,
    asking: Asking<'_>,
    resource: &Resource,
) -> Result<Vec<String>, OAuthError> {
    Ok(start(tx, asking, resource.clone())?.granted)
}

/// The delegated scopes on a resource that the client's registration lists.
pub(crate) fn listed(
    tx: &mut Tx<'_>,
    asking: Asking<'_>,
    resource: &Resource,
) -> Result<Vec<DelegatedScope>, OAuthError> {
    let client = applications::find_by_app_id(tx, asking.tenant, asking.client.app_id)?;
    let required = client.map(|c| c.required_access).unwrap_or_default();
    let is_listed = |scope: &&DelegatedScope| {
        required
            .iter()
            .any(|r| !r.is_role && r.resource_app_id == resource.application.app_id && r.id == scope.id)
    };
    Ok(enabled_scopes(resource).filter(is_listed).cloned().collect())
}

/// What can be consented to and stands in tokens.
fn enabled_scopes(resource: &Resource) -> impl Iterator<Item = &DelegatedScope> {
    resource.application.scopes.iter().filter(|scope| scope.enabled)
}

impl Delegation {
    /// Whether `X/.default` was asked.
    pub(crate) fn is_default(&self) -> bool {
        self.default.is_some()
    }

    /// The scopes that were asked by name.
    pub(crate) fn named_scopes(&self) -> Vec<DelegatedScope> {
        let is_named = |scope: &&DelegatedScope| self.named.iter().any(|(_, value)| *value == scope.value);
        enabled_scopes(&self.resource).filter(is_named).cloned().collect()
    }

    /// The `scope` of the answer.
    ///
    /// Clients look their tokens up by it: the spelling of the request wins over the directory's, and
    /// the literal `X/.default` must come back when it was asked.
    pub(crate) fn answer(&self, endpoint: Endpoint, wanted: &Wanted) -> String {
        let mut words: Vec<String> = Vec::new();
        let mut push = |word: String| {
            if !words.contains(&word) {
                words.push(word);
            }
        };
        let prefix = match endpoint {
            Endpoint::V2 if !self.resource.identifier.is_empty() => format!("{}/", self.resource.identifier),
            _ => String::new(),
        };
        for (text, _) in &self.named {
            let short = text.rsplit('/').next().unwrap_or(text);
            push(if endpoint == Endpoint::V1 { short.to_string() } else { text.clone() });
        }
        let named = |value: &String| self.named.iter().any(|(_, v)| v == value);
        let oidc = wanted.oidc_words();
        for value in self.granted.iter().filter(|v| !named(v) && !oidc.contains(&v.as_str())) {
            push(format!("{prefix}{value}"));
        }
        if endpoint == Endpoint::V2 {
            self.default.iter().cloned().for_each(&mut push);
            oidc.into_iter().map(str::to_string).for_each(&mut push);
        }
        words.join(" ")
    }
}

/// Adds scopes to what a client holds on a resource. Answers the record as it is now.
pub(crate) fn record(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    fresh: PermissionGrant,
) -> Result<PermissionGrant, OAuthError> {
    let same = permission_grants::find_same(tx, tenant, fresh.client, fresh.resource, fresh.consent_type)?;
    let Some(mut grant) = same else {
        permission_grants::insert(tx, tenant, &fresh)?;
        return Ok(fresh);
    };
    for scope in fresh.scopes {
        if !grant.scopes.iter().any(|s| s.eq_ignore_ascii_case(&scope)) {
            grant.scopes.push(scope);
        }
    }
    grant.granted_by = fresh.granted_by.or(grant.granted_by);
    permission_grants::save(tx, tenant, &grant)?;
    Ok(grant)
}

/// A record of consent that is not in the database yet.
pub(crate) fn fresh(
    id: Guid,
    client: Guid,
    resource: Guid,
    consent_type: ConsentType,
    scopes: Vec<String>,
    (now, granted_by): (Timestamp, Option<Guid>),
) -> PermissionGrant {
    PermissionGrant { id, client, resource, consent_type, scopes, created: now, granted_by }
}
