//! The bootstrap file: its shape, and where its secrets come from.
//!
//! Errors name the line and the key and never quote a value: it may be a secret.

use casbah_model::{Guid, Provisioning, Secret, TenantId, Timestamp};
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

use crate::Error;

/// A whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default)]
    pub(super) tenants: Vec<TenantEntry>,
}

/// `[[tenants]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TenantEntry {
    pub(super) id: Option<TenantId>,
    pub(super) number: Option<i64>,
    pub(super) display_name: String,
    pub(super) domains: Vec<String>,
    #[serde(default)]
    pub(super) users: Vec<UserEntry>,
    #[serde(default)]
    pub(super) applications: Vec<ApplicationEntry>,
    #[serde(default)]
    pub(super) identity_providers: Vec<IdentityProviderEntry>,
}

/// `[[tenants.identity_providers]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IdentityProviderEntry {
    pub(super) issuer: String,
    pub(super) display_name: String,
    pub(super) client_id: String,
    pub(super) client_secret: Option<Text>,
    pub(super) client_secret_file: Option<String>,
    pub(super) client_secret_env: Option<String>,
    pub(super) scope: Option<String>,
    /// Graph's `inboundClaimMapping`.
    pub(super) claims: Option<ClaimsEntry>,
    #[serde(default)]
    pub(super) domains: Vec<String>,
    #[serde(default)]
    pub(super) provisioning: Provisioning,
    #[serde(default)]
    pub(super) trusts_second_factor: bool,
    #[serde(default = "yes")]
    pub(super) enabled: bool,
}

/// `[tenants.identity_providers.claims]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClaimsEntry {
    #[serde(default = "sub")]
    pub(super) sub: String,
    pub(super) name: Option<String>,
    pub(super) given_name: Option<String>,
    pub(super) family_name: Option<String>,
    pub(super) email: Option<String>,
    pub(super) email_verified: Option<String>,
}

fn sub() -> String {
    "sub".to_string()
}

/// `[[tenants.users]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserEntry {
    pub(super) id: Option<Guid>,
    pub(super) user_principal_name: String,
    pub(super) display_name: String,
    pub(super) given_name: Option<String>,
    pub(super) surname: Option<String>,
    pub(super) mail: Option<String>,
    #[serde(default = "yes")]
    pub(super) enabled: bool,
    pub(super) password: Option<Text>,
    pub(super) password_file: Option<String>,
    pub(super) password_env: Option<String>,
    #[serde(default)]
    pub(super) roles: Vec<String>,
    #[serde(default)]
    pub(super) administrator_roles: Vec<AdministratorEntry>,
    #[serde(default)]
    pub(super) api_tokens: Vec<ApiTokenEntry>,
}

/// `[[tenants.users.administrator_roles]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AdministratorEntry {
    pub(super) role: String,
    #[serde(default)]
    pub(super) apps: Vec<AppEntry>,
    #[serde(default)]
    pub(super) groups: Vec<String>,
    #[serde(default)]
    pub(super) reports: Vec<String>,
    #[serde(default)]
    pub(super) read_only: bool,
}

/// An app by number or name, or an instance of one.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum AppEntry {
    Number(i64),
    Name(String),
    Instance { app: AppName, instance: i64 },
}

/// An app by number or name.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum AppName {
    Number(i64),
    Name(String),
}

/// `[[tenants.users.api_tokens]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ApiTokenEntry {
    pub(super) name: String,
    pub(super) value: Option<Text>,
    pub(super) value_file: Option<String>,
    pub(super) value_env: Option<String>,
}

/// `[[tenants.applications]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ApplicationEntry {
    pub(super) app_id: Guid,
    pub(super) display_name: String,
    #[serde(default)]
    pub(super) public_client: bool,
    #[serde(default)]
    pub(super) identifier_uris: Vec<String>,
    #[serde(default)]
    pub(super) redirect_uris: RedirectUrisEntry,
    #[serde(default)]
    pub(super) application_permissions: Vec<String>,
    #[serde(default)]
    pub(super) delegated_permissions: Vec<String>,
    #[serde(default)]
    pub(super) secrets: Vec<SecretEntry>,
}

/// `[tenants.applications.redirect_uris]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RedirectUrisEntry {
    #[serde(default)]
    pub(super) web: Vec<String>,
    #[serde(default)]
    pub(super) spa: Vec<String>,
    #[serde(default)]
    pub(super) public_client: Vec<String>,
}

/// `[[tenants.applications.secrets]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SecretEntry {
    pub(super) name: String,
    pub(super) value: Option<Text>,
    pub(super) value_file: Option<String>,
    pub(super) value_env: Option<String>,
    pub(super) ends: Option<Moment>,
}

fn yes() -> bool {
    true
}

/// Reads the file.
pub(super) fn parse(text: &str) -> Result<File, Error> {
    toml::from_str(text).map_err(|e| {
        // Not the error's own text: that shows the line, and with it perhaps a secret.
        let line = e.span().map_or(0, |s| {
            text.as_bytes()[..s.start.min(text.len())].iter().filter(|b| **b == b'\n').count()
        });
        Error::invalid(format!("bootstrap file, line {}", line + 1), e.message().to_string())
    })
}

/// A secret's text in the file.
#[derive(Clone, Debug)]
pub(super) struct Text(pub(super) Secret);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
        struct TextOnly;

        /// The usual answer to another type quotes what it found; this one must not.
        impl Visitor<'_> for TextOnly {
            type Value = Text;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a text in quotation marks")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(Secret::new(text)))
            }

            fn visit_bool<E: de::Error>(self, _: bool) -> Result<Text, E> {
                Err(E::custom("a secret must be a text in quotation marks"))
            }

            fn visit_i64<E: de::Error>(self, _: i64) -> Result<Text, E> {
                Err(E::custom("a secret must be a text in quotation marks"))
            }

            fn visit_f64<E: de::Error>(self, _: f64) -> Result<Text, E> {
                Err(E::custom("a secret must be a text in quotation marks"))
            }
        }

        deserializer.deserialize_any(TextOnly)
    }
}

/// A time in the file: an RFC 3339 text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment(pub(super) Timestamp);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Moment, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Moment).map_err(de::Error::custom)
    }
}

/// The secret that is given by value, by the name of a file, or by the name of a variable of the
/// environment; `what` says whose it is.
pub(super) fn secret(
    what: &str,
    value: Option<&Text>,
    file: Option<&str>,
    variable: Option<&str>,
) -> Result<Option<Secret>, Error> {
    let read = match (value, file, variable) {
        (None, None, None) => return Ok(None),
        (Some(Text(value)), None, None) => value.clone(),
        (None, Some(path), None) => {
            let text = std::fs::read_to_string(path)
                .map_err(|e| Error::invalid(what, format!("the file {path} cannot be read: {e}.")))?;
            Secret::new(text.trim_end_matches(['\r', '\n']))
        }
        (None, None, Some(name)) => {
            let text = std::env::var(name)
                .map_err(|_| Error::invalid(what, format!("the environment has no variable {name}.")))?;
            Secret::new(text)
        }
        _ => {
            return Err(Error::invalid(
                what,
                "give the secret by value, by file or by environment, not by two of them.",
            ));
        }
    };
    if read.expose().is_empty() {
        return Err(Error::invalid(what, "the secret is empty."));
    }
    Ok(Some(read))
}
