//! What the words of a user agent say about browser and system.

use casbah_model::activity::device_type;
use serde_json::{Value, json};

use crate::describe::{Record, Shape, has};

/// Marks of browsers and tools: the first that is found counts, because most claim to be others as well.
const BROWSERS: &[(&str, &str)] = &[
    ("Edg/", "Microsoft Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Version/", "Safari"),
    ("python-requests/", "Python Requests"),
    ("curl/", "curl"),
    ("PowerShell/", "PowerShell"),
];

/// Marks of systems, with the family and the name that the API has for them.
const SYSTEMS: &[(&str, &str, &str)] = &[
    ("Windows NT 10.0", "WINDOWS", "Windows 10"),
    ("Windows", "WINDOWS", "Windows"),
    ("iPhone OS", "IOS", "iOS"),
    ("iPad", "IOS", "iOS"),
    ("Android", "ANDROID", "Android"),
    ("Mac OS X", "MAC_OS", "macOS"),
    ("CrOS", "CHROME_OS", "ChromeOS"),
    ("Linux", "LINUX", "Linux"),
];

/// The object `userAgent` of an activity.
pub(super) fn view(user_agent: &str) -> Value {
    let known = BROWSERS.iter().find_map(|(mark, name)| {
        let version = user_agent.split_once(mark)?.1;
        Some(((*name).to_string(), number(version)))
    });
    // Libraries write `name/1.2.3 (more)`.
    let plain = || {
        let first = user_agent.split_whitespace().next().unwrap_or_default();
        let (name, version) = first.split_once('/').unwrap_or((first, ""));
        (name.to_string(), number(version))
    };
    let is_browser = user_agent.starts_with("Mozilla/");
    let (name, version) = known.unwrap_or_else(plain);
    let upper = |text: &str| text.to_uppercase().replace([' ', '-'], "_");
    let system = SYSTEMS.iter().find(|(mark, ..)| user_agent.contains(mark));
    let mut parts = version.splitn(3, '.');
    json!({
        "family": upper(&name),
        "name": name,
        "version": version,
        "major": parts.next().unwrap_or_default(),
        "minor": parts.next().unwrap_or_default(),
        "operatingSystem": system.map(|(_, family, name)| json!({ "name": name, "family": family, "version": "" })),
        "type": if is_browser { "Browser" } else { "Application" },
        "typeName": if is_browser { "Browser" } else { "Application" },
        "deviceType": device_type(user_agent),
        "nativeBrowser": false,
        "os": system.map(|(_, _, name)| upper(name)),
        "browser": upper(&name),
        "tags": [],
    })
}

fn number(text: &str) -> String {
    text.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect()
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
