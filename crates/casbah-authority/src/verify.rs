//! Checking the tokens that come with a call.
//!
//! A signature proves what we once said; whether it still holds is read from the database at each
//! call, in one transaction, so that taking something away works at once and on every node.

use casbah_model::{
    Guid, Permission, PermissionSet, Role, Secret, ServicePrincipal, Tenant, TenantId, Timestamp,
};
use casbah_store::{
    Tx, api_tokens, app_role_assignments, applications, permission_grants, service_principals, tenants,
    token_families, users,
};
use serde_json::{Map, Value as Json};

use crate::authority::Authority;
use crate::caller::{Caller, Principal};
use crate::claims::Endpoint;
use crate::jwt;
use crate::keys::KeyError;
use crate::master_key::SecretKind;
use crate::resource::Identifiers;
use crate::seed;

/// How far ahead of ours the clock of the node that issued a token may be.
const SKEW: i64 = 5 * 60;

/// What a token must have been issued for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Audience {
    /// The Cloud Apps API, *Microsoft Cloud App Security*.
    CloudApps,
    /// The directory, *Microsoft Graph*.
    Directory,
}

/// Why a token was not accepted.
#[derive(Debug)]
pub enum Refusal {
    /// Not a token of ours, or not an access token.
    Malformed,
    /// Signed with a key that is not ours, or not any more; or the signature is wrong.
    UnknownKey,
    /// Issued by another authority, or for a tenant that does not exist.
    WrongIssuer,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// Issued for another resource.
    WrongAudience,
    /// The application, its service principal, or the user is gone or disabled.
    Disabled,
    /// It was revoked: signed out everywhere, code replayed, token revoked.
    Revoked,
    /// Valid once, but whoever it stands for may do nothing any more.
    PermissionDenied,
    /// It could not be checked. Our fault.
    Unavailable(Box<dyn std::error::Error + Send + Sync>),
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Refusal::Malformed => "The token is not an access token of this authority.",
            Refusal::UnknownKey => "The token's signature is not valid.",
            Refusal::WrongIssuer => "The token was issued by another authority.",
            Refusal::Expired => "The token has expired.",
            Refusal::NotYetValid => "The token is not valid yet.",
            Refusal::WrongAudience => "The token was issued for another resource.",
            Refusal::Disabled => "The application or user of the token is disabled.",
            Refusal::Revoked => "The token was revoked.",
            Refusal::PermissionDenied => "The owner of the token is disabled.",
            Refusal::Unavailable(_) => "The token could not be checked.",
        })
    }
}

impl std::error::Error for Refusal {}

impl From<casbah_store::Error> for Refusal {
    fn from(e: casbah_store::Error) -> Refusal {
        Refusal::Unavailable(e.into())
    }
}

impl From<KeyError> for Refusal {
    fn from(e: KeyError) -> Refusal {
        Refusal::Unavailable(e.into())
    }
}

impl From<jwt::NotOurs> for Refusal {
    fn from(e: jwt::NotOurs) -> Refusal {
        match e {
            jwt::NotOurs::Shape => Refusal::Malformed,
            jwt::NotOurs::Signature => Refusal::UnknownKey,
        }
    }
}

/// What a token says that was signed by us, is in its time, and is for the right audience. Only
/// [`Authority::verified`] makes one.
#[derive(Clone)]
struct Verified {
    tenant: TenantId,
    object: Guid,
    client: Guid,
    /// `roles` or `scp`.
    permissions: Vec<String>,
    /// The token family, of a user's token only.
    family: Option<Guid>,
}

impl Authority {
    /// Checks an access token and says who calls with it and what that caller may do now.
    ///
    /// # Errors
    /// The reason; [`Refusal::Unavailable`] when it is our fault.
    pub async fn verify_access_token(&self, token: &str, audience: Audience) -> Result<Caller, Refusal> {
        let verified = self.verified(token, audience).await?;
        self.store.read(move |tx| live(tx, &verified, audience)).await
    }

    async fn verified(&self, token: &str, audience: Audience) -> Result<Verified, Refusal> {
        let unverified = jwt::parse(token)?;
        let key = self.verifying_key(&unverified.key_id).await?.ok_or(Refusal::UnknownKey)?;
        let claims = unverified.verify(&key)?;
        self.check(&claims, audience)
    }

    fn check(&self, claims: &Map<String, Json>, audience: Audience) -> Result<Verified, Refusal> {
        let text = |name: &str| claims.get(name).and_then(Json::as_str).ok_or(Refusal::Malformed);
        let id = |name: &str| text(name)?.parse::<Guid>().map_err(|_| Refusal::Malformed);
        let time = |name: &str| claims.get(name).and_then(Json::as_i64).ok_or(Refusal::Malformed);

        let tenant: TenantId = text("tid")?.parse().map_err(|_| Refusal::Malformed)?;
        let (issuer, client) = match text("ver")? {
            "1.0" => (self.issuer(tenant, Endpoint::V1), claims.get("appid")),
            "2.0" => (self.issuer(tenant, Endpoint::V2), claims.get("azp")),
            _ => return Err(Refusal::Malformed),
        };
        if text("iss")? != issuer {
            return Err(Refusal::WrongIssuer);
        }
        let now = self.clock.now().seconds();
        if now >= time("exp")? {
            return Err(Refusal::Expired);
        }
        if now + SKEW < time("nbf")? {
            return Err(Refusal::NotYetValid);
        }
        // An ID token is signed with the same key, but it never says `idtyp`.
        let is_user = match claims.get("idtyp").and_then(Json::as_str) {
            Some("user") => true,
            Some("app") => false,
            _ => return Err(Refusal::Malformed),
        };
        let resource = match audience {
            Audience::CloudApps => seed::CLOUD_APPS,
            Audience::Directory => seed::DIRECTORY,
        };
        let identifiers = Identifiers { public_url: self.public_url() };
        if identifiers.built_in(text("aud")?) != Some(resource) {
            return Err(Refusal::WrongAudience);
        }
        let client = client.and_then(Json::as_str).ok_or(Refusal::Malformed)?;
        Ok(Verified {
            tenant,
            object: id("oid")?,
            client: client.parse().map_err(|_| Refusal::Malformed)?,
            permissions: if is_user { words(claims.get("scp")) } else { words(claims.get("roles")) },
            family: if is_user { Some(id("rh")?) } else { None },
        })
    }

    /// The user-info answer for an access token of a user, for either built-in resource. Its `sub` is
    /// that of the ID token.
    ///
    /// # Errors
    /// As [`Authority::verify_access_token`]; [`Refusal::PermissionDenied`] for a token without a user.
    pub async fn user_info(&self, token: &str) -> Result<Json, Refusal> {
        let (verified, audience) = match self.verified(token, Audience::Directory).await {
            Err(Refusal::WrongAudience) => {
                (self.verified(token, Audience::CloudApps).await?, Audience::CloudApps)
            }
            other => (other?, Audience::Directory),
        };
        let of_token = verified.clone();
        let user = self
            .store
            .read(move |tx| -> Result<_, Refusal> {
                live(tx, &of_token, audience)?;
                Ok(users::find(tx, of_token.tenant, of_token.object)?)
            })
            .await?;
        let user = user.ok_or(Refusal::PermissionDenied)?;
        let mut answer = serde_json::json!({
            "sub": self.pairwise_subject(verified.tenant, user.id, verified.client),
            "name": user.display_name,
        });
        for (name, value) in [("given_name", user.given_name), ("family_name", user.surname)] {
            if let Some(value) = value {
                answer[name] = value.into();
            }
        }
        let with_mail = verified.permissions.iter().any(|p| p == "email");
        if let Some(mail) = user.mail.filter(|_| with_mail) {
            answer["email"] = mail.into();
        }
        Ok(answer)
    }

    /// Checks a legacy API token. The caller has the rights of the user who made it, as they are now.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] for a token that nobody made, [`Refusal::Revoked`],
    /// [`Refusal::PermissionDenied`] when its owner is gone or disabled.
    pub async fn verify_api_token(&self, token: &Secret) -> Result<Caller, Refusal> {
        let digest = self.digest(SecretKind::ApiToken, token);
        let now = self.clock.now();
        let (caller, id, last) = self.store.read(move |tx| legacy(tx, &digest)).await?;
        if self.use_notes.is_due(id, last, now) {
            let tenant = caller.tenant;
            // Only a remark; not worth failing the call for.
            if let Err(e) = self.store.write(move |tx| api_tokens::touch(tx, tenant, id, now)).await {
                tracing::warn!(error = %e, "the last use of an API token was not noted");
            }
        }
        Ok(caller)
    }
}

/// The caller of a legacy token, the token's id, and when it was last used.
fn legacy(tx: &mut Tx<'_>, digest: &[u8]) -> Result<(Caller, Guid, Option<Timestamp>), Refusal> {
    let (tenant_id, token) = api_tokens::find_by_digest(tx, digest)?.ok_or(Refusal::Malformed)?;
    if token.revoked.is_some() {
        return Err(Refusal::Revoked);
    }
    let tenant = tenants::find(tx, tenant_id)?.ok_or(Refusal::Malformed)?;
    let owner = users::find(tx, tenant_id, token.owner)?.filter(|u| u.enabled);
    let owner = owner.ok_or(Refusal::PermissionDenied)?;
    let roles = users::roles(tx, tenant_id, owner.id)?;
    let caller = Caller {
        tenant: tenant.id,
        tenant_number: tenant.number,
        permissions: allowed(&roles),
        principal: Principal::User {
            id: owner.id,
            name: owner.user_principal_name,
            client: None,
            administrator: roles.iter().any(|r| r.administers_directory),
            roles,
        },
        directory_permissions: Vec::new(),
        legacy: true,
    };
    Ok((caller, token.id, token.last_used))
}

/// Whether what the token says still holds, and what of its permissions is left.
fn live(tx: &mut Tx<'_>, verified: &Verified, audience: Audience) -> Result<Caller, Refusal> {
    let tenant = tenants::find(tx, verified.tenant)?.ok_or(Refusal::WrongIssuer)?;
    let client = enabled_principal(tx, tenant.id, verified.client)?;
    let resource_id = match audience {
        Audience::CloudApps => seed::CLOUD_APPS,
        Audience::Directory => seed::DIRECTORY,
    };
    let resource = enabled_principal(tx, tenant.id, resource_id)?;
    match verified.family {
        None => application(tx, &tenant, verified, &client, &resource, audience),
        Some(family) => user(tx, &tenant, verified, family, &client, &resource, audience),
    }
}

fn enabled_principal(tx: &mut Tx<'_>, tenant: TenantId, app_id: Guid) -> Result<ServicePrincipal, Refusal> {
    let principal = service_principals::find_by_app_id(tx, tenant, app_id)?;
    principal.filter(|p| p.enabled).ok_or(Refusal::Disabled)
}

fn application(
    tx: &mut Tx<'_>,
    tenant: &Tenant,
    verified: &Verified,
    client: &ServicePrincipal,
    resource: &ServicePrincipal,
    audience: Audience,
) -> Result<Caller, Refusal> {
    // A service principal that was deleted and made again is another one.
    if client.id != verified.object {
        return Err(Refusal::Disabled);
    }
    let held = app_role_assignments::of_principal(tx, tenant.id, client.id)?;
    let held: Vec<Guid> =
        held.into_iter().filter(|a| a.resource == resource.id).map(|a| a.app_role).collect();
    let (mut permissions, mut directory_permissions) = (PermissionSet::NONE, Vec::new());
    match audience {
        Audience::CloudApps => {
            let named = verified.permissions.iter().filter_map(|p| Permission::find(p));
            permissions = named.filter(|p| held.contains(&p.id())).collect();
        }
        Audience::Directory => {
            let directory =
                applications::find_by_app_id(tx, tenant.id, seed::DIRECTORY)?.ok_or(Refusal::Disabled)?;
            let roles = directory.app_roles.into_iter().filter(|role| held.contains(&role.id));
            directory_permissions =
                roles.map(|role| role.value).filter(|value| verified.permissions.contains(value)).collect();
        }
    }
    Ok(Caller {
        tenant: tenant.id,
        tenant_number: tenant.number,
        principal: Principal::Application {
            app_id: verified.client,
            id: client.id,
            name: client.display_name.clone(),
        },
        permissions,
        directory_permissions,
        legacy: false,
    })
}

fn user(
    tx: &mut Tx<'_>,
    tenant: &Tenant,
    verified: &Verified,
    family: Guid,
    client: &ServicePrincipal,
    resource: &ServicePrincipal,
    audience: Audience,
) -> Result<Caller, Refusal> {
    let user = users::find(tx, tenant.id, verified.object)?.filter(|u| u.enabled).ok_or(Refusal::Disabled)?;
    let family = token_families::find(tx, tenant.id, family)?.ok_or(Refusal::Revoked)?;
    let of_this = family.user == user.id && family.application == verified.client;
    // The sign-in counts, not the token: a token fetched later with an old refresh token is as old.
    if family.revoked.is_some() || family.created < user.sessions_valid_from || !of_this {
        return Err(Refusal::Revoked);
    }
    let grants = permission_grants::for_user(tx, tenant.id, client.id, resource.id, user.id)?;
    let granted = |value: &str| grants.iter().flat_map(|g| &g.scopes).any(|s| s.eq_ignore_ascii_case(value));
    let still: Vec<&String> = verified.permissions.iter().filter(|value| granted(value)).collect();
    let roles = users::roles(tx, tenant.id, user.id)?;
    let (mut permissions, mut directory_permissions) = (PermissionSet::NONE, Vec::new());
    match audience {
        Audience::CloudApps => {
            let delegated: PermissionSet = still.into_iter().filter_map(|p| Permission::find(p)).collect();
            permissions = delegated.intersection(allowed(&roles));
        }
        Audience::Directory => directory_permissions = still.into_iter().cloned().collect(),
    }
    Ok(Caller {
        tenant: tenant.id,
        tenant_number: tenant.number,
        principal: Principal::User {
            id: user.id,
            name: user.user_principal_name,
            client: Some(verified.client),
            administrator: roles.iter().any(|r| r.administers_directory),
            roles,
        },
        permissions,
        directory_permissions,
        legacy: false,
    })
}

/// What a user's roles allow together.
pub(crate) fn allowed(roles: &[&'static Role]) -> PermissionSet {
    roles.iter().flat_map(|role| role.permissions().iter()).collect()
}

/// The words of `scp` (text) or `roles` (list).
fn words(claim: Option<&Json>) -> Vec<String> {
    match claim {
        Some(Json::String(text)) => text.split_whitespace().map(str::to_string).collect(),
        Some(Json::Array(list)) => list.iter().filter_map(Json::as_str).map(str::to_string).collect(),
        _ => Vec::new(),
    }
}
