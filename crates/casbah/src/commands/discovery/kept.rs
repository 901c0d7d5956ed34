//! What lists of the discovery API have in common.

use serde_json::{Value, json};

use crate::client::Session;
use crate::client::directory::{encode, items};
use crate::client::failure::Failure;
use crate::output::Output;

/// Pages of the API are this large.
const PAGE: usize = 100;

/// Every record of a list.
pub fn all(session: &Session, path: &str) -> Result<Vec<Value>, Failure> {
    let mut records = Vec::new();
    loop {
        let page = session.api("GET", &format!("{path}/?skip={}&limit={PAGE}", records.len()), None)?;
        let more = items(&page, "data");
        records.extend_from_slice(more);
        if more.is_empty() || page.get("hasNext").and_then(Value::as_bool) != Some(true) {
            return Ok(records);
        }
    }
}

/// Deletes records by their ids.
pub fn delete(session: &Session, output: &Output, path: &str, ids: &[String]) -> Result<(), Failure> {
    for id in ids {
        session.api("DELETE", &format!("{path}/{}/", encode(id)), None)?;
    }
    output.done(&format!("{} deleted", ids.len()), &json!({ "deleted": ids.len() }))
}
