//! Google Workspace: the activities of the Reports API of the Admin SDK. One of them may hold several
//! events of one moment; the first names the activity, all are kept as they are.

use serde_json::Value;

use super::{Category, Said, object, text, time, word};

pub(super) fn record(event: &Value) -> Result<Value, String> {
    object(event)?;
    let first = event.pointer("/events/0").ok_or("it has no events")?;
    let operation = text(first, "/name").unwrap_or_default();
    let application = text(event, "/id/applicationName").unwrap_or_default();
    let parameter = |name: &str| {
        let list = first.get("parameters")?.as_array()?;
        word(list.iter().find(|p| text(p, "/name") == Some(name))?, "/value")
    };
    let mut objects = Vec::new();
    if let Some(id) = parameter("doc_id") {
        let title = parameter("doc_title").unwrap_or_else(|| id.clone());
        objects.push(("file", id, title));
    }
    if let Some(user) = parameter("USER_EMAIL").or_else(|| parameter("affected_email_address")) {
        objects.push(("user", user.clone(), user));
    }
    // The qualifier is unique for one moment of one application only.
    let time_of = text(event, "/id/time");
    let qualifier = word(event, "/id/uniqueQualifier");
    let id = time_of.zip(qualifier).map(|(at, qualifier)| format!("{application}_{at}_{qualifier}"));
    let drive = application == "drive";
    Said {
        id: id.as_deref(),
        at: time(time_of),
        app: if drive { 26069 } else { 11770 },
        app_name: if drive { "Google Drive" } else { "Google Workspace" },
        operation,
        category: category(operation),
        user: text(event, "/actor/email"),
        user_id: text(event, "/actor/profileId"),
        address: text(event, "/ipAddress"),
        country: text(event, "/networkInfo/regionCode").filter(|code| code.len() == 2),
        failed: matches!(operation, "login_failure" | "login_challenge_failed"),
        message: parameter("login_failure_type").as_deref(),
        administrative: application == "admin",
        objects,
        ..Said::default()
    }
    .record("google", event)
}

fn category(operation: &str) -> Category {
    match operation {
        "login_success" | "login_failure" | "login_challenge_failed" => Category::Login,
        "logout" => Category::Logout,
        "download" => Category::DownloadFile,
        "upload" => Category::UploadFile,
        "delete" | "trash" => Category::DeleteObject,
        "CREATE_USER" => Category::CreateUser,
        "DELETE_USER" => Category::DeleteUser,
        _ => Category::Unspecified,
    }
}
