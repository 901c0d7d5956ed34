//! `/applications/{key}/owners` and `/servicePrincipals/{key}/owners`

use casbah_model::Guid;
use casbah_service::directory::applications::ApplicationKey;
use casbah_service::directory::owners::Owned;
use serde_json::{Value, json};

use super::applications::key;
use super::error::GraphError;
use super::path::Key;
use super::properties::Properties;
use super::{Answer, Call, objects};

type Answered = Result<Answer, GraphError>;

pub(super) async fn list_of_application(call: Call) -> Answered {
    let key = key(&call.keys[0])?;
    list(&call, "applications", Owned::Application(key)).await
}

pub(super) async fn list_of_service_principal(call: Call) -> Answered {
    let key = key(&call.keys[0])?;
    list(&call, "servicePrincipals", Owned::ServicePrincipal(key)).await
}

pub(super) async fn links_of_application(call: Call) -> Answered {
    let key = key(&call.keys[0])?;
    links(&call, "applications", Owned::Application(key)).await
}

pub(super) async fn links_of_service_principal(call: Call) -> Answered {
    let key = key(&call.keys[0])?;
    links(&call, "servicePrincipals", Owned::ServicePrincipal(key)).await
}

pub(super) async fn add_to_application(call: Call) -> Answered {
    let key = key(&call.keys[0])?;
    add(call, Owned::Application(key)).await
}

pub(super) async fn add_to_service_principal(call: Call) -> Answered {
    let key = key(&call.keys[0])?;
    add(call, Owned::ServicePrincipal(key)).await
}

pub(super) async fn remove_from_application(call: Call) -> Answered {
    let key = key(&call.keys[0])?;
    remove(&call, Owned::Application(key)).await
}

pub(super) async fn remove_from_service_principal(call: Call) -> Answered {
    let key = key(&call.keys[0])?;
    remove(&call, Owned::ServicePrincipal(key)).await
}

/// The owners of an application, for `$expand`.
pub(super) async fn of_application(call: &Call, key: ApplicationKey) -> Result<Vec<Value>, GraphError> {
    of(call, Owned::Application(key)).await
}

/// The owners of a service principal, for `$expand`.
pub(super) async fn of_service_principal(call: &Call, key: ApplicationKey) -> Result<Vec<Value>, GraphError> {
    of(call, Owned::ServicePrincipal(key)).await
}

async fn of(call: &Call, owned: Owned) -> Result<Vec<Value>, GraphError> {
    let found = call.service.list_owners(&call.caller, owned).await?;
    Ok(found.iter().map(|object| objects::view(object, call)).collect())
}

async fn list(call: &Call, set: &str, owned: Owned) -> Answered {
    let path = format!("{set}/{}/owners", call.keys[0].text());
    let entries = of(call, owned).await?;
    call.query.list(&call.service.settings().public_url, &path, entries).map(Answer::Found)
}

async fn links(call: &Call, set: &str, owned: Owned) -> Answered {
    let path = format!("{set}/{}/owners/$ref", call.keys[0].text());
    let base = &call.service.settings().public_url;
    let version = call.query.version;
    let link = |object: Value| json!({ "@odata.id": format!("{base}/{version}/directoryObjects/{}", object["id"].as_str().unwrap_or_default()) });
    let entries = of(call, owned).await?.into_iter().map(link).collect();
    call.query.list(base, &path, entries).map(Answer::Found)
}

async fn add(call: Call, owned: Owned) -> Answered {
    let mut body = Properties::of(call.body)?;
    let owner = body.needed_reference("@odata.id")?;
    body.finish()?;
    call.service.add_owner(&call.caller, owned, owner).await?;
    Ok(Answer::Done)
}

async fn remove(call: &Call, owned: Owned) -> Answered {
    let owner: Guid = match &call.keys[1] {
        Key::Id(id) => id.parse().map_err(|_| GraphError::from(casbah_service::Error::NotFound))?,
        Key::Alternate(..) => return Err(casbah_service::Error::NotFound.into()),
    };
    call.service.remove_owner(&call.caller, owned, owner).await?;
    Ok(Answer::Done)
}
