//! `/casbah/signingKeys`: ours. The keys of the installation, for administrators of the operator's tenant.

use casbah_authority::{KeyState, KeySummary, Pace};
use serde_json::{Value, json};

use super::error::GraphError;
use super::path::Key;
use super::properties::Properties;
use super::{Answer, Call};

type Answered = Result<Answer, GraphError>;

pub(super) async fn list(call: Call) -> Answered {
    let keys = call.service.list_signing_keys(&call.caller).await?;
    answer(&call, &keys)
}

/// `{"now": true}` does not wait until clients have seen the next key.
pub(super) async fn rotate(call: Call) -> Answered {
    let pace = if call.body.is_null() {
        Pace::Published
    } else {
        let mut body = Properties::of(call.body.clone())?;
        let now = body.bool("now")?.unwrap_or(false);
        body.finish()?;
        if now { Pace::Now } else { Pace::Published }
    };
    let keys = call.service.rotate_signing_keys(&call.caller, pace).await?;
    answer(&call, &keys)
}

pub(super) async fn revoke(call: Call) -> Answered {
    let (Key::Id(id) | Key::Alternate(_, id)) = &call.keys[0];
    let keys = call.service.revoke_signing_key(&call.caller, id.clone()).await?;
    answer(&call, &keys)
}

fn answer(call: &Call, keys: &[KeySummary]) -> Answered {
    let base = &call.service.settings().public_url;
    call.query.list(base, "casbah/signingKeys", keys.iter().map(view).collect()).map(Answer::Found)
}

fn view(key: &KeySummary) -> Value {
    let state = match key.state {
        KeyState::Next => "next",
        KeyState::Signing => "signing",
        KeyState::Verifying => "verifying",
    };
    json!({
        "id": key.id,
        "state": state,
        "createdDateTime": key.created.iso(),
        "signsFromDateTime": key.signs_from.iso(),
        "signsUntilDateTime": key.signs_until.iso(),
        "publishedUntilDateTime": key.published_until.iso(),
    })
}
