//! `/oauth2PermissionGrants`

use casbah_model::{ConsentType, Guid, PermissionGrant};
use serde_json::{Value, json};

use super::error::GraphError;
use super::path::Key;
use super::properties::Properties;
use super::{Answer, Call};

type Answered = Result<Answer, GraphError>;

pub(super) async fn list(call: Call) -> Answered {
    let all = call.service.list_permission_grants(&call.caller).await?;
    let entries = all.iter().map(view).collect();
    let base = &call.service.settings().public_url;
    call.query.list(base, "oauth2PermissionGrants", entries).map(Answer::Found)
}

pub(super) async fn create(call: Call) -> Answered {
    let mut body = Properties::of(call.body)?;
    let client = body.needed_id("clientId")?;
    let resource = body.needed_id("resourceId")?;
    let principal = body.id("principalId")?;
    let consent_type = match (body.needed_text("consentType")?.as_str(), principal) {
        ("AllPrincipals", None) => ConsentType::AllPrincipals,
        ("Principal", Some(user)) => ConsentType::Principal(user),
        _ => {
            return Err(GraphError::bad_request(
                "Property 'consentType' must be AllPrincipals without, or Principal with, a principalId.",
            ));
        }
    };
    let scopes = words(&body.needed_text("scope")?);
    body.finish()?;
    let made =
        call.service.create_permission_grant(&call.caller, client, resource, consent_type, scopes).await?;
    Ok(Answer::Created(view(&made)))
}

pub(super) async fn fetch(call: Call) -> Answered {
    let found = call.service.fetch_permission_grant(&call.caller, id(&call.keys[0])?).await?;
    call.query.select(view(&found)).map(Answer::Found)
}

pub(super) async fn change(call: Call) -> Answered {
    let id = id(&call.keys[0])?;
    let mut body = Properties::of(call.body)?;
    let scopes = words(&body.needed_text("scope")?);
    body.finish()?;
    call.service.change_permission_grant(&call.caller, id, scopes).await?;
    Ok(Answer::Done)
}

pub(super) async fn delete(call: Call) -> Answered {
    call.service.delete_permission_grant(&call.caller, id(&call.keys[0])?).await?;
    Ok(Answer::Done)
}

fn id(key: &Key) -> Result<Guid, GraphError> {
    match key {
        Key::Id(id) => id.parse().map_err(|_| casbah_service::Error::NotFound.into()),
        Key::Alternate(..) => Err(casbah_service::Error::NotFound.into()),
    }
}

/// Scopes are written with blanks between, and often one in front.
fn words(scope: &str) -> Vec<String> {
    scope.split_whitespace().map(str::to_string).collect()
}

fn view(grant: &PermissionGrant) -> Value {
    let (consent_type, principal) = match grant.consent_type {
        ConsentType::AllPrincipals => ("AllPrincipals", None),
        ConsentType::Principal(user) => ("Principal", Some(user)),
    };
    json!({
        "id": grant.id,
        "clientId": grant.client,
        "consentType": consent_type,
        "principalId": principal,
        "resourceId": grant.resource,
        "scope": grant.scopes.join(" "),
    })
}
