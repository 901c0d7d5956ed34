//! `POST /applications/{key}/casbah.rotatePassword`, ours and not Graph's: a new secret, and an end for those
//! before it, in one step.

use std::time::Duration;

use casbah_service::directory::secrets::{NewSecret, Rotation};
use serde_json::json;

use super::applications::{key, password_credential};
use super::error::GraphError;
use super::properties::Properties;
use super::{Answer, Call};

const HOUR: Duration = Duration::from_secs(60 * 60);

pub(super) async fn rotate(call: Call) -> Result<Answer, GraphError> {
    let key = key(&call.keys[0])?;
    let mut rotation = Rotation::default();
    if !call.body.is_null() {
        let mut body = Properties::of(call.body)?;
        rotation.replaces = body.id("keyId")?;
        if let Some(grace) = body.text("gracePeriod")? {
            rotation.grace = grace_of(&grace)?;
        }
        if let Some(mut credential) = body.object("passwordCredential")? {
            rotation.new = NewSecret {
                display_name: credential.text("displayName")?,
                ends: credential.time("endDateTime")?,
                ..NewSecret::default()
            };
            credential.finish()?;
        }
        body.finish()?;
    }
    let rotated = call.service.rotate_secret(&call.caller, key, rotation).await?;
    let mut answer = password_credential(&rotated.secret);
    // The one place where the text is shown.
    answer["secretText"] = rotated.text.expose().into();
    let replaced: Vec<_> = rotated.replaced.iter().map(password_credential).collect();
    Ok(Answer::Found(json!({ "passwordCredential": answer, "replaced": replaced })))
}

fn grace_of(text: &str) -> Result<Duration, GraphError> {
    match text {
        "now" => Ok(Duration::ZERO),
        "1h" => Ok(HOUR),
        "24h" => Ok(24 * HOUR),
        "7d" => Ok(7 * 24 * HOUR),
        _ => Err(GraphError::bad_request("Property 'gracePeriod' must be now, 1h, 24h or 7d.")),
    }
}
