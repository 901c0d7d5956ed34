//! What parameters may look like. Clients send numbers as text and back, one value for a list of one, null for
//! nothing; all that is taken, so the schemas of parameters say so.

use serde_json::{Map, Value, json};

use crate::describe::{Named, Property, Shape, with_meaning};
use crate::filters::{FilterInfo, Kind, Operator, example};

const MOST: i64 = i64::MAX;
const LEAST: i64 = i64::MIN;
/// A whole number as text.
const NUMBER: &str = "-?[0-9]{1,18}";
const RECORD_ID: &str = "[0-9a-fA-F]{24}";
const GUID: &str = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}";

/// Where a parameter stands.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Place {
    /// In the query string, where there is only text.
    Query,
    /// In a JSON body.
    Body,
}

impl Shape {
    /// The JSON Schema of what is taken as such a value.
    pub(super) fn accepted(&self, place: Place) -> Value {
        // An empty text is as good as absent.
        let text = |kinds: &[&str], pattern: &str| {
            let mut schema = json!({ "type": kinds, "pattern": format!("^({pattern})?$") });
            if place == Place::Body
                && let Some(kinds) = schema["type"].as_array_mut()
            {
                kinds.push(json!("null"));
            }
            schema
        };
        let bounded = |mut schema: Value, from: i64, to: i64| {
            schema["minimum"] = json!(from);
            schema["maximum"] = json!(to);
            schema
        };
        match self {
            Shape::Text | Shape::Url if place == Place::Query => json!({ "type": "string" }),
            Shape::Text | Shape::Url => json!({ "type": ["string", "number", "null"] }),
            Shape::Id => text(&["string"], RECORD_ID),
            Shape::Between(from, to) if *to < 10 => {
                bounded(text(&["integer", "string"], &format!("[{from}-{to}]")), *from, *to)
            }
            Shape::Between(1, to) => bounded(text(&["integer", "string"], "0{0,2}[1-9][0-9]{0,15}"), 1, *to),
            Shape::Between(from, to) => bounded(text(&["integer", "string"], "[0-9]{1,18}"), *from, *to),
            Shape::Integer | Shape::Time => bounded(text(&["integer", "string"], NUMBER), LEAST, MOST),
            Shape::Flag => text(&["boolean", "string"], "[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]"),
            Shape::Word(words) => choice(words.iter().map(|word| json!(word)).collect(), place),
            Shape::Numbered(all) => {
                let numbers = all.iter().map(|(number, _)| json!(number));
                choice(numbers.chain(all.iter().map(|(n, _)| json!(n.to_string()))).collect(), place)
            }
            // One value is a list of one, and so is JSON text in a form.
            Shape::List(_) | Shape::Either(_) if place == Place::Query => json!({ "type": "string" }),
            Shape::List(of) => {
                let one = of.accepted(place);
                json!({ "anyOf": [{ "type": "array", "items": one }, one] })
            }
            Shape::Either(kinds) => {
                let kinds: Vec<Value> = kinds.iter().map(|kind| kind.accepted(place)).collect();
                json!({ "anyOf": kinds })
            }
            Shape::Inline(properties) => {
                let all = properties.iter().map(|p| (p.name.to_string(), parameter(p, place)));
                json!({ "type": ["object", "null"], "properties": all.collect::<Map<_, _>>() })
            }
            Shape::Number => json!({ "type": ["number", "null"] }),
            other => {
                let mut schema = other.schema(&mut Named::default());
                if place == Place::Body
                    && let Some(kind) = schema.get("type").filter(|kind| kind.is_string()).cloned()
                {
                    schema["type"] = json!([kind, "null"]);
                }
                schema
            }
        }
    }
}

fn choice(mut words: Vec<Value>, place: Place) -> Value {
    words.push(json!(""));
    if place == Place::Body {
        words.push(Value::Null);
    }
    json!({ "enum": words })
}

/// The schema of a parameter, with what it means.
pub(super) fn parameter(property: &Property, place: Place) -> Value {
    let mut schema = property.shape.accepted(place);
    if !property.optional {
        schema = required(schema);
    }
    with_meaning(schema, property.what)
}

/// What must be there is not null, and not blank where it is text.
fn required(mut schema: Value) -> Value {
    if let Some(kinds) = schema.get_mut("type").and_then(Value::as_array_mut) {
        kinds.retain(|kind| kind != "null");
    }
    if let Some(words) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        words.retain(|word| !word.is_null() && word != "");
    }
    let pattern = match schema.get("pattern").and_then(Value::as_str) {
        Some(pattern) => pattern.replace(")?$", ")$"),
        None => r"[^\s]".to_string(),
    };
    let is_text = schema.get("type").is_some_and(|kind| kind.to_string().contains("string"));
    if is_text {
        schema["pattern"] = json!(pattern);
    }
    schema
}

/// The schema of `filters` on these fields.
pub(super) fn filters(fields: &[FilterInfo]) -> Value {
    let mut all = Map::new();
    for field in fields {
        for name in field.names {
            let meaning = match *name == field.names[0] {
                true => format!("{}.", field.what),
                false => format!("The same as `{}`.", field.names[0]),
            };
            all.insert((*name).to_string(), with_meaning(of_field(field), &meaning));
        }
    }
    let object = json!({ "type": "object", "properties": all, "additionalProperties": false });
    json!({
        "description": "Fields, each with operators and values; all of them must hold.",
        "anyOf": [object, { "type": "null" }, { "type": "array", "maxItems": 0 }],
    })
}

fn of_field(field: &FilterInfo) -> Value {
    let operators = field.operators.iter().map(|operator| {
        let values =
            json!({ "$ref": format!("#/components/schemas/{}", values_name(field.kind, *operator)) });
        (operator.name().to_string(), values)
    });
    let operators: Map<String, Value> = operators.collect();
    json!({
        "anyOf": [
            { "type": "object", "properties": operators, "additionalProperties": false },
            { "type": "null" },
            { "type": "array", "maxItems": 0 },
        ],
        "examples": [example(field)],
    })
}

/// The name of the schema of the values of an operator, and the schema of one value of it.
fn values(kind: Kind, operator: Operator) -> (&'static str, Value, bool) {
    let number = || json!({ "type": ["integer", "string"], "pattern": format!("^{NUMBER}$"), "minimum": LEAST, "maximum": MOST });
    let fraction = || {
        json!({
            "type": ["number", "string"],
            "pattern": "^-?[0-9]{1,15}(\\.[0-9]{1,9})?$",
            "minimum": LEAST,
            "maximum": MOST,
        })
    };
    let or_null = |mut schema: Value| {
        match schema.get_mut("type").and_then(Value::as_array_mut) {
            Some(kinds) => kinds.push(json!("null")),
            None => schema = json!({ "anyOf": [schema, { "type": "null" }] }),
        }
        if let Some(pattern) = schema.get("pattern").and_then(Value::as_str) {
            let pattern = format!("^({}|null)$", pattern.trim_start_matches('^').trim_end_matches('$'));
            schema["pattern"] = json!(pattern);
        }
        schema
    };
    let texts = json!({ "type": ["string", "number"] });
    match operator {
        Operator::Isset | Operator::Isnotset => (
            "FilterPresence",
            json!({ "type": ["boolean", "string"], "pattern": "^([Tt]rue|[Ff]alse)$" }),
            true,
        ),
        Operator::Range => {
            let end = json!({ "type": ["number", "null"], "minimum": LEAST, "maximum": MOST });
            let range = json!({ "type": "object", "properties": { "start": end, "end": end } });
            ("FilterRanges", range, false)
        }
        Operator::GteNdays | Operator::LteNdays => ("FilterDays", fraction(), true),
        Operator::Gt | Operator::Gte | Operator::Lt | Operator::Lte => ("FilterNumber", fraction(), true),
        Operator::Startswith if kind == Kind::Entity => (
            "FilterBeginnings",
            json!({
                "anyOf": [
                    texts,
                    { "type": "object", "properties": { "id": texts }, "required": ["id"] },
                ],
            }),
            false,
        ),
        Operator::Contains
        | Operator::Ncontains
        | Operator::Startswith
        | Operator::Startswithsingle
        | Operator::Doesnotstartwith
        | Operator::Text => ("FilterTexts", texts, false),
        Operator::Eq | Operator::Neq | Operator::Deq | Operator::Cabinetmatchedrulesequals => match kind {
            Kind::Span if operator == Operator::Eq => ("FilterSpan", or_null(number()), false),
            Kind::Number | Kind::Time | Kind::Span => ("FilterNumbers", or_null(number()), false),
            Kind::Text | Kind::NullableText => {
                ("FilterValues", json!({ "type": ["string", "number", "null"] }), false)
            }
            Kind::Any => ("FilterAnything", json!({}), false),
            Kind::Flag => (
                "FilterFlags",
                json!({ "type": ["boolean", "string", "null"], "pattern": "^([Tt]rue|[Ff]alse|null)$" }),
                false,
            ),
            Kind::Id => (
                "FilterIds",
                json!({ "type": ["string", "null"], "pattern": format!("^({RECORD_ID}|null)$") }),
                false,
            ),
            Kind::Named(names) => {
                let words: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
                let numbers: Vec<String> = names.iter().map(|(_, number)| number.to_string()).collect();
                let (low, high) = names.iter().fold((i64::MAX, i64::MIN), |(low, high), (_, number)| {
                    (low.min(*number), high.max(*number))
                });
                let pattern = format!("^({}|{}|null)$", words.join("|"), numbers.join("|"));
                let kinds = json!(["integer", "string", "null"]);
                let name = match names.first() {
                    Some(("account", _)) => "FilterTypes",
                    Some(("n/a", _)) => "FilterStates",
                    Some(("PRIVATE", _)) => "FilterAccessLevels",
                    _ => "FilterFileTypes",
                };
                (name, json!({ "type": kinds, "minimum": low, "maximum": high, "pattern": pattern }), false)
            }
            Kind::Group => (
                "FilterGroups",
                json!({
                    "anyOf": [
                        { "type": ["string", "null"], "pattern": format!("^({RECORD_ID}|{GUID}|null)$") },
                        {
                            "type": "object",
                            "properties": { "role": { "type": "integer", "minimum": 1 } },
                            "required": ["role"],
                        },
                    ],
                }),
                false,
            ),
            Kind::Either(yes, no) => ("FilterOrigin", json!({ "enum": [yes, no, "null", null] }), false),
            Kind::Entity => (
                "FilterEntities",
                json!({
                    "anyOf": [
                        { "type": ["string", "number", "null"], "pattern": r"^\s*([^\s{][\s\S]*)?$" },
                        {
                            "type": "object",
                            "properties": {
                                "id": { "type": ["string", "number"] },
                                "saas": or_null(number()),
                                "inst": or_null(number()),
                            },
                            "required": ["id"],
                        },
                    ],
                }),
                false,
            ),
        },
    }
}

fn values_name(kind: Kind, operator: Operator) -> &'static str {
    values(kind, operator).0
}

/// The schemas that the filters on these fields refer to.
pub(super) fn value_schemas(fields: &[FilterInfo], named: &mut Named) {
    for field in fields {
        for operator in field.operators {
            let (name, one, single) = values(field.kind, *operator);
            let mut list = json!({ "type": "array", "items": one });
            if single {
                list["maxItems"] = json!(1);
            }
            if name == "FilterSpan" {
                list["maxItems"] = json!(2);
            }
            // Nothing, in three spellings, is no constraint.
            let nothing = [json!({ "type": "null" }), json!({ "type": "object", "maxProperties": 0 })];
            named.0.entry(name).or_insert_with(|| json!({ "anyOf": [one, list, nothing[0], nothing[1]] }));
        }
    }
}
