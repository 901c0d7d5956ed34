//! What stands in tokens.
//!
//! The version of an access token follows the resource, that of an ID token the endpoint. Every
//! access token says `idtyp`, and no ID token does: that is how the two are told apart again.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use casbah_model::{Guid, TenantId, Timestamp, TokenLifetimes, User, random};
use serde_json::{Value as Json, json};

use crate::answer::UserSubject;
use crate::authority::Authority;
use crate::token::SignIn;

/// Whether the v1 or the v2.0 form of an endpoint was called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Endpoint {
    /// `/oauth2/token` and the like: `resource`, numbers as text.
    V1,
    /// `/oauth2/v2.0/token` and the like: `scope`.
    V2,
}

impl Endpoint {
    pub(crate) fn version(self) -> u8 {
        match self {
            Endpoint::V1 => 1,
            Endpoint::V2 => 2,
        }
    }
}

/// What all tokens of one answer have in common.
pub(crate) struct Common<'a> {
    pub(crate) tenant: TenantId,
    pub(crate) client: Guid,
    pub(crate) client_name: &'a str,
    /// How the client proved who it is: `azpacr` and `appidacr`.
    pub(crate) authentication_class: &'static str,
    pub(crate) now: Timestamp,
    /// What the tenant has set.
    pub(crate) lifetimes: TokenLifetimes,
}

/// Whom an access token is for.
pub(crate) struct Target<'a> {
    /// The `aud` claim of a version 1 token.
    pub(crate) identifier: &'a str,
    pub(crate) app_id: Guid,
    pub(crate) token_version: u8,
}

/// The issuer of a tenant's tokens.
pub(crate) fn issuer(public_url: &str, tenant: TenantId, endpoint: Endpoint) -> String {
    match endpoint {
        Endpoint::V1 => format!("{public_url}/{tenant}/"),
        Endpoint::V2 => format!("{public_url}/{tenant}/v2.0"),
    }
}

impl Authority {
    /// `{base}/{TID}/` for version 1, `{base}/{TID}/v2.0` for version 2.
    pub fn issuer(&self, tenant: TenantId, endpoint: Endpoint) -> String {
        issuer(self.public_url(), tenant, endpoint)
    }

    /// The `sub` of a user towards one application.
    pub(crate) fn pairwise_subject(&self, tenant: TenantId, user: Guid, sector: Guid) -> String {
        URL_SAFE_NO_PAD.encode(self.master.pairwise(&[
            tenant.0.as_bytes(),
            user.as_bytes(),
            sector.as_bytes(),
        ]))
    }

    fn access_claims(&self, common: &Common<'_>, target: &Target<'_>) -> Json {
        let now = common.now.seconds();
        let mut claims = json!({
            "iat": now, "nbf": now, "exp": now + i64::from(common.lifetimes.access_token),
            "tid": common.tenant.to_string(),
            "uti": unique_id(),
            "app_displayname": common.client_name,
        });
        if target.token_version == 2 {
            claims["aud"] = target.app_id.to_string().into();
            claims["iss"] = self.issuer(common.tenant, Endpoint::V2).into();
            claims["ver"] = "2.0".into();
            claims["azp"] = common.client.to_string().into();
            claims["azpacr"] = common.authentication_class.into();
        } else {
            claims["aud"] = target.identifier.into();
            claims["iss"] = self.issuer(common.tenant, Endpoint::V1).into();
            claims["ver"] = "1.0".into();
            claims["appid"] = common.client.to_string().into();
            claims["appidacr"] = common.authentication_class.into();
        }
        claims
    }

    /// The access token of an application acting as itself.
    pub(crate) fn application_claims(
        &self,
        common: &Common<'_>,
        target: &Target<'_>,
        principal: Guid,
        roles: &[String],
    ) -> Json {
        let mut claims = self.access_claims(common, target);
        claims["idtyp"] = "app".into();
        claims["oid"] = principal.to_string().into();
        claims["sub"] = principal.to_string().into();
        if target.token_version != 2 {
            claims["idp"] = self.issuer(common.tenant, Endpoint::V1).into();
        }
        if !roles.is_empty() {
            claims["roles"] = roles.into();
        }
        claims
    }

    /// The access token of an application acting for a user.
    pub(crate) fn user_claims(
        &self,
        common: &Common<'_>,
        target: &Target<'_>,
        subject: &UserSubject,
    ) -> Json {
        let user = &subject.user;
        let mut claims = self.access_claims(common, target);
        claims["idtyp"] = "user".into();
        claims["oid"] = user.id.to_string().into();
        claims["sub"] = self.pairwise_subject(common.tenant, user.id, target.app_id).into();
        claims["name"] = user.display_name.as_str().into();
        // The token family: what makes a token die with the sign-in that it comes from.
        claims["rh"] = subject.family.to_string().into();
        if !subject.granted.is_empty() {
            claims["scp"] = subject.granted.join(" ").into();
        }
        if target.token_version == 2 {
            claims["preferred_username"] = user.user_principal_name.as_str().into();
        } else {
            claims["acr"] = acr(&subject.sign_in).into();
            claims["amr"] = amr(&subject.sign_in);
            if let Some(address) = &subject.sign_in.address {
                claims["ipaddr"] = address.as_str().into();
            }
            claims["upn"] = user.user_principal_name.as_str().into();
            claims["unique_name"] = user.user_principal_name.as_str().into();
            set_names(&mut claims, user);
        }
        claims
    }

    /// The ID token: for the client, about the user.
    pub(crate) fn id_claims(
        &self,
        common: &Common<'_>,
        endpoint: Endpoint,
        subject: &UserSubject,
        identity: &Identity,
    ) -> Json {
        let user = &subject.user;
        let now = common.now.seconds();
        let mut claims = json!({
            "aud": common.client.to_string(),
            "iss": self.issuer(common.tenant, endpoint),
            "iat": now, "nbf": now, "exp": now + i64::from(common.lifetimes.id_token),
            "sub": self.pairwise_subject(common.tenant, user.id, common.client),
            "oid": user.id.to_string(),
            "tid": common.tenant.to_string(),
            "ver": if endpoint == Endpoint::V1 { "1.0" } else { "2.0" },
            "name": user.display_name,
            "uti": unique_id(),
        });
        if endpoint == Endpoint::V1 {
            claims["amr"] = amr(&subject.sign_in);
            if let Some(address) = &subject.sign_in.address {
                claims["ipaddr"] = address.as_str().into();
            }
            claims["upn"] = user.user_principal_name.as_str().into();
            claims["unique_name"] = user.user_principal_name.as_str().into();
            set_names(&mut claims, user);
        } else {
            claims["preferred_username"] = user.user_principal_name.as_str().into();
        }
        // Echoed exactly, never invented: clients compare.
        if let Some(nonce) = &identity.nonce {
            claims["nonce"] = nonce.as_str().into();
        }
        if let Some(session) = identity.session {
            claims["sid"] = session.to_string().into();
        }
        if let Some(at) = identity.auth_time {
            claims["auth_time"] = at.seconds().into();
        }
        if let (true, Some(mail)) = (identity.email, &user.mail) {
            claims["email"] = mail.as_str().into();
        }
        claims
    }
}

/// What an ID token says about the sign-in.
#[derive(Default)]
pub(crate) struct Identity {
    pub(crate) nonce: Option<String>,
    pub(crate) session: Option<Guid>,
    /// Set when the client asked how old the sign-in is.
    pub(crate) auth_time: Option<Timestamp>,
    /// Whether the `email` scope was granted.
    pub(crate) email: bool,
}

/// `{"uid":OID,"utid":TID}`, base64url without padding.
pub(crate) fn client_info(tenant: TenantId, user: Guid) -> String {
    URL_SAFE_NO_PAD.encode(format!(r#"{{"uid":"{user}","utid":"{tenant}"}}"#))
}

/// How the user proved who it is. Sign-ins recorded before this was kept were all by password.
fn amr(sign_in: &SignIn) -> Json {
    if sign_in.amr.is_empty() { json!(["pwd"]) } else { json!(sign_in.amr) }
}

/// `1`: a person proved who it is; `0`: a sign-in that another authority vouches for without saying
/// how (the claim's meaning goes back to ISO/IEC 29115).
fn acr(sign_in: &SignIn) -> &'static str {
    if sign_in.amr.iter().any(|method| method == "fed") && sign_in.amr.len() == 1 { "0" } else { "1" }
}

fn set_names(claims: &mut Json, user: &User) {
    if let Some(name) = &user.given_name {
        claims["given_name"] = name.as_str().into();
    }
    if let Some(name) = &user.surname {
        claims["family_name"] = name.as_str().into();
    }
}

fn unique_id() -> String {
    URL_SAFE_NO_PAD.encode(random::bytes::<16>())
}
