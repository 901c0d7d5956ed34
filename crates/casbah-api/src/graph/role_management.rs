//! `/roleManagement/directory`: the same roles and holders, as Terraform and newer scripts ask for them.

use casbah_model::{Guid, ROLES, Role};
use casbah_service::directory::roles::RoleAssignment;
use serde_json::{Value, json};

use super::error::GraphError;
use super::path::Key;
use super::properties::Properties;
use super::{Answer, Call, directory_roles};

type Answered = Result<Answer, GraphError>;

const DEFINITIONS: &str = "roleManagement/directory/roleDefinitions";
const ASSIGNMENTS: &str = "roleManagement/directory/roleAssignments";

pub(super) async fn list_definitions(call: Call) -> Answered {
    let entries = ROLES.iter().map(definition_view).collect();
    call.query.list(&call.service.settings().public_url, DEFINITIONS, entries).map(Answer::Found)
}

pub(super) async fn fetch_definition(call: Call) -> Answered {
    call.query.select(definition_view(directory_roles::role(&call.keys[0])?)).map(Answer::Found)
}

pub(super) async fn list(call: Call) -> Answered {
    let fixed = |name: &str| call.query.filter.as_ref().and_then(|f| f.fixes(name)).map(str::to_string);
    let role = fixed("roleDefinitionId").and_then(|text| Role::find(&text));
    let holder: Option<Guid> = fixed("principalId").and_then(|text| text.parse().ok());
    let found = call.service.list_role_assignments(&call.caller, role, holder).await?;
    let entries = found.iter().map(view).collect();
    // What the database has not looked at, the list does.
    call.query.list(&call.service.settings().public_url, ASSIGNMENTS, entries).map(Answer::Found)
}

pub(super) async fn create(call: Call) -> Answered {
    let mut body = Properties::of(call.body)?;
    let principal = body.needed_id("principalId")?;
    let definition = body.needed_id("roleDefinitionId")?;
    let scope = body.text("directoryScopeId")?.unwrap_or_else(|| "/".to_string());
    body.finish()?;
    let role = ROLES.iter().find(|role| role.template == definition);
    let role = role.ok_or_else(|| {
        GraphError::bad_request(format!("Property 'roleDefinitionId' names no role: {definition}."))
    })?;
    if scope != "/" {
        return Err(GraphError::bad_request(
            "Property 'directoryScopeId' must be /: roles are given for the whole tenant.",
        ));
    }
    let (_, new) = call.service.add_role(&call.caller, &principal.to_string(), role).await?;
    if !new {
        return Err(GraphError::bad_request(
            "A conflicting object with one or more of the specified property values is present in the \
             directory: the role was assigned before.",
        ));
    }
    let found = call.service.list_role_assignments(&call.caller, Some(role), Some(principal)).await?;
    let made = found.first().ok_or(casbah_service::Error::NotFound)?;
    Ok(Answer::Created(view(made)))
}

pub(super) async fn fetch(call: Call) -> Answered {
    let (role, holder) = parts(&call.keys[0])?;
    let found = call.service.list_role_assignments(&call.caller, Some(role), Some(holder)).await?;
    let made = found.first().ok_or(casbah_service::Error::NotFound)?;
    call.query.select(view(made)).map(Answer::Found)
}

pub(super) async fn delete(call: Call) -> Answered {
    let (role, holder) = parts(&call.keys[0])?;
    call.service.remove_role(&call.caller, &holder.to_string(), role).await?;
    Ok(Answer::Done)
}

/// An assignment has no id of its own: role and holder name it, in 64 digits.
fn id(assignment: &RoleAssignment) -> String {
    format!("{}{}", assignment.role, assignment.holder).replace('-', "")
}

fn parts(key: &Key) -> Result<(&'static Role, Guid), GraphError> {
    let absent = || GraphError::from(casbah_service::Error::NotFound);
    let (Key::Id(id) | Key::Alternate(_, id)) = key;
    let (role, holder) = id.split_at_checked(32).filter(|(_, rest)| rest.len() == 32).ok_or_else(absent)?;
    let guid = |digits: &str| u128::from_str_radix(digits, 16).map(Guid::from_u128).map_err(|_| absent());
    let (role, holder) = (guid(role)?, guid(holder)?);
    Ok((ROLES.iter().find(|r| r.template == role).ok_or_else(absent)?, holder))
}

fn view(assignment: &RoleAssignment) -> Value {
    json!({
        "id": id(assignment),
        "principalId": assignment.holder,
        "roleDefinitionId": assignment.role,
        "directoryScopeId": "/",
        "appScopeId": null,
        "resourceScope": "/",
    })
}

fn definition_view(role: &Role) -> Value {
    json!({
        "id": role.template,
        "templateId": role.template,
        "displayName": role.name,
        "description": role.description,
        "isBuiltIn": true,
        "isEnabled": true,
        "version": "1",
        "resourceScopes": ["/"],
    })
}
