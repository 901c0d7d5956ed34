//! `/users/{id}/authentication`: what a person proves who it is with. Names are Graph's.

use casbah_authority::Factor;
use casbah_model::Guid;
use serde_json::{Value, json};

use super::error::GraphError;
use super::path::Key;
use super::{Answer, Call};

type Answered = Result<Answer, GraphError>;

/// The id of everybody's password, the same everywhere.
const PASSWORD: &str = "28c10230-6103-485e-b985-444c60001490";

pub(super) async fn list(call: Call) -> Answered {
    let key = text(&call.keys[0])?;
    let user = call.service.fetch_user(&call.caller, key).await?;
    let password = user.password_hash.as_ref().map(|_| {
        json!({
            "@odata.type": "#microsoft.graph.passwordAuthenticationMethod",
            "id": PASSWORD,
            "createdDateTime": user.details.password_changed.unwrap_or(user.created).iso(),
            "password": null,
        })
    });
    let factors = call.service.list_factors(&call.caller, key).await?;
    let entries = password.into_iter().chain(factors.iter().map(view)).collect();
    let base = &call.service.settings().public_url;
    call.query.list(base, &format!("users/{key}/authentication/methods"), entries).map(Answer::Found)
}

pub(super) async fn remove(call: Call) -> Answered {
    let id: Guid =
        text(&call.keys[1])?.parse().map_err(|_| GraphError::from(casbah_service::Error::NotFound))?;
    call.service.remove_factor(&call.caller, text(&call.keys[0])?, id).await?;
    Ok(Answer::Done)
}

fn view(factor: &Factor) -> Value {
    let kind = match factor.kind {
        "totp" => "#microsoft.graph.softwareOathAuthenticationMethod",
        _ => "#microsoft.graph.fido2AuthenticationMethod",
    };
    json!({
        "@odata.type": kind,
        "id": factor.id,
        "displayName": factor.name,
        "createdDateTime": factor.created.iso(),
        "lastUsedDateTime": factor.last_used.map(casbah_model::Timestamp::iso),
    })
}

fn text(key: &Key) -> Result<&str, GraphError> {
    match key {
        Key::Id(id) => Ok(id),
        Key::Alternate(name, _) => Err(GraphError::bad_request(format!("'{name}' is not a key here."))),
    }
}
