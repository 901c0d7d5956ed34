//! `casbah consent`: what applications were granted, as themselves and on behalf of users.

use clap::Subcommand;
use serde_json::{Value, json};

use super::permission::asked;
use crate::cli::Area;
use crate::client::Session;
use crate::client::directory::{Grantable, encode, items, text};
use crate::client::failure::Failure;
use crate::output::{Column, Output, note};

/// What can be done with consent.
#[derive(Subcommand, Clone, Debug)]
pub enum Action {
    /// Consent, for everybody in the tenant, to all that an application asks for
    Grant {
        /// Client id, object id or name of the application
        app: String,
    },
    /// List what an application was granted
    List {
        /// Client id, object id or name of the application
        app: String,
    },
    /// Take back what an application was granted; its tokens lose it within seconds
    Revoke {
        /// Client id, object id or name of the application
        app: String,
        /// Names of permissions; none means all
        #[arg(value_name = "PERMISSION")]
        names: Vec<String>,
        /// The names are scopes that users delegate, not app roles
        #[arg(long)]
        delegated: bool,
    },
}

const COLUMNS: &[Column] = &[
    Column::text("Permission", "permission", "/permission"),
    Column::text("Kind", "kind", "/kind"),
    Column::text("Resource", "resource", "/resource"),
    Column::text("For", "principal", "/principal"),
];

/// Runs the command.
pub fn run(area: &Area<Action>) -> Result<(), Failure> {
    let (session, output) = area.open()?;
    match &area.action {
        Action::Grant { app } => grant_all(&session, &output, app),
        Action::List { app } => {
            let (_, principal) = look_up(&session, app)?;
            output.list(COLUMNS, &granted(&session, text(&principal, "id"))?)
        }
        Action::Revoke { app, names, delegated } => {
            let (application, principal) = look_up(&session, app)?;
            let chosen = names
                .iter()
                .map(|name| session.grantable(name, *delegated))
                .collect::<Result<Vec<_>, _>>()?;
            let chosen = if names.is_empty() { None } else { Some(chosen.as_slice()) };
            let count = revoke(&session, text(&principal, "id"), chosen)?;
            let sentence =
                format!("{count} of the permissions of {} taken back", text(&application, "displayName"));
            output.done(&sentence, &json!({ "revoked": count }))
        }
    }
}

fn look_up(session: &Session, app: &str) -> Result<(Value, Value), Failure> {
    let application = session.application(app)?;
    let principal = session.ensure_service_principal(text(&application, "appId"))?;
    Ok((application, principal))
}

fn grant_all(session: &Session, output: &Output, app: &str) -> Result<(), Failure> {
    let (application, principal) = look_up(session, app)?;
    let wanted = asked(session, &application)?;
    if wanted.is_empty() {
        note(&format!(
            "{app} asks for nothing; add something with `casbah permission add {app} PERMISSION`."
        ));
    }
    grant(session, text(&principal, "id"), &wanted)?;
    let names: Vec<_> = wanted.iter().map(|p| p.value.clone()).collect();
    let sentence =
        format!("consent is given: {} may {}", text(&application, "displayName"), names.join(", "));
    output.done(&sentence, &json!({ "granted": names }))
}

/// Grants permissions for everybody in the tenant; what is granted already stays.
pub fn grant(session: &Session, principal: &str, wanted: &[Grantable]) -> Result<(), Failure> {
    for role in wanted.iter().filter(|p| !p.delegated) {
        session.assign_role(principal, role)?;
    }
    let mut resources: Vec<&str> =
        wanted.iter().filter(|p| p.delegated).map(|p| p.resource_id.as_str()).collect();
    resources.sort_unstable();
    resources.dedup();
    for resource in resources {
        let scopes =
            wanted.iter().filter(|p| p.delegated && p.resource_id == resource).map(|p| p.value.clone());
        session.grant_scopes(principal, resource, &scopes.collect::<Vec<_>>())?;
    }
    Ok(())
}

/// Takes permissions back, all when none are chosen; answers how many.
pub fn revoke(session: &Session, principal: &str, chosen: Option<&[Grantable]>) -> Result<usize, Failure> {
    let mut count = 0;
    for assignment in session.assignments(principal)? {
        let hit = chosen.is_none_or(|chosen| {
            chosen.iter().any(|p| {
                !p.delegated
                    && p.id == text(&assignment, "appRoleId")
                    && p.resource_id == text(&assignment, "resourceId")
            })
        });
        if hit {
            let path = format!(
                "/v1.0/servicePrincipals/{}/appRoleAssignedTo/{}",
                encode(text(&assignment, "resourceId")),
                encode(text(&assignment, "id"))
            );
            session.directory("DELETE", &path, None)?;
            count += 1;
        }
    }
    for grant in session.grants(principal)? {
        let (mut kept, mut dropped) = (Vec::new(), 0);
        for scope in text(&grant, "scope").split_whitespace() {
            let hit = chosen.is_none_or(|chosen| {
                chosen.iter().any(|p| {
                    p.delegated
                        && p.resource_id == text(&grant, "resourceId")
                        && p.value.eq_ignore_ascii_case(scope)
                })
            });
            if hit {
                dropped += 1;
            } else {
                kept.push(scope.to_string());
            }
        }
        if dropped > 0 {
            session.set_scopes(&grant, &kept)?;
            count += dropped;
        }
    }
    Ok(count)
}

/// What a service principal was granted, one row a permission.
pub fn granted(session: &Session, principal: &str) -> Result<Vec<Value>, Failure> {
    let mut rows = Vec::new();
    let mut resources: Vec<Value> = Vec::new();
    let assignments = session.assignments(principal)?;
    let grants = session.grants(principal)?;
    for id in assignments.iter().chain(&grants).map(|record| text(record, "resourceId")) {
        if !resources.iter().any(|r| text(r, "id") == id) {
            resources.push(session.directory(
                "GET",
                &format!("/v1.0/servicePrincipals/{}", encode(id)),
                None,
            )?);
        }
    }
    let resource = |record: &Value| resources.iter().find(|r| text(r, "id") == text(record, "resourceId"));
    for assignment in &assignments {
        let found = resource(assignment);
        let id = text(assignment, "appRoleId");
        let role = found.and_then(|r| items(r, "appRoles").iter().find(|p| text(p, "id") == id));
        rows.push(json!({
            "permission": role.map_or(id, |r| text(r, "value")),
            "kind": "app role",
            "resource": found.map_or("", |r| text(r, "displayName")),
            "principal": "itself",
        }));
    }
    for grant in &grants {
        let name = resource(grant).map_or("", |r| text(r, "displayName"));
        let whom = if text(grant, "consentType") == "AllPrincipals" {
            "everybody"
        } else {
            text(grant, "principalId")
        };
        for scope in text(grant, "scope").split_whitespace() {
            rows.push(
                json!({ "permission": scope, "kind": "delegated", "resource": name, "principal": whom }),
            );
        }
    }
    Ok(rows)
}
