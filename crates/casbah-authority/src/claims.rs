//! What stands in tokens.
//!
//! The version of an access token follows the resource, that of an ID token the endpoint. Every
//! access token says `idtyp`, and no ID token does: that is how the two are told apart again.
//!
//! What needs the database ([`membership`]) is gathered in the transaction; the claims are put together
//! after it, without I/O. `docs/tokens.md` lists them all.

mod access;
mod identity;
pub(crate) mod login_hint;
mod membership;
mod optional;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use casbah_model::{Guid, Tenant, TenantId, TenantSettings, Timestamp, User, random};
use serde_json::{Value as Json, json};

use crate::authority::Authority;
use crate::token::SignIn;

pub(crate) use access::{Target, stamped};
pub(crate) use identity::Identity;
pub(crate) use membership::{Membership, check_application_assigned, check_user_assigned, is_assigned};
pub use optional::check_optional_claims;

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
    pub(crate) tenant: &'a Tenant,
    /// What the tenant's administrators have set.
    pub(crate) settings: &'a TenantSettings,
    pub(crate) client: Guid,
    pub(crate) client_name: &'a str,
    /// How the client proved who it is: `azpacr` and `appidacr`.
    pub(crate) authentication_class: &'static str,
    pub(crate) now: Timestamp,
}

/// The person that a token is about, and how that person came to be signed in.
#[derive(Clone, Copy)]
pub(crate) struct Person<'a> {
    pub(crate) user: &'a User,
    pub(crate) sign_in: &'a SignIn,
    pub(crate) membership: &'a Membership,
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
    if sign_in.amr == ["fed"] { "0" } else { "1" }
}

/// Who vouched for somebody of elsewhere: the issuer of the other provider.
fn set_voucher(claims: &mut Json, sign_in: &SignIn) {
    set(claims, "idp", sign_in.voucher.as_ref().map(|voucher| voucher.issuer.as_str()));
}

/// The names that version 1 tokens have without being asked.
fn set_v1_names(claims: &mut Json, person: Person<'_>) {
    let Person { user, sign_in, .. } = person;
    claims["amr"] = amr(sign_in);
    claims["upn"] = user.user_principal_name.as_str().into();
    claims["unique_name"] = user.user_principal_name.as_str().into();
    set(claims, "ipaddr", sign_in.address.as_deref());
    set(claims, "given_name", user.given_name.as_deref());
    set(claims, "family_name", user.surname.as_deref());
}

fn set(claims: &mut Json, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        claims[name] = value.into();
    }
}

/// 22 characters, different in every token: for logs, and where a claim only has to be opaque.
fn unique_id() -> String {
    URL_SAFE_NO_PAD.encode(random::bytes::<16>())
}
