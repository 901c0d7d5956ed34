//! `casbah identity-provider`: other OpenID providers through which people sign in.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::secret_from;
use crate::cli::Area;
use crate::client::directory::encode;
use crate::client::failure::Failure;
use crate::output::{Cell, Column};

const PATH: &str = "/v1.0/identity/identityProviders";
/// The variable of the environment that holds the client secret when no option names another place.
const SECRET_VARIABLE: &str = "CASBAH_IDENTITY_PROVIDER_SECRET";

/// What can be done with identity providers.
#[derive(Subcommand, Clone, Debug)]
pub enum Action {
    /// List the identity providers
    List,
    /// Register a provider; the client secret comes from a file, standard input or the environment
    Create {
        /// Name on the sign-in page
        name: String,
        /// The issuer, exactly as its tokens say (iss)
        #[arg(long, value_name = "URL")]
        issuer: String,
        /// What Casbah is to the provider
        #[arg(long, value_name = "ID")]
        client_id: String,
        #[command(flatten)]
        secret: SecretArgs,
        /// Prove Casbah with its own signing key, which it publishes, instead of a secret
        #[arg(long, conflicts_with = "secret_file")]
        own_key: bool,
        #[command(flatten)]
        settings: SettingArgs,
    },
    /// Show a provider, and the redirect URI to register there
    Show {
        /// Its id
        id: String,
    },
    /// Change a provider; what is not named stays
    Update {
        /// Its id
        id: String,
        /// Name on the sign-in page
        #[arg(long)]
        name: Option<String>,
        /// What Casbah is to the provider
        #[arg(long, value_name = "ID")]
        client_id: Option<String>,
        #[command(flatten)]
        secret: SecretArgs,
        /// Let people sign in with it, or end that and every sign-in that it vouched for
        #[arg(long, value_name = "TRUE-OR-FALSE", action = clap::ArgAction::Set)]
        enabled: Option<bool>,
        #[command(flatten)]
        settings: SettingArgs,
    },
    /// Delete a provider: nobody comes in by it any more, and who people are there is forgotten
    Delete {
        /// Its id
        id: String,
    },
}

/// Where the client secret comes from.
#[derive(Args, Clone, Debug)]
pub struct SecretArgs {
    /// File with the client secret, or - for standard input [environment: CASBAH_IDENTITY_PROVIDER_SECRET]
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

/// What else can be set.
#[derive(Args, Clone, Debug)]
pub struct SettingArgs {
    /// What is asked for [default: openid profile email]
    #[arg(long)]
    scope: Option<String>,
    /// A claim of its tokens, as name=claim: sub, name, given_name, family_name, email or email_verified;
    /// claims that are not named are then not taken
    #[arg(long = "claim", value_name = "NAME=CLAIM")]
    claims: Vec<String>,
    /// A domain of mail addresses that it alone vouches for
    #[arg(long = "domain", value_name = "DOMAIN")]
    domains: Vec<String>,
    /// What becomes of people whom nobody knows
    #[arg(long, value_parser = ["none", "guest", "member"])]
    provisioning: Option<String>,
    /// Whether its word counts that a second factor was shown
    #[arg(long, value_name = "TRUE-OR-FALSE", action = clap::ArgAction::Set)]
    trusts_second_factor: Option<bool>,
}

const COLUMNS: &[Column] = &[
    Column::text("Provider", "displayName", "/displayName"),
    Column::text("Issuer", "issuer", "/issuer"),
    Column::text("Domains", "domains", "/casbah.domains"),
    Column::text("New people", "provisioning", "/casbah.provisioning"),
    Column::new("On", "isEnabled", "/casbah.isEnabled", Cell::Mark),
    Column::text("Id", "id", "/id"),
];

const SHOWN: &[Column] = &[
    Column::text("Provider", "displayName", "/displayName"),
    Column::text("Id", "id", "/id"),
    Column::text("Issuer", "issuer", "/issuer"),
    Column::text("Client id", "clientId", "/clientId"),
    Column::text("Redirect URI", "redirectUri", "/casbah.redirectUri"),
    Column::text("Scope", "scope", "/scope"),
    Column::text("Domains", "domains", "/casbah.domains"),
    Column::text("New people", "provisioning", "/casbah.provisioning"),
    Column::new("Trusts second factor", "trustsSecondFactor", "/casbah.trustsSecondFactor", Cell::Mark),
    Column::new("On", "isEnabled", "/casbah.isEnabled", Cell::Mark),
    Column::new("Made", "createdDateTime", "/createdDateTime", Cell::Time),
];

/// Runs the command.
pub fn run(area: &Area<Action>) -> Result<(), Failure> {
    let (session, output) = area.open()?;
    match &area.action {
        Action::List => output.list(COLUMNS, &session.directory_all(PATH)?),
        Action::Create { name, issuer, client_id, secret, own_key, settings } => {
            let mut body = settings.body()?;
            body["displayName"] = name.as_str().into();
            body["issuer"] = issuer.as_str().into();
            body["clientId"] = client_id.as_str().into();
            body["clientAuthentication"] = match (own_key, secret.read()?) {
                (true, _) => {
                    json!({ "@odata.type": "#microsoft.graph.oidcPrivateJwtKeyClientAuthentication" })
                }
                (false, Some(authentication)) => authentication,
                (false, None) => {
                    return Err(Failure::usage(format!(
                        "a client secret is needed: --secret-file FILE, the variable {SECRET_VARIABLE}, or --own-key"
                    )));
                }
            };
            output.record(SHOWN, &session.directory("POST", PATH, Some(&body))?)
        }
        Action::Show { id } => output.record(SHOWN, &session.directory("GET", &of(id), None)?),
        Action::Update { id, name, client_id, secret, enabled, settings } => {
            let mut body = settings.body()?;
            if let Some(name) = name {
                body["displayName"] = name.as_str().into();
            }
            if let Some(client_id) = client_id {
                body["clientId"] = client_id.as_str().into();
            }
            if let Some(enabled) = enabled {
                body["casbah.isEnabled"] = (*enabled).into();
            }
            if let Some(authentication) = secret.read()? {
                body["clientAuthentication"] = authentication;
            }
            session.directory("PATCH", &of(id), Some(&body))?;
            output.record(SHOWN, &session.directory("GET", &of(id), None)?)
        }
        Action::Delete { id } => {
            session.directory("DELETE", &of(id), None)?;
            output.done(&format!("the identity provider {id} is deleted"), &json!({ "deleted": id }))
        }
    }
}

fn of(id: &str) -> String {
    format!("{PATH}/{}", encode(id))
}

impl SecretArgs {
    /// The secret as the directory takes it, if there is one.
    fn read(&self) -> Result<Option<Value>, Failure> {
        let secret = secret_from(self.secret_file.as_deref(), SECRET_VARIABLE)?;
        Ok(secret.map(|secret| {
            json!({
                "@odata.type": "#microsoft.graph.oidcClientSecretAuthentication",
                "clientSecret": secret.expose(),
            })
        }))
    }
}

impl SettingArgs {
    fn body(&self) -> Result<Value, Failure> {
        let mut body = json!({});
        if let Some(scope) = &self.scope {
            body["scope"] = scope.as_str().into();
        }
        for claim in &self.claims {
            let (name, value) = claim.split_once('=').ok_or_else(|| {
                Failure::usage(format!("--claim {claim}: write name=claim, as in email_verified=xms_edov"))
            })?;
            body["inboundClaimMapping"][name] = value.into();
        }
        if !self.domains.is_empty() {
            body["casbah.domains"] = json!(self.domains);
        }
        if let Some(provisioning) = &self.provisioning {
            body["casbah.provisioning"] = provisioning.as_str().into();
        }
        if let Some(trusts) = self.trusts_second_factor {
            body["casbah.trustsSecondFactor"] = trusts.into();
        }
        Ok(body)
    }
}
