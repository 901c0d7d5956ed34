//! The alert as the wire has it.

use casbah_model::{Alert, AlertEntity};
use serde_json::{Value, json};

/// Entities whose id is the number of an app.
const NUMBERED: [&str; 2] = ["service", "discovery_service"];

pub(super) fn alert(alert: &Alert, origin: &str) -> Value {
    let entities: Vec<Value> = alert.entities.iter().map(entity).collect();
    json!({
        "_id": alert.id,
        "timestamp": alert.raised,
        "title": alert.title,
        "description": alert.description,
        "isMarkdown": false,
        "entities": entities,
        "statusValue": alert.status.number(),
        "severityValue": alert.severity.number(),
        "resolutionStatusValue": alert.resolution.number(),
        "stories": alert.stories,
        "intent": alert.intent,
        "evidence": alert.evidence,
        "idValue": alert.alert_type,
        "isSystemAlert": false,
        "isPreview": false,
        "threatScore": null,
        "contextId": alert.context,
        "policy": {
            "id": alert.policy,
            "label": alert.policy_name,
            "type": "policyRule",
            "policyType": alert.policy_type,
        },
        "comment": alert.comment,
        "handledByUser": alert.handled_by,
        // A client calls an alert open when this is empty.
        "resolveTime": alert.resolved.map(|at| at.iso()),
        "URL": format!("{}/api/v1/alerts/{}/", origin.trim_end_matches('/'), alert.id),
    })
}

fn entity(entity: &AlertEntity) -> Value {
    let mut fields = entity.extra.clone();
    let id = match entity.id.parse::<i64>() {
        Ok(number) if NUMBERED.contains(&entity.kind.as_str()) => json!(number),
        _ => json!(entity.id),
    };
    fields.insert("id".into(), id);
    fields.insert("type".into(), json!(entity.kind));
    fields.insert("label".into(), json!(entity.label));
    Value::Object(fields)
}
