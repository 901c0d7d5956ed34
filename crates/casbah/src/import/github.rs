//! GitHub: the audit log of an organisation or enterprise, as its API and its exports have it.

use serde_json::Value;

use super::{Category, Said, object, text, word};

/// GitHub's number in the catalogue; it has none of Microsoft's that is known.
pub(super) const APP: i64 = 40181;

pub(super) fn record(event: &Value) -> Result<Value, String> {
    object(event)?;
    let operation = text(event, "/action").unwrap_or_default();
    let at = event.get("@timestamp").or_else(|| event.get("created_at")).cloned().unwrap_or_default();
    let objects = [("repository", "/repo"), ("user", "/user"), ("team", "/team"), ("organization", "/org")];
    let objects = objects.into_iter().filter_map(|(kind, pointer)| {
        text(event, pointer).map(|name| (kind, name.to_string(), name.to_string()))
    });
    Said {
        id: text(event, "/_document_id"),
        at,
        app: APP,
        app_name: "GitHub",
        operation,
        category: match operation {
            "user.login" | "user.failed_login" | "org.sso_response" => Category::Login,
            "user.logout" => Category::Logout,
            "git.clone" | "repo.download_zip" => Category::DownloadFile,
            "git.push" => Category::UploadFile,
            "org.add_member" => Category::CreateUser,
            "org.remove_member" => Category::DeleteUser,
            _ if operation.ends_with(".destroy") || operation.ends_with(".delete") => Category::DeleteObject,
            _ => Category::Unspecified,
        },
        user: text(event, "/actor"),
        user_id: word(event, "/actor_id").as_deref(),
        address: text(event, "/actor_ip"),
        agent: text(event, "/user_agent"),
        country: text(event, "/actor_location/country_code"),
        failed: operation == "user.failed_login",
        message: text(event, "/message"),
        administrative: text(event, "/operation_type")
            .is_some_and(|kind| kind != "access" && kind != "authentication")
            && !operation.starts_with("git."),
        objects: objects.collect(),
        ..Said::default()
    }
    .record("github", event)
}
