//! Entra ID's sign-in log: the `signIn` resources of Microsoft Graph, which the portal exports as well.

use serde_json::Value;

use super::{Category, Said, object, text, time};

pub(super) fn record(event: &Value) -> Result<Value, String> {
    object(event)?;
    let code = event.pointer("/status/errorCode").and_then(Value::as_i64).unwrap_or(0);
    let mut objects = Vec::new();
    for (kind, id, name) in [
        ("application", "/appId", "/appDisplayName"),
        ("service principal", "/resourceId", "/resourceDisplayName"),
    ] {
        if let Some(id) = text(event, id) {
            objects.push((kind, id.to_string(), text(event, name).unwrap_or_default().to_string()));
        }
    }
    let degrees =
        |name: &str| event.pointer(&format!("/location/geoCoordinates/{name}")).and_then(Value::as_f64);
    let mut record = Said {
        id: text(event, "/id"),
        at: time(text(event, "/createdDateTime")),
        app: 11161,
        app_name: "Office 365",
        operation: if code == 0 { "UserLoggedIn" } else { "UserLoginFailed" },
        category: Category::Login,
        user: text(event, "/userPrincipalName").or_else(|| text(event, "/servicePrincipalName")),
        user_id: text(event, "/userId").or_else(|| text(event, "/servicePrincipalId")),
        address: text(event, "/ipAddress"),
        agent: text(event, "/userAgent"),
        country: text(event, "/location/countryOrRegion").filter(|code| code.len() == 2),
        city: text(event, "/location/city"),
        place: degrees("latitude").zip(degrees("longitude")),
        failed: code != 0,
        message: text(event, "/status/failureReason").filter(|_| code != 0),
        objects,
        session: text(event, "/correlationId"),
        ..Said::default()
    }
    .record("entra", event)?;
    record["rawDataJson"]["ErrorCode"] = code.into();
    record["eventTypeValue"] = if code == 0 { "EVENT_AAD_LOGIN" } else { "EVENT_AAD_LOGIN_FAILED" }.into();
    Ok(record)
}
