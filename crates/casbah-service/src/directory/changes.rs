//! What a change did, for the audit trail: the facts that differ, before and after.

use serde_json::{Value as Json, json};

/// `{"before": {..}, "after": {..}}` with the properties that differ; an object without any stands for what is
/// not there.
pub(super) fn between(before: &Json, after: &Json) -> Json {
    let absent = |facts: &Json| facts.as_object().is_some_and(serde_json::Map::is_empty);
    let there = |facts: &Json| if absent(facts) { Json::Null } else { facts.clone() };
    let (before, after) = casbah_model::activity::difference(&there(before), &there(after));
    json!({ "before": before, "after": after })
}
