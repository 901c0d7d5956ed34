//! The activity as a sender writes it: the record that the API returns, in which whatever Casbah derives may
//! be absent. What is there must be of its kind; keys that are not known are passed over.

use std::net::IpAddr;

use casbah_model::activity::{CASBAH_APP, app_name, device_type};
use casbah_model::{
    Activity, ActivityFacts, ActivityObject, Guid, IpCategory, IpLocation, Origin, Timestamp,
};
use casbah_service::activities::digest;
use serde_json::{Map, Value, json};

use crate::json_lines::Refusal;

/// Longest names, ids and other single words, in characters.
const WORD: usize = 512;
/// Longest sentences, in characters.
const SENTENCE: usize = 4096;
/// Objects and tags that are kept of one activity.
const MOST: usize = 50;
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
            ip_tags: record.words("tags")?,
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
    let id = record.first(&["resolvedActor.id", "entityData.0.id.id"], Record::word)?;
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

/// A record, asked for what it should hold.
struct Record<'r>(&'r Map<String, Value>);

impl Record<'_> {
    /// The value at a path with dots; null and an empty text are absent.
    fn get(&self, path: &str) -> Option<&Value> {
        let mut keys = path.split('.');
        let mut value = self.0.get(keys.next()?)?;
        for key in keys {
            value = value.get(key)?;
        }
        Some(value).filter(|v| !v.is_null() && v.as_str().is_none_or(|text| !text.trim().is_empty()))
    }

    /// The first of several paths that holds something.
    fn first<T>(
        &self,
        paths: &[&str],
        read: impl Fn(&Self, &str) -> Result<Option<T>, Refusal>,
    ) -> Result<Option<T>, Refusal> {
        for path in paths {
            if let Some(found) = read(self, path)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// A text or a number, without control characters.
    fn word(&self, path: &str) -> Result<Option<String>, Refusal> {
        let text = match self.get(path) {
            None => return Ok(None),
            Some(Value::String(text)) => text.trim().to_string(),
            Some(Value::Number(number)) => number.to_string(),
            Some(_) => return Err(Refusal::new(path, "This must be text.")),
        };
        if text.chars().count() > WORD || text.chars().any(char::is_control) {
            let why = format!("This must have at most {WORD} characters and no control characters.");
            return Err(Refusal::new(path, why));
        }
        Ok(Some(text))
    }

    /// A longer text; its tail is cut off.
    fn sentence(&self, path: &str) -> Result<Option<String>, Refusal> {
        match self.get(path) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.chars().take(SENTENCE).collect())),
            Some(_) => Err(Refusal::new(path, "This must be text.")),
        }
    }

    fn words(&self, path: &str) -> Result<Vec<String>, Refusal> {
        let Some(list) = self.get(path) else { return Ok(Vec::new()) };
        let wrong = || Refusal::new(path, "This must be a list of texts.");
        let list = list.as_array().ok_or_else(wrong)?.iter().take(MOST);
        list.map(|item| item.as_str().map(str::to_string).ok_or_else(wrong)).collect()
    }

    /// A whole number, also as text.
    fn number(&self, path: &str) -> Result<Option<i64>, Refusal> {
        let number = match self.get(path) {
            None => return Ok(None),
            Some(Value::Number(number)) => number.as_i64(),
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(_) => None,
        };
        number.map(Some).ok_or_else(|| Refusal::new(path, "This must be a whole number."))
    }

    fn flag(&self, path: &str) -> Result<Option<bool>, Refusal> {
        match self.get(path) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(Refusal::new(path, "This must be true or false.")),
        }
    }

    /// Milliseconds since 1970, or a time in the form of RFC 3339.
    fn time(&self, path: &str) -> Result<Option<Timestamp>, Refusal> {
        let at = match self.get(path) {
            None => return Ok(None),
            #[allow(
                clippy::cast_possible_truncation,
                reason = "a float saturates, and the bounds are checked"
            )]
            Some(Value::Number(number)) => {
                number.as_i64().or_else(|| number.as_f64().map(|f| f as i64)).map(Timestamp)
            }
            Some(Value::String(text)) => {
                text.trim().parse().ok().map(Timestamp).or_else(|| text.trim().parse().ok())
            }
            Some(_) => None,
        };
        let why = "This must be milliseconds since 1970, or a time such as 2026-11-23T12:00:00Z.";
        at.map(Some).ok_or_else(|| Refusal::new(path, why))
    }

    fn country(&self, path: &str) -> Result<Option<String>, Refusal> {
        let Some(code) = self.word(path)? else { return Ok(None) };
        if code.len() == 2 && code.chars().all(|c| c.is_ascii_alphabetic()) {
            return Ok(Some(code.to_ascii_uppercase()));
        }
        Err(Refusal::new(path, "A country is written in two letters."))
    }

    fn degrees(&self, path: &str, most: f64) -> Result<Option<f64>, Refusal> {
        let Some(value) = self.get(path) else { return Ok(None) };
        let degrees = value.as_f64().filter(|degrees| degrees.abs() <= most);
        degrees
            .map(Some)
            .ok_or_else(|| Refusal::new(path, format!("This must be degrees, -{most} to {most}.")))
    }

    fn object(&self, path: &str) -> Result<Value, Refusal> {
        match self.get(path) {
            None => Ok(Value::Null),
            Some(object @ Value::Object(_)) => Ok(object.clone()),
            Some(_) => Err(Refusal::new(path, "This must be an object.")),
        }
    }
}
