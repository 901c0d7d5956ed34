//! The object `userAgent` of an activity.

use casbah_model::Timestamp;
use casbah_model::user_agent::parse;
use serde_json::{Value, json};

use crate::describe::{Record, Shape, has};

/// What a user agent that was sent at that time says.
pub(super) fn view(user_agent: &str, at: Timestamp) -> Value {
    let found = parse(user_agent, at);
    let upper = |text: &str| text.to_uppercase().replace([' ', '-'], "_");
    let kind = if found.is_browser { "Browser" } else { "Application" };
    let mut parts = found.version.splitn(3, '.');
    json!({
        "family": upper(&found.name),
        "name": found.name,
        "version": found.version,
        "major": parts.next().unwrap_or_default(),
        "minor": parts.next().unwrap_or_default(),
        "operatingSystem": found.system.as_ref().map(|system| {
            json!({ "name": system.name, "family": system.family, "version": system.version })
        }),
        "type": kind,
        "typeName": kind,
        "deviceType": found.device_type,
        "nativeBrowser": false,
        "os": found.system.as_ref().map(|system| upper(&system.name)),
        "browser": upper(&found.name),
        "tags": found.tags,
    })
}

pub(super) const USER_AGENT: Record = Record {
    name: "UserAgent",
    what: "What a user agent says about browser and system.",
    properties: &[
        has("family", Shape::Text, "Such as CHROME."),
        has("name", Shape::Text, "Such as Chrome."),
        has("version", Shape::Text, ""),
        has("major", Shape::Text, "First number of the version."),
        has("minor", Shape::Text, "Second number of the version."),
        has(
            "operatingSystem",
            Shape::Nullable(&Shape::Inline(&[
                has("name", Shape::Text, ""),
                has("family", Shape::Text, ""),
                has("version", Shape::Text, ""),
            ])),
            "",
        ),
        has("type", Shape::Text, "Browser or Application."),
        has("typeName", Shape::Text, "The same."),
        has("deviceType", Shape::Text, "DESKTOP, MOBILE, TABLET or OTHER."),
        has("nativeBrowser", Shape::Flag, ""),
        has("os", Shape::Nullable(&Shape::Text), "Such as WINDOWS_10."),
        has("browser", Shape::Text, "Such as CHROME."),
        has("tags", Shape::List(&Shape::Text), "Ids of tags."),
    ],
};
