//! Legacy API tokens: they act with the rights of the user who made them.

use std::time::Duration;

use casbah_authority::{Caller, Principal, SecretKind};
use casbah_model::{Access, Entitlements, Guid, Part, PermissionSet, Secret, TenantId, Timestamp};
use casbah_store::api_tokens::{self, ApiToken};
use casbah_store::{Tx, administrators, audit, users};
use serde_json::{Value as Json, json};

use crate::{Error, Service};

const ALPHABET: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Widespread clients accept 64 to 192 letters and digits; 64 of them carry 381 random bits.
const LENGTH: usize = 64;
/// Used within this time, a token counts as active.
const ACTIVE: Duration = Duration::from_secs(7 * 86_400);

/// Where a token is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ApiTokenStatus {
    /// Never used.
    Generated,
    /// Used in the last seven days.
    Active,
    /// Used before that.
    Inactive,
}

/// A token as its owner or a full administrator sees it; the text is not among this.
#[derive(Clone, Debug)]
pub struct ApiTokenDetails {
    /// Its id.
    pub id: Guid,
    /// Name for people.
    pub name: String,
    /// Object id of its owner.
    pub owner: Guid,
    /// Sign-in name of its owner.
    pub owner_name: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last used.
    pub last_used: Option<Timestamp>,
    /// Where it is in its life.
    pub status: ApiTokenStatus,
}

impl Service {
    /// Makes a token of the calling user; the text is in this answer and nowhere else.
    pub async fn create_api_token(
        &self,
        caller: &Caller,
        name: &str,
    ) -> Result<(ApiTokenDetails, Secret), Error> {
        let owner = signed_in_user(caller)?;
        let permissions = caller.permissions;
        self.insert_api_token(caller, owner, name, Secret::random(LENGTH, ALPHABET), move |own| {
            // The token acts with all the user's rights. An application that was given fewer of
            // them must not get the rest by making a token.
            if own.intersection(permissions) == own {
                return Ok(());
            }
            let missing: Vec<&str> = own
                .iter()
                .filter(|p| !permissions.contains(*p))
                .map(casbah_model::Permission::title)
                .collect();
            Err(Error::Forbidden {
                needs: format!(
                    "An API token carries all rights of its maker; the access token lacks {}.",
                    missing.join(", ")
                ),
            })
        })
        .await
    }

    /// Makes a token with a text that the operator chose; for bootstrap only.
    pub(crate) async fn create_api_token_for(
        &self,
        caller: &Caller,
        owner: Guid,
        name: &str,
        value: Secret,
    ) -> Result<(ApiTokenDetails, Secret), Error> {
        let length = value.expose().len();
        if !(64..=192).contains(&length) || !value.expose().bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(Error::invalid("value", "an API token has 64 to 192 letters and digits."));
        }
        self.insert_api_token(caller, owner, name, value, |_| Ok(())).await
    }

    async fn insert_api_token(
        &self,
        caller: &Caller,
        owner: Guid,
        name: &str,
        value: Secret,
        check: impl Fn(PermissionSet) -> Result<(), Error> + Send + 'static,
    ) -> Result<(ApiTokenDetails, Secret), Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let name = crate::directory::display_name("name", name)?;
        let token = ApiToken {
            id: Guid::random(),
            name,
            owner,
            digest: self.authority.digest(SecretKind::ApiToken, &value),
            created: now,
            last_used: None,
            revoked: None,
        };
        let record = caller.audit(now, "create API token", "api token", token.id, json!({}));
        let made = self
            .store
            .write(move |tx| {
                let user = users::find(tx, tenant, owner)?.ok_or(Error::NotFound)?;
                let own = entitlements_of(tx, tenant, owner)?.permissions();
                if own == PermissionSet::NONE {
                    return Err(Error::Forbidden {
                        needs: "An API token needs a user with a role that lets read or manage Cloud Apps."
                            .into(),
                    });
                }
                check(own)?;
                api_tokens::insert(tx, tenant, &token)?;
                audit::append(tx, tenant, &record.changed(token.id, &Json::Null, &facts(&token)))?;
                Ok(details_of(token.clone(), user.user_principal_name, now))
            })
            .await?;
        Ok((made, value))
    }

    /// The tokens that are not revoked, the newest first: all of them for a user with full access,
    /// otherwise the caller's own.
    pub async fn list_api_tokens(&self, caller: &Caller) -> Result<Vec<ApiTokenDetails>, Error> {
        let (tenant, now, user) = (caller.tenant, self.clock.now(), user(caller)?);
        self.store
            .read(move |tx| {
                let full = has_full_access(tx, tenant, user)?;
                let mut details = Vec::new();
                for token in api_tokens::list(tx, tenant)? {
                    if full || token.owner == user {
                        let owner = users::find(tx, tenant, token.owner)?;
                        let name = owner.map(|o| o.user_principal_name).unwrap_or_default();
                        details.push(details_of(token, name, now));
                    }
                }
                Ok(details)
            })
            .await
    }

    /// Revokes a token: one's own, or anybody's for a user with full access.
    pub async fn revoke_api_token(&self, caller: &Caller, id: Guid) -> Result<(), Error> {
        let (tenant, now, user) = (caller.tenant, self.clock.now(), user(caller)?);
        let record = caller.audit(now, "revoke API token", "api token", id, json!({}));
        self.store
            .write(move |tx| {
                let token = api_tokens::find(tx, tenant, id)?.ok_or(Error::NotFound)?;
                let full = has_full_access(tx, tenant, user)?;
                // Somebody else's and already revoked ones look the same as absent ones.
                if !(full || token.owner == user) || !api_tokens::revoke(tx, tenant, id, now)? {
                    return Err(Error::NotFound);
                }
                audit::append(tx, tenant, &record.changed(id, &facts(&token), &Json::Null))?;
                Ok(())
            })
            .await
    }
}

/// What the audit trail says of a token.
fn facts(token: &ApiToken) -> Json {
    json!({ "name": token.name, "owner": token.owner })
}

/// What a user may do in Cloud Apps.
fn entitlements_of(tx: &mut Tx<'_>, tenant: TenantId, user: Guid) -> Result<Entitlements, Error> {
    let roles = users::roles(tx, tenant, user)?;
    Ok(administrators::entitlements(tx, tenant, user, &roles)?)
}

/// Whether a user looks after the tokens of others: those who also give roles.
fn has_full_access(tx: &mut Tx<'_>, tenant: TenantId, user: Guid) -> Result<bool, Error> {
    Ok(entitlements_of(tx, tenant, user)?.access(Part::Administrators) == Access::Change)
}

fn user(caller: &Caller) -> Result<Guid, Error> {
    match caller.principal {
        Principal::User { id, .. } => Ok(id),
        Principal::Application { .. } | Principal::System => Err(Error::Forbidden {
            needs: "API tokens belong to people: call on behalf of a signed-in user.".into(),
        }),
    }
}

/// The user, unless it comes with a legacy token: one that leaked could otherwise outlive its revocation.
fn signed_in_user(caller: &Caller) -> Result<Guid, Error> {
    if caller.legacy {
        return Err(Error::Forbidden { needs: "An API token cannot make another one: sign in.".into() });
    }
    user(caller)
}

fn details_of(token: ApiToken, owner_name: String, now: Timestamp) -> ApiTokenDetails {
    let status = match token.last_used {
        None => ApiTokenStatus::Generated,
        Some(used) if used >= now.minus(ACTIVE) => ApiTokenStatus::Active,
        Some(_) => ApiTokenStatus::Inactive,
    };
    ApiTokenDetails {
        id: token.id,
        name: token.name,
        owner: token.owner,
        owner_name,
        created: token.created,
        last_used: token.last_used,
        status,
    }
}
