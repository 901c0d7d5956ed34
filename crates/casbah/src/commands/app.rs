//! `casbah app`: applications that call the API, and those that are one.

mod expose;
mod owners;

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};

use super::moment;
use crate::cli::Area;
use crate::client::Session;
use crate::client::directory::{encode, items, text};
use crate::client::environment::Environment;
use crate::client::failure::Failure;
use crate::output::{Cell, Column, Output, note, write};

/// What can be done with applications.
#[derive(Subcommand, Clone, Debug)]
pub enum Action {
    /// Register an application: with permissions, consent and a secret it is ready to call the API
    Create(CreateArgs),
    /// List the applications of the tenant
    List,
    /// Show one application
    Show {
        /// Client id, object id or name
        app: String,
    },
    /// Make an application an API of its own: identifier URI, scopes, app roles, clients that need no consent.
    /// Running it again changes nothing
    Expose(expose::ExposeArgs),
    /// Show or change who owns an application
    #[command(subcommand)]
    Owners(owners::OwnerAction),
    /// Delete an application; its tokens stop working at once, and for thirty days it can be restored
    Delete {
        /// Client id, object id or name
        app: String,
    },
    /// List deleted applications
    Deleted,
    /// Take a deleted application back, with its service principal, secrets and permissions
    Restore {
        /// Client id, object id or name
        app: String,
    },
}

/// Arguments of `casbah app create`.
#[derive(clap::Args, Clone, Debug)]
pub struct CreateArgs {
    /// Name of the application
    name: String,
    /// App role to give it, for example Investigation.read; may be repeated
    #[arg(short, long = "permission", visible_alias = "role", value_name = "PERMISSION")]
    permissions: Vec<String>,
    /// Scope that users may delegate to it; may be repeated
    #[arg(long = "delegated", value_name = "PERMISSION")]
    delegated: Vec<String>,
    /// A public application: it runs where no secret can be kept, and gets none
    #[arg(long)]
    public: bool,
    /// Where the authority may send people back to; may be repeated
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,
    /// Only ask for the permissions; an administrator consents later (`casbah consent grant`)
    #[arg(long)]
    no_consent: bool,
    /// Make no secret
    #[arg(long)]
    no_secret: bool,
    /// How long the secret lives: 90d, 1y, or a date
    #[arg(long, value_name = "WHEN", default_value = "180d")]
    expires: String,
    /// Write the settings for the application into this folder's casbah.env (mode 0600) instead of
    /// showing the secret
    #[arg(long, value_name = "DIR")]
    env: Option<PathBuf>,
}

const COLUMNS: &[Column] = &[
    Column::text("Name", "displayName", "/displayName"),
    Column::text("Client id", "appId", "/appId"),
    Column::new("Public", "isFallbackPublicClient", "/isFallbackPublicClient", Cell::Mark),
    Column::new("Created", "createdDateTime", "/createdDateTime", Cell::Time),
];

const DELETED: &[Column] = &[
    Column::text("Name", "displayName", "/displayName"),
    Column::text("Client id", "appId", "/appId"),
    Column::new("Deleted", "deletedDateTime", "/deletedDateTime", Cell::Time),
    Column::text("Object id", "id", "/id"),
];

const DETAILS: &[Column] = &[
    Column::text("Name", "displayName", "/displayName"),
    Column::text("Client id", "appId", "/appId"),
    Column::text("Object id", "id", "/id"),
    Column::new("Public", "isFallbackPublicClient", "/isFallbackPublicClient", Cell::Mark),
    Column::text("Redirect URIs", "publicClientRedirectUris", "/publicClient/redirectUris"),
    Column::text("Web redirect URIs", "webRedirectUris", "/web/redirectUris"),
    Column::text("SPA redirect URIs", "spaRedirectUris", "/spa/redirectUris"),
    Column::new("Created", "createdDateTime", "/createdDateTime", Cell::Time),
];

const CREATED: &[Column] = &[
    Column::text("Name", "displayName", "/displayName"),
    Column::text("Tenant", "tenant", "/tenant"),
    Column::text("Client id", "clientId", "/clientId"),
    Column::text("Secret", "clientSecret", "/clientSecret"),
    Column::new("Secret ends", "expires", "/expires", Cell::Time),
    Column::text("Permissions", "permissions", "/permissions"),
    Column::text("Token URL", "tokenUrl", "/tokenUrl"),
    Column::text("API", "apiUrl", "/apiUrl"),
];

/// Runs the command.
pub fn run(area: &Area<Action>) -> Result<(), Failure> {
    let (session, output) = area.open()?;
    match &area.action {
        Action::Create(arguments) => create(&session, &output, arguments),
        Action::List => output.list(COLUMNS, &session.directory_all("/v1.0/applications")?),
        Action::Show { app } => {
            let application = session.application(app)?;
            output.record(DETAILS, &application)?;
            if output.for_people() {
                write("\n")?;
                output.list(super::secret::COLUMNS, items(&application, "passwordCredentials"))?;
            }
            Ok(())
        }
        Action::Expose(arguments) => expose::run(&session, &output, arguments),
        Action::Owners(action) => owners::run(&session, &output, action),
        Action::Deleted => output.list(DELETED, &session.deleted("application")?),
        Action::Restore { app } => {
            let application = session.restore("application", app)?;
            let sentence = format!("{} is back", text(&application, "displayName"));
            output.done(&sentence, &json!({ "restored": text(&application, "appId") }))
        }
        Action::Delete { app } => {
            let application = session.application(app)?;
            session.directory(
                "DELETE",
                &format!("/v1.0/applications/{}", encode(text(&application, "id"))),
                None,
            )?;
            output.done(
                &format!("{} is deleted", text(&application, "displayName")),
                &json!({ "deleted": text(&application, "appId") }),
            )
        }
    }
}

fn create(session: &Session, output: &Output, arguments: &CreateArgs) -> Result<(), Failure> {
    let ends = moment(&arguments.expires, session.clock.now())?;
    // Before anything is made: a secret that then cannot be kept would be lost.
    if let Some(folder) = &arguments.env {
        Environment::prepare(folder)?;
    }
    let roles = arguments.permissions.iter().map(|name| session.grantable(name, false));
    let scopes = arguments.delegated.iter().map(|name| session.grantable(name, true));
    let wanted = roles.chain(scopes).collect::<Result<Vec<_>, _>>()?;
    let mut body = json!({
        "displayName": arguments.name,
        "isFallbackPublicClient": arguments.public,
        "requiredResourceAccess": super::permission::required(&wanted),
    });
    if !arguments.redirect_uris.is_empty() {
        let kind = if arguments.public { "publicClient" } else { "web" };
        body[kind] = json!({ "redirectUris": arguments.redirect_uris });
    }
    let application = session.directory("POST", "/v1.0/applications", Some(&body))?;
    let client_id = text(&application, "appId");
    let principal = session.ensure_service_principal(client_id)?;
    if !arguments.no_consent {
        super::consent::grant(session, text(&principal, "id"), &wanted)?;
    }
    let names: Vec<_> = wanted.iter().map(|p| p.value.clone()).collect();
    let mut made = json!({
        "displayName": arguments.name,
        "tenant": session.server.tenant,
        "clientId": client_id,
        "objectId": text(&application, "id"),
        "permissions": names,
        "tokenUrl": session.authority().endpoint("token"),
        "apiUrl": format!("{}/api/v1", session.server.url),
    });
    if !arguments.public && !arguments.no_secret {
        let secret = super::secret::create(session, &application, "casbah app create", ends)?;
        made["clientSecret"] = secret["secretText"].clone();
        made["expires"] = secret["endDateTime"].clone();
    }
    if let Some(folder) = &arguments.env {
        return keep(session, output, folder, &made);
    }
    output.record(CREATED, &made)?;
    if made.get("clientSecret").is_some() && output.for_people() {
        note("The secret is shown this once only; store it now.");
    }
    Ok(())
}

/// Puts the settings into a file, so that the secret is on no screen and in no history.
fn keep(session: &Session, output: &Output, folder: &std::path::Path, made: &Value) -> Result<(), Failure> {
    let mut environment = Environment::default();
    environment.set("CASBAH_URL", &session.server.url);
    environment.set("CASBAH_TENANT", &session.server.tenant);
    if let Some(ca) = &session.server.ca {
        environment.set("CASBAH_CA", ca.to_string_lossy());
    }
    environment.set("CASBAH_CLIENT_ID", text(made, "clientId"));
    environment.set("CASBAH_CLIENT_SECRET", text(made, "clientSecret"));
    let path = environment.write(folder)?;
    let mut shown = made.clone();
    if let Some(fields) = shown.as_object_mut() {
        fields.remove("clientSecret");
    }
    output.record(CREATED, &shown)?;
    note(&format!("The secret is in {} (mode 0600).", path.display()));
    Ok(())
}
