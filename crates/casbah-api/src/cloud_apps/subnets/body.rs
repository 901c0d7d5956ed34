//! What a caller says of an IP range. Clients send names or numbers, texts or objects, and also whole
//! records as they got them; what is unknown in there is ignored.

use casbah_model::{IpCategory, IpLocation};
use casbah_service::ip_ranges::{IpRangeDetails, IpTagReference};
use serde_json::{Map, Value};

use crate::describe::{Property, Shape, has, may_have};
use crate::parameters::{Parameters, whole_number};
use crate::problem::Problem;

const NAME: &str = "Its name, which no other range has.";
const CATEGORY: &str = "1 corporate, 2 administrative, 3 risky, 4 VPN, 5 cloud provider, 6 other.";
const SUBNETS: &str =
    "Addresses of IPv4 or IPv6, with or without a mask; those of two ranges must not overlap.";
const ORGANIZATION: Property = may_have("organization", Shape::Text, "Whose they are.");
const TAGS: Property = may_have(
    "tags",
    Shape::List(&Shape::Either(&[Shape::Text, Shape::Object])),
    "Names, ids or tags; an unknown name makes a tag.",
);
const LOCATION: Property = may_have(
    "location",
    Shape::Inline(&[
        may_have("name", Shape::Text, ""),
        may_have("latitude", Shape::Number, "Degrees north."),
        may_have("longitude", Shape::Number, "Degrees east."),
        may_have("countryCode", Shape::Text, "Two letters."),
        may_have("countryName", Shape::Text, ""),
    ]),
    "Where they are.",
);

/// What makes a range.
pub(super) const NEW: &[Property] = &[
    has("name", Shape::Text, NAME),
    has("category", Shape::Between(1, 6), CATEGORY),
    has("subnets", Shape::List(&Shape::Text), SUBNETS),
    ORGANIZATION,
    TAGS,
    LOCATION,
];

/// What replaces a range: what must be there and is not stays as it is.
pub(super) const CHANGED: &[Property] = &[
    may_have("name", Shape::Text, NAME),
    may_have("category", Shape::Between(1, 6), CATEGORY),
    may_have("subnets", Shape::List(&Shape::Text), SUBNETS),
    ORGANIZATION,
    TAGS,
    LOCATION,
];

/// Reads the parameters of a range.
pub(super) fn details(parameters: &Parameters) -> Result<IpRangeDetails, Problem> {
    let tags = list(parameters, "tags")?.unwrap_or_default();
    Ok(IpRangeDetails {
        name: parameters.text("name")?,
        category: category(parameters)?,
        subnets: match list(parameters, "subnets")? {
            Some(all) => Some(all.iter().map(subnet).collect::<Result<_, _>>()?),
            None => None,
        },
        organization: parameters.text("organization")?,
        location: location(parameters)?,
        tags: tags.iter().map(tag).collect::<Result<_, _>>()?,
    })
}

fn category(parameters: &Parameters) -> Result<Option<IpCategory>, Problem> {
    let Some(value) = parameters.raw("category") else { return Ok(None) };
    if value.as_str().is_some_and(|text| text.trim().is_empty()) {
        return Ok(None);
    }
    let by_name = || value.as_str().and_then(|text| IpCategory::find(text.trim()));
    let found = whole_number(value).and_then(IpCategory::from_number).or_else(by_name);
    found.map(Some).ok_or_else(|| {
        let all: Vec<String> =
            IpCategory::ALL.iter().map(|c| format!("{} ({})", c.number(), c.name())).collect();
        Problem::invalid("category", format!("category must be one of {}.", all.join(", ")))
    })
}

/// A list; a single value is a list of one, and a form has it as JSON text.
fn list(parameters: &Parameters, name: &str) -> Result<Option<Vec<Value>>, Problem> {
    Ok(match parameters.raw(name) {
        None => None,
        Some(Value::String(text)) if text.trim().is_empty() => None,
        Some(Value::String(text)) if text.trim_start().starts_with(['[', '{']) => {
            let parsed: Value = serde_json::from_str(text)
                .map_err(|_| Problem::invalid(name, format!("{name} is not valid JSON.")))?;
            Some(if let Value::Array(all) = parsed { all } else { vec![parsed] })
        }
        Some(Value::Array(all)) => Some(all.clone()),
        Some(one) => Some(vec![one.clone()]),
    })
}

/// What was typed: a text, or the object that a record has in its place.
fn subnet(value: &Value) -> Result<String, Problem> {
    let part = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_string);
    let typed = match value {
        Value::String(text) => Some(text.clone()),
        Value::Object(_) => part("originalString").or_else(|| {
            let (address, mask) = (part("address")?, value.get("mask").and_then(whole_number)?);
            Some(format!("{address}/{mask}"))
        }),
        _ => None,
    };
    typed.ok_or_else(|| {
        Problem::invalid("subnets", "subnets must be a list of texts such as \"198.51.100.0/24\".")
    })
}

/// A name, an id, or the object that a record has in its place.
fn tag(value: &Value) -> Result<IpTagReference, Problem> {
    let wrong = || Problem::invalid("tags", "tags must be a list of names, ids or tags.");
    let by_id = |text: &str| text.trim().parse().ok().map(IpTagReference::Id);
    match value {
        Value::String(text) => Ok(by_id(text).unwrap_or_else(|| IpTagReference::Name(text.clone()))),
        Value::Object(tag) => {
            let part = |name: &str| tag.get(name).and_then(Value::as_str);
            match (part("id").or_else(|| part("_id")), part("name")) {
                (Some(id), _) => by_id(id).ok_or_else(wrong),
                (None, Some(name)) => Ok(IpTagReference::Name(name.to_string())),
                (None, None) => Err(wrong()),
            }
        }
        _ => Err(wrong()),
    }
}

fn location(parameters: &Parameters) -> Result<Option<IpLocation>, Problem> {
    let wrong = || Problem::invalid("location", "location must be an object, or null.");
    let given: Map<String, Value> = match parameters.raw("location") {
        None => return Ok(None),
        Some(Value::Object(given)) => given.clone(),
        Some(Value::String(text)) if text.trim().is_empty() => return Ok(None),
        Some(Value::String(text)) => match serde_json::from_str(text) {
            Ok(Value::Object(given)) => given,
            Ok(Value::Null) => return Ok(None),
            _ => return Err(wrong()),
        },
        Some(_) => return Err(wrong()),
    };
    let text = |name: &str| match given.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Problem::invalid("location", format!("{name} must be a text."))),
    };
    let degrees = |name: &str| match given.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
            number.map(Some).ok_or_else(|| Problem::invalid("location", format!("{name} must be a number.")))
        }
    };
    let location = IpLocation {
        name: text("name")?,
        latitude: degrees("latitude")?,
        longitude: degrees("longitude")?,
        country_code: text("countryCode")?,
        country_name: text("countryName")?,
    };
    Ok(Some(location).filter(|location| *location != IpLocation::default()))
}
