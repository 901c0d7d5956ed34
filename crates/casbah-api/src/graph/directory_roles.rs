//! `/directoryRoles` and `/directoryRoleTemplates`

use casbah_model::{Guid, ROLES, Role};
use serde_json::{Value, json};

use super::error::GraphError;
use super::path::Key;
use super::properties::Properties;
use super::{Answer, Call, groups, members};

type Answered = Result<Answer, GraphError>;

pub(super) async fn list(call: Call) -> Answered {
    let base = &call.service.settings().public_url;
    call.query.list(base, "directoryRoles", ROLES.iter().map(view).collect()).map(Answer::Found)
}

pub(super) async fn fetch(call: Call) -> Answered {
    call.query.select(view(role(&call.keys[0])?)).map(Answer::Found)
}

/// Activates a role; here all are, so that only its name is checked.
pub(super) async fn activate(call: Call) -> Answered {
    let mut body = Properties::of(call.body)?;
    let template = body.needed_id("roleTemplateId")?;
    body.finish()?;
    let role = ROLES.iter().find(|role| role.template == template).ok_or_else(|| {
        GraphError::bad_request(format!("Property 'roleTemplateId' names no role: {template}."))
    })?;
    Ok(Answer::Created(view(role)))
}

pub(super) async fn list_templates(call: Call) -> Answered {
    let base = &call.service.settings().public_url;
    let entries = ROLES.iter().map(template_view).collect();
    call.query.list(base, "directoryRoleTemplates", entries).map(Answer::Found)
}

pub(super) async fn fetch_template(call: Call) -> Answered {
    call.query.select(template_view(role(&call.keys[0])?)).map(Answer::Found)
}

pub(super) async fn list_members(call: Call) -> Answered {
    let role = role(&call.keys[0])?;
    let holders = call.service.list_role_holders(&call.caller, role).await?;
    let entries = holders.iter().map(|holder| members::member_view(holder, &call)).collect();
    let path = format!("directoryRoles/{}/members", role.template);
    call.query.list(&call.service.settings().public_url, &path, entries).map(Answer::Found)
}

pub(super) async fn add_member(call: Call) -> Answered {
    let role = role(&call.keys[0])?;
    let id = groups::reference(call.body)?;
    let (_, new) = call.service.add_role(&call.caller, &id.to_string(), role).await?;
    if !new {
        return Err(GraphError::bad_request(
            "One or more added object references already exist for the following modified properties: 'members'.",
        ));
    }
    Ok(Answer::Done)
}

pub(super) async fn remove_member(call: Call) -> Answered {
    let role = role(&call.keys[0])?;
    let (Key::Id(user) | Key::Alternate(_, user)) = &call.keys[1];
    call.service.remove_role(&call.caller, user, role).await?;
    Ok(Answer::Done)
}

pub(super) fn role(key: &Key) -> Result<&'static Role, GraphError> {
    let id = match key {
        Key::Id(id) => id,
        Key::Alternate(name, id) if name.eq_ignore_ascii_case("roleTemplateId") => id,
        Key::Alternate(name, _) => {
            return Err(GraphError::bad_request(format!(
                "'{name}' is not a key here; use roleTemplateId='…'."
            )));
        }
    };
    let template: Option<Guid> = id.parse().ok();
    let found = ROLES.iter().find(|r| Some(r.template) == template);
    found.ok_or_else(|| casbah_service::Error::NotFound.into())
}

/// A directory role. Roles need no activation here, so the id is that of the template.
pub(super) fn view(role: &Role) -> Value {
    json!({
        "id": role.template,
        "displayName": role.name,
        "description": role.description,
        "roleTemplateId": role.template,
        "deletedDateTime": null,
    })
}

fn template_view(role: &Role) -> Value {
    json!({
        "id": role.template,
        "displayName": role.name,
        "description": role.description,
        "deletedDateTime": null,
    })
}
