//! `casbah app expose`: an application becomes an API that others get tokens for.

use casbah_model::Guid;
use serde_json::{Value, json};

use crate::client::Session;
use crate::client::directory::{encode, items, text};
use crate::client::failure::Failure;
use crate::output::{Column, Output};

/// Arguments of `casbah app expose`.
#[derive(clap::Args, Clone, Debug)]
pub struct ExposeArgs {
    /// Client id, object id or name of the application that is the API
    app: String,
    /// URI that names it in scopes and audiences; may be repeated [default: api://CLIENT-ID if it has none]
    #[arg(long = "identifier-uri", value_name = "URI")]
    identifier_uris: Vec<String>,
    /// Permission that people lend to clients: VALUE or VALUE=TEXT; may be repeated
    #[arg(long = "scope", value_name = "VALUE[=TEXT]")]
    scopes: Vec<String>,
    /// The same, but only administrators may consent to it
    #[arg(long = "admin-scope", value_name = "VALUE[=TEXT]")]
    admin_scopes: Vec<String>,
    /// Permission that applications hold as themselves: VALUE or VALUE=TEXT; may be repeated
    #[arg(long = "role", value_name = "VALUE[=TEXT]")]
    roles: Vec<String>,
    /// Permission that people and groups are assigned: VALUE or VALUE=TEXT; may be repeated
    #[arg(long = "user-role", value_name = "VALUE[=TEXT]")]
    user_roles: Vec<String>,
    /// Client (id or name) that needs no consent for the scopes named here, or for all when none is named; may be
    /// repeated
    #[arg(long = "pre-authorize", value_name = "CLIENT")]
    clients: Vec<String>,
    /// Version of the access tokens, 1 or 2
    #[arg(long, value_name = "VERSION", value_parser = clap::value_parser!(u8).range(1..=2))]
    token_version: Option<u8>,
}

const EXPOSED: &[Column] = &[
    Column::text("Name", "displayName", "/displayName"),
    Column::text("Client id", "clientId", "/clientId"),
    Column::text("Identifier URIs", "identifierUris", "/identifierUris"),
    Column::text("Scopes", "scopes", "/scopes"),
    Column::text("App roles", "appRoles", "/appRoles"),
    Column::text("Pre-authorised", "preAuthorized", "/preAuthorized"),
];

/// A permission as it was typed: its value, and what to tell people of it.
struct Typed {
    value: String,
    text: Option<String>,
}

/// Adds to what the application exposes; what is there stays, so that running it again changes nothing.
pub fn run(session: &Session, output: &Output, arguments: &ExposeArgs) -> Result<(), Failure> {
    let application = session.application(&arguments.app)?;
    let mut scopes = items(&application["api"], "oauth2PermissionScopes").to_vec();
    let mut named: Vec<String> = Vec::new();
    for (list, kind) in [(&arguments.scopes, "User"), (&arguments.admin_scopes, "Admin")] {
        for typed in typed(list)? {
            named.push(put_scope(&mut scopes, &typed, kind));
        }
    }
    let mut roles = items(&application, "appRoles").to_vec();
    for (list, member) in [(&arguments.roles, "Application"), (&arguments.user_roles, "User")] {
        for typed in typed(list)? {
            put_role(&mut roles, &typed, member);
        }
    }
    let mut uris: Vec<Value> = items(&application, "identifierUris").to_vec();
    let missing = arguments.identifier_uris.iter().filter(|uri| !uris.iter().any(|have| have == *uri));
    let missing: Vec<Value> = missing.map(|uri| uri.as_str().into()).collect();
    uris.extend(missing);
    if uris.is_empty() {
        uris.push(format!("api://{}", text(&application, "appId")).into());
    }
    if named.is_empty() {
        named = scopes.iter().map(|scope| text(scope, "id").to_string()).collect();
    }
    let mut trusted = items(&application["api"], "preAuthorizedApplications").to_vec();
    for client in &arguments.clients {
        let client = session.application(client)?;
        pre_authorize(&mut trusted, text(&client, "appId"), &named)?;
    }
    let mut api = json!({ "oauth2PermissionScopes": scopes, "preAuthorizedApplications": trusted });
    if let Some(version) = arguments.token_version {
        api["requestedAccessTokenVersion"] = version.into();
    }
    let body = json!({ "identifierUris": uris, "appRoles": roles, "api": api });
    session.directory(
        "PATCH",
        &format!("/v1.0/applications/{}", encode(text(&application, "id"))),
        Some(&body),
    )?;
    // Tokens are issued for its service principal.
    session.ensure_service_principal(text(&application, "appId"))?;
    let values =
        |list: &[Value], field: &str| list.iter().map(|entry| entry[field].clone()).collect::<Vec<_>>();
    output.record(
        EXPOSED,
        &json!({
            "displayName": application["displayName"],
            "clientId": application["appId"],
            "identifierUris": uris,
            "scopes": values(items(&body["api"], "oauth2PermissionScopes"), "value"),
            "appRoles": values(&roles, "value"),
            "preAuthorized": values(items(&body["api"], "preAuthorizedApplications"), "appId"),
        }),
    )
}

fn typed(list: &[String]) -> Result<Vec<Typed>, Failure> {
    let read = |entry: &String| {
        let (value, text) = match entry.split_once('=') {
            Some((value, text)) => (value.trim(), Some(text.trim())),
            None => (entry.trim(), None),
        };
        if value.is_empty() {
            return Err(Failure::usage(format!("{entry:?} has no value; write VALUE or VALUE=TEXT")));
        }
        let text = text.filter(|text| !text.is_empty()).map(str::to_string);
        Ok(Typed { value: value.to_string(), text })
    };
    list.iter().map(read).collect()
}

/// Adds a scope, or says of one that is there what was typed; answers its id.
fn put_scope(scopes: &mut Vec<Value>, typed: &Typed, kind: &str) -> String {
    let at = scopes.iter().position(|scope| text(scope, "value") == typed.value).unwrap_or_else(|| {
        let told = typed.text.as_deref().unwrap_or(&typed.value);
        scopes.push(json!({
            "id": Guid::random(),
            "value": typed.value,
            "adminConsentDisplayName": told,
            "adminConsentDescription": told,
            "isEnabled": true,
        }));
        scopes.len() - 1
    });
    let scope = &mut scopes[at];
    scope["type"] = kind.into();
    if let Some(told) = &typed.text {
        scope["adminConsentDisplayName"] = told.as_str().into();
        scope["adminConsentDescription"] = told.as_str().into();
        // People are asked in the same words.
        if kind == "User" {
            scope["userConsentDisplayName"] = told.as_str().into();
            scope["userConsentDescription"] = told.as_str().into();
        }
    }
    text(scope, "id").to_string()
}

/// Adds an app role, or one more kind of member and the text that was typed to one that is there.
fn put_role(roles: &mut Vec<Value>, typed: &Typed, member: &str) {
    let at = roles.iter().position(|role| text(role, "value") == typed.value).unwrap_or_else(|| {
        let told = typed.text.as_deref().unwrap_or(&typed.value);
        roles.push(json!({
            "id": Guid::random(),
            "value": typed.value,
            "displayName": told,
            "description": told,
            "allowedMemberTypes": [],
            "isEnabled": true,
        }));
        roles.len() - 1
    });
    let role = &mut roles[at];
    let mut members = items(role, "allowedMemberTypes").to_vec();
    if !members.iter().any(|have| have == member) {
        members.push(member.into());
    }
    role["allowedMemberTypes"] = members.into();
    if let Some(told) = &typed.text {
        role["displayName"] = told.as_str().into();
        role["description"] = told.as_str().into();
    }
}

fn pre_authorize(trusted: &mut Vec<Value>, app_id: &str, scopes: &[String]) -> Result<(), Failure> {
    if scopes.is_empty() {
        return Err(Failure::usage("there is no scope to pre-authorise a client for: add one with --scope"));
    }
    let at = trusted.iter().position(|client| text(client, "appId") == app_id).unwrap_or_else(|| {
        trusted.push(json!({ "appId": app_id, "delegatedPermissionIds": [] }));
        trusted.len() - 1
    });
    let mut ids = items(&trusted[at], "delegatedPermissionIds").to_vec();
    let missing: Vec<Value> =
        scopes.iter().filter(|id| !ids.iter().any(|have| have == *id)).map(|id| id.as_str().into()).collect();
    ids.extend(missing);
    trusted[at]["delegatedPermissionIds"] = ids.into();
    Ok(())
}
