//! `casbah user`: people and their roles.

use std::path::PathBuf;

use casbah_model::Secret;
use clap::Subcommand;
use serde_json::{Value, json};

use super::{role, secret_from};
use crate::cli::Area;
use crate::client::Session;
use crate::client::directory::{encode, text};
use crate::client::failure::Failure;
use crate::client::principals::name;
use crate::output::{Cell, Column, Output, note};

/// What can be done with people.
#[derive(Subcommand, Clone, Debug)]
pub enum Action {
    /// Add a person
    Create(CreateArgs),
    /// Invite a guest; prints the link to pass on to them
    Invite(InviteArgs),
    /// List people
    List,
    /// Show a person and their roles
    Show {
        /// Sign-in name or object id
        user: String,
    },
    /// Keep a person from signing in; their tokens stop working within seconds
    Disable {
        /// Sign-in name or object id
        user: String,
    },
    /// Let a person sign in again
    Enable {
        /// Sign-in name or object id
        user: String,
    },
    /// Delete a person: nothing that was issued for them works any more; for thirty days they can be restored
    Delete {
        /// Sign-in name or object id
        user: String,
    },
    /// List deleted people
    Deleted,
    /// Take a deleted person back, with roles, groups and assignments
    Restore {
        /// Sign-in name, name or object id
        user: String,
    },
    /// Set a new password; every session and token of the person ends, and the next sign-in asks for another
    ResetPassword(ResetArgs),
    /// Show or take away second factors
    #[command(subcommand)]
    Factors(FactorAction),
    /// Give or take directory roles
    #[command(subcommand)]
    Role(RoleAction),
}

/// Arguments of `casbah user create`.
#[derive(clap::Args, Clone, Debug)]
pub struct CreateArgs {
    /// Sign-in name, like anna@contoso.example
    name: String,
    /// Full name [default: the part before the @]
    #[arg(long, value_name = "NAME")]
    display_name: Option<String>,
    /// File with the password, - for standard input [env: CASBAH_NEW_PASSWORD; default: one is made and shown once]
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Role to give, for example "Security Reader"; may be repeated
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
}

/// Arguments of `casbah user invite`.
#[derive(clap::Args, Clone, Debug)]
pub struct InviteArgs {
    /// Mail address of the guest, for which an identity provider of the tenant must vouch
    address: String,
    /// Where the guest lands after accepting [default: the account page]
    #[arg(long, value_name = "URL")]
    redirect: Option<String>,
    /// Full name [default: the address]
    #[arg(long, value_name = "NAME")]
    display_name: Option<String>,
}

/// Arguments of `casbah user reset-password`.
#[derive(clap::Args, Clone, Debug)]
pub struct ResetArgs {
    /// Sign-in name or object id
    user: String,
    /// File with the password, - for standard input [env: CASBAH_NEW_PASSWORD; default: one is made and shown once]
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Let the person keep this password
    #[arg(long)]
    keep: bool,
}

/// What can be done with second factors.
#[derive(Subcommand, Clone, Debug)]
pub enum FactorAction {
    /// List a person's second factors
    List {
        /// Sign-in name or object id
        user: String,
    },
    /// Take all of a person's second factors away, or one; the person's browsers are signed out
    Reset {
        /// Sign-in name or object id
        user: String,
        /// Id of the only one to take
        #[arg(long, value_name = "ID")]
        id: Option<String>,
    },
}

/// What can be done with roles.
#[derive(Subcommand, Clone, Debug)]
pub enum RoleAction {
    /// Give a role
    Add(RoleArgs),
    /// Take a role
    Remove(RoleArgs),
}

/// Whose role, and which.
#[derive(clap::Args, Clone, Debug)]
pub struct RoleArgs {
    /// Sign-in name or object id
    user: String,
    /// Name of the role, for example "Security Reader"
    role: String,
}

const COLUMNS: &[Column] = &[
    Column::text("Sign-in name", "userPrincipalName", "/userPrincipalName"),
    Column::text("Name", "displayName", "/displayName"),
    Column::new("Enabled", "accountEnabled", "/accountEnabled", Cell::Mark),
    Column::text("Object id", "id", "/id"),
];

const DELETED: &[Column] = &[
    Column::text("Sign-in name", "userPrincipalName", "/userPrincipalName"),
    Column::text("Name", "displayName", "/displayName"),
    Column::new("Deleted", "deletedDateTime", "/deletedDateTime", Cell::Time),
    Column::text("Object id", "id", "/id"),
];

const DETAILS: &[Column] = &[
    Column::text("Sign-in name", "userPrincipalName", "/userPrincipalName"),
    Column::text("Name", "displayName", "/displayName"),
    Column::new("Enabled", "accountEnabled", "/accountEnabled", Cell::Mark),
    Column::text("Object id", "id", "/id"),
    Column::new("Created", "createdDateTime", "/createdDateTime", Cell::Time),
    Column::text("Password", "password", "/password"),
    Column::text("Roles", "roles", "/roles"),
];

const INVITATION: &[Column] = &[
    Column::text("Address", "invitedUserEmailAddress", "/invitedUserEmailAddress"),
    Column::text("Name", "invitedUserDisplayName", "/invitedUserDisplayName"),
    Column::text("Status", "status", "/status"),
    Column::text("Link to pass on", "inviteRedeemUrl", "/inviteRedeemUrl"),
    Column::text("Leads to", "inviteRedirectUrl", "/inviteRedirectUrl"),
    Column::text("Object id", "id", "/id"),
];

const RESET: &[Column] = &[
    Column::text("Sign-in name", "userPrincipalName", "/userPrincipalName"),
    Column::text("Password", "password", "/password"),
];

const FACTORS: &[Column] = &[
    Column::text("Kind", "kind", "/kind"),
    Column::text("Name", "displayName", "/displayName"),
    Column::new("Added", "createdDateTime", "/createdDateTime", Cell::Time),
    Column::new("Last used", "lastUsedDateTime", "/lastUsedDateTime", Cell::Time),
    Column::text("Id", "id", "/id"),
];

/// Made passwords use characters that cannot be mistaken for each other.
const READABLE: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// Runs the command.
pub fn run(area: &Area<Action>) -> Result<(), Failure> {
    let (session, output) = area.open()?;
    match &area.action {
        Action::Create(arguments) => create(&session, &output, arguments),
        Action::Invite(arguments) => {
            let body = json!({
                "invitedUserEmailAddress": arguments.address,
                "invitedUserDisplayName": arguments.display_name,
                "inviteRedirectUrl":
                    arguments.redirect.clone().unwrap_or_else(|| format!("{}/account", session.server.url)),
                "sendInvitationMessage": false,
            });
            output.record(INVITATION, &session.directory("POST", "/v1.0/invitations", Some(&body))?)
        }
        Action::List => output.list(COLUMNS, &session.directory_all("/v1.0/users")?),
        Action::Show { user } => {
            let mut user = session.user(user)?;
            let roles =
                session.directory_all(&format!("/v1.0/users/{}/memberOf", encode(text(&user, "id"))))?;
            user["roles"] =
                roles.iter().map(|role| text(role, "displayName")).collect::<Vec<_>>().join(", ").into();
            output.record(DETAILS, &user)
        }
        Action::Disable { user } => enable(&session, &output, user, false),
        Action::Enable { user } => enable(&session, &output, user, true),
        Action::Delete { user } => {
            let user = session.user(user)?;
            session.directory("DELETE", &format!("/v1.0/users/{}", encode(text(&user, "id"))), None)?;
            let sentence = format!("{} is deleted; `casbah user restore` takes them back", name(&user));
            output.done(&sentence, &json!({ "deleted": user["id"] }))
        }
        Action::Deleted => output.list(DELETED, &session.deleted("user")?),
        Action::Restore { user } => {
            let user = session.restore("user", user)?;
            output.done(&format!("{} is back", name(&user)), &json!({ "restored": user["id"] }))
        }
        Action::ResetPassword(arguments) => reset_password(&session, &output, arguments),
        Action::Factors(FactorAction::List { user }) => {
            output.list(FACTORS, &factors(&session, &session.user(user)?)?)
        }
        Action::Factors(FactorAction::Reset { user, id }) => {
            let user = session.user(user)?;
            let mut taken = Vec::new();
            for factor in factors(&session, &user)? {
                if id.as_ref().is_none_or(|id| id.eq_ignore_ascii_case(text(&factor, "id"))) {
                    let kind = match text(&factor, "kind") {
                        "passkey" => "fido2Methods",
                        _ => "softwareOathMethods",
                    };
                    let path = format!(
                        "/v1.0/users/{}/authentication/{kind}/{}",
                        encode(text(&user, "id")),
                        encode(text(&factor, "id"))
                    );
                    session.directory("DELETE", &path, None)?;
                    taken.push(factor["id"].clone());
                }
            }
            let sentence = format!(
                "{} second factors of {} were taken away",
                taken.len(),
                text(&user, "userPrincipalName")
            );
            output.done(&sentence, &json!({ "removed": taken }))
        }
        Action::Role(RoleAction::Add(change)) => {
            let role = role::find(&change.role)?;
            let user = session.user(&change.user)?;
            role::add(&session, &user, role)?;
            let sentence = format!("{} now has the role {}", text(&user, "userPrincipalName"), role.name);
            output.done(&sentence, &json!({ "added": role.name }))
        }
        Action::Role(RoleAction::Remove(change)) => {
            let role = role::find(&change.role)?;
            let user = session.user(&change.user)?;
            role::remove(&session, &user, role)?;
            let sentence =
                format!("{} no longer has the role {}", text(&user, "userPrincipalName"), role.name);
            output.done(&sentence, &json!({ "removed": role.name }))
        }
    }
}

fn create(session: &Session, output: &Output, arguments: &CreateArgs) -> Result<(), Failure> {
    let nickname = match arguments.name.split_once('@') {
        Some((nickname, _)) if !nickname.is_empty() => nickname,
        _ => {
            return Err(Failure::usage(format!(
                "{:?} is not a sign-in name like anna@contoso.example",
                arguments.name
            )));
        }
    };
    let roles = arguments.roles.iter().map(|name| role::find(name)).collect::<Result<Vec<_>, _>>()?;
    let given = secret_from(arguments.password_file.as_deref(), "CASBAH_NEW_PASSWORD")?;
    let made = given.is_none();
    let password = given.unwrap_or_else(|| Secret::random(20, READABLE));
    let body = json!({
        "accountEnabled": true,
        "displayName": arguments.display_name.as_deref().unwrap_or(nickname),
        "userPrincipalName": arguments.name,
        "mailNickname": nickname,
        "passwordProfile": { "password": password.expose(), "forceChangePasswordNextSignIn": false },
    });
    let mut user = session.directory("POST", "/v1.0/users", Some(&body))?;
    for role in &roles {
        role::add(session, &user, role)?;
    }
    user["roles"] = roles.iter().map(|role| role.name).collect::<Vec<_>>().join(", ").into();
    if made {
        user["password"] = password.expose().into();
    }
    output.record(DETAILS, &user)?;
    if made && output.for_people() {
        note("The password is shown this once only.");
    }
    Ok(())
}

fn reset_password(session: &Session, output: &Output, arguments: &ResetArgs) -> Result<(), Failure> {
    let user = session.user(&arguments.user)?;
    let given = secret_from(arguments.password_file.as_deref(), "CASBAH_NEW_PASSWORD")?;
    let made = given.is_none();
    let password = given.unwrap_or_else(|| Secret::random(20, READABLE));
    let path = format!("/v1.0/users/{}", encode(text(&user, "id")));
    let profile = json!({ "password": password.expose(), "forceChangePasswordNextSignIn": !arguments.keep });
    session.directory("PATCH", &path, Some(&json!({ "passwordProfile": profile })))?;
    let mut shown = json!({ "id": user["id"], "userPrincipalName": user["userPrincipalName"] });
    if made {
        shown["password"] = password.expose().into();
    }
    output.record(RESET, &shown)?;
    if made && output.for_people() {
        note("The password is shown this once only.");
    }
    Ok(())
}

/// The second factors of a person; the password is none.
fn factors(session: &Session, user: &Value) -> Result<Vec<Value>, Failure> {
    let path = format!("/v1.0/users/{}/authentication/methods", encode(text(user, "id")));
    let mut factors = session.directory_all(&path)?;
    factors.retain_mut(|factor| {
        let kind = match text(factor, "@odata.type") {
            "#microsoft.graph.softwareOathAuthenticationMethod" => "authenticator",
            "#microsoft.graph.fido2AuthenticationMethod" => "passkey",
            _ => return false,
        };
        factor["kind"] = kind.into();
        true
    });
    Ok(factors)
}

fn enable(session: &Session, output: &Output, named: &str, enabled: bool) -> Result<(), Failure> {
    let user = session.user(named)?;
    let path = format!("/v1.0/users/{}", encode(text(&user, "id")));
    session.directory("PATCH", &path, Some(&json!({ "accountEnabled": enabled })))?;
    let sentence = match enabled {
        true => format!("{} can sign in again", text(&user, "userPrincipalName")),
        false => format!("{} can no longer sign in", text(&user, "userPrincipalName")),
    };
    output.done(&sentence, &json!({ "id": user["id"], "accountEnabled": enabled }))
}
