//! Other OpenID providers: what a tenant knows of those through which people sign in, and whom they may
//! vouch for.

use serde::{Deserialize, Serialize};

use crate::{Guid, Timestamp};

/// An OpenID provider through which people of a tenant sign in.
#[derive(Clone, Debug)]
pub struct IdentityProvider {
    /// Its id.
    pub id: Guid,
    /// Name on the sign-in page.
    pub display_name: String,
    /// The `iss` claim, an https URL below which the discovery document stands. Never changes: people are
    /// known by it and their subject.
    pub issuer: String,
    /// What Casbah is to the provider.
    pub client_id: String,
    /// Whether people may sign in with it.
    pub enabled: bool,
    /// The client secret, sealed; none when Casbah proves itself with its own signing key.
    pub sealed_secret: Option<Vec<u8>>,
    /// When it was registered.
    pub created: Timestamp,
    /// What only matters with the provider at hand.
    pub details: IdentityProviderDetails,
}

impl IdentityProvider {
    /// Where the discovery document stands (OpenID Connect Discovery, section 4).
    pub fn well_known_endpoint(&self) -> String {
        well_known_endpoint(&self.issuer)
    }

    /// Whether it may vouch for addresses of a domain, beside `all` providers of the tenant: its own domains, if
    /// it has some; otherwise any that is no other provider's.
    pub fn vouches_for(&self, domain: &str, all: &[IdentityProvider]) -> bool {
        let lists = |provider: &IdentityProvider| provider.details.domains.iter().any(|d| d == domain);
        if self.details.domains.is_empty() { !all.iter().any(lists) } else { lists(self) }
    }
}

/// Where the discovery document of an issuer stands.
pub fn well_known_endpoint(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
}

/// Facts about a provider that nothing is found by.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IdentityProviderDetails {
    /// What is asked for; `openid` among it.
    pub scope: String,
    /// Which claims say what.
    pub claims: ClaimMapping,
    /// Domains of mail addresses, in lower case, for which it and no other provider vouches; whoever hints at
    /// one is sent there at once.
    pub domains: Vec<String>,
    /// Whether people come into being at their first sign-in.
    pub provisioning: Provisioning,
    /// Whether its word counts that a second factor was shown.
    pub trusts_second_factor: bool,
}

impl Default for IdentityProviderDetails {
    fn default() -> IdentityProviderDetails {
        IdentityProviderDetails {
            scope: "openid profile email".to_string(),
            claims: ClaimMapping::default(),
            domains: Vec::new(),
            provisioning: Provisioning::None,
            trusts_second_factor: false,
        }
    }
}

/// What becomes of people whom a provider vouches for and nobody knows.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Provisioning {
    /// They are refused.
    #[default]
    None,
    /// They become guests.
    Guest,
    /// They become members, under their mail address, which is in a domain of the tenant.
    Member,
}

impl Provisioning {
    /// All of them.
    pub const ALL: [Provisioning; 3] = [Provisioning::None, Provisioning::Guest, Provisioning::Member];

    /// `none`, `guest` or `member`.
    pub fn name(self) -> &'static str {
        match self {
            Provisioning::None => "none",
            Provisioning::Guest => "guest",
            Provisioning::Member => "member",
        }
    }

    /// By that name.
    pub fn find(name: &str) -> Option<Provisioning> {
        Provisioning::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Names of the claims in a provider's ID tokens; what is none is not taken.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClaimMapping {
    /// Who it is, once and for all. Never changes.
    pub sub: String,
    /// Full name.
    pub name: Option<String>,
    /// First name.
    pub given_name: Option<String>,
    /// Family name.
    pub family_name: Option<String>,
    /// Address for mail.
    pub email: Option<String>,
    /// Whether the provider has made sure of that address.
    pub email_verified: Option<String>,
}

impl Default for ClaimMapping {
    fn default() -> ClaimMapping {
        let usual = |name: &str| Some(name.to_string());
        ClaimMapping {
            sub: "sub".to_string(),
            name: usual("name"),
            given_name: usual("given_name"),
            family_name: usual("family_name"),
            email: usual("email"),
            email_verified: usual("email_verified"),
        }
    }
}

/// Somebody at a provider, and who that is here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UserIdentity {
    /// The provider.
    pub provider: Guid,
    /// The subject there.
    pub subject: String,
    /// Object id of the person.
    pub user: Guid,
    /// Since when.
    pub created: Timestamp,
}

/// How far a guest has come who was invited.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Invitation {
    /// Whether the guest has signed in; until then nobody can as that guest.
    pub accepted: bool,
    /// Since when it is as it is.
    pub changed: Timestamp,
    /// Where the guest goes on afterwards.
    pub redirect_url: String,
}

impl Invitation {
    /// Graph's `externalUserState`.
    pub fn state(&self) -> &'static str {
        if self.accepted { "Accepted" } else { "PendingAcceptance" }
    }
}
