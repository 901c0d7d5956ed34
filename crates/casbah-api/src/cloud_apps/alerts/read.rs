//! The alert as a sender writes it: the record that the API returns, in which whatever Casbah derives may be absent.

use casbah_model::{
    Alert, AlertEntity, AlertStatus, Guid, RecordId, Resolution, Severity, Timestamp, alert_type,
};
use casbah_service::activities::digest;
use casbah_service::sent_alerts::{SentAlert, SentFacts};
use serde_json::{Map, Value};

use crate::json_lines::Refusal;
use crate::record::{MOST, Record};

/// An alert may be raised so far ahead of the clock, in milliseconds.
const AHEAD: i64 = 48 * 60 * 60 * 1000;
/// Characters of a description, and of the JSON of a piece of evidence, at the most.
const DESCRIPTION: usize = 20_000;
const EVIDENCE: usize = 10_000;
/// Numbers of the last risk category and of the last stage of an attack.
const LAST_STORY: i64 = 8;
const LAST_INTENT: i64 = 13;
/// Of an entity, what is kept beside kind, id and label.
const TEXTS: [&str; 4] = ["pa", "em", "entityRole", "policyType"];
const NUMBERS: [&str; 3] = ["saas", "inst", "entityType"];

/// Reads a record that arrives at `now`. A record without an id gets one made of its bytes, so that it is taken in
/// once however often it is sent.
pub(super) fn alert(line: &[u8], record: &Map<String, Value>, now: Timestamp) -> Result<SentAlert, Refusal> {
    let record = Record(record);
    let sent_id = record.first(&["_id", "id"], Record::word)?.unwrap_or_else(|| digest(line));
    let (id, external) = told(sent_id.clone(), now);
    let at = record
        .first(&["timestamp", "date"], Record::time)?
        .ok_or_else(|| Refusal::new("timestamp", "An alert needs the time at which it was raised."))?;
    within("timestamp", at, now)?;
    let title = needed(record.word("title")?, "title", "An alert needs a title.")?;
    let severity = record.number("severityValue")?.and_then(Severity::from_number);
    let severity = severity.ok_or_else(|| {
        let why = "An alert needs a severity: 0 low, 1 medium, 2 high, 3 informational.";
        Refusal::new("severityValue", why)
    })?;
    let resolution = numbered(&record, "resolutionStatusValue", Resolution::from_number, "0 to 5")?;
    let resolution = resolution.unwrap_or(Resolution::Open);
    let status = numbered(&record, "statusValue", AlertStatus::from_number, "0 to 2")?;
    let status = match (resolution, status.unwrap_or(AlertStatus::Unread)) {
        (Resolution::Open, AlertStatus::Archived) => AlertStatus::Read,
        (Resolution::Open, status) => status,
        _ => AlertStatus::Archived,
    };
    let open = resolution == Resolution::Open;
    let resolved = record.time("resolveTime")?;
    if let Some(resolved) = resolved {
        within("resolveTime", resolved, now)?;
    }
    let policy_type = record.word("policy.policyType")?.unwrap_or_default();
    let number = number(&record, &policy_type)?;
    let policy_name = record.word("policy.label")?.unwrap_or_else(|| title.clone());
    let sent_policy = record.word("policy.id")?;
    let built_in = sent_policy.is_none();
    let stands_for_policy = sent_policy.unwrap_or_else(|| format!("{number} {policy_name}"));
    let (policy, external_policy) = told(stands_for_policy, now);
    let context = record
        .word("contextId")?
        .map(|text| text.parse::<Guid>().map_err(|_| Refusal::new("contextId", "The context is a GUID.")));
    let context = context.transpose()?.unwrap_or_else(|| guid_of(&sent_id));
    let facts = SentFacts {
        markdown: record.flag("isMarkdown")?.unwrap_or(false),
        system: record.flag("isSystemAlert")?.unwrap_or_else(|| alert_type::is_system(number)),
        preview: record.flag("isPreview")?.unwrap_or(false),
        threat_score: record.number("threatScore")?,
    };
    let alert = Alert {
        id,
        raised: at,
        title,
        description: description(&record)?,
        severity,
        status,
        resolution,
        resolved: if open { None } else { Some(resolved.unwrap_or(at)) },
        comment: record.sentence("comment")?.unwrap_or_default(),
        reason: None,
        handled_by: if open { None } else { record.word("handledByUser")? },
        policy,
        policy_name,
        policy_type,
        built_in,
        alert_type: number,
        stories: numbers(&record, "stories", LAST_STORY)?,
        intent: numbers(&record, "intent", LAST_INTENT)?,
        entities: entities(&record)?,
        evidence: evidence(&record)?,
        context,
    };
    Ok(SentAlert { alert, external, external_policy, facts, activities: record.words("audits")? })
}

/// A record id, and the text that it is to be made of where the text is none itself.
fn told(text: String, now: Timestamp) -> (RecordId, Option<String>) {
    match text.parse() {
        Ok(id) => (id, None),
        Err(_) => (RecordId::new(now), Some(text)),
    }
}

fn needed(value: Option<String>, field: &str, why: &str) -> Result<String, Refusal> {
    value.ok_or_else(|| Refusal::new(field, why))
}

fn within(field: &str, at: Timestamp, now: Timestamp) -> Result<(), Refusal> {
    if (0..=now.0.saturating_add(AHEAD)).contains(&at.0) {
        return Ok(());
    }
    Err(Refusal::new(field, "The time must be after 1970 and not more than 48 hours ahead."))
}

fn numbered<T>(
    record: &Record<'_>,
    field: &str,
    of: impl Fn(i64) -> Option<T>,
    range: &str,
) -> Result<Option<T>, Refusal> {
    let Some(number) = record.number(field)? else { return Ok(None) };
    of(number).map(Some).ok_or_else(|| Refusal::new(field, format!("This must be {range}.")))
}

/// The number of its type: as it is, by name, or that of the policy's type.
fn number(record: &Record<'_>, policy_type: &str) -> Result<i64, Refusal> {
    for field in ["idValue", "alertType"] {
        let Some(word) = record.word(field)? else { continue };
        let number =
            word.parse().ok().filter(|number: &i64| *number > 0).or_else(|| alert_type::number_of(&word));
        let why = "The type of an alert is its number, or its name such as ALERT_ANUBIS_DETECTION_VELOCITY.";
        return number.ok_or_else(|| Refusal::new(field, why));
    }
    alert_type::of_policy(policy_type).ok_or_else(|| {
        Refusal::new("idValue", "An alert needs a type: idValue, alertType, or a policyType that tells it.")
    })
}

fn description(record: &Record<'_>) -> Result<String, Refusal> {
    match record.get("description") {
        None => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.chars().take(DESCRIPTION).collect()),
        Some(_) => Err(Refusal::new("description", "This must be text.")),
    }
}

fn numbers(record: &Record<'_>, field: &str, last: i64) -> Result<Vec<i64>, Refusal> {
    let wrong = || Refusal::new(field, format!("This must be a list of numbers from 0 to {last}."));
    let all = match record.get(field) {
        None => return Ok(Vec::new()),
        Some(Value::Array(all)) => all.clone(),
        Some(one) => vec![one.clone()],
    };
    let number = |value: &Value| value.as_i64().filter(|n| (0..=last).contains(n)).ok_or_else(wrong);
    all.iter().take(MOST).map(number).collect()
}

/// Texts, or objects of texts and the like.
fn evidence(record: &Record<'_>) -> Result<Vec<Value>, Refusal> {
    let wrong = |why: &str| Refusal::new("evidence", why);
    let Some(list) = record.get("evidence") else { return Ok(Vec::new()) };
    let list = list.as_array().ok_or_else(|| wrong("This must be a list."))?;
    let one = |value: &Value| match value {
        Value::String(_) | Value::Object(_) if value.to_string().len() <= EVIDENCE => Ok(value.clone()),
        Value::String(_) | Value::Object(_) => Err(wrong("A piece of evidence is too long.")),
        _ => Err(wrong("A piece of evidence is a text or an object.")),
    };
    list.iter().take(MOST).map(one).collect()
}

fn entities(record: &Record<'_>) -> Result<Vec<AlertEntity>, Refusal> {
    let wrong = || Refusal::new("entities", "This must be a list of objects.");
    let Some(list) = record.get("entities") else { return Ok(Vec::new()) };
    let list = list.as_array().ok_or_else(wrong)?.iter().take(MOST).enumerate();
    list.map(|(number, item)| {
        let at =
            |refusal: Refusal| Refusal::new(&format!("entities.{number}.{}", refusal.field), refusal.why);
        entity(&Record(item.as_object().ok_or_else(wrong)?)).map_err(at)
    })
    .collect()
}

fn entity(item: &Record<'_>) -> Result<AlertEntity, Refusal> {
    let kind = needed(item.word("type")?, "type", "An entity needs a type, such as account or ip.")?;
    // Some senders name a person by the key, as an object.
    let key = item.get("id").and_then(Value::as_object).map(Record);
    let id = match &key {
        Some(key) => key.word("id")?,
        None => item.word("id")?,
    };
    let label = item.word("label")?;
    let id = needed(id.or_else(|| label.clone()), "id", "An entity needs an id, or a label.")?;
    let mut extra = Map::new();
    for name in TEXTS {
        extra.extend(item.word(name)?.map(|text| (name.to_string(), text.into())));
    }
    for name in NUMBERS {
        let number = match (item.number(name)?, &key) {
            (None, Some(key)) => key.number(name)?,
            (number, _) => number,
        };
        extra.extend(number.map(|number| (name.to_string(), number.into())));
    }
    extra.extend(item.flag("triggeredAlert")?.map(|flag| ("triggeredAlert".to_string(), flag.into())));
    Ok(AlertEntity { kind, id, label: label.unwrap_or_default(), extra })
}

/// A GUID that follows from a text.
fn guid_of(text: &str) -> Guid {
    let hex = digest(format!("context {text}").as_bytes());
    Guid::from_u128(hex.get(..32).and_then(|hex| u128::from_str_radix(hex, 16).ok()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::alert;
    use crate::testing::NOW;

    fn read(value: Value) -> Result<super::SentAlert, crate::json_lines::Refusal> {
        alert(value.to_string().as_bytes(), value.as_object().expect("an object"), NOW)
    }

    #[test]
    fn what_is_needed_is_asked_for_by_name() {
        let whole = json!({ "_id": "x-1", "timestamp": NOW.0, "title": "T", "severityValue": 1, "idValue": 15_859_716 });
        assert!(read(whole.clone()).is_ok());
        for field in ["timestamp", "title", "severityValue", "idValue"] {
            let mut less = whole.clone();
            less.as_object_mut().expect("an object").remove(field);
            assert_eq!(read(less).expect_err("refused").field, field);
        }
        for (field, value) in [
            ("severityValue", json!(9)),
            ("timestamp", json!(NOW.0 + 3 * 86_400_000)),
            ("idValue", json!("ALERT_OF_NOBODY")),
            ("stories", json!([9])),
            ("intent", json!("x")),
            ("evidence", json!([7])),
            ("entities", json!({ "type": "ip" })),
            ("resolutionStatusValue", json!(6)),
            ("contextId", json!("x")),
            ("isMarkdown", json!("yes")),
        ] {
            let mut other = whole.clone();
            other[field] = value;
            assert_eq!(read(other).expect_err("refused").field, field);
        }
        let mut other = whole;
        other["entities"] = json!([{ "type": "ip", "id": "192.0.2.1" }, { "id": "x" }]);
        assert_eq!(read(other).expect_err("refused").field, "entities.1.type");
    }

    fn anything() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,20}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z]{1,6}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// Whatever a sender writes, the answer is a record or a reason.
        #[test]
        fn nothing_panics(values in prop::collection::vec(anything(), 14)) {
            let fields = [
                "_id", "timestamp", "title", "severityValue", "idValue", "entities", "evidence", "stories", "policy",
                "resolveTime", "audits", "description", "contextId", "threatScore",
            ];
            let record: Map<String, Value> = fields.iter().map(|f| f.to_string()).zip(values).collect();
            let line = Value::Object(record.clone()).to_string();
            let first = alert(line.as_bytes(), &record, NOW);
            if let Ok(sent) = first {
                prop_assert!(sent.alert.resolved.is_some() == (sent.alert.resolution.number() != 0));
            }
        }
    }
}
