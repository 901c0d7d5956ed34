//! Okta: the events of its System Log API.

use serde_json::Value;

use super::{Category, Said, object, text, time};

pub(super) fn record(event: &Value) -> Result<Value, String> {
    object(event)?;
    let operation = text(event, "/eventType").unwrap_or_default();
    let outcome = text(event, "/outcome/result").unwrap_or_default();
    let targets = event.get("target").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let objects = targets.iter().filter_map(|target| {
        let id = text(target, "/id")?;
        let name = text(target, "/displayName").or_else(|| text(target, "/alternateId")).unwrap_or(id);
        Some((text(target, "/type").unwrap_or("object"), id.to_string(), name.to_string()))
    });
    let degrees = |name: &str| {
        event.pointer(&format!("/client/geographicalContext/geolocation/{name}")).and_then(Value::as_f64)
    };
    Said {
        id: text(event, "/uuid"),
        at: time(text(event, "/published")),
        app: 10980,
        app_name: "Okta",
        operation,
        category: category(operation),
        user: text(event, "/actor/alternateId"),
        user_id: text(event, "/actor/id"),
        address: text(event, "/client/ipAddress"),
        agent: text(event, "/client/userAgent/rawUserAgent"),
        // Okta writes the country out; only a code is taken, the rest stays in the event.
        country: text(event, "/client/geographicalContext/country").filter(|code| code.len() == 2),
        city: text(event, "/client/geographicalContext/city"),
        place: degrees("lat").zip(degrees("lon")),
        provider: text(event, "/securityContext/isp"),
        failed: matches!(outcome, "FAILURE" | "DENY"),
        message: text(event, "/outcome/reason"),
        administrative: operation.starts_with("policy.")
            || operation.starts_with("user.lifecycle.")
            || operation.starts_with("application.lifecycle.")
            || operation.starts_with("system.api_token."),
        objects: objects.collect(),
        session: text(event, "/authenticationContext/externalSessionId").filter(|id| *id != "unknown"),
    }
    .record("okta", event)
}

fn category(operation: &str) -> Category {
    match operation {
        "user.session.start" | "user.authentication.sso" => Category::Login,
        _ if operation.starts_with("user.authentication.auth") => Category::Login,
        "user.session.end" => Category::Logout,
        "user.lifecycle.create" => Category::CreateUser,
        "user.lifecycle.delete.completed" | "user.lifecycle.delete.initiated" => Category::DeleteUser,
        _ => Category::Unspecified,
    }
}
