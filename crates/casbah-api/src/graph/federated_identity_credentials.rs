//! `/applications/{key}/federatedIdentityCredentials`

use casbah_model::FederatedCredential;
use casbah_service::Error;
use casbah_service::directory::federated_credentials::{FederatedCredentialChange, NewFederatedCredential};
use serde_json::{Value, json};

use super::applications::key;
use super::error::GraphError;
use super::path::Key;
use super::properties::Properties;
use super::{Answer, Call};

type Answered = Result<Answer, GraphError>;

pub(super) async fn list(call: Call) -> Answered {
    let all = call.service.list_federated_credentials(&call.caller, key(&call.keys[0])?).await?;
    let path = "applications/federatedIdentityCredentials";
    let base = &call.service.settings().public_url;
    call.query.list(base, path, all.iter().map(view).collect()).map(Answer::Found)
}

pub(super) async fn create(call: Call) -> Answered {
    let key = key(&call.keys[0])?;
    let mut body = Properties::of(call.body)?;
    let name = body.needed_text("name")?;
    let new = new(name, Asked::read(body)?)?;
    let made = call.service.add_federated_credential(&call.caller, key, new).await?;
    Ok(Answer::Created(view(&made)))
}

pub(super) async fn fetch(call: Call) -> Answered {
    let key = key(&call.keys[0])?;
    let found = call.service.fetch_federated_credential(&call.caller, key, &named(&call.keys[1])?).await?;
    call.query.select(view(&found)).map(Answer::Found)
}

/// Changes one; with `Prefer: create-if-missing` and by its name it is made when it is not there.
pub(super) async fn change(call: Call) -> Answered {
    let (key, named) = (key(&call.keys[0])?, named(&call.keys[1])?);
    let mut body = Properties::of(call.body)?;
    let name = body.text("name")?;
    let asked = Asked::read(body)?;
    let change = FederatedCredentialChange {
        name,
        issuer: asked.issuer.clone(),
        subject: asked.subject.clone(),
        audiences: asked.audiences.clone(),
        description: asked.description.clone(),
    };
    let changed = call.service.change_federated_credential(&call.caller, key, named.clone(), change).await;
    match changed {
        Err(Error::NotFound) if call.query.create_if_missing => {
            // The application itself may be what is missing; then this says so.
            let made = call.service.add_federated_credential(&call.caller, key, new(named, asked)?).await?;
            Ok(Answer::Created(view(&made)))
        }
        other => {
            other?;
            Ok(Answer::Done)
        }
    }
}

pub(super) async fn delete(call: Call) -> Answered {
    let key = key(&call.keys[0])?;
    call.service.remove_federated_credential(&call.caller, key, named(&call.keys[1])?).await?;
    Ok(Answer::Done)
}

/// Id or name, as a plain key or by `name='…'`.
fn named(key: &Key) -> Result<String, GraphError> {
    match key {
        Key::Id(text) => Ok(text.clone()),
        Key::Alternate(name, text) if name.eq_ignore_ascii_case("name") => Ok(text.clone()),
        Key::Alternate(name, _) => {
            Err(GraphError::bad_request(format!("'{name}' is not a key here; use the id or name='…'.")))
        }
    }
}

/// What a body says besides the name.
struct Asked {
    issuer: Option<String>,
    subject: Option<String>,
    audiences: Option<Vec<String>>,
    description: Option<Option<String>>,
}

impl Asked {
    fn read(mut body: Properties) -> Result<Asked, GraphError> {
        let described = body.has("description");
        let asked = Asked {
            issuer: body.text("issuer")?,
            subject: body.text("subject")?,
            audiences: body.texts("audiences")?,
            description: body.text("description")?.map(Some).or(described.then_some(None)),
        };
        // What tools send back as they read it.
        for name in ["id", "casbah.lastUsedDateTime", "casbah.lastUsedAddress"] {
            body.take(name);
        }
        body.finish()?;
        Ok(asked)
    }
}

fn new(name: String, asked: Asked) -> Result<NewFederatedCredential, GraphError> {
    let needed = |value: Option<String>, property: &str| {
        value.ok_or_else(|| {
            GraphError::bad_request(format!("Property '{property}' is required but was not given."))
        })
    };
    Ok(NewFederatedCredential {
        name,
        issuer: needed(asked.issuer, "issuer")?,
        subject: needed(asked.subject, "subject")?,
        audiences: asked.audiences.unwrap_or_default(),
        // An empty description is none.
        description: asked.description.flatten().filter(|text| !text.is_empty()),
    })
}

fn view(credential: &FederatedCredential) -> Value {
    json!({
        "id": credential.id,
        "name": credential.name,
        "issuer": credential.issuer,
        "subject": credential.subject,
        "audiences": [credential.audience],
        "description": credential.description,
        "casbah.lastUsedDateTime": credential.last_used.map(|at| at.iso()),
        "casbah.lastUsedAddress": credential.last_address,
    })
}
