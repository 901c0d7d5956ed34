//! AWS CloudTrail: the records of its log files.

use serde_json::Value;

use super::{Category, Said, object, text, time};

pub(super) fn record(event: &Value) -> Result<Value, String> {
    object(event)?;
    let operation = text(event, "/eventName").unwrap_or_default();
    let identity = "/userIdentity";
    let of = |key: &str| text(event, &format!("{identity}/{key}"));
    let login = operation == "ConsoleLogin";
    let refused = text(event, "/responseElements/ConsoleLogin") == Some("Failure");
    let resources = event.get("resources").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut objects: Vec<(&str, String, String)> = resources
        .iter()
        .filter_map(|resource| {
            let arn = text(resource, "/ARN").or_else(|| text(resource, "/arn"))?;
            Some((text(resource, "/type").unwrap_or("object"), arn.to_string(), arn.to_string()))
        })
        .collect();
    for (kind, key) in [("user", "userName"), ("role", "roleName"), ("bucket", "bucketName"), ("file", "key")]
    {
        if let Some(name) = text(event, &format!("/requestParameters/{key}")) {
            objects.push((kind, name.to_string(), name.to_string()));
        }
    }
    let address = text(event, "/sourceIPAddress");
    Said {
        id: text(event, "/eventID"),
        at: time(text(event, "/eventTime")),
        app: 11599,
        app_name: "Amazon Web Services",
        operation,
        category: category(operation),
        user: of("userName")
            .or_else(|| of("sessionContext/sessionIssuer/userName"))
            .or_else(|| of("arn"))
            // A service of AWS that acts by itself.
            .or_else(|| of("invokedBy")),
        user_id: of("principalId").or_else(|| of("arn")),
        address,
        agent: text(event, "/userAgent"),
        failed: event.get("errorCode").is_some_and(|code| !code.is_null()) || (login && refused),
        message: text(event, "/errorMessage").or_else(|| text(event, "/errorCode")),
        administrative: event.get("readOnly").and_then(Value::as_bool) == Some(false) && !login,
        objects,
        ..Said::default()
    }
    .record("cloudtrail", event)
}

fn category(operation: &str) -> Category {
    match operation {
        "ConsoleLogin" => Category::Login,
        "GetObject" => Category::DownloadFile,
        "PutObject" => Category::UploadFile,
        "CreateUser" => Category::CreateUser,
        "DeleteUser" => Category::DeleteUser,
        _ if operation.starts_with("Delete") => Category::DeleteObject,
        _ => Category::Unspecified,
    }
}
