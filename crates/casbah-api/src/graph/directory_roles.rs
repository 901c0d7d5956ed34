//! `/directoryRoles`

use casbah_model::{Guid, ROLES, Role};

use super::error::GraphError;
use super::path::Key;
use super::properties::Properties;
use super::users::role_view;
use super::{Answer, Call};

type Answered = Result<Answer, GraphError>;

pub(super) async fn list(call: Call) -> Answered {
    let base = &call.service.settings().public_url;
    call.query.list(base, "directoryRoles", ROLES.iter().map(role_view).collect()).map(Answer::Found)
}

pub(super) async fn add_member(call: Call) -> Answered {
    let role = role(&call.keys[0])?;
    let mut body = Properties::of(call.body)?;
    let reference = body.needed_text("@odata.id")?;
    body.finish()?;
    // `{base}/v1.0/directoryObjects/{id}` or `…/users/{id}`: what counts is the id at the end.
    let id = reference.rsplit('/').next().unwrap_or_default();
    let id: Guid = id.parse().map_err(|_| {
        GraphError::bad_request("Property '@odata.id' must end in the id of a user: …/directoryObjects/{id}.")
    })?;
    call.service.add_role(&call.caller, &id.to_string(), role).await?;
    Ok(Answer::Done)
}

pub(super) async fn remove_member(call: Call) -> Answered {
    let role = role(&call.keys[0])?;
    let (Key::Id(user) | Key::Alternate(_, user)) = &call.keys[1];
    call.service.remove_role(&call.caller, user, role).await?;
    Ok(Answer::Done)
}

fn role(key: &Key) -> Result<&'static Role, GraphError> {
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
