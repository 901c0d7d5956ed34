//! Optional claims: what an application wants in tokens besides the usual (`optionalClaims` of its
//! registration; `idToken` as a client, `accessToken` as a resource).
//!
//! Names are those of Microsoft's *optional claims reference*. A claim of which Casbah has no truth (an
//! address in a forest, a device) is accepted, because tools write it, and never appears.

use casbah_model::{OptionalClaim, OptionalClaims, TenantSettings, User};
use serde_json::{Value as Json, json};

use super::{Common, Person, amr, login_hint, set};
use crate::authority::Authority;

/// The claims whose values Casbah knows, with the `additionalProperties` that each takes.
const KNOWN: &[(&str, &[&str])] = &[
    ("acct", &[]),
    ("amr", &[]),
    ("aud", &["use_guid"]),
    ("auth_time", &[]),
    ("email", &[]),
    ("family_name", &[]),
    ("given_name", &[]),
    (
        "groups",
        &[
            "cloud_displayname",
            "dns_domain_and_sam_account_name",
            "emit_as_roles",
            "netbios_domain_and_sam_account_name",
            "netbios_name_and_sam_account_name",
            "on_premise_security_identifier",
            "sam_account_name",
        ],
    ),
    ("idtyp", &["include_user_token"]),
    ("ipaddr", &[]),
    ("login_hint", &[]),
    ("preferred_username", &[]),
    ("pwd_exp", &[]),
    ("sid", &[]),
    ("tenant_ctry", &[]),
    ("upn", &["include_externally_authenticated_upn", "include_externally_authenticated_upn_without_hash"]),
    ("verified_primary_email", &[]),
    ("xms_cc", &[]),
    ("xms_edov", &[]),
];

/// Claims of the reference of which Casbah has no truth.
const WITHOUT_VALUE: &[&str] = &[
    "acrs",
    "ctry",
    "deviceid",
    "fwd",
    "in_corp",
    "nickname",
    "onprem_sid",
    "pwd_url",
    "tenant_region_scope",
    "verified_secondary_email",
    "vnet",
    "xms_pdl",
    "xms_pl",
    "xms_tpl",
    "ztdid",
];

/// Refuses optional claims that do not exist, when an application is written.
///
/// # Errors
/// A sentence that names the claim and the list in which it stands.
pub fn check_optional_claims(claims: &OptionalClaims) -> Result<(), String> {
    for (list, entries) in [("idToken", &claims.id_token), ("accessToken", &claims.access_token)] {
        for entry in entries {
            let name = entry.name.as_str();
            // Extensions of the directory have names of their own.
            if entry.source.is_some() || name.starts_with("extension_") || WITHOUT_VALUE.contains(&name) {
                continue;
            }
            let Some((_, properties)) = KNOWN.iter().find(|(known, _)| *known == name) else {
                return Err(format!("The optional claim {name} in {list} does not exist."));
            };
            let unknown = entry.additional_properties.iter().find(|p| !properties.contains(&p.as_str()));
            if let Some(property) = unknown {
                return Err(format!("The optional claim {name} in {list} has no property {property}."));
            }
        }
    }
    Ok(())
}

/// Whether a claim is wanted with a property.
pub(super) fn has_property(wanted: &[OptionalClaim], name: &str, property: &str) -> bool {
    wanted.iter().any(|claim| claim.name == name && claim.additional_properties.iter().any(|p| p == property))
}

/// Claims about the tenant, which tokens without a user can have too.
pub(super) fn add_tenant_claims(claims: &mut Json, wanted: &[OptionalClaim], settings: &TenantSettings) {
    if wanted.iter().any(|claim| claim.name == "tenant_ctry") {
        set(claims, "tenant_ctry", settings.country.as_deref());
    }
}

impl Authority {
    /// Adds what is wanted and known.
    pub(super) fn add_optional(
        &self,
        claims: &mut Json,
        wanted: &[OptionalClaim],
        common: &Common<'_>,
        person: Person<'_>,
    ) {
        let Person { user, sign_in, .. } = person;
        add_tenant_claims(claims, wanted, common.settings);
        for claim in wanted.iter().filter(|claim| claim.source.is_none()) {
            let name = claim.name.as_str();
            match name {
                "acct" => claims[name] = i32::from(user.details.guest).into(),
                "amr" => claims[name] = amr(sign_in),
                "auth_time" => claims[name] = sign_in.at.seconds().into(),
                "email" => set(claims, name, user.mail.as_deref()),
                "family_name" => set(claims, name, user.surname.as_deref()),
                "given_name" => set(claims, name, user.given_name.as_deref()),
                "ipaddr" => set(claims, name, sign_in.address.as_deref()),
                "login_hint" => {
                    claims[name] = login_hint::hint(&self.master, common.tenant.id, user.id).into();
                }
                "preferred_username" | "upn" => claims[name] = user.user_principal_name.as_str().into(),
                "pwd_exp" => {
                    if let Some(seconds) = password_expires_in(user, common) {
                        claims[name] = seconds.to_string().into();
                    }
                }
                "sid" => set(claims, name, sign_in.session.map(|id| id.to_string()).as_deref()),
                "verified_primary_email" => {
                    if let Some(mail) = user.mail.as_ref().filter(|mail| is_of_tenant(mail, common)) {
                        claims[name] = json!([mail]);
                    }
                }
                "xms_edov" => {
                    if let Some(mail) = &user.mail {
                        claims[name] = is_of_tenant(mail, common).into();
                    }
                }
                // `aud`, `groups` and `idtyp` only have forms; for the rest there is no truth.
                _ => {}
            }
        }
    }
}

/// Whether an address is in a domain of the tenant, whose owner is known therefore.
fn is_of_tenant(mail: &str, common: &Common<'_>) -> bool {
    let domain = mail.rsplit_once('@').map(|(_, domain)| domain.to_ascii_lowercase());
    domain.is_some_and(|domain| common.tenant.domains.contains(&domain))
}

/// Seconds until the password must be changed, if that is ever the case and the user has one.
fn password_expires_in(user: &User, common: &Common<'_>) -> Option<i64> {
    let days = common.settings.sign_in.password_max_age_days.filter(|_| user.password_hash.is_some())?;
    let set = user.details.password_changed.unwrap_or(user.created);
    Some((set.seconds() + i64::from(days) * 24 * 60 * 60 - common.now.seconds()).max(0))
}
