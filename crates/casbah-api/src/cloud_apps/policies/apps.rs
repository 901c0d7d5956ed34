//! What a policy on discovered apps looks for and does, in the words of the API.

use casbah_model::Timestamp;
use casbah_model::filter::{Condition, Operand, Range, Test};
use casbah_service::policies::{AppRule, Choice, Claims, Conditions, Rule, Template};
use serde_json::{Map, Value, json};

use crate::describe::{self, Record, Shape, has, may_have};
use crate::filters::Operator::{Contains, Eq, Gt, Gte, Lt, Lte, Neq};
use crate::filters::{self, Field, Kind, Operator};
use crate::parameters::Parameters;
use crate::problem::Problem;

/// What can be asked, under the names that discovered apps have for it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum App {
    Stream,
    Number,
    Name,
    Domain,
    Tag,
    Category,
    Score,
    Vendor,
    Headquarters,
    Founded,
    Claim,
    MissingClaim,
    Total,
    Uploaded,
    Downloaded,
    Events,
    Users,
    Addresses,
}

const ABOVE: &[Operator] = &[Gt, Gte];
const ONE_OF: &[Operator] = &[Eq, Neq];
const APP_FIELDS: &[Field<App>] = &[
    Field::new(
        &["streamId"],
        App::Stream,
        Kind::Id,
        ONE_OF,
        ("Continuous report", "6a1f0c2b9d3e4f5a6b7c8d90"),
    ),
    Field::new(
        &["appId"],
        App::Number,
        Kind::Number,
        ONE_OF,
        ("Number of the app in the catalogue", "11627"),
    ),
    Field::new(&["appName"], App::Name, Kind::Text, &[Eq, Neq, Contains], ("Name of the app", "Dropbox")),
    Field::new(&["domain"], App::Domain, Kind::Text, &[Contains], ("Domains of the app", "dropbox.com")),
    Field::new(&["tag"], App::Tag, Kind::Text, ONE_OF, ("Tag of the app, by name or id", "Unsanctioned")),
    Field::new(
        &["category"],
        App::Category,
        Kind::Text,
        ONE_OF,
        ("Category of the app", "SAASDB_CATEGORY_CLOUD_STORAGE"),
    ),
    Field::new(
        &["score"],
        App::Score,
        Kind::Span,
        &[Eq, Gt, Gte, Lt, Lte],
        ("Risk score of the app, 1 to 10; `eq` with two numbers is a range", "5"),
    ),
    Field::new(&["vendor"], App::Vendor, Kind::Text, ONE_OF, ("Who runs the app", "Dropbox")),
    Field::new(
        &["headquarters"],
        App::Headquarters,
        Kind::Text,
        ONE_OF,
        ("Country of the vendor, two letters", "US"),
    ),
    Field::new(
        &["founded"],
        App::Founded,
        Kind::Number,
        &[Gt, Gte, Lt, Lte],
        ("Year in which the vendor was founded", "2020"),
    ),
    Field::new(&["claim"], App::Claim, Kind::Text, ONE_OF, ("What the vendor claims", "soc2")),
    Field::new(
        &["missingClaim"],
        App::MissingClaim,
        Kind::Text,
        ONE_OF,
        ("What the vendor does not claim", "soc2"),
    ),
    Field::new(&["trafficTotalBytes"], App::Total, Kind::Number, ABOVE, ("Bytes of a day", "1000000")),
    Field::new(
        &["trafficUploadedBytes"],
        App::Uploaded,
        Kind::Number,
        ABOVE,
        ("Bytes of a day that were uploaded", "1000000"),
    ),
    Field::new(
        &["trafficDownloadedBytes"],
        App::Downloaded,
        Kind::Number,
        ABOVE,
        ("Bytes of a day that were downloaded", "1000000"),
    ),
    Field::new(&["trafficTotalEvents"], App::Events, Kind::Number, ABOVE, ("Transactions of a day", "1000")),
    Field::new(&["usersCount"], App::Users, Kind::Number, ABOVE, ("Users of a day", "50")),
    Field::new(&["ipAddressesCount"], App::Addresses, Kind::Number, ABOVE, ("Addresses of a day", "50")),
];

/// The field that says whether known apps count.
pub(super) const ONLY_NEW: &str = "onlyNewApps";
pub(super) const ONLY_NEW_SAYS: describe::Property = may_have(
    ONLY_NEW,
    Shape::Flag,
    "Of a policy on discovered apps: only apps that the report did not have in the 90 days before.",
);
const ACTION: describe::Shape = Shape::Inline(&[
    has("type", Shape::Word(&["tag"]), ""),
    has("tag", Shape::Text, "Name of a tag of apps."),
]);
pub(super) const ACTIONS: describe::Shape = Shape::List(&ACTION);
pub(super) const ACTIONS_SAY: &str = "What is done with an app that meets a policy on discovered apps.";

pub(super) const TEMPLATE: Record = Record {
    name: "PolicyTemplate",
    what: "A policy that can be made as it is or with changes.",
    properties: &[
        has("id", Shape::Text, "What `template` says when a policy is made of it."),
        has("name", Shape::Text, ""),
        has("description", Shape::Text, ""),
        has("type", Shape::Text, "Type of policy, such as NEW_SERVICE."),
        has("severity", Shape::Between(0, 3), "0 low, 1 medium, 2 high, 3 informational."),
        has("filters", Shape::Object, "What it looks for, as filters in the words of its type."),
        has(ONLY_NEW, Shape::Flag, "Whether it is about apps that are new only."),
    ],
};

pub(super) fn template(one: &Template) -> Value {
    json!({
        "id": one.id,
        "name": one.name,
        "description": one.description,
        "type": casbah_service::policies::NEW_SERVICE,
        "severity": one.severity.number(),
        "filters": app_filters(&one.conditions),
        ONLY_NEW: one.conditions.only_new,
    })
}

/// Reads what such a policy is to look for and do; none when nothing was said about it. What is left out stays.
pub(super) fn read(
    parameters: &Parameters,
    present: Option<&Rule>,
    now: Timestamp,
) -> Result<Option<Rule>, Problem> {
    let (only_new, tags) = (parameters.flag(ONLY_NEW)?, tags(parameters)?);
    if parameters.raw("filters").is_none() && (present.is_none() || (only_new.is_none() && tags.is_none())) {
        return Ok(None);
    }
    let before = match present {
        Some(Rule::Discovery(rule)) => AppRule::clone(rule),
        // A policy of one's own looks at every app in use, unless it says otherwise.
        _ => {
            AppRule { conditions: Conditions { only_new: false, ..Conditions::default() }, tags: Vec::new() }
        }
    };
    let conditions = match parameters.raw("filters") {
        None => before.conditions,
        Some(_) => {
            let found = filters::parse(&filters::given(parameters)?, APP_FIELDS, now)?;
            Conditions { only_new: before.conditions.only_new, ..conditions(&found)? }
        }
    };
    let only_new = only_new.unwrap_or(conditions.only_new);
    let conditions = Conditions { only_new, ..conditions };
    let rule = AppRule { conditions, tags: tags.unwrap_or(before.tags) };
    Ok(Some(Rule::Discovery(Box::new(rule))))
}

/// The fields of a policy's record that say it.
pub(super) fn view(rule: &AppRule) -> [(&'static str, Value); 3] {
    let actions: Vec<Value> = rule.tags.iter().map(|tag| json!({ "type": "tag", "tag": tag })).collect();
    [
        ("filters", app_filters(&rule.conditions)),
        (ONLY_NEW, json!(rule.conditions.only_new)),
        ("actions", json!(actions)),
    ]
}

/// The tags that actions name; none when nothing is said of actions.
fn tags(parameters: &Parameters) -> Result<Option<Vec<String>>, Problem> {
    let Some(value) = parameters.raw("actions") else { return Ok(None) };
    let text = "actions must be a list such as [{\"type\": \"tag\", \"tag\": \"Unsanctioned\"}]: an app can be tagged.";
    let wrong = || Problem::invalid("actions", text);
    let parsed: Value = match value {
        Value::String(text) => serde_json::from_str(text).map_err(|_| wrong())?,
        other => other.clone(),
    };
    let one = |action: &Value| {
        let is_tag =
            action.get("type").and_then(Value::as_str).is_some_and(|t| t.eq_ignore_ascii_case("tag"));
        action.get("tag").and_then(Value::as_str).filter(|_| is_tag).map(str::to_owned).ok_or_else(wrong)
    };
    match parsed {
        Value::Array(all) => all.iter().map(one).collect::<Result<_, _>>().map(Some),
        Value::Object(empty) if empty.is_empty() => Ok(Some(Vec::new())),
        _ => Err(wrong()),
    }
}

fn conditions(given: &[Condition<App>]) -> Result<Conditions, Problem> {
    let mut c = Conditions::default();
    for Condition { field, test } in given {
        let texts =
            |operands: &[Operand]| operands.iter().map(|one| value(*field, one)).collect::<Result<_, _>>();
        let choice = match field {
            App::Stream => &mut c.streams,
            App::Number => &mut c.apps,
            App::Name => &mut c.names,
            App::Tag => &mut c.tags,
            App::Category => &mut c.categories,
            App::Vendor => &mut c.vendors,
            App::Headquarters => &mut c.headquarters,
            App::Claim => &mut c.claims,
            // The others have no operators that choose among values; here none of them gets lost.
            _ => &mut c.missing_claims,
        };
        match (field, test) {
            (App::Score, Test::Within(ranges)) => scores(&mut c, ranges)?,
            (App::Score, _) => {
                return Err(refused("score: write numbers from 1 to 10; an app without a score meets none"));
            }
            (App::Founded, Test::Within(ranges)) => years(&mut c, ranges)?,
            (_, Test::AnyOf(operands)) => choice.any = texts(operands)?,
            (_, Test::NoneOf(operands)) => choice.none = texts(operands)?,
            (App::Name, Test::Contains(texts)) => c.name_contains.clone_from(texts),
            (App::Domain, Test::Contains(texts)) => c.domain_contains.clone_from(texts),
            (App::Total, Test::Within(ranges)) => c.daily.total_bytes_above = Some(above(ranges)?),
            (App::Uploaded, Test::Within(ranges)) => c.daily.uploaded_bytes_above = Some(above(ranges)?),
            (App::Downloaded, Test::Within(ranges)) => c.daily.downloaded_bytes_above = Some(above(ranges)?),
            (App::Events, Test::Within(ranges)) => c.daily.events_above = Some(above(ranges)?),
            (App::Users, Test::Within(ranges)) => c.daily.users_above = Some(above(ranges)?),
            (App::Addresses, Test::Within(ranges)) => c.daily.ips_above = Some(above(ranges)?),
            _ => return Err(refused("This cannot be asked of an app")),
        }
    }
    Ok(c)
}

fn refused(why: &str) -> Problem {
    Problem::invalid("filters", format!("{why}."))
}

/// A value of a choice, in its one spelling.
fn value(field: App, operand: &Operand) -> Result<String, Problem> {
    let text = match operand {
        Operand::Text(text) => text.trim().to_owned(),
        Operand::Number(number) => number.to_string(),
        _ => return Err(refused("null is no value that can be asked for here")),
    };
    match field {
        App::Category => Ok(category(&text)),
        App::Headquarters if text.len() != 2 => {
            Err(refused("headquarters: countries have two letters, such as US"))
        }
        App::Headquarters => Ok(text.to_uppercase()),
        App::Claim | App::MissingClaim => {
            let known = Claims::NAMES.into_iter().find(|name| name.eq_ignore_ascii_case(&text));
            let why = || format!("{text:?} is no claim; there are {}", Claims::NAMES.join(", "));
            known.map(str::to_owned).ok_or_else(|| refused(&why()))
        }
        _ => Ok(text),
    }
}

/// With or without the start that all categories share.
fn category(text: &str) -> String {
    const START: &str = "SAASDB_CATEGORY_";
    let upper = text.trim().to_uppercase();
    if upper.starts_with("SAASDB_") { upper } else { format!("{START}{upper}") }
}

fn scores(c: &mut Conditions, ranges: &[Range]) -> Result<(), Problem> {
    let number = |n: i64, range: std::ops::RangeInclusive<u8>, what: &str| {
        let fits = u8::try_from(n).ok().filter(|n| range.contains(n));
        fits.ok_or_else(|| refused(&format!("score: apps have scores from 1 to 10; write {what}")))
    };
    for range in ranges {
        if let Some(from) = range.from {
            c.score_at_least = Some(number(from, 1..=10, "gte from 1 to 10")?);
        }
        if let Some(to) = range.to {
            c.score_below = Some(number(to.saturating_add(1), 2..=11, "lt from 2 to 10")?);
        }
    }
    if let (Some(least), Some(below)) = (c.score_at_least, c.score_below)
        && least >= below
    {
        return Err(refused("score: no score lies between these"));
    }
    Ok(())
}

fn years(c: &mut Conditions, ranges: &[Range]) -> Result<(), Problem> {
    let year = |n: i64| {
        let fits = u16::try_from(n).ok().filter(|year| (1500..=2200).contains(year));
        fits.ok_or_else(|| refused("founded: write a year from 1500 to 2200"))
    };
    for range in ranges {
        if let Some(from) = range.from {
            c.founded_from = Some(year(from)?);
        }
        if let Some(to) = range.to {
            c.founded_to = Some(year(to)?);
        }
    }
    Ok(())
}

fn above(ranges: &[Range]) -> Result<u64, Problem> {
    let least = ranges.first().and_then(|range| range.from).unwrap_or_default();
    u64::try_from(least.saturating_sub(1)).map_err(|_| refused("Amounts to exceed must not be negative"))
}

fn app_filters(c: &Conditions) -> Value {
    let mut all = Map::new();
    let mut say = |name: &str, operator: &str, value: Value| {
        if let Value::Object(field) = all.entry(name).or_insert_with(|| json!({})) {
            field.insert(operator.to_owned(), value);
        }
    };
    let choices: [(&str, &Choice); 9] = [
        ("streamId", &c.streams),
        ("appId", &c.apps),
        ("appName", &c.names),
        ("tag", &c.tags),
        ("category", &c.categories),
        ("vendor", &c.vendors),
        ("headquarters", &c.headquarters),
        ("claim", &c.claims),
        ("missingClaim", &c.missing_claims),
    ];
    for (name, choice) in choices {
        for (operator, values) in [("eq", &choice.any), ("neq", &choice.none)] {
            if values.is_empty() {
                continue;
            }
            let number =
                |text: &String| text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number));
            let told = if name == "appId" { values.iter().map(number).collect() } else { json!(values) };
            say(name, operator, told);
        }
    }
    for (name, texts) in [("appName", &c.name_contains), ("domain", &c.domain_contains)] {
        if !texts.is_empty() {
            say(name, "contains", json!(texts));
        }
    }
    let numbers: [(&str, &str, Option<u64>); 10] = [
        ("score", "lt", c.score_below.map(u64::from)),
        ("score", "gte", c.score_at_least.map(u64::from)),
        ("founded", "gte", c.founded_from.map(u64::from)),
        ("founded", "lte", c.founded_to.map(u64::from)),
        ("trafficTotalBytes", "gt", c.daily.total_bytes_above),
        ("trafficUploadedBytes", "gt", c.daily.uploaded_bytes_above),
        ("trafficDownloadedBytes", "gt", c.daily.downloaded_bytes_above),
        ("trafficTotalEvents", "gt", c.daily.events_above),
        ("usersCount", "gt", c.daily.users_above),
        ("ipAddressesCount", "gt", c.daily.ips_above),
    ];
    for (name, operator, number) in numbers {
        if let Some(number) = number {
            say(name, operator, json!(number));
        }
    }
    Value::Object(all)
}
