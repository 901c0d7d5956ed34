//! Access tokens: for a resource, about the application or person that calls it.
//!
//! Most of what a token says holds for every further token of the same answer; [`stamped`] adds the rest.

use casbah_model::{Guid, OptionalClaim, Timestamp};
use serde_json::{Value as Json, json};

use super::{Common, Endpoint, Person, acr, optional, set_v1_names, set_voucher, unique_id};
use crate::authority::Authority;

/// Whom an access token is for.
pub(crate) struct Target<'a> {
    /// The `aud` claim of a version 1 token.
    pub(crate) identifier: &'a str,
    pub(crate) app_id: Guid,
    pub(crate) token_version: u8,
    /// What the resource wants in its tokens besides the usual.
    pub(crate) optional: &'a [OptionalClaim],
}

impl Target<'_> {
    /// `aud`: the identifier as asked for (version 1), or the application id, which a resource of
    /// version 1 can want too.
    fn audience(&self) -> String {
        if self.token_version == 2 || optional::has_property(self.optional, "aud", "use_guid") {
            self.app_id.to_string()
        } else {
            self.identifier.to_string()
        }
    }
}

/// The claims of one access token: the lasting ones, with its times and its ids in front.
pub(crate) fn stamped(lasting: &str, now: Timestamp, life: u32) -> String {
    let (now, uti, aio) = (now.seconds(), unique_id(), unique_id());
    let (end, rest) = (now + i64::from(life), lasting.trim_start_matches('{'));
    format!(r#"{{"iat":{now},"nbf":{now},"exp":{end},"uti":"{uti}","aio":"{aio}",{rest}"#)
}

impl Authority {
    /// The claims that are the same in every access token of an answer; never none.
    fn access_claims(&self, common: &Common<'_>, target: &Target<'_>) -> Json {
        let mut claims = json!({
            "aud": target.audience(),
            "tid": common.tenant.id.to_string(),
            "app_displayname": common.client_name,
        });
        if target.token_version == 2 {
            claims["iss"] = self.issuer(common.tenant.id, Endpoint::V2).into();
            claims["ver"] = "2.0".into();
            claims["azp"] = common.client.to_string().into();
            claims["azpacr"] = common.authentication_class.into();
        } else {
            claims["iss"] = self.issuer(common.tenant.id, Endpoint::V1).into();
            claims["ver"] = "1.0".into();
            claims["appid"] = common.client.to_string().into();
            claims["appidacr"] = common.authentication_class.into();
        }
        claims
    }

    /// The access token of an application acting as itself. `credential` is the id of the secret or
    /// certificate that it was issued for.
    pub(crate) fn application_claims(
        &self,
        common: &Common<'_>,
        target: &Target<'_>,
        principal: Guid,
        credential: Option<Guid>,
        roles: &[String],
    ) -> Json {
        let mut claims = self.access_claims(common, target);
        claims["idtyp"] = "app".into();
        claims["oid"] = principal.to_string().into();
        claims["sub"] = principal.to_string().into();
        if target.token_version != 2 {
            claims["idp"] = self.issuer(common.tenant.id, Endpoint::V1).into();
        }
        // The credential: what makes a token die with the secret that it was fetched with.
        claims["rh"] = credential.map_or_else(unique_id, |id| id.to_string()).into();
        if !roles.is_empty() {
            claims["roles"] = roles.into();
        }
        optional::add_tenant_claims(&mut claims, target.optional, common.settings);
        claims
    }

    /// The access token of an application acting for a user.
    pub(crate) fn user_claims(
        &self,
        common: &Common<'_>,
        target: &Target<'_>,
        person: Person<'_>,
        family: Guid,
        scopes: &[String],
    ) -> Json {
        let user = person.user;
        let mut claims = self.access_claims(common, target);
        claims["idtyp"] = "user".into();
        claims["oid"] = user.id.to_string().into();
        claims["sub"] = self.pairwise_subject(common.tenant.id, user.id, target.app_id).into();
        claims["name"] = user.display_name.as_str().into();
        // The token family: what makes a token die with the sign-in that it comes from.
        claims["rh"] = family.to_string().into();
        if !scopes.is_empty() {
            claims["scp"] = scopes.join(" ").into();
        }
        if target.token_version == 2 {
            claims["preferred_username"] = user.user_principal_name.as_str().into();
        } else {
            claims["acr"] = acr(person.sign_in).into();
            set_v1_names(&mut claims, person);
        }
        set_voucher(&mut claims, person.sign_in);
        person.membership.add_to(&mut claims, self.public_url(), user.id);
        self.add_optional(&mut claims, target.optional, common, person);
        claims
    }
}
