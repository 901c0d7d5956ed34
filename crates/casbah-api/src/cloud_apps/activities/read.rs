//! The activity as a sender writes it: the record that the API returns, in which whatever Casbah derives may
//! be absent. What is there must be of its kind; keys that are not known are passed over.

use std::net::IpAddr;

use casbah_model::activity::{CASBAH_APP, app_name, device_type};
use casbah_model::user_agent::{NATIVE_CLIENT, OUTDATED_BROWSER, OUTDATED_SYSTEM, ROBOT};
use casbah_model::{
    Activity, ActivityFacts, ActivityObject, Guid, IpCategory, IpLocation, Origin, Timestamp,
};
use casbah_service::activities::digest;
use serde_json::{Map, Value, json};

use crate::json_lines::Refusal;
use crate::record::{MOST, Record};

/// An event may be so far ahead of the clock, in milliseconds: clocks of others go wrong, but not by days.
const AHEAD: i64 = 48 * 60 * 60 * 1000;
/// Kind of object and role in it, as `mainInfo.eventObjects` numbers them.
const PERSON: i64 = 23;
const ACTOR: i64 = 4;

/// Reads a record that arrives at `now`. A record without an id gets one made of its bytes, so that it is
/// taken in once however often it is sent.
pub(super) fn activity(
    line: &[u8],
    record: &Map<String, Value>,
    now: Timestamp,
) -> Result<Activity, Refusal> {
    let record = Record(record);
    let id = match record.first(&["_id", "uid"], Record::word)? {
        Some(id) => id,
        None => digest(line),
    };
    let at = record
        .first(&["timestamp", "timestampRaw"], Record::time)?
        .ok_or_else(|| Refusal::new("timestamp", "An activity needs the time at which it happened."))?;
    if !(0..=now.0.saturating_add(AHEAD)).contains(&at.0) {
        let why = "The time must be after 1970 and not more than 48 hours ahead.";
        return Err(Refusal::new("timestamp", why));
    }
    let service = record.first(&["appId", "saasId"], Record::number)?.ok_or_else(|| {
        Refusal::new("appId", "An activity needs the number of the app that it happened in.")
    })?;
    if service == CASBAH_APP {
        // Else whoever may take in activities could write the audit trail.
        return Err(Refusal::new(
            "appId",
            format!("Activities of {CASBAH_APP} are written by Casbah itself."),
        ));
    }
    let agent = record.first(&["device.userAgent", "userAgent.nativeAgent"], Record::sentence)?;
    let origin = Origin::new(address(&record)?, agent.as_deref());
    let country = record.first(&["device.countryCode", "location.countryCode"], Record::country)?;
    let (category, action_type, action) = kind(&record)?;
    let (actor_kind, actor, user_name) = actor(&record)?;
    let device = record.word("userAgent.deviceType")?.map(|kind| kind.to_uppercase());
    Ok(Activity {
        seq: Activity::place(at, noise(&id)),
        id,
        created: now,
        source: record.number("source")?.unwrap_or(2),
        service,
        instance: record.number("instanceId")?.unwrap_or(0),
        failure: failure(&record, &category)?,
        action,
        category,
        action_type,
        actor_kind,
        actor,
        user_name,
        client: record.word("rawDataJson.ClientAppId")?.and_then(|id| id.parse::<Guid>().ok()),
        ip_category: ip_category(&record)?,
        organization: record.word("location.organizationSearchable")?,
        device_type: device.or_else(|| origin.user_agent.as_deref().map(|a| device_type(a).to_string())),
        admin: record.flag("eventRouting.adminEvent")?.unwrap_or(false),
        facts: ActivityFacts {
            service_name: match record.word("appName")? {
                Some(name) => name,
                None => app_name(service).map_or_else(|| format!("App {service}"), str::to_string),
            },
            client_name: record.word("rawDataJson.ClientAppName")?,
            objects: objects(&record)?,
            location: location(&record, country.as_ref())?,
            ip_tags: ip_tags(&record)?,
            details: record.word("session.sessionId")?.map_or(Value::Null, |id| json!({ "session": id })),
            description: record.sentence("description")?,
            message: record.sentence("mainInfo.activityResult.message")?,
            raw: record.object("rawDataJson")?,
            user_agent: origin.user_agent,
        },
        address: origin.address.map(|a| a.to_string()),
        country,
    })
}

/// Keeps two of one moment apart; by the id, so that the order does not depend on the order of arrival.
fn noise(id: &str) -> u32 {
    let end = digest(id.as_bytes());
    u32::from_str_radix(&end[..8], 16).unwrap_or(0)
}

fn address(record: &Record<'_>) -> Result<Option<IpAddr>, Refusal> {
    let text = match record.word("device.clientIP")? {
        Some(text) => text,
        None => match record.words("internals.otherIPs")?.into_iter().next() {
            Some(text) => text,
            None => return Ok(None),
        },
    };
    let wrong = || Refusal::new("device.clientIP", "The address is neither IPv4 nor IPv6.");
    text.parse().map(Some).map_err(|_| wrong())
}

/// Category, fine type, and the action in words. One of them is enough.
fn kind(record: &Record<'_>) -> Result<(String, String, String), Refusal> {
    let category = record.word("eventTypeName")?.map(|text| text.to_uppercase());
    let action_type = record.first(&["eventTypeValue"], Record::word)?.map(|text| text.to_uppercase());
    let action = record.first(
        &["mainInfo.rawOperationName", "description_metadata.operation_name", "rawDataJson.Operation"],
        Record::word,
    )?;
    let words = |text: &str, start: &str| {
        text.trim_start_matches(start).trim_start_matches("EVENT_").to_lowercase().replace('_', " ")
    };
    let action = match (action, &action_type, &category) {
        (Some(action), ..) => action,
        (None, Some(fine), _) => words(fine, "EVENT_"),
        (None, None, Some(category)) => words(category, "EVENT_CATEGORY_"),
        (None, None, None) => {
            let why = "An activity needs eventTypeName, eventTypeValue or mainInfo.rawOperationName.";
            return Err(Refusal::new("eventTypeName", why));
        }
    };
    let upper = action.to_uppercase().replace([' ', '-', '.', ':'], "_");
    Ok((
        category.unwrap_or_else(|| "EVENT_CATEGORY_UNSPECIFIED".to_string()),
        action_type.unwrap_or_else(|| format!("EVENT_{upper}")),
        action,
    ))
}

/// Whoever did it: kind, id within the app, and name.
fn actor(record: &Record<'_>) -> Result<(String, Option<String>, Option<String>), Refusal> {
    // The account in the app goes before the person behind it.
    let id = record.first(&["entityData.0.id.id", "resolvedActor.id"], Record::word)?;
    let names =
        ["user.userName", "failedUserData.userName", "resolvedActor.name", "entityData.0.displayName"];
    let name = record.first(&names, Record::word)?;
    let kind = match record.word("rawDataJson.ActorKind")?.as_deref() {
        Some(kind @ ("user" | "application" | "system")) => kind.to_string(),
        _ if id.is_none() && name.is_none() => "system".to_string(),
        _ => "user".to_string(),
    };
    Ok((kind, id, name))
}

/// The number of the error, where it has one; 0 for a failure without.
fn failure(record: &Record<'_>, category: &str) -> Result<Option<i64>, Refusal> {
    let failed = match record.flag("mainInfo.activityResult.isSuccess")? {
        Some(success) => !success,
        None => category == "EVENT_CATEGORY_FAILED_LOGIN",
    };
    let code = record.first(&["rawDataJson.ErrorCode", "rawDataJson.ErrorNumber"], |r, path| {
        Ok(r.number(path).unwrap_or_default())
    })?;
    Ok(failed.then(|| code.unwrap_or(0)))
}

/// Those of the user agent follow from it, and are no tags of the address.
fn ip_tags(record: &Record<'_>) -> Result<Vec<String>, Refusal> {
    let mut tags = record.words("tags")?;
    tags.retain(|tag| ![NATIVE_CLIENT, OUTDATED_BROWSER, OUTDATED_SYSTEM, ROBOT].contains(&tag.as_str()));
    Ok(tags)
}

fn ip_category(record: &Record<'_>) -> Result<i64, Refusal> {
    let number = record.number("location.category")?.unwrap_or(0);
    if number == 0 || IpCategory::from_number(number).is_some() {
        return Ok(number);
    }
    Err(Refusal::new("location.category", "The category is a number from 0 to 6."))
}

fn location(record: &Record<'_>, country: Option<&String>) -> Result<Option<IpLocation>, Refusal> {
    let found = IpLocation {
        name: record.word("location.city")?,
        latitude: record.degrees("location.latitude", 90.0)?,
        longitude: record.degrees("location.longitude", 180.0)?,
        country_code: country.cloned(),
        country_name: None,
    };
    Ok(Some(found).filter(|place| *place != IpLocation::default()))
}

/// What it was done to: everything that takes part but the actor.
fn objects(record: &Record<'_>) -> Result<Vec<ActivityObject>, Refusal> {
    const FIELD: &str = "mainInfo.eventObjects";
    let Some(list) = record.get(FIELD) else { return Ok(Vec::new()) };
    let list = list.as_array().ok_or_else(|| Refusal::new(FIELD, "This must be a list of objects."))?;
    let mut objects = Vec::new();
    for item in list.iter().take(MOST) {
        let item = item.as_object().ok_or_else(|| Refusal::new(FIELD, "This must be a list of objects."))?;
        let item = Record(item);
        if item.number("role")? == Some(ACTOR) {
            continue;
        }
        let kind = match item.word("serviceObjectType")? {
            Some(kind) => kind,
            None => match item.number("objType")? {
                Some(PERSON) => "user".to_string(),
                Some(21) => "account".to_string(),
                Some(2) => "file".to_string(),
                _ => "object".to_string(),
            },
        };
        let name = item.word("name")?.unwrap_or_default();
        let id = item.word("id")?.unwrap_or_else(|| name.clone());
        if !id.is_empty() {
            objects.push(ActivityObject { kind, id, name });
        }
    }
    Ok(objects)
}
