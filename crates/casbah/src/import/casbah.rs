//! Activities, and records of other lists, as this API, or Microsoft's, returns them: nothing to translate.

use serde_json::Value;

use super::object;

pub(super) fn record(event: &Value) -> Result<Value, String> {
    object(event).map(|_| event.clone())
}
