//! `/servicePrincipals/{key}/appRoleAssignments` (roles it holds) and `…/appRoleAssignedTo` (roles
//! that others hold on it).

use casbah_model::Guid;
use casbah_service::directory::app_role_assignments::AssignmentDetails;
use serde_json::{Value, json};

use super::applications::key;
use super::error::GraphError;
use super::path::Key;
use super::properties::Properties;
use super::{Answer, Call};

type Answered = Result<Answer, GraphError>;

pub(super) async fn list_held(call: Call) -> Answered {
    let held = call.service.list_app_roles_held(&call.caller, key(&call.keys[0])?).await?;
    answer(&call, "appRoleAssignments", &held)
}

pub(super) async fn list_given(call: Call) -> Answered {
    let given = call.service.list_app_roles_given(&call.caller, key(&call.keys[0])?).await?;
    answer(&call, "appRoleAssignedTo", &given)
}

pub(super) async fn assign_to(call: Call) -> Answered {
    assign(call, "principalId").await
}

pub(super) async fn assign_on(call: Call) -> Answered {
    assign(call, "resourceId").await
}

pub(super) async fn remove(call: Call) -> Answered {
    let absent = || GraphError::from(casbah_service::Error::NotFound);
    let id: Guid = match &call.keys[1] {
        Key::Id(id) => id.parse().map_err(|_| absent())?,
        Key::Alternate(..) => return Err(absent()),
    };
    call.service.remove_app_role(&call.caller, key(&call.keys[0])?, id).await?;
    Ok(Answer::Done)
}

/// Assigns; `own` is the property that must name the service principal of the path.
async fn assign(call: Call, own: &str) -> Answered {
    let side = call.service.fetch_service_principal(&call.caller, key(&call.keys[0])?).await?.principal.id;
    let mut body = Properties::of(call.body)?;
    let principal = body.needed_id("principalId")?;
    let resource = body.needed_id("resourceId")?;
    let app_role = body.needed_id("appRoleId")?;
    body.finish()?;
    if side != (if own == "principalId" { principal } else { resource }) {
        let message = format!("Property '{own}' must be the id of the service principal in the address.");
        return Err(GraphError::bad_request(message));
    }
    let made = call.service.assign_app_role(&call.caller, principal, resource, app_role).await?;
    Ok(Answer::Created(view(&made)))
}

fn answer(call: &Call, list: &str, assignments: &[AssignmentDetails]) -> Answered {
    let (Key::Id(id) | Key::Alternate(_, id)) = &call.keys[0];
    let path = match &call.keys[0] {
        Key::Id(_) => format!("servicePrincipals/{id}/{list}"),
        Key::Alternate(..) => format!("servicePrincipals(appId='{id}')/{list}"),
    };
    let entries = assignments.iter().map(view).collect();
    let base = &call.service.settings().public_url;
    call.query.list(base, &path, entries).map(Answer::Found)
}

fn view(details: &AssignmentDetails) -> Value {
    let assignment = &details.assignment;
    json!({
        "id": assignment.id,
        "appRoleId": assignment.app_role,
        "createdDateTime": assignment.created.iso(),
        "principalId": assignment.principal,
        "principalType": "ServicePrincipal",
        "principalDisplayName": details.principal_name,
        "resourceId": assignment.resource,
        "resourceDisplayName": details.resource_name,
    })
}
