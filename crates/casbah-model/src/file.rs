//! Files in apps: what they are, whose, and who has access.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::{RecordId, Timestamp};

/// Kinds of file, by number.
pub const FILE_TYPES: [&str; 7] =
    ["OTHER", "DOCUMENT", "SPREADSHEET", "PRESENTATION", "TEXT", "IMAGE", "FOLDER"];
/// How far a file is shared, by number.
pub const ACCESS_LEVELS: [&str; 5] = ["PRIVATE", "INTERNAL", "EXTERNAL", "PUBLIC", "PUBLIC_INTERNET"];
/// Whether a file is there, by number.
pub const FILE_STATES: [&str; 3] = ["EXISTS", "TRASHED", "DELETED"];

/// The number of the kind of a folder.
pub const FOLDER: i64 = 6;

/// Endings of names, with the number of the kind of file.
const ENDINGS: &[(i64, &[&str])] = &[
    (1, &["doc", "docx", "docm", "dot", "dotx", "odt", "rtf", "pdf", "pages", "gdoc", "epub"]),
    (2, &["xls", "xlsx", "xlsm", "xlsb", "ods", "csv", "tsv", "numbers", "gsheet"]),
    (3, &["ppt", "pptx", "pptm", "pps", "ppsx", "odp", "key", "gslides"]),
    (
        4,
        &[
            "txt", "md", "log", "json", "xml", "yaml", "yml", "ini", "html", "htm", "sql", "py", "js", "rs",
            "sh",
        ],
    ),
    (5, &["png", "jpg", "jpeg", "gif", "bmp", "tif", "tiff", "svg", "webp", "heic", "ico"]),
];

/// The kind of a file, by its media type and, where that says nothing, by the ending of its name.
pub fn file_type(mime: Option<&str>, extension: &str) -> i64 {
    let mime = mime.unwrap_or_default().to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| mime.contains(word));
    if has(&["folder", "directory"]) {
        FOLDER
    } else if has(&["spreadsheet", "ms-excel", "text/csv"]) {
        2
    } else if has(&["presentation", "ms-powerpoint"]) {
        3
    } else if has(&[
        "wordprocessing",
        "msword",
        "application/pdf",
        "opendocument.text",
        "google-apps.document",
        "rtf",
    ]) {
        1
    } else if mime.starts_with("image/") {
        5
    } else if let Some((kind, _)) = ENDINGS.iter().find(|(_, all)| all.contains(&extension)) {
        *kind
    } else if mime.starts_with("text/") {
        4
    } else {
        0
    }
}

/// What stands behind the last point of a name, in lower case; empty when there is none.
pub fn extension(name: &str) -> String {
    match name.rsplit_once('.') {
        Some((before, after)) if !before.is_empty() && !after.contains(char::is_whitespace) => {
            after.to_lowercase()
        }
        _ => String::new(),
    }
}

/// A file or folder.
#[derive(Clone, PartialEq, Debug)]
pub struct File {
    /// Its record id.
    pub record: RecordId,
    /// Number of the app.
    pub service: i64,
    /// Number of the instance of that app.
    pub instance: i64,
    /// Id inside the app.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What stands behind the last point of the name, in lower case.
    pub extension: String,
    /// Media type.
    pub mime: Option<String>,
    /// Kind, by number; see [`FILE_TYPES`].
    pub kind: i64,
    /// How far it is shared, by number; see [`ACCESS_LEVELS`].
    pub access: i64,
    /// Whether it is there, by number; see [`FILE_STATES`].
    pub state: i64,
    /// Whether it is kept where nobody reaches it.
    pub quarantined: bool,
    /// Bytes.
    pub size: i64,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// When it was last changed.
    pub modified: Option<Timestamp>,
    /// When what is known of it was last changed.
    pub snapshot: Timestamp,
    /// Id of the owner inside the app, or their address.
    pub owner: Option<String>,
    /// All the rest.
    pub facts: FileFacts,
}

/// What is shown with a file.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FileFacts {
    /// Name of the app.
    pub app_name: String,
    /// Name of the owner.
    pub owner_name: Option<String>,
    /// Address of the owner.
    pub owner_address: Option<String>,
    /// Whether the owner belongs to another organisation.
    pub owner_external: bool,
    /// Who has access.
    pub collaborators: Vec<Collaborator>,
    /// Id of the folder inside the app.
    pub parent: Option<String>,
    /// Ids of all folders that it is directly in.
    pub parents: Vec<String>,
    /// Labels, by id or name.
    pub labels: Vec<String>,
    /// What a look into it found, such as `^Azure RMS encrypted file`.
    pub scan_labels: Vec<String>,
    /// Domains with access.
    pub domains: Vec<String>,
    /// Groups with access, by name and id.
    pub groups: Vec<String>,
    /// Ids of those groups.
    pub group_ids: Vec<String>,
    /// Places and other things that the app said, under the names of the wire.
    pub more: Map<String, Json>,
}

/// Somebody with access to a file.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Collaborator {
    /// Id inside the app, or their address.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Address.
    pub email: Option<String>,
    /// What they may do: 1 owner, 2 writer, 3 reader, or what the app says.
    pub role: Option<i64>,
    /// 1 internal, 2 external.
    pub access_level: i64,
    /// 1 user, 2 group.
    pub kind: i64,
}
