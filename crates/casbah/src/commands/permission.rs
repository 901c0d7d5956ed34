//! `casbah permission`: what an application asks for, and whether it was granted.

use clap::Subcommand;
use serde_json::{Value, json};

use crate::cli::Area;
use crate::client::Session;
use crate::client::directory::{Grantable, encode, items, text};
use crate::client::failure::Failure;
use crate::client::oauth::Audience;
use crate::output::{Cell, Column, note};

/// What can be done with permissions.
#[derive(Subcommand, Clone, Debug)]
pub enum Action {
    /// List what an application asks for
    List {
        /// Client id, object id or name of the application
        app: String,
    },
    /// Compare what was granted with what was used in the last 30 days
    Report {
        /// Client id, object id or name of the application; none: every application
        app: Option<String>,
    },
    /// Ask for permissions; they count once an administrator consents (`casbah consent grant`)
    Add(ChangeArgs),
    /// Ask for permissions no longer, and take back what was granted
    Remove(ChangeArgs),
}

/// Which permissions of which application.
#[derive(clap::Args, Clone, Debug)]
pub struct ChangeArgs {
    /// Client id, object id or name of the application
    app: String,
    /// Names, for example Investigation.read
    #[arg(required = true, value_name = "PERMISSION")]
    names: Vec<String>,
    /// Scopes that a user delegates, instead of app roles that the application holds as itself
    #[arg(long)]
    delegated: bool,
    /// The application whose permissions they are, when it is an API of your own (`casbah app expose`)
    #[arg(long = "of", value_name = "API")]
    api: Option<String>,
}

const COLUMNS: &[Column] = &[
    Column::text("Permission", "permission", "/permission"),
    Column::text("Kind", "kind", "/kind"),
    Column::text("Resource", "resource", "/resource"),
    Column::new("Consented", "consented", "/consented", Cell::Mark),
];

const REPORT: &[Column] = &[
    Column::text("Application", "application", "/application"),
    Column::text("Permission", "permission", "/permission"),
    Column::text("Kind", "permissionType", "/permissionType"),
    Column::text("Resource", "resource", "/resourceDisplayName"),
    Column::new("Granted", "grantedDateTime", "/grantedDateTime", Cell::Time),
    Column::new("Last used", "lastUsedDateTime", "/lastUsedDateTime", Cell::Time),
    Column::text("Advice", "advice", "/advice"),
];

/// Runs the command.
pub fn run(area: &Area<Action>) -> Result<(), Failure> {
    let (session, output) = area.open()?;
    match &area.action {
        Action::List { app } => {
            let application = session.application(app)?;
            output.list(COLUMNS, &listed(&session, &application)?)
        }
        Action::Report { app } => {
            let mut rows = report(&session, app.as_deref())?;
            if output.for_people() {
                for row in &mut rows {
                    row["advice"] = advice(text(row, "advice")).into();
                }
            }
            output.list(REPORT, &rows)
        }
        Action::Add(change) => {
            let (application, wanted) = look_up(&session, change)?;
            let mut all = asked(&session, &application)?;
            all.retain(|have| !wanted.iter().any(|w| w.id == have.id && w.delegated == have.delegated));
            all.extend(wanted.iter().cloned());
            save(&session, &application, &all)?;
            let names: Vec<_> = wanted.iter().map(|p| p.value.clone()).collect();
            output.done(
                &format!("{} now asks for {}", text(&application, "displayName"), names.join(", ")),
                &json!({ "added": names }),
            )?;
            let app = crate::client::environment::quote(&change.app);
            note(&format!("An administrator grants it with `casbah consent grant {app}`."));
            Ok(())
        }
        Action::Remove(change) => {
            let (application, unwanted) = look_up(&session, change)?;
            let mut all = asked(&session, &application)?;
            all.retain(|have| !unwanted.iter().any(|w| w.id == have.id && w.delegated == have.delegated));
            save(&session, &application, &all)?;
            if let Some(principal) = session.service_principal(text(&application, "appId"))? {
                super::consent::revoke(&session, text(&principal, "id"), Some(&unwanted))?;
            }
            let names: Vec<_> = unwanted.iter().map(|p| p.value.clone()).collect();
            output.done(
                &format!("{} no longer has {}", text(&application, "displayName"), names.join(", ")),
                &json!({ "removed": names }),
            )
        }
    }
}

/// What was granted against what was used, application by application.
fn report(session: &Session, app: Option<&str>) -> Result<Vec<Value>, Failure> {
    let principals = match app {
        Some(app) => {
            let application = session.application(app)?;
            session.service_principal(text(&application, "appId"))?.into_iter().collect()
        }
        None => session.directory_all("/v1.0/servicePrincipals")?,
    };
    let mut rows = Vec::new();
    for principal in principals {
        let path = format!("/v1.0/servicePrincipals/{}/casbah.permissionUse", encode(text(&principal, "id")));
        for mut row in session.directory_all(&path)? {
            row["application"] = text(&principal, "displayName").into();
            rows.push(row);
        }
    }
    Ok(rows)
}

fn advice(word: &str) -> &str {
    match word {
        "keep" => "in use",
        "wait" => "granted lately: wait",
        "considerRemoving" => "not used for 30 days: consider removing",
        "neverUsed" => "never used: consider removing",
        "notKnown" => "not known: another resource",
        other => other,
    }
}

fn look_up(session: &Session, change: &ChangeArgs) -> Result<(Value, Vec<Grantable>), Failure> {
    let application = session.application(&change.app)?;
    let found = change
        .names
        .iter()
        .map(|name| match &change.api {
            Some(api) => session.grantable_of(api, name, change.delegated),
            None => session.grantable(name, change.delegated),
        })
        .collect::<Result<_, _>>()?;
    Ok((application, found))
}

/// The permissions that an application asks for, with their names.
pub fn asked(session: &Session, application: &Value) -> Result<Vec<Grantable>, Failure> {
    let mut found = Vec::new();
    for access in items(application, "requiredResourceAccess") {
        let app_id = text(access, "resourceAppId");
        let known = [Audience::Api, Audience::Directory].into_iter().find(|a| a.app_id() == app_id);
        let resource = match known {
            Some(audience) => session.resource(audience)?,
            None => session.service_principal(app_id)?.unwrap_or(Value::Null),
        };
        for entry in items(access, "resourceAccess") {
            let (id, delegated) = (text(entry, "id"), text(entry, "type") == "Scope");
            let list = if delegated { "oauth2PermissionScopes" } else { "appRoles" };
            let named = items(&resource, list).iter().find(|p| text(p, "id").eq_ignore_ascii_case(id));
            found.push(Grantable {
                resource_app_id: app_id.to_string(),
                resource_id: text(&resource, "id").to_string(),
                resource_name: text(&resource, "displayName").to_string(),
                id: id.to_string(),
                value: named.map_or(id, |p| text(p, "value")).to_string(),
                delegated,
            });
        }
    }
    Ok(found)
}

/// The `requiredResourceAccess` that asks for these permissions.
pub fn required(permissions: &[Grantable]) -> Value {
    let mut resources: Vec<&str> = permissions.iter().map(|p| p.resource_app_id.as_str()).collect();
    resources.sort_unstable();
    resources.dedup();
    let list = resources.into_iter().map(|resource| {
        let access: Vec<_> = permissions
            .iter()
            .filter(|p| p.resource_app_id == resource)
            .map(|p| json!({ "id": p.id, "type": if p.delegated { "Scope" } else { "Role" } }))
            .collect();
        json!({ "resourceAppId": resource, "resourceAccess": access })
    });
    Value::Array(list.collect())
}

fn save(session: &Session, application: &Value, permissions: &[Grantable]) -> Result<(), Failure> {
    let path = format!("/v1.0/applications/{}", encode(text(application, "id")));
    session
        .directory("PATCH", &path, Some(&json!({ "requiredResourceAccess": required(permissions) })))
        .map(|_| ())
}

fn listed(session: &Session, application: &Value) -> Result<Vec<Value>, Failure> {
    let granted = match session.service_principal(text(application, "appId"))? {
        Some(principal) => super::consent::granted(session, text(&principal, "id"))?,
        None => Vec::new(),
    };
    let rows = asked(session, application)?.into_iter().map(|p| {
        let kind = if p.delegated { "delegated" } else { "app role" };
        let same = |g: &Value| {
            text(g, "kind") == kind && text(g, "resource") == p.resource_name && text(g, "permission").eq_ignore_ascii_case(&p.value)
        };
        json!({ "permission": p.value, "kind": kind, "resource": p.resource_name, "consented": granted.iter().any(same) })
    });
    Ok(rows.collect())
}
