//! Lists of the API as commands ask for them: page by page, up to as many records as are wanted.

use serde_json::{Map, Value, json};

use crate::client::Session;
use crate::client::directory::items;
use crate::client::failure::Failure;

/// Pages of the API are this large.
const PAGE: usize = 100;

/// The records of a list, in the order that `order` asks for.
pub(super) fn records(
    session: &Session,
    path: &str,
    filters: &Value,
    order: &Value,
    limit: usize,
) -> Result<Vec<Value>, Failure> {
    let mut all = Vec::new();
    while all.len() < limit {
        let mut body = json!({ "filters": filters, "skip": all.len(), "limit": PAGE.min(limit - all.len()) });
        if let (Value::Object(body), Value::Object(order)) = (&mut body, order) {
            body.extend(order.clone());
        }
        let page = session.api("POST", path, Some(&body))?;
        let records = items(&page, "data");
        all.extend_from_slice(records);
        if records.is_empty() || page.get("hasNext").and_then(Value::as_bool) != Some(true) {
            break;
        }
    }
    Ok(all)
}

/// What `--filters` says: an object in the words of the API.
pub(super) fn filters(given: Option<&str>) -> Result<Map<String, Value>, Failure> {
    match given {
        Some(text) => serde_json::from_str(text)
            .map_err(|e| Failure::usage(format!("--filters is not a JSON object: {e}"))),
        None => Ok(Map::new()),
    }
}
