//! ArcSight's Common Event Format, with the fields of Microsoft's SIEM agent.
//!
//! ```text
//! CEF:0|MCAS|SIEM_Agent|<version>|<kind>|<title>|<severity>|key=value key=value ...
//! ```
//! In the header `\` and `|` are escaped, in the values `\` and `=`; a line break is `\n` or `\r` in a value, and
//! a blank in the header, where there can be none.

use std::fmt::Write as _;
use std::net::IpAddr;

use serde_json::Value;

use super::{APPS, PEOPLE, entities, kind_of_alert, labels};

/// Who Microsoft's agent says it is: what reads its events knows them by this.
const VENDOR: &str = "MCAS";
const PRODUCT: &str = "SIEM_Agent";
/// Names of apps in `uniqueServiceAppIds`; others have their number.
const APP_NAMES: &[(i64, &str)] = &[
    (11_161, "APPID_O365"),
    (20_893, "APPID_OUTLOOK"),
    (15_600, "APPID_ONEDRIVE"),
    (10_489, "APPID_BOX"),
    (11_114, "APPID_SALESFORCE"),
    (14_509, "APPID_SERVICENOW"),
];

/// An alert, from its record.
pub fn alert(record: &Value) -> String {
    let severity = match record["severityValue"].as_i64() {
        Some(0) => 3,
        Some(1) => 6,
        Some(2) => 9,
        _ => 0,
    };
    let mut event = Event::new(kind_of_alert(record), text(&record["title"]), severity);
    let time = number(&record["timestamp"]);
    event.add("externalId", text(&record["_id"]));
    event.add("rt", &time);
    event.add("start", &time);
    event.add("end", &time);
    event.add("msg", text(&record["description"]));
    event.add("suser", labels(record, PEOPLE).first().copied().unwrap_or_default());
    event.add("destinationServiceName", &labels(record, APPS).join(","));
    event.labelled("cn1", "riskScore", &number(&record["threatScore"]));
    event.labelled("cs1", "portalURL", text(&record["URL"]));
    let apps = entities(record, APPS).filter_map(|entity| entity["id"].as_i64()).map(app_name);
    event.labelled("cs2", "uniqueServiceAppIds", &joined(apps));
    event.labelled("cs3", "relatedAudits", &texts(&record["audits"]));
    event.labelled("cs4", "policyIDs", text(&record["policy"]["id"]));
    event.text
}

/// An activity, from its record; `origin` is Casbah's own, without a final slash.
pub fn activity(record: &Value, origin: &str) -> String {
    let mut event = Event::new(
        text(&record["eventTypeName"]),
        text(&record["description_metadata"]["event_category"]),
        0,
    );
    let (id, time) = (text(&record["_id"]), number(&record["timestamp"]));
    event.add("externalId", id);
    event.add("rt", &time);
    event.add("start", &time);
    event.add("end", &time);
    event.add("msg", text(&record["description"]));
    event.add("suser", text(&record["user"]["userName"]));
    event.add("destinationServiceName", text(&record["appName"]));
    let address = text(&record["device"]["clientIP"]);
    let six = address.parse::<IpAddr>().is_ok_and(|address| address.is_ipv6());
    event.add("dvc", if six { "" } else { address });
    event.add("requestClientApplication", text(&record["device"]["userAgent"]));
    let escaped = percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC);
    event.labelled("cs1", "portalURL", &format!("{origin}/portal/activities/one?id={escaped}"));
    event.labelled("cs2", "uniqueServiceAppIds", &joined(record["appId"].as_i64().map(app_name)));
    event.labelled("cs3", "targetObjects", text(&record["description_metadata"]["target_object"]));
    event.labelled("cs4", "policyIDs", &texts(&record["policies"]));
    event.labelled("c6a1", "\"Device IPv6 Address\"", if six { address } else { "" });
    event.text
}

/// An event under construction.
struct Event {
    text: String,
    /// Whether it has a field: the next one is set off by a blank.
    begun: bool,
}

impl Event {
    fn new(kind: &str, title: &str, severity: i64) -> Event {
        let mut text = String::from("CEF:0");
        let severity = severity.to_string();
        for field in [VENDOR, PRODUCT, env!("CARGO_PKG_VERSION"), kind, title, &severity] {
            text.push('|');
            text.push_str(&in_header(field));
        }
        text.push('|');
        Event { text, begun: false }
    }

    /// Adds a field; keys are ours.
    fn add(&mut self, key: &str, value: &str) {
        let blank = if std::mem::replace(&mut self.begun, true) { " " } else { "" };
        // Writing into memory does not fail.
        let _ = write!(self.text, "{blank}{key}={}", in_value(value));
    }

    /// Adds one of the fields whose meaning stands beside them.
    fn labelled(&mut self, key: &str, label: &str, value: &str) {
        self.add(&format!("{key}Label"), label);
        self.add(key, value);
    }
}

/// A field of the header: `\` and `|` escaped, and what would end the line a blank.
pub fn in_header(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '|' => out.extend(['\\', c]),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// A value of the extension: `\` and `=` escaped, line breaks written as `\n` and `\r`; other control characters
/// are blanks.
pub fn in_value(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '=' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn number(value: &Value) -> String {
    value.as_i64().map(|n| n.to_string()).unwrap_or_default()
}

fn texts(value: &Value) -> String {
    joined(value.as_array().into_iter().flatten().filter_map(Value::as_str).map(String::from))
}

/// Each once, with commas between them.
fn joined(all: impl IntoIterator<Item = String>) -> String {
    let mut kept: Vec<String> = Vec::new();
    for one in all {
        if !kept.contains(&one) {
            kept.push(one);
        }
    }
    kept.join(",")
}

fn app_name(number: i64) -> String {
    let known = APP_NAMES.iter().find(|(known, _)| *known == number);
    known.map_or_else(|| format!("APPID_{number}"), |(_, name)| (*name).to_string())
}
