//! `casbah group`: groups and who is in them.

use clap::Subcommand;
use serde_json::{Value, json};

use crate::cli::Area;
use crate::client::Session;
use crate::client::directory::{encode, text};
use crate::client::failure::Failure;
use crate::client::principals::{GROUP, SERVICE_PRINCIPAL, USER, name, with_kinds};
use crate::output::{Cell, Column, Output};

/// What can be done with groups.
#[derive(Subcommand, Clone, Debug)]
pub enum Action {
    /// List groups
    List,
    /// Show a group and its owners
    Show {
        /// Name or object id
        group: String,
    },
    /// Make a group
    Create(CreateArgs),
    /// Change a group's name, description or nickname
    Update(UpdateArgs),
    /// Delete a group; for thirty days it can be restored
    Delete {
        /// Name or object id
        group: String,
    },
    /// List deleted groups
    Deleted,
    /// Take a deleted group back, with everybody in it
    Restore {
        /// Name or object id
        group: String,
    },
    /// List who is in a group
    Members {
        /// Name or object id
        group: String,
        /// Also who is in it through groups in it
        #[arg(long)]
        all: bool,
    },
    /// Put people, groups or applications into a group
    AddMember(MemberArgs),
    /// Take people, groups or applications out of a group
    RemoveMember(MemberArgs),
}

/// Arguments of `casbah group create`.
#[derive(clap::Args, Clone, Debug)]
pub struct CreateArgs {
    /// Name
    name: String,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// `mailNickname` [default: the name without what an address cannot hold]
    #[arg(long, value_name = "NAME")]
    nickname: Option<String>,
    /// The group can hold directory roles; this cannot be changed later
    #[arg(long)]
    for_roles: bool,
    /// Who is in it from the start; may be repeated
    #[arg(long = "member", value_name = "WHO")]
    members: Vec<String>,
    /// Who owns it besides you; may be repeated
    #[arg(long = "owner", value_name = "WHO")]
    owners: Vec<String>,
}

/// Arguments of `casbah group update`.
#[derive(clap::Args, Clone, Debug)]
pub struct UpdateArgs {
    /// Name or object id
    group: String,
    /// New name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// New description; an empty one takes it away
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// New `mailNickname`
    #[arg(long, value_name = "NAME")]
    nickname: Option<String>,
}

/// Whose membership, and in which group.
#[derive(clap::Args, Clone, Debug)]
pub struct MemberArgs {
    /// Name or object id of the group
    group: String,
    /// Sign-in name, name, client id or object id
    #[arg(required = true, value_name = "WHO")]
    members: Vec<String>,
}

const COLUMNS: &[Column] = &[
    Column::text("Name", "displayName", "/displayName"),
    Column::text("Description", "description", "/description"),
    Column::new("For roles", "isAssignableToRole", "/isAssignableToRole", Cell::Mark),
    Column::text("Object id", "id", "/id"),
];

const DETAILS: &[Column] = &[
    Column::text("Name", "displayName", "/displayName"),
    Column::text("Description", "description", "/description"),
    Column::text("Nickname", "mailNickname", "/mailNickname"),
    Column::new("For roles", "isAssignableToRole", "/isAssignableToRole", Cell::Mark),
    Column::text("Object id", "id", "/id"),
    Column::new("Created", "createdDateTime", "/createdDateTime", Cell::Time),
    Column::text("Owners", "owners", "/owners"),
];

const DELETED: &[Column] = &[
    Column::text("Name", "displayName", "/displayName"),
    Column::new("Deleted", "deletedDateTime", "/deletedDateTime", Cell::Time),
    Column::text("Object id", "id", "/id"),
];

/// Columns of whatever can be in a group or hold a role.
pub const MEMBERS: &[Column] = &[
    Column::text("Kind", "kind", "/kind"),
    Column::text("Name", "displayName", "/displayName"),
    Column::text("Sign-in name", "userPrincipalName", "/userPrincipalName"),
    Column::text("Object id", "id", "/id"),
];

/// Runs the command.
pub fn run(area: &Area<Action>) -> Result<(), Failure> {
    let (session, output) = area.open()?;
    match &area.action {
        Action::List => output.list(COLUMNS, &session.directory_all("/v1.0/groups")?),
        Action::Show { group } => {
            let mut group = find(&session, group)?;
            let owners = session.directory_all(&format!("{}/owners", path(&group)))?;
            group["owners"] = owners.iter().map(name).collect::<Vec<_>>().join(", ").into();
            output.record(DETAILS, &group)
        }
        Action::Create(arguments) => create(&session, &output, arguments),
        Action::Update(arguments) => update(&session, &output, arguments),
        Action::Delete { group } => {
            let group = find(&session, group)?;
            session.directory("DELETE", &path(&group), None)?;
            let sentence = format!("{} is deleted; `casbah group restore` takes it back", name(&group));
            output.done(&sentence, &json!({ "deleted": group["id"] }))
        }
        Action::Deleted => output.list(DELETED, &session.deleted("group")?),
        Action::Restore { group } => {
            let group = session.restore("group", group)?;
            output.done(&format!("{} is back", name(&group)), &json!({ "restored": group["id"] }))
        }
        Action::Members { group, all } => {
            let list = if *all { "transitiveMembers" } else { "members" };
            let path = format!("{}/{list}", path(&find(&session, group)?));
            output.list(MEMBERS, &with_kinds(session.directory_all(&path)?))
        }
        Action::AddMember(change) => {
            let group = find(&session, &change.group)?;
            for member in members(&session, change)? {
                let body = session.reference(&member);
                session.directory("POST", &format!("{}/members/$ref", path(&group)), Some(&body))?;
                let sentence = format!("{} is in {}", name(&member), name(&group));
                output.done(&sentence, &json!({ "added": member["id"], "group": group["id"] }))?;
            }
            Ok(())
        }
        Action::RemoveMember(change) => {
            let group = find(&session, &change.group)?;
            for member in members(&session, change)? {
                let path = format!("{}/members/{}/$ref", path(&group), encode(text(&member, "id")));
                session.directory("DELETE", &path, None)?;
                let sentence = format!("{} is no longer in {}", name(&member), name(&group));
                output.done(&sentence, &json!({ "removed": member["id"], "group": group["id"] }))?;
            }
            Ok(())
        }
    }
}

fn create(session: &Session, output: &Output, arguments: &CreateArgs) -> Result<(), Failure> {
    let bound = |who: &[String], kinds: &[_]| -> Result<Vec<Value>, Failure> {
        let found = who.iter().map(|who| session.principal(who, kinds));
        found.map(|object| Ok(session.reference(&object?)["@odata.id"].take())).collect()
    };
    let nickname = arguments.nickname.clone().unwrap_or_else(|| nickname_of(&arguments.name));
    let mut body = json!({
        "displayName": arguments.name,
        "description": arguments.description,
        "mailNickname": nickname,
        "mailEnabled": false,
        "securityEnabled": true,
        "isAssignableToRole": arguments.for_roles,
    });
    body["members@odata.bind"] = bound(&arguments.members, &[USER, GROUP, SERVICE_PRINCIPAL])?.into();
    body["owners@odata.bind"] = bound(&arguments.owners, &[USER, SERVICE_PRINCIPAL])?.into();
    output.record(DETAILS, &session.directory("POST", "/v1.0/groups", Some(&body))?)
}

fn update(session: &Session, output: &Output, arguments: &UpdateArgs) -> Result<(), Failure> {
    let mut body = json!({});
    for (property, given) in [
        ("displayName", &arguments.name),
        ("description", &arguments.description),
        ("mailNickname", &arguments.nickname),
    ] {
        if let Some(given) = given {
            body[property] = given.as_str().into();
        }
    }
    if body == json!({}) {
        return Err(Failure::usage("nothing to change: give --name, --description or --nickname"));
    }
    let group = find(session, &arguments.group)?;
    session.directory("PATCH", &path(&group), Some(&body))?;
    body["id"] = group["id"].clone();
    output.done(&format!("{} was changed", name(&group)), &body)
}

fn find(session: &Session, named: &str) -> Result<Value, Failure> {
    session.principal(named, &[GROUP])
}

fn members(session: &Session, change: &MemberArgs) -> Result<Vec<Value>, Failure> {
    let kinds = [USER, GROUP, SERVICE_PRINCIPAL];
    change.members.iter().map(|who| session.principal(who, &kinds)).collect()
}

fn path(group: &Value) -> String {
    format!("/v1.0/groups/{}", encode(text(group, "id")))
}

/// The letters and digits of a name, which is all that an address surely takes.
fn nickname_of(name: &str) -> String {
    let usual: String =
        name.chars().filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).take(64).collect();
    if usual.is_empty() { "group".to_string() } else { usual.to_lowercase() }
}
