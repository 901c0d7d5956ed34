//! The activity as the wire has it.

use casbah_model::activity::CASBAH_APP;
use casbah_model::user_agent::parse;
use casbah_model::{Activity, ActivityObject, DIRECTORY_APP, Entity, IpCategory, TenantId};
use casbah_service::entities::Actors;
use serde_json::{Map, Value, json};

use super::user_agent;
use crate::describe::{Property, Record, Shape, has, may_have};

/// Whether an activity is a sign-in.
fn is_sign_in(activity: &Activity) -> bool {
    matches!(activity.category.as_str(), "EVENT_CATEGORY_LOGIN" | "EVENT_CATEGORY_FAILED_LOGIN")
}

pub(super) fn activity(activity: &Activity, actors: &Actors, tenant: TenantId, number: i64) -> Value {
    let facts = &activity.facts;
    let failed = activity.failure.is_some();
    let description = description(activity);
    let generic = match (is_sign_in(activity), failed) {
        (true, false) => "LOGIN",
        (true, true) => "FAILED_LOGIN",
        _ => "BASIC",
    };
    let agent = facts.user_agent.as_deref();
    let mut record = json!({
        "_id": activity.id,
        "uid": activity.id,
        "tenantId": number,
        "_tid": number,
        "aadTenantId": tenant,
        "appId": activity.service,
        "saasId": activity.service,
        "appName": facts.service_name,
        "srcAppId": activity.service,
        "instanceId": activity.instance,
        "timestamp": activity.at(),
        "timestampRaw": activity.at(),
        "instantiation": activity.created,
        "instantiationRaw": activity.created,
        "created": activity.created,
        "createdRaw": activity.created,
        "eventType": event_type(activity),
        "eventTypeValue": activity.action_type,
        "eventTypeName": activity.category,
        "genericEventType": format!("ENUM_ACTIVITY_GENERIC_TYPE_{generic}"),
        "description": description,
        "description_id": match generic {
            "BASIC" => activity.action_type.clone(),
            login => format!("EVENT_DESCRIPTION_{login}"),
        },
        "description_metadata": {
            "event_category": activity.action,
            "operation_name": activity.action,
            "target_object": facts.objects.first().map(name_of).unwrap_or_default(),
            "activity_result_message": result_message(activity),
        },
    });
    let more = json!({
        "severity": "INFO",
        "source": activity.source,
        "lograbberService": {},
        "collected": {},
        "rawDataJson": if facts.raw.is_null() { raw(activity) } else { facts.raw.clone() },
        "confidenceLevel": 30,
        "classifications": if is_sign_in(activity) { json!(["access"]) } else { json!([]) },
        "tags": tags(activity),
        "eventRouting": { "auditing": true, "adminEvent": activity.admin },
        "device": {
            "clientIP": activity.address,
            "userAgent": facts.user_agent,
            "countryCode": activity.country,
        },
        "location": location(activity),
        "user": { "userName": activity.user_name, "userTags": actors.groups(activity) },
        "userAgent": agent.map(|agent| user_agent::view(agent, activity.at())),
        "internals": { "otherIPs": activity.address.iter().collect::<Vec<_>>() },
        "mainInfo": main_info(activity, actors),
        "resolvedActor": resolved_actor(activity, actors),
        "entityData": entity_data(activity, actors),
        "adallom": {},
        "impersonated": false,
    });
    if let (Value::Object(record), Value::Object(more)) = (&mut record, more) {
        record.extend(more);
    }
    if failed && is_sign_in(activity) {
        record["failedUserData"] = json!({ "userName": activity.user_name });
    }
    if let Some(session) = facts.details.get("session").and_then(Value::as_str) {
        record["session"] = json!({ "sessionId": session });
    }
    record
}

/// Of the address and of the user agent.
fn tags(activity: &Activity) -> Vec<String> {
    let agent = activity.facts.user_agent.as_deref();
    let of_agent = agent.map(|agent| parse(agent, activity.at()).tags).unwrap_or_default();
    activity.facts.ip_tags.iter().cloned().chain(of_agent.into_iter().map(String::from)).collect()
}

/// Numbers are known for sign-ins only; all else shares one.
fn event_type(activity: &Activity) -> i64 {
    match (is_sign_in(activity), activity.failure) {
        (true, None) => 917_504,
        (true, Some(_)) => 2_293_761,
        _ => 233_580,
    }
}

fn name_of(object: &ActivityObject) -> &str {
    if object.name.is_empty() { &object.id } else { &object.name }
}

/// A sentence for people, such as `Create user: mira@lagoon.example`. Plain text: nothing in it is markup,
/// unless the app that reported it has written some.
fn description(activity: &Activity) -> String {
    if let Some(own) = &activity.facts.description {
        return own.clone();
    }
    if is_sign_in(activity) {
        let times = activity.facts.details.get("count").and_then(Value::as_u64);
        let times = times.map(|n| format!(" ({n} times)")).unwrap_or_default();
        return format!("{}{times}", if activity.failure.is_some() { "Failed log on" } else { "Log on" });
    }
    let mut action = activity.action.clone();
    if let Some(first) = action.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    match activity.facts.objects.first() {
        Some(object) => format!("{action}: {}", name_of(object)),
        None => action,
    }
}

fn result_message(activity: &Activity) -> String {
    if let Some(own) = &activity.facts.message {
        return own.clone();
    }
    match activity.failure {
        None => String::new(),
        Some(0) => "failed".to_string(),
        Some(code) => format!("AADSTS{code}"),
    }
}

/// The event in Casbah's own words: nothing of it is lost in the record's many shapes.
fn raw(activity: &Activity) -> Value {
    json!({
        "Operation": activity.action,
        "ResultStatus": if activity.failure.is_none() { "Succeeded" } else { "Failed" },
        "ErrorCode": activity.failure,
        "ActorKind": activity.actor_kind,
        "ActorId": activity.actor,
        "ActorName": activity.user_name,
        "ClientAppId": activity.client,
        "ClientAppName": activity.facts.client_name,
        "Target": activity.facts.objects,
        "Details": activity.facts.details,
    })
}

fn location(activity: &Activity) -> Value {
    let place = activity.facts.location.as_ref();
    let category = IpCategory::from_number(activity.ip_category);
    json!({
        "countryCode": activity.country,
        "city": place.and_then(|p| p.name.clone()),
        "latitude": place.and_then(|p| p.latitude),
        "longitude": place.and_then(|p| p.longitude),
        "organizationSearchable": activity.organization,
        "anonymousProxy": activity.facts.ip_tags.iter().any(|tag| tag.starts_with("00000003")),
        "isSatelliteProvider": activity.facts.ip_tags.iter().any(|tag| tag.starts_with("00000004")),
        "category": activity.ip_category,
        "categoryValue": category.map_or_else(|| "NONE".into(), |c| c.name().to_uppercase().replace(' ', "_")),
    })
}

fn main_info(activity: &Activity, actors: &Actors) -> Value {
    let mut objects: Vec<Value> = Vec::new();
    if activity.actor.is_some() || activity.user_name.is_some() {
        let person = actors.person(activity);
        let place =
            person.map_or((actor_app(activity), activity.instance), |p| (p.address.saas, p.address.inst));
        objects.push(json!({
            "objType": 23, "role": 4, "name": activity.user_name,
            "id": person.map(|p| p.address.id.clone()).or_else(|| activity.actor.clone()),
            "link": 0, "instanceId": place.1, "saasId": place.0,
            "resolved": actors.account(activity).is_some(), "tags": actors.groups(activity),
        }));
    }
    objects.extend(activity.facts.objects.iter().map(|object| {
        json!({
            "objType": if object.kind == "user" { 23 } else { 1 }, "role": 1,
            "name": name_of(object), "id": object.id, "link": 0, "instanceId": activity.instance,
            "saasId": activity.service, "resolved": true, "tags": [], "serviceObjectType": object.kind,
        })
    }));
    json!({
        "eventObjects": objects,
        "rawOperationName": activity.action,
        "prettyOperationName": activity.action,
        "type": if is_sign_in(activity) { "login" } else { "basic" },
        "activityResult": { "isSuccess": activity.failure.is_none(), "message": result_message(activity) },
    })
}

/// The app of whoever did it, where nothing more is known of them: what is done here is done by people and
/// applications of the directory.
fn actor_app(activity: &Activity) -> i64 {
    if activity.service == CASBAH_APP { DIRECTORY_APP } else { activity.service }
}

/// The person behind it, or the account where nobody is known.
fn resolved_actor(activity: &Activity, actors: &Actors) -> Value {
    let known = actors.person(activity).or_else(|| actors.account(activity));
    let (id, saas, inst) = match (known, &activity.actor) {
        (Some(entity), _) => (&entity.address.id, entity.address.saas, entity.address.inst),
        (None, Some(actor)) => (actor, actor_app(activity), activity.instance),
        (None, None) => return Value::Null,
    };
    json!({
        "id": id,
        "name": known.map(|entity| &entity.display_name).or(activity.user_name.as_ref()),
        "saasId": saas.to_string(),
        "instanceId": inst.to_string(),
        "objType": "23",
        "role": "4",
        "tags": actors.groups(activity),
        "resolved": known.is_some(),
        "governable": known.is_some_and(|entity| entity.of_directory),
    })
}

/// Under 0 the account as the event names it, under 2 the person behind it.
fn entity_data(activity: &Activity, actors: &Actors) -> Value {
    let known = |entity: &Entity| {
        let address = &entity.address;
        json!({
            "displayName": entity.display_name,
            "id": { "id": address.id, "saas": address.saas, "inst": address.inst },
            "resolved": true,
        })
    };
    let named = activity.actor.as_ref().map(|actor| {
        json!({
            "displayName": activity.user_name,
            "id": { "id": actor, "saas": actor_app(activity), "inst": activity.instance },
            "resolved": false,
        })
    });
    let account = actors.account(activity).map(known).or(named);
    let person = actors.person(activity).map(known);
    let mut data = Map::new();
    data.insert("0".into(), account.unwrap_or(Value::Null));
    data.insert("1".into(), Value::Null);
    data.insert("2".into(), person.unwrap_or(Value::Null));
    Value::Object(data)
}

const WORD: Shape = Shape::Nullable(&Shape::Text);
const DEGREES: Shape = Shape::Nullable(&Shape::Number);
const TEXTS: Shape = Shape::List(&Shape::Text);

pub(super) const ACTIVITY: Record = Record {
    name: "Activity",
    what: "Something that somebody did.",
    properties: &[
        has("_id", Shape::Text, "Its id: free text."),
        has("uid", Shape::Text, "The same."),
        has("tenantId", Shape::Integer, "Number of the tenant."),
        has("_tid", Shape::Integer, "The same."),
        has("aadTenantId", Shape::Guid, "Id of the tenant."),
        has("appId", Shape::Integer, "App that it happened in, by number."),
        has("saasId", Shape::Integer, "The same."),
        has("appName", Shape::Text, "Name of that app."),
        has("srcAppId", Shape::Integer, "App that reported it."),
        has("instanceId", Shape::Integer, "Instance of the app."),
        has("timestamp", Shape::Time, "When it happened."),
        has("timestampRaw", Shape::Time, "The same."),
        has("instantiation", Shape::Time, "When it was taken in."),
        has("instantiationRaw", Shape::Time, "The same."),
        has("created", Shape::Time, "The same."),
        has("createdRaw", Shape::Time, "The same."),
        has("eventType", Shape::Integer, "Number of the type."),
        has("eventTypeValue", Shape::Text, "Fine type, such as EVENT_AAD_LOGIN."),
        has("eventTypeName", Shape::Text, "Category, such as EVENT_CATEGORY_LOGIN."),
        has("genericEventType", Shape::Text, "ENUM_ACTIVITY_GENERIC_TYPE_ and LOGIN, FAILED_LOGIN or BASIC."),
        has("description", Shape::Text, "A sentence for people."),
        has("description_id", Shape::Text, "Template of that sentence."),
        has("description_metadata", Shape::Map(&Shape::Text), "Values for the template."),
        has("severity", Shape::Text, "`INFO`."),
        has(
            "source",
            Shape::Integer,
            "0 access control, 1 session control, 2 app connector, 3 connector analysis, 5 discovery, 6 endpoint.",
        ),
        has("lograbberService", Shape::Object, "Of the original's collector; empty."),
        has("collected", Shape::Object, "Of the original's collector; empty."),
        has("rawDataJson", Shape::Anything, "The event as the app wrote it."),
        has("confidenceLevel", Shape::Integer, "10 to 40."),
        has("classifications", TEXTS, "`access` for sign-ins."),
        has("tags", TEXTS, "Ids of the tags of the address and the user agent."),
        has(
            "eventRouting",
            Shape::Map(&Shape::Flag),
            "`adminEvent`: whether it changes how things are set up.",
        ),
        has("device", Shape::Inline(DEVICE), "What it was done with."),
        has("location", Shape::Inline(LOCATION), "Where the address is."),
        has("user", Shape::Inline(USER), "Who did it."),
        may_have("failedUserData", Shape::Inline(&[has("userName", WORD, "")]), "Who failed to sign in."),
        has(
            "userAgent",
            Shape::Nullable(&Shape::Record(&user_agent::USER_AGENT)),
            "What the user agent says.",
        ),
        has("internals", Shape::Inline(&[has("otherIPs", TEXTS, "Addresses that it came through.")]), ""),
        may_have(
            "session",
            Shape::Inline(&[has("sessionId", Shape::Text, "")]),
            "The session it was part of.",
        ),
        has("mainInfo", Shape::Inline(MAIN_INFO), "What was done, to what, and whether it worked."),
        has(
            "resolvedActor",
            Shape::Nullable(&Shape::Inline(ACTOR)),
            "Who did it, where the directory knows.",
        ),
        has(
            "entityData",
            Shape::Map(&Shape::Nullable(&Shape::Inline(ENTITY))),
            "Who did it, by part played.",
        ),
        has("adallom", Shape::Object, "Details of the product's own events; empty."),
        has("impersonated", Shape::Flag, "Whether it was done in the name of somebody else."),
        has("policies", Shape::List(&Shape::Id), "Policies that it satisfied."),
        has("alertIds", Shape::List(&Shape::Id), "Alerts that came of it."),
    ],
};

const DEVICE: &[Property] = &[
    has("clientIP", WORD, "Address."),
    has("userAgent", WORD, "The user agent as it was sent."),
    has("countryCode", WORD, "Country of the address, two letters."),
];

const LOCATION: &[Property] = &[
    has("countryCode", WORD, "Country, two letters."),
    has("city", WORD, ""),
    has("latitude", DEGREES, "Degrees north."),
    has("longitude", DEGREES, "Degrees east."),
    has("organizationSearchable", WORD, "Whose address it is."),
    has("anonymousProxy", Shape::Flag, ""),
    has("isSatelliteProvider", Shape::Flag, ""),
    has(
        "category",
        Shape::Between(0, 6),
        "0 none, 1 corporate, 2 administrative, 3 risky, 4 VPN, 5 cloud provider, 6 other.",
    ),
    has("categoryValue", Shape::Text, "The name of the category."),
];

const USER: &[Property] = &[
    has("userName", WORD, "Sign-in name of a person, or name of an application."),
    has("userTags", TEXTS, "Ids of groups."),
];

const MAIN_INFO: &[Property] = &[
    has("eventObjects", Shape::List(&Shape::Inline(EVENT_OBJECT)), "Who and what took part."),
    has("rawOperationName", Shape::Text, "What was done, in the words of the app."),
    has("prettyOperationName", Shape::Text, "The same for people."),
    has("type", Shape::Text, "`login` or `basic`."),
    has(
        "activityResult",
        Shape::Inline(&[has("isSuccess", Shape::Flag, ""), has("message", Shape::Text, "")]),
        "Whether it worked.",
    ),
];

const EVENT_OBJECT: &[Property] = &[
    has("objType", Shape::Integer, "1 generic, 2 file, 21 account, 23 user."),
    has("role", Shape::Integer, "1 target, 4 actor."),
    has("name", WORD, ""),
    has("id", WORD, ""),
    has("link", Shape::Integer, ""),
    has("instanceId", Shape::Integer, ""),
    has("saasId", Shape::Integer, "App that it belongs to."),
    has("resolved", Shape::Flag, "Whether it is known."),
    has("tags", TEXTS, ""),
    may_have("serviceObjectType", Shape::Text, "Kind, in the words of the app."),
];

const ACTOR: &[Property] = &[
    has("id", Shape::Text, ""),
    has("name", WORD, ""),
    has("saasId", Shape::Text, "A number, as text."),
    has("instanceId", Shape::Text, "A number, as text."),
    has("objType", Shape::Text, "A number, as text."),
    has("role", Shape::Text, "A number, as text."),
    has("tags", TEXTS, ""),
    has("resolved", Shape::Flag, ""),
    has("governable", Shape::Flag, "Whether it is a person, whom actions can be taken on."),
];

const ENTITY: &[Property] = &[
    has("displayName", WORD, ""),
    has(
        "id",
        Shape::Inline(&[
            has("id", Shape::Text, ""),
            has("saas", Shape::Integer, "App."),
            has("inst", Shape::Integer, "Instance of the app."),
        ]),
        "Key of the entity.",
    ),
    has("resolved", Shape::Flag, ""),
];
