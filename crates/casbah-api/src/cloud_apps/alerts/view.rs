//! The alert as the wire has it.

use std::collections::HashMap;

use casbah_model::{Alert, AlertEntity, RecordId, alert_type};
use casbah_service::sent_alerts::SentFacts;
use serde_json::{Value, json};

use crate::describe::{Property, Record, Shape, has, may_have};

/// Entities whose id is the number of an app.
const NUMBERED: [&str; 2] = ["service", "discovery_service"];

/// `activities` are those that alerts came of.
pub(super) fn alert(alert: &Alert, activities: &HashMap<RecordId, Vec<String>>, origin: &str) -> Value {
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
        "isSystemAlert": alert_type::is_system(alert.alert_type),
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
        "audits": activities.get(&alert.id).map(Vec::as_slice).unwrap_or_default(),
        "URL": format!("{}/portal/alerts/{}", origin.trim_end_matches('/'), alert.id),
    })
}

/// Adds what only alerts that were sent in say of themselves.
pub(super) fn say_sent(view: &mut Value, facts: &SentFacts) {
    view["isMarkdown"] = json!(facts.markdown);
    view["isSystemAlert"] = json!(facts.system);
    view["isPreview"] = json!(facts.preview);
    view["threatScore"] = json!(facts.threat_score);
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

const ENTITY: Record = Record {
    name: "AlertEntity",
    what: "Something that an alert is about.",
    properties: &[
        has(
            "type",
            Shape::Text,
            "Kind: account, ip, country, service, policyRule, file, discovery_stream and others.",
        ),
        has("id", Shape::Either(&[Shape::Text, Shape::Integer]), "Id: of an app its number, else text."),
        has("label", Shape::Text, "Name for people."),
        may_have("entityType", Shape::Integer, "Of an account: 1 account, 2 user."),
        may_have("saas", Shape::Integer, "App that it belongs to, by number."),
        may_have("inst", Shape::Integer, "Instance of that app."),
        may_have("pa", Shape::Text, "Main address of an account."),
        may_have("em", Shape::Nullable(&Shape::Text), "Address for mail of an account."),
        may_have("entityRole", Shape::Text, "Part that it plays."),
        may_have("policyType", Shape::Text, "Of a policy: its type."),
        may_have("triggeredAlert", Shape::Flag, "Of an address: whether it is what raised the alert."),
    ],
};

pub(crate) const ALERT: Record = Record {
    name: "Alert",
    what: "Something that a policy found.",
    properties: &[
        has("_id", Shape::Id, "Its id."),
        has("timestamp", Shape::Time, "When it was raised."),
        has("title", Shape::Text, "Heading: the name of the policy."),
        has("description", Shape::Text, "What was found, in a sentence."),
        has("isMarkdown", Shape::Flag, "Whether the description is markup."),
        has("entities", Shape::List(&Shape::Record(&ENTITY)), "What it is about."),
        has("statusValue", Shape::Numbered(&[(0, "unread"), (1, "read"), (2, "archived")]), ""),
        has(
            "severityValue",
            Shape::Numbered(&[(0, "low"), (1, "medium"), (2, "high"), (3, "informational")]),
            "",
        ),
        has(
            "resolutionStatusValue",
            Shape::Numbered(&[
                (0, "open"),
                (1, "dismissed"),
                (2, "resolved"),
                (3, "false positive"),
                (4, "benign"),
                (5, "true positive"),
            ]),
            "What became of it.",
        ),
        has("stories", Shape::List(&Shape::Integer), "Risk categories, by number."),
        has("intent", Shape::List(&Shape::Integer), "Stages of an attack, by number."),
        has("evidence", Shape::List(&Shape::Anything), "What shows it."),
        has("idValue", Shape::Integer, "Number of its type."),
        has("isSystemAlert", Shape::Flag, "Whether it is about the product itself."),
        has("isPreview", Shape::Flag, "Whether its detection is being tried out."),
        has("threatScore", Shape::Nullable(&Shape::Integer), "Priority of an investigation."),
        has("contextId", Shape::Guid, "Ties it to records of other products."),
        has("policy", Shape::Inline(POLICY), "The policy that raised it."),
        has("comment", Shape::Text, "What was said when it was closed."),
        has("handledByUser", Shape::Nullable(&Shape::Text), "Who closed it."),
        has("resolveTime", Shape::Nullable(&Shape::Moment), "When it was closed; null while it is open."),
        has("audits", Shape::List(&Shape::Text), "Ids of the activities that it came of, at most 100."),
        has("URL", Shape::Url, "Its address."),
    ],
};

const POLICY: &[Property] = &[
    has("id", Shape::Nullable(&Shape::Id), ""),
    has("label", Shape::Text, "Its name."),
    has("type", Shape::Text, "`policyRule`."),
    has("policyType", Shape::Text, ""),
];
