//! What an access token of ours says, and whether what it stands on is still there; for any resource.

use casbah_model::{Guid, ServicePrincipal, Tenant, TenantId, Timestamp, User};
use casbah_store::{Tx, credentials, revoked_tokens, service_principals, tenants, token_families, users};
use serde_json::{Map, Value as Json};

use super::Refusal;
use crate::claims::{Endpoint, issuer};

/// How far ahead of ours the clock of the node that issued a token may be, in seconds.
const SKEW: i64 = 5 * 60;

/// What a token says that was signed by us and is in its time. Only [`facts`] makes one, and who calls
/// that has checked the signature.
#[derive(Clone)]
pub(crate) struct TokenFacts {
    /// `uti`, by which it is revoked.
    pub(crate) id: String,
    pub(crate) tenant: TenantId,
    pub(crate) object: Guid,
    /// Application id of whom it was issued to.
    pub(crate) client: Guid,
    pub(crate) audience: String,
    /// `roles` or `scp`.
    pub(crate) permissions: Vec<String>,
    /// The token family, of a user's token only.
    pub(crate) family: Option<Guid>,
    /// The credential that an application's own token was fetched with; none for tokens of earlier versions.
    pub(crate) credential: Option<Guid>,
    /// When the token was looked at.
    pub(crate) now: Timestamp,
    pub(crate) expires: Timestamp,
    /// Thumbprint of the key whose holder alone may use it (`cnf.jkt`).
    pub(crate) confirmation: Option<String>,
    /// Whether its client can answer a claims challenge (`xms_cc`).
    pub(crate) challengeable: bool,
}

/// Reads the claims of a token whose signature was checked.
pub(crate) fn facts(
    claims: &Map<String, Json>,
    public_url: &str,
    now: Timestamp,
) -> Result<TokenFacts, Refusal> {
    let text = |name: &str| claims.get(name).and_then(Json::as_str).ok_or(Refusal::Malformed);
    let id = |name: &str| text(name)?.parse::<Guid>().map_err(|_| Refusal::Malformed);
    let time = |name: &str| claims.get(name).and_then(Json::as_i64).ok_or(Refusal::Malformed);

    let tenant: TenantId = text("tid")?.parse().map_err(|_| Refusal::Malformed)?;
    let (issued_by, client) = match text("ver")? {
        "1.0" => (issuer(public_url, tenant, Endpoint::V1), id("appid")),
        "2.0" => (issuer(public_url, tenant, Endpoint::V2), id("azp")),
        _ => return Err(Refusal::Malformed),
    };
    if text("iss")? != issued_by {
        return Err(Refusal::WrongIssuer);
    }
    if now.seconds() >= time("exp")? {
        return Err(Refusal::Expired);
    }
    if now.seconds() + SKEW < time("nbf")? {
        return Err(Refusal::NotYetValid);
    }
    // An ID token is signed with the same key, but it never says `idtyp`.
    let is_user = match claims.get("idtyp").and_then(Json::as_str) {
        Some("user") => true,
        Some("app") => false,
        _ => return Err(Refusal::Malformed),
    };
    // What binds a token to a key in a way that we do not know must not pass for no binding.
    let confirmation = match claims.get("cnf") {
        None => None,
        Some(cnf) => Some(cnf["jkt"].as_str().ok_or(Refusal::Malformed)?.to_string()),
    };
    let capabilities = claims.get("xms_cc").and_then(Json::as_array);
    Ok(TokenFacts {
        id: text("uti")?.to_string(),
        tenant,
        object: id("oid")?,
        client: client?,
        audience: text("aud")?.to_string(),
        permissions: super::words(claims.get(if is_user { "scp" } else { "roles" })),
        family: if is_user { Some(id("rh")?) } else { None },
        credential: if is_user { None } else { id("rh").ok() },
        now,
        expires: Timestamp::from_seconds(time("exp")?),
        confirmation,
        challengeable: capabilities.is_some_and(|all| all.iter().any(|c| c == "CP1")),
    })
}

/// What a token stands on.
pub(crate) struct Standing {
    pub(crate) tenant: Tenant,
    pub(crate) client: ServicePrincipal,
    /// None for an application acting as itself.
    pub(crate) user: Option<User>,
}

/// Looks up what a token stands on: its tenant, its application, the user, the sign-in.
pub(crate) fn standing(tx: &mut Tx<'_>, token: &TokenFacts) -> Result<Standing, Refusal> {
    let tenant = tenants::find(tx, token.tenant)?.ok_or(Refusal::WrongIssuer)?;
    if revoked_tokens::find(tx, tenant.id, &token.id)?.is_some() {
        return Err(Refusal::Revoked);
    }
    let client = service_principals::find_by_app_id(tx, tenant.id, token.client)?;
    let client = client.filter(|p| p.enabled).ok_or(Refusal::Disabled)?;
    let Some(family) = token.family else {
        // A service principal that was deleted and made again is another one.
        if client.id != token.object {
            return Err(Refusal::Disabled);
        }
        if let Some(credential) = token.credential
            && !credentials::is_valid(tx, tenant.id, token.client, credential, token.now)?
        {
            return Err(Refusal::Revoked);
        }
        return Ok(Standing { tenant, client, user: None });
    };
    let user = users::find(tx, tenant.id, token.object)?.filter(|u| u.enabled).ok_or(Refusal::Disabled)?;
    let family = token_families::find(tx, tenant.id, family)?.ok_or(Refusal::Revoked)?;
    let of_this = family.user == user.id && family.application == token.client;
    // The sign-in counts, not the token: a token fetched later with an old refresh token is as old.
    if family.revoked.is_some() || family.created < user.sessions_valid_from || !of_this {
        return Err(Refusal::Revoked);
    }
    Ok(Standing { tenant, client, user: Some(user) })
}
