//! What is sent and what is answered, described once: the schemas of `/openapi.json` are made of these, and
//! every answer that a test gets is held against them.
//!
//! A record is described beside the function that makes it (`view.rs`), a parameter beside the row of the
//! table that takes it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// A kind of value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// Text.
    Text,
    /// The id of a record: 24 hex digits.
    Id,
    /// A GUID.
    Guid,
    /// An address.
    Url,
    /// A whole number.
    Integer,
    /// A whole number, none below the first and none above the second.
    Between(i64, i64),
    /// A number.
    Number,
    /// Yes or no.
    Flag,
    /// Milliseconds since 1970-01-01 UTC.
    Time,
    /// A moment in the form of RFC 3339.
    Moment,
    /// One of these words.
    Word(&'static [&'static str]),
    /// One of these numbers, with what each means.
    Numbered(&'static [(i64, &'static str)]),
    /// An object whose keys are not ours.
    Object,
    /// Whatever an app or a caller has written.
    Anything,
    /// A list of one kind.
    List(&'static Shape),
    /// A list with a kind for each place.
    #[allow(dead_code, reason = "records of files have such lists: a number and its name")]
    Tuple(&'static [Shape]),
    /// An object whose keys are not ours and whose values are of one kind.
    Map(&'static Shape),
    /// One of these kinds.
    Either(&'static [Shape]),
    /// This, or null.
    Nullable(&'static Shape),
    /// An object with these properties, described where it stands.
    Inline(&'static [Property]),
    /// A record that has a name.
    Record(&'static Record),
}

/// A record: an object with a name of its own among the schemas.
#[derive(Debug)]
pub(crate) struct Record {
    /// Its name, such as `Alert`.
    pub(crate) name: &'static str,
    /// What it is, in a sentence.
    pub(crate) what: &'static str,
    /// What it holds.
    pub(crate) properties: &'static [Property],
}

/// Something that an object holds, or a parameter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Property {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    /// What it means; empty where the name says it.
    pub(crate) what: &'static str,
    /// Whether it may be absent.
    pub(crate) optional: bool,
}

/// Something that is always there.
pub(crate) const fn has(name: &'static str, shape: Shape, what: &'static str) -> Property {
    Property { name, shape, what, optional: false }
}

/// Something that may be absent.
pub(crate) const fn may_have(name: &'static str, shape: Shape, what: &'static str) -> Property {
    Property { name, shape, what, optional: true }
}

/// What an endpoint answers when it succeeds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answers {
    /// A JSON value.
    Json(Shape),
    /// One page of a list of such records: `data`, `total`, `hasNext`, `max`, `moreThanTotal`.
    Page(&'static Record),
    /// A text, of this media type; or, without the parameter that asks for it, a page of such records.
    TextOr(&'static str, &'static Record),
    /// A file of such records, one a line: JSON lines, or CSV.
    File(&'static Record),
    /// What another protocol says; nothing is described.
    Elsewhere,
}

/// What a list says of itself, beside `data`.
pub(crate) const PAGE: &[Property] = &[
    has("total", Shape::Integer, "How many records there are over all pages."),
    has("hasNext", Shape::Flag, "Whether something is left behind this page."),
    has("max", Shape::Integer, "The size of a page that is in force."),
    may_have("moreThanTotal", Shape::Flag, "Whether there are more than `total`: counting has an end."),
    may_have(
        "nextQueryFilters",
        Shape::Object,
        "When a list is scanned and something is left: the filters of the next request, to be sent as they are.",
    ),
];

/// The schemas that have been named while others were made.
#[derive(Default)]
pub(crate) struct Named(pub(crate) BTreeMap<&'static str, Value>);

impl Shape {
    /// The JSON Schema of what is answered.
    pub(crate) fn schema(&self, named: &mut Named) -> Value {
        match self {
            Shape::Text => json!({ "type": "string" }),
            Shape::Id => json!({ "type": "string", "pattern": "^[0-9a-f]{24}$" }),
            Shape::Guid => json!({ "type": "string", "format": "uuid" }),
            Shape::Url => json!({ "type": "string", "format": "uri" }),
            Shape::Integer => json!({ "type": "integer", "format": "int64" }),
            Shape::Between(from, to) => json!({ "type": "integer", "minimum": from, "maximum": to }),
            Shape::Number => json!({ "type": "number" }),
            Shape::Flag => json!({ "type": "boolean" }),
            Shape::Time => json!({
                "type": "integer",
                "format": "int64",
                "description": "Milliseconds since 1970-01-01 UTC.",
            }),
            Shape::Moment => json!({ "type": "string", "format": "date-time" }),
            Shape::Word(words) => json!({ "type": "string", "enum": words }),
            Shape::Numbered(all) => {
                let numbers: Vec<i64> = all.iter().map(|(number, _)| *number).collect();
                let meanings: Vec<String> = all.iter().map(|(n, what)| format!("{n} {what}")).collect();
                json!({ "type": "integer", "enum": numbers, "description": format!("{}.", meanings.join(", ")) })
            }
            Shape::Object => json!({ "type": "object" }),
            Shape::Anything => json!({}),
            Shape::List(of) => json!({ "type": "array", "items": of.schema(named) }),
            Shape::Tuple(places) => {
                let places: Vec<Value> = places.iter().map(|place| place.schema(named)).collect();
                json!({ "type": "array", "prefixItems": places, "minItems": places.len(), "maxItems": places.len() })
            }
            Shape::Map(of) => json!({ "type": "object", "additionalProperties": of.schema(named) }),
            Shape::Either(kinds) => {
                let kinds: Vec<Value> = kinds.iter().map(|kind| kind.schema(named)).collect();
                json!({ "anyOf": kinds })
            }
            Shape::Nullable(of) => nullable(of.schema(named)),
            Shape::Inline(properties) => object(properties, named),
            Shape::Record(record) => reference(record, named),
        }
    }

    /// Why `value` is not of this kind, each with its place; nothing when it is. Unlike a schema this is
    /// strict: what is not described must not be there.
    #[cfg(test)]
    pub(crate) fn faults(&self, value: &Value, place: &str, faults: &mut Vec<String>) {
        let good = match self {
            Shape::Text | Shape::Url => value.is_string(),
            Shape::Id => value.as_str().is_some_and(|text| text.parse::<casbah_model::RecordId>().is_ok()),
            Shape::Guid => value.as_str().is_some_and(|text| text.parse::<casbah_model::Guid>().is_ok()),
            Shape::Integer | Shape::Time => value.is_i64(),
            Shape::Between(from, to) => value.as_i64().is_some_and(|n| (from..=to).contains(&&n)),
            Shape::Number => value.is_number(),
            Shape::Flag => value.is_boolean(),
            Shape::Moment => {
                value.as_str().is_some_and(|text| text.parse::<casbah_model::Timestamp>().is_ok())
            }
            Shape::Word(words) => value.as_str().is_some_and(|word| words.contains(&word)),
            Shape::Numbered(all) => all.iter().any(|(number, _)| value.as_i64() == Some(*number)),
            Shape::Object => value.is_object(),
            Shape::Anything => true,
            Shape::List(of) => {
                for (at, item) in value.as_array().into_iter().flatten().enumerate() {
                    of.faults(item, &format!("{place}[{at}]"), faults);
                }
                value.is_array()
            }
            Shape::Tuple(kinds) => {
                let all = value.as_array().map(Vec::as_slice).unwrap_or_default();
                for (at, (kind, item)) in kinds.iter().zip(all).enumerate() {
                    kind.faults(item, &format!("{place}[{at}]"), faults);
                }
                all.len() == kinds.len()
            }
            Shape::Map(of) => {
                for (key, item) in value.as_object().into_iter().flatten() {
                    of.faults(item, &format!("{place}.{key}"), faults);
                }
                value.is_object()
            }
            Shape::Either(kinds) => kinds.iter().any(|kind| {
                let mut found = Vec::new();
                kind.faults(value, place, &mut found);
                found.is_empty()
            }),
            Shape::Nullable(of) => {
                if !value.is_null() {
                    of.faults(value, place, faults);
                }
                true
            }
            Shape::Inline(properties) => return faults_of_object(properties, value, place, faults),
            Shape::Record(record) => return faults_of_object(record.properties, value, place, faults),
        };
        if !good {
            faults.push(format!("{place} is {value}, which is not {self:.60?}"));
        }
    }
}

#[cfg(test)]
pub(crate) fn faults_of_object(
    properties: &[Property],
    value: &Value,
    place: &str,
    faults: &mut Vec<String>,
) {
    let Value::Object(all) = value else {
        faults.push(format!("{place} is {value}, not an object"));
        return;
    };
    for property in properties {
        let place = format!("{place}.{}", property.name);
        match all.get(property.name) {
            Some(value) => property.shape.faults(value, &place, faults),
            None if property.optional => {}
            None => faults.push(format!("{place} is missing")),
        }
    }
    for key in all.keys().filter(|key| !properties.iter().any(|p| p.name == key.as_str())) {
        faults.push(format!("{place}.{key} is not described"));
    }
}

/// The schema of an object; what is not described may stand beside it in a later release.
pub(crate) fn object(properties: &[Property], named: &mut Named) -> Value {
    let required: Vec<&str> = properties.iter().filter(|p| !p.optional).map(|p| p.name).collect();
    let schemas: Map<String, Value> =
        properties.iter().map(|p| (p.name.to_string(), described(p, named))).collect();
    let mut schema = json!({ "type": "object", "properties": schemas });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

/// The schema of a property, with what it means.
fn described(property: &Property, named: &mut Named) -> Value {
    with_meaning(property.shape.schema(named), property.what)
}

/// A schema with a sentence before what it says already.
pub(crate) fn with_meaning(mut schema: Value, what: &str) -> Value {
    if !what.is_empty() {
        let more = schema.get("description").and_then(Value::as_str).map(|more| format!(" {more}"));
        schema["description"] = json!(format!("{what}{}", more.unwrap_or_default()));
    }
    schema
}

fn reference(record: &'static Record, named: &mut Named) -> Value {
    if !named.0.contains_key(record.name) {
        // Before its properties, so that a record may hold records of its own kind.
        named.0.insert(record.name, Value::Null);
        let schema = with_meaning(object(record.properties, named), record.what);
        named.0.insert(record.name, schema);
    }
    json!({ "$ref": format!("#/components/schemas/{}", record.name) })
}

fn nullable(mut schema: Value) -> Value {
    match schema.get("type").and_then(Value::as_str).map(str::to_string) {
        Some(kind) => {
            schema["type"] = json!([kind, "null"]);
            if let Some(words) = schema.get_mut("enum").and_then(Value::as_array_mut) {
                words.push(Value::Null);
            }
            schema
        }
        None => json!({ "anyOf": [schema, { "type": "null" }] }),
    }
}

/// The schema of a page of records.
pub(crate) fn page(record: &'static Record, named: &mut Named) -> Value {
    let mut schema = object(PAGE, named);
    schema["properties"]["data"] = json!({ "type": "array", "items": reference(record, named) });
    if let Some(required) = schema["required"].as_array_mut() {
        required.insert(0, json!("data"));
    }
    schema
}
