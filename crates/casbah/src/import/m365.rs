//! Microsoft 365's unified audit log: the records of the Office 365 Management Activity API, which the
//! export of the audit search carries in its column `AuditData`.

use serde_json::Value;

use super::{Category, Said, object, text, time, word};

/// The services of `Workload`, with the numbers of their apps.
const WORKLOADS: &[(&str, i64, &str)] = &[
    ("AzureActiveDirectory", 11161, "Office 365"),
    ("Exchange", 20893, "Microsoft Exchange Online"),
    ("MicrosoftTeams", 28375, "Microsoft Teams"),
    ("OneDrive", 15600, "Microsoft OneDrive for Business"),
    ("PowerBI", 26324, "Microsoft Power BI"),
    ("SharePoint", 20892, "Microsoft SharePoint Online"),
    ("SkypeForBusiness", 25275, "Skype for Business"),
    ("Yammer", 11522, "Yammer"),
];
/// `UserType` of administrators, of Microsoft's own and the tenant's.
const ADMINISTRATORS: [i64; 2] = [2, 3];

pub(super) fn record(event: &Value) -> Result<Value, String> {
    object(event)?;
    let workload = text(event, "/Workload").unwrap_or_default();
    let known = WORKLOADS.iter().find(|(name, ..)| *name == workload);
    let (app, app_name) = known.map_or((11161, "Office 365"), |(_, number, name)| (*number, *name));
    let operation = text(event, "/Operation").unwrap_or_default();
    let status = text(event, "/ResultStatus").unwrap_or_default();
    let mut objects = Vec::new();
    if let Some(id) = text(event, "/ObjectId") {
        let file = text(event, "/SourceFileName");
        let kind = if file.is_some() { "file" } else { "object" };
        objects.push((kind, id.to_string(), file.unwrap_or(id).to_string()));
    }
    let extended = |wanted: &str| {
        let list = event.get("ExtendedProperties")?.as_array()?;
        list.iter().find(|p| text(p, "/Name") == Some(wanted)).and_then(|p| text(p, "/Value"))
    };
    Said {
        id: text(event, "/Id"),
        at: time(text(event, "/CreationTime")),
        app,
        app_name,
        operation,
        category: category(operation),
        user: text(event, "/UserId"),
        user_id: text(event, "/UserKey"),
        address: text(event, "/ClientIP")
            .or_else(|| text(event, "/ClientIPAddress"))
            .or_else(|| text(event, "/ActorIpAddress")),
        agent: text(event, "/UserAgent")
            .or_else(|| extended("UserAgent"))
            .or_else(|| text(event, "/ClientInfoString")),
        failed: operation == "UserLoginFailed"
            || matches!(status, "Failed" | "Failure" | "PartiallySucceeded"),
        message: text(event, "/LogonError").or_else(|| extended("ResultStatusDetail")),
        administrative: event
            .get("UserType")
            .and_then(Value::as_i64)
            .is_some_and(|kind| ADMINISTRATORS.contains(&kind))
            || word(event, "/RecordType").as_deref() == Some("1"),
        objects,
        session: text(event, "/SessionId").or_else(|| text(event, "/AppAccessContext/AADSessionId")),
        ..Said::default()
    }
    .record("m365", event)
}

fn category(operation: &str) -> Category {
    match operation {
        "UserLoggedIn" | "UserLoginFailed" | "MailboxLogin" | "TeamsSessionStarted" => Category::Login,
        "UserSignedOut" | "SignOut" => Category::Logout,
        "FileDownloaded" | "FileSyncDownloadedFull" => Category::DownloadFile,
        "FileUploaded" | "FileSyncUploadedFull" => Category::UploadFile,
        "Add user." => Category::CreateUser,
        "Delete user." => Category::DeleteUser,
        _ if operation.contains("Delete") => Category::DeleteObject,
        // Cmdlets of Exchange: verb, hyphen, noun.
        _ if operation.split_once('-').is_some_and(|(verb, noun)| {
            verb.starts_with(char::is_uppercase) && noun.starts_with(char::is_uppercase)
        }) =>
        {
            Category::RunCommand
        }
        _ => Category::Unspecified,
    }
}
