//! `casbah role`: directory roles and who holds them.

use casbah_model::{ROLES, Role};
use clap::Subcommand;
use serde_json::{Value, json};

use super::group::MEMBERS;
use crate::cli::Area;
use crate::client::Session;
use crate::client::directory::{encode, text};
use crate::client::failure::Failure;
use crate::client::principals::{GROUP, USER, name, with_kinds};
use crate::output::Column;

/// What can be done with directory roles.
#[derive(Subcommand, Clone, Debug)]
pub enum Action {
    /// List the directory roles
    List,
    /// Show what a role is for, and how many hold it
    Show {
        /// Name or template id, for example "Security Reader"
        role: String,
    },
    /// List who holds a role: people, and groups whose members all do
    Members {
        /// Name or template id
        role: String,
    },
    /// Give a role to a person, or to a group that was made with --for-roles; holding it already is fine
    Assign(AssignArgs),
    /// Take a role from a person or a group; they lose it at once
    Unassign(AssignArgs),
}

/// Which role, and whose.
#[derive(clap::Args, Clone, Debug)]
pub struct AssignArgs {
    /// Name or template id of the role
    role: String,
    /// Sign-in name, name or object id
    #[arg(value_name = "WHO")]
    who: String,
}

const COLUMNS: &[Column] = &[
    Column::text("Role", "displayName", "/displayName"),
    Column::text("What for", "description", "/description"),
    Column::text("Template id", "roleTemplateId", "/roleTemplateId"),
];

const DETAILS: &[Column] = &[
    Column::text("Role", "displayName", "/displayName"),
    Column::text("What for", "description", "/description"),
    Column::text("Template id", "roleTemplateId", "/roleTemplateId"),
    Column::text("Held by", "holders", "/holders"),
];

/// Runs the command.
pub fn run(area: &Area<Action>) -> Result<(), Failure> {
    let (session, output) = area.open()?;
    match &area.action {
        Action::List => output.list(COLUMNS, &session.directory_all("/v1.0/directoryRoles")?),
        Action::Show { role } => {
            let role = find(role)?;
            let mut shown = session.directory("GET", &path(role), None)?;
            let holders = holders(&session, role)?;
            shown["holders"] = holders.iter().map(name).collect::<Vec<_>>().join(", ").into();
            output.record(DETAILS, &shown)
        }
        Action::Members { role } => output.list(MEMBERS, &holders(&session, find(role)?)?),
        Action::Assign(change) => {
            let role = find(&change.role)?;
            let who = session.principal(&change.who, &[USER, GROUP])?;
            if !holders(&session, role)?.iter().any(|holder| holder["id"] == who["id"]) {
                add(&session, &who, role)?;
            }
            let sentence = format!("{} holds the role {}", name(&who), role.name);
            output.done(&sentence, &json!({ "assigned": role.name, "to": who["id"] }))
        }
        Action::Unassign(change) => {
            let role = find(&change.role)?;
            let who = session.principal(&change.who, &[USER, GROUP])?;
            remove(&session, &who, role)?;
            let sentence = format!("{} no longer holds the role {}", name(&who), role.name);
            output.done(&sentence, &json!({ "unassigned": role.name, "from": who["id"] }))
        }
    }
}

/// A role by name or template id.
pub fn find(named: &str) -> Result<&'static Role, Failure> {
    Role::find(named).ok_or_else(|| {
        let known: Vec<_> = ROLES.iter().map(|role| role.name).collect();
        Failure::usage(format!("{named:?} is not a role; there are {}", known.join(", ")))
    })
}

/// Gives a role to a person or a group.
pub fn add(session: &Session, holder: &Value, role: &Role) -> Result<(), Failure> {
    let body = session.reference(holder);
    session.directory("POST", &format!("{}/members/$ref", path(role)), Some(&body)).map(|_| ())
}

/// Takes a role from a person or a group.
pub fn remove(session: &Session, holder: &Value, role: &Role) -> Result<(), Failure> {
    let path = format!("{}/members/{}/$ref", path(role), encode(text(holder, "id")));
    session.directory("DELETE", &path, None).map(|_| ())
}

fn holders(session: &Session, role: &Role) -> Result<Vec<Value>, Failure> {
    Ok(with_kinds(session.directory_all(&format!("{}/members", path(role)))?))
}

fn path(role: &Role) -> String {
    format!("/v1.0/directoryRoles(roleTemplateId='{}')", role.template)
}
