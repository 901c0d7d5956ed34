//! Checking the tokens that come with a call.
//!
//! A signature proves what we once said; whether it still holds is read from the database at each
//! call, in one transaction, so that taking something away works at once and on every node.

use casbah_model::{
    Entitlements, Guid, Permission, PermissionSet, Secret, ServicePrincipal, Tenant, Timestamp, User,
};
use casbah_store::{
    Tx, administrators, api_tokens, app_role_assignments, applications, permission_grants,
    service_principals, tenants, users,
};
use serde_json::{Map, Value as Json};

use crate::authority::Authority;
use crate::caller::{Caller, Principal};
use crate::claims;
use crate::consent::pre_authorized;
use crate::dpop::{self, PresentedProof};
use crate::jwt;
use crate::keys::KeyError;
use crate::master_key::SecretKind;
use crate::resource::Identifiers;
use crate::seed;

pub(crate) use facts::{Standing, TokenFacts, facts, standing};

mod facts;

/// What a token must have been issued for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Audience {
    /// The Cloud Apps API, *Microsoft Cloud App Security*.
    CloudApps,
    /// The directory, *Microsoft Graph*.
    Directory,
}

/// An access token as it came with a request.
#[derive(Clone)]
pub struct Presented<'a> {
    token: &'a str,
    proof: Proof,
}

/// What shows that the key a token is bound to is in hand.
#[derive(Clone)]
enum Proof {
    None,
    Given(PresentedProof),
    /// It came with the same request and was used up.
    Seen,
}

impl<'a> Presented<'a> {
    /// With the scheme `Bearer` (RFC 6750).
    pub fn bearer(token: &'a str) -> Presented<'a> {
        Presented { token, proof: Proof::None }
    }

    /// With the scheme `DPoP` (RFC 9449, section 7.1).
    pub fn with_proof(token: &'a str, proof: PresentedProof) -> Presented<'a> {
        Presented { token, proof: Proof::Given(proof) }
    }

    /// The same, to be checked once more within a request for which it was accepted: everything is looked at
    /// again but the proof, which counts once.
    #[must_use]
    pub fn again(self) -> Presented<'a> {
        let proof = match self.proof {
            Proof::None => Proof::None,
            Proof::Given(_) | Proof::Seen => Proof::Seen,
        };
        Presented { proof, ..self }
    }
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
    /// It is bound to a key and came without the proof that the key is in hand, or the other way round.
    BadProof(&'static str),
    /// It was taken back, and its client can get a newer one: the caller is to be sent there with a
    /// claims challenge.
    Challenged {
        /// What was the matter.
        why: Box<Refusal>,
        /// A token that is older than this will not do.
        not_before: Timestamp,
    },
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
            Refusal::BadProof(why) => why,
            Refusal::Challenged { why, .. } => return why.fmt(f),
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

impl Authority {
    /// Checks an access token that came as a bearer token, and says who calls with it and what that
    /// caller may do now.
    ///
    /// # Errors
    /// The reason; [`Refusal::Unavailable`] when it is our fault.
    pub async fn verify_access_token(&self, token: &str, audience: Audience) -> Result<Caller, Refusal> {
        self.verify(&Presented::bearer(token), audience).await
    }

    /// Checks an access token as it was presented, and says who calls with it and what that caller may
    /// do now.
    ///
    /// # Errors
    /// The reason; [`Refusal::Unavailable`] when it is our fault.
    pub async fn verify(&self, presented: &Presented<'_>, audience: Audience) -> Result<Caller, Refusal> {
        let token = self.verified(presented, audience).await?;
        let challengeable = token.challengeable;
        let found = self.store.read(move |tx| live(tx, &token, audience)).await;
        found.map_err(|refusal| self.challenged(refusal, challengeable))
    }

    /// A client that can answer a challenge is told to come back with a newer token.
    fn challenged(&self, refusal: Refusal, challengeable: bool) -> Refusal {
        match refusal {
            Refusal::Revoked | Refusal::Disabled if challengeable => {
                Refusal::Challenged { why: Box::new(refusal), not_before: self.clock.now() }
            }
            other => other,
        }
    }

    /// The claims of a token that one of our keys signed; nothing else about it is checked.
    pub(crate) async fn signed(&self, token: &str) -> Result<Map<String, Json>, Refusal> {
        let unverified = jwt::parse(token)?;
        let key = self.verifying_key(&unverified.key_id).await?.ok_or(Refusal::UnknownKey)?;
        Ok(unverified.verify(&key)?)
    }

    async fn verified(&self, presented: &Presented<'_>, audience: Audience) -> Result<TokenFacts, Refusal> {
        let claims = self.signed(presented.token).await?;
        let now = self.clock.now();
        let token = facts(&claims, self.public_url(), now)?;
        let resource = match audience {
            Audience::CloudApps => seed::CLOUD_APPS,
            Audience::Directory => seed::DIRECTORY,
        };
        let identifiers = Identifiers { public_url: self.public_url() };
        if identifiers.built_in(&token.audience) != Some(resource) {
            return Err(Refusal::WrongAudience);
        }
        match (&token.confirmation, &presented.proof) {
            (None, Proof::None) | (Some(_), Proof::Seen) => {}
            // RFC 9449, section 7.2: a bound token is no bearer token, and the other way round.
            (Some(_), Proof::None) => {
                return Err(Refusal::BadProof(
                    "The token is bound to a key: send it with the scheme DPoP and a proof.",
                ));
            }
            (None, Proof::Given(_) | Proof::Seen) => {
                return Err(Refusal::BadProof(
                    "The token is not bound to a key: send it with the scheme Bearer.",
                ));
            }
            (Some(thumbprint), Proof::Given(proof)) => {
                let shown =
                    dpop::check(proof, Some(presented.token), now).map_err(|e| Refusal::BadProof(e.0))?;
                if !Secret::same_bytes(shown.thumbprint.as_bytes(), thumbprint.as_bytes()) {
                    return Err(Refusal::BadProof(
                        "The key of the proof is not the one that the token is bound to.",
                    ));
                }
                let tenant = token.tenant;
                if !self.store.write(move |tx| shown.use_up(tx, tenant)).await? {
                    return Err(Refusal::BadProof("The proof was used before."));
                }
            }
        }
        Ok(token)
    }

    /// The user-info answer for an access token of a user, for either built-in resource. Its `sub` is
    /// that of the ID token.
    ///
    /// # Errors
    /// As [`Authority::verify_access_token`]; [`Refusal::PermissionDenied`] for a token without a user.
    pub async fn user_info(&self, presented: &Presented<'_>) -> Result<Json, Refusal> {
        let (verified, audience) = match self.verified(presented, Audience::Directory).await {
            Err(Refusal::WrongAudience) => {
                (self.verified(presented, Audience::CloudApps).await?, Audience::CloudApps)
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
    let entitlements = administrators::entitlements(tx, tenant_id, owner.id, &roles)?;
    let caller = Caller {
        tenant: tenant.id,
        tenant_number: tenant.number,
        permissions: entitlements.permissions(),
        entitlements,
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
fn live(tx: &mut Tx<'_>, verified: &TokenFacts, audience: Audience) -> Result<Caller, Refusal> {
    let Standing { tenant, client, user } = standing(tx, verified)?;
    let resource_id = match audience {
        Audience::CloudApps => seed::CLOUD_APPS,
        Audience::Directory => seed::DIRECTORY,
    };
    let resource = service_principals::find_by_app_id(tx, tenant.id, resource_id)?;
    let resource = resource.filter(|p| p.enabled).ok_or(Refusal::Disabled)?;
    match user {
        None => application(tx, &tenant, verified, &client, &resource, audience),
        Some(person) => user_caller(tx, &tenant, verified, person, &client, &resource, audience),
    }
}

fn application(
    tx: &mut Tx<'_>,
    tenant: &Tenant,
    verified: &TokenFacts,
    client: &ServicePrincipal,
    resource: &ServicePrincipal,
    audience: Audience,
) -> Result<Caller, Refusal> {
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
            let roles =
                directory.app_roles.into_iter().filter(|role| role.enabled && held.contains(&role.id));
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
        entitlements: Entitlements::everything(),
        directory_permissions,
        legacy: false,
    })
}

fn user_caller(
    tx: &mut Tx<'_>,
    tenant: &Tenant,
    verified: &TokenFacts,
    user: User,
    client: &ServicePrincipal,
    resource: &ServicePrincipal,
    audience: Audience,
) -> Result<Caller, Refusal> {
    for application in [client, resource] {
        if !claims::is_assigned(tx, tenant.id, user.id, application)? {
            return Err(Refusal::Revoked);
        }
    }
    let grants = permission_grants::for_user(tx, tenant.id, client.id, resource.id, user.id)?;
    let consented =
        |value: &str| grants.iter().flat_map(|g| &g.scopes).any(|s| s.eq_ignore_ascii_case(value));
    let mut trusted = Vec::new();
    if !verified.permissions.iter().all(|value| consented(value)) {
        let application = applications::find_by_app_id(tx, tenant.id, resource.app_id)?;
        trusted = application.map(|a| pre_authorized(&a, client.app_id)).unwrap_or_default();
    }
    let granted = |value: &&String| consented(value) || trusted.contains(value);
    let still: Vec<&String> = verified.permissions.iter().filter(granted).collect();
    let roles = users::roles(tx, tenant.id, user.id)?;
    let entitlements = administrators::entitlements(tx, tenant.id, user.id, &roles)?;
    let (mut permissions, mut directory_permissions) = (PermissionSet::NONE, Vec::new());
    match audience {
        Audience::CloudApps => {
            let delegated: PermissionSet = still.into_iter().filter_map(|p| Permission::find(p)).collect();
            permissions = delegated.intersection(entitlements.permissions());
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
        entitlements,
        directory_permissions,
        legacy: false,
    })
}

/// The words of `scp` (text) or `roles` (list).
fn words(claim: Option<&Json>) -> Vec<String> {
    match claim {
        Some(Json::String(text)) => text.split_whitespace().map(str::to_string).collect(),
        Some(Json::Array(list)) => list.iter().filter_map(Json::as_str).map(str::to_string).collect(),
        _ => Vec::new(),
    }
}
