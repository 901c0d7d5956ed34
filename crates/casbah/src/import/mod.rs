//! Audit logs that people have, as activities in the form that the API takes in.
//!
//! A format is a function from one event to one record; it never sees a file, a server or the clock. To add
//! one: a file here, a row in [`FORMATS`], a sample in the tests.

mod casbah;
mod cloudtrail;
mod entra_sign_in;
pub mod events;
mod github;
mod google_workspace;
mod m365;
mod okta;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

/// A kind of audit log.
pub struct Format {
    /// What `--format` calls it.
    pub name: &'static str,
    /// One event as a record; the reason, when it cannot be one.
    pub record: fn(&Value) -> Result<Value, String>,
}

/// All kinds that are read.
pub const FORMATS: &[Format] = &[
    Format { name: "m365", record: m365::record },
    Format { name: "entra-signin", record: entra_sign_in::record },
    Format { name: "google-workspace", record: google_workspace::record },
    Format { name: "okta", record: okta::record },
    Format { name: "cloudtrail", record: cloudtrail::record },
    Format { name: "github", record: github::record },
    Format { name: "casbah", record: casbah::record },
];

/// The format of a name.
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name.eq_ignore_ascii_case(name))
}

/// What an event says, in the words that all of them share. What is empty is left out of the record.
#[derive(Default)]
struct Said<'e> {
    /// Unique within its log.
    id: Option<&'e str>,
    /// RFC 3339, or milliseconds since 1970.
    at: Value,
    app: i64,
    app_name: &'e str,
    operation: &'e str,
    category: Category,
    user: Option<&'e str>,
    user_id: Option<&'e str>,
    address: Option<&'e str>,
    agent: Option<&'e str>,
    country: Option<&'e str>,
    city: Option<&'e str>,
    place: Option<(f64, f64)>,
    provider: Option<&'e str>,
    failed: bool,
    message: Option<&'e str>,
    administrative: bool,
    /// Kind, id and name of what it was done to.
    objects: Vec<(&'e str, String, String)>,
    session: Option<&'e str>,
}

/// The categories that events are sorted into; the list of the product is open.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Category {
    #[default]
    Unspecified,
    Login,
    Logout,
    DownloadFile,
    UploadFile,
    DeleteObject,
    CreateUser,
    DeleteUser,
    RunCommand,
}

impl Category {
    fn name(self, failed: bool) -> &'static str {
        match self {
            Category::Unspecified => "EVENT_CATEGORY_UNSPECIFIED",
            Category::Login if failed => "EVENT_CATEGORY_FAILED_LOGIN",
            Category::Login => "EVENT_CATEGORY_LOGIN",
            Category::Logout => "EVENT_CATEGORY_LOGOUT",
            Category::DownloadFile => "EVENT_CATEGORY_DOWNLOAD_FILE",
            Category::UploadFile => "EVENT_CATEGORY_UPLOAD_FILE",
            Category::DeleteObject => "EVENT_CATEGORY_DELETE_OBJECT",
            Category::CreateUser => "EVENT_CATEGORY_CREATE_USER",
            Category::DeleteUser => "EVENT_CATEGORY_DELETE_USER",
            Category::RunCommand => "EVENT_CATEGORY_RUN_COMMAND",
        }
    }
}

impl Said<'_> {
    /// The record; `log` is a prefix that keeps the ids of different logs apart.
    fn record(self, log: &str, event: &Value) -> Result<Value, String> {
        if self.at.is_null() {
            return Err("it does not say when it happened".into());
        }
        if self.operation.is_empty() {
            return Err("it does not say what was done".into());
        }
        let objects: Vec<Value> = self
            .objects
            .iter()
            .map(|(kind, id, name)| {
                json!({
                    "objType": if *kind == "file" { 2 } else { 1 }, "role": 1, "id": id, "name": name, "serviceObjectType": kind,
                })
            })
            .collect();
        // A port behind an address, and brackets around one, are habits of some logs.
        let address = self.address.map(bare_address).filter(|text| text.parse::<std::net::IpAddr>().is_ok());
        let mut record = json!({
            "timestamp": self.at,
            "appId": self.app,
            "appName": self.app_name,
            "eventTypeName": self.category.name(self.failed),
            "eventTypeValue": event_type(self.operation),
            "device": { "clientIP": address, "userAgent": self.agent, "countryCode": self.country },
            "location": {
                "city": self.city, "latitude": self.place.map(|p| p.0), "longitude": self.place.map(|p| p.1),
                "organizationSearchable": self.provider,
            },
            "user": { "userName": self.user },
            "resolvedActor": { "id": self.user_id.or(self.user) },
            "mainInfo": {
                "rawOperationName": self.operation,
                "eventObjects": objects,
                "activityResult": { "isSuccess": !self.failed, "message": self.message },
            },
            "eventRouting": { "adminEvent": self.administrative },
            "session": { "sessionId": self.session },
            "rawDataJson": event,
        });
        if let Some(id) = self.id {
            record["_id"] = format!("{log}_{id}").into();
        }
        drop_nulls(&mut record);
        Ok(record)
    }
}

/// `EVENT_` and the operation in capitals.
fn event_type(operation: &str) -> String {
    let word: String =
        operation.chars().map(|c| if c.is_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    format!("EVENT_{word}")
}

fn bare_address(text: &str) -> &str {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix('[') {
        return rest.split(']').next().unwrap_or(rest);
    }
    match text.rsplit_once(':') {
        // One colon: a port behind IPv4. Several: IPv6, which has none without brackets.
        Some((address, _)) if !address.contains(':') => address,
        _ => text,
    }
}

fn drop_nulls(value: &mut Value) {
    if let Value::Object(map) = value {
        // The event stays as it was written.
        map.iter_mut().filter(|(key, _)| *key != "rawDataJson").for_each(|(_, inner)| drop_nulls(inner));
        map.retain(|_, inner| !inner.is_null() && inner.as_object().is_none_or(|o| !o.is_empty()));
    }
}

/// The text at a JSON pointer; an empty one is none.
fn text<'e>(event: &'e Value, pointer: &str) -> Option<&'e str> {
    event.pointer(pointer)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// A text or a number at a JSON pointer.
fn word(event: &Value, pointer: &str) -> Option<String> {
    match event.pointer(pointer)? {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A time of RFC 3339; one without a zone is UTC.
fn time(text: Option<&str>) -> Value {
    let Some(text) = text else { return Value::Null };
    let date = text.split_once('T').map_or(text, |(_, time)| time);
    let zoned = date.ends_with(['Z', 'z']) || date.contains(['+', '-']);
    if zoned { text.into() } else { format!("{text}Z").into() }
}

/// An object, or why it is none.
fn object(event: &Value) -> Result<&Map<String, Value>, String> {
    event.as_object().ok_or_else(|| "it is not a JSON object".to_string())
}
