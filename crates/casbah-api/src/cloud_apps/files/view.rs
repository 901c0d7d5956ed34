//! The file as the wire has it.

use casbah_model::activity::app_name;
use casbah_model::{ACCESS_LEVELS, Collaborator, EntityAddress, FILE_STATES, FILE_TYPES, FOLDER, File};
use serde_json::{Value, json};

use crate::describe::{Property, Record, Shape, has, may_have};

/// A property, and what it is where a sender leaves it out.
type Usual = (&'static str, fn() -> Value);

/// What an app says of places and scans, kept as it is; what stands for it where nothing was said.
pub(super) const MORE: [Usual; 19] = [
    ("noGovernance", || json!(false)),
    ("isForeign", || json!(false)),
    ("enriched", || json!(false)),
    ("externalShares", || json!([])),
    ("driveId", || Value::Null),
    ("siteCollection", || Value::Null),
    ("siteCollectionId", || Value::Null),
    ("sitePath", || Value::Null),
    ("filePath", || Value::Null),
    ("spDomain", || Value::Null),
    ("listId", || Value::Null),
    ("alternateLink", || Value::Null),
    ("contentHash", || Value::Null),
    ("scanVersion", || json!(0)),
    ("unseenScans", || json!(0)),
    ("lastNrtTimestamp", || Value::Null),
    ("dlpScanResults", || json!([])),
    ("sharepointItem", || json!({})),
    ("effectiveParents", || json!([])),
];

pub(super) fn file(file: &File, tenant: i64) -> Value {
    let facts = &file.facts;
    let own = if facts.app_name.is_empty() { None } else { Some(facts.app_name.clone()) };
    let app = own.or_else(|| app_name(file.service).map(str::to_string));
    let owner = file.owner.as_ref().map(|id| key(id, file));
    let mut emails: Vec<&String> = facts.owner_address.iter().collect();
    emails.extend(facts.collaborators.iter().filter_map(|one| one.email.as_ref()));
    emails.dedup();
    let mut record = json!({
        "_id": file.record,
        "_tid": tenant,
        "appId": file.service,
        "saasId": file.service,
        "instId": file.instance,
        "appName": app.unwrap_or_else(|| format!("App {}", file.service)),
        "id": file.id,
        "name": file.name,
        "name_l": file.name.to_lowercase(),
        "fileSize": file.size,
        "createdDate": file.created,
        "modifiedDate": file.modified,
        "snapshotLastModifiedDate": file.snapshot.iso(),
        "fileType": pair(file.kind, &FILE_TYPES),
        "ftype": file.kind,
        "fileAccessLevel": pair(file.access, &ACCESS_LEVELS),
        "facl": file.access,
        "fileStatus": pair(file.state, &FILE_STATES),
        "fstat": file.state,
        "isFolder": file.kind == FOLDER,
        "ownerExternal": facts.owner_external,
        "ownerName": facts.owner_name,
        "ownerAddress": facts.owner_address,
        "ownerId": file.owner,
    });
    let more = json!({
        "ownerEntity": owner,
        "emails": emails,
        "domains": facts.domains,
        "groups": facts.groups,
        "groupIds": facts.group_ids,
        "collaborators": facts.collaborators.iter().map(|one| collaborator(one, file)).collect::<Vec<_>>(),
        "display_collaborators": facts.collaborators.iter().map(shown).collect::<Vec<_>>(),
        "mimeType": file.mime,
        "fileExtension": file.extension,
        "parentId": facts.parent.as_ref().or(facts.parents.first()),
        "parentIds": facts.parents,
        "quarantined": file.quarantined,
        "fTags": facts.labels,
        "fileScanLabels": facts.scan_labels,
        "originalId": file.record,
        "actions": [],
    });
    if let (Value::Object(record), Value::Object(more)) = (&mut record, more) {
        record.extend(more);
        for (name, otherwise) in MORE {
            record.insert(name.to_string(), facts.more.get(name).cloned().unwrap_or_else(otherwise));
        }
        if !facts.more.contains_key("effectiveParents") {
            record.insert("effectiveParents".into(), json!(facts.parents));
        }
        if !facts.more.contains_key("externalShares") {
            let outside = facts.collaborators.iter().filter(|one| one.access_level == 2);
            let shares: Vec<&str> = outside.map(|one| one.email.as_deref().unwrap_or(&one.id)).collect();
            record.insert("externalShares".into(), json!(shares));
        }
    }
    record
}

fn pair(number: i64, names: &[&str]) -> Value {
    let name = usize::try_from(number).ok().and_then(|at| names.get(at));
    json!([number, name.copied().unwrap_or("OTHER")])
}

/// The key of the account that an id in the app of a file names.
fn key(id: &str, file: &File) -> Value {
    let EntityAddress { id, saas, inst } =
        EntityAddress { id: id.to_string(), saas: file.service, inst: file.instance };
    json!({ "id": id, "saas": saas, "inst": inst })
}

fn collaborator(one: &Collaborator, file: &File) -> Value {
    json!({
        "id": one.id,
        "name": one.name,
        "email": one.email,
        "role": one.role,
        "accessLevel": one.access_level,
        "type": one.kind,
        "entity": (one.kind == 1).then(|| key(&one.id, file)),
    })
}

fn shown(one: &Collaborator) -> Value {
    json!({ "label": one.name, "type": one.kind, "id": one.id, "allowRemoveCollaborator": false })
}

const WORD: Shape = Shape::Nullable(&Shape::Text);
const TEXTS: Shape = Shape::List(&Shape::Text);
const PAIR: Shape = Shape::Tuple(&[Shape::Integer, Shape::Text]);
const SAID: Shape = Shape::Anything;
const AT: Shape = Shape::Nullable(&Shape::Time);

pub(super) const FILE: Record = Record {
    name: "File",
    what: "A file or folder in an app.",
    properties: &[
        has("_id", Shape::Id, ""),
        has("_tid", Shape::Integer, "Number of the tenant."),
        has("appId", Shape::Integer, "App, by number."),
        has("saasId", Shape::Integer, "The same."),
        has("instId", Shape::Integer, "Instance of the app."),
        has("appName", Shape::Text, ""),
        has("id", Shape::Text, "Id inside the app."),
        has("name", Shape::Text, ""),
        has("name_l", Shape::Text, "The name in lower case."),
        has("fileSize", Shape::Integer, "Bytes."),
        has("createdDate", AT, "When it was made."),
        has("modifiedDate", AT, "When it was last changed."),
        has("snapshotLastModifiedDate", Shape::Moment, "When what is known of it last changed."),
        has("fileType", PAIR, "Kind: number and name."),
        has("ftype", Shape::Integer, "Kind, by number."),
        has("fileAccessLevel", PAIR, "How far it is shared: number and name."),
        has("facl", Shape::Integer, "The same, by number."),
        has("fileStatus", PAIR, "Whether it is there: number and name."),
        has("fstat", Shape::Integer, "The same, by number."),
        has("isFolder", Shape::Flag, ""),
        has("ownerExternal", Shape::Flag, "Whether the owner belongs to another organisation."),
        has("ownerName", WORD, ""),
        has("ownerAddress", WORD, ""),
        has("ownerId", WORD, "Id of the owner inside the app."),
        has("ownerEntity", Shape::Nullable(&Shape::Inline(KEY)), "Key of the owner's account."),
        has("emails", TEXTS, "Addresses of the owner and of those with access."),
        has("domains", TEXTS, "Domains with access."),
        has("groups", TEXTS, "Groups with access."),
        has("groupIds", TEXTS, "Their ids."),
        has("collaborators", Shape::List(&Shape::Inline(COLLABORATOR)), "Who has access."),
        has("display_collaborators", Shape::List(&Shape::Inline(SHOWN)), "The same, as a page shows it."),
        has("mimeType", WORD, ""),
        has("fileExtension", Shape::Text, "Empty when the name has none."),
        has("parentId", WORD, "Id of the folder inside the app."),
        has("parentIds", TEXTS, "Ids of all folders that it is directly in."),
        has("quarantined", Shape::Flag, ""),
        has("fTags", TEXTS, "Labels."),
        has("fileScanLabels", TEXTS, "What a look into it found."),
        has("originalId", Shape::Id, "The same as `_id`."),
        has("actions", Shape::List(&Shape::Object), "Governance actions that are offered; none."),
        may_have("noGovernance", SAID, ""),
        may_have("isForeign", SAID, ""),
        may_have("enriched", SAID, ""),
        may_have("externalShares", SAID, "People of other organisations with access."),
        may_have("driveId", SAID, ""),
        may_have("siteCollection", SAID, ""),
        may_have("siteCollectionId", SAID, ""),
        may_have("sitePath", SAID, ""),
        may_have("filePath", SAID, ""),
        may_have("spDomain", SAID, ""),
        may_have("listId", SAID, ""),
        may_have("alternateLink", SAID, "Where people open it."),
        may_have("contentHash", SAID, "Digest of the content with its kind before it, such as sha256:."),
        may_have("scanVersion", SAID, ""),
        may_have("unseenScans", SAID, ""),
        may_have("lastNrtTimestamp", SAID, ""),
        may_have("dlpScanResults", SAID, "Content matches."),
        may_have("sharepointItem", SAID, "The app's own facts."),
        may_have("effectiveParents", SAID, "Folders."),
    ],
};

const KEY: &[Property] =
    &[has("id", Shape::Text, ""), has("saas", Shape::Integer, ""), has("inst", Shape::Integer, "")];

const COLLABORATOR: &[Property] = &[
    has("id", Shape::Text, "Id inside the app, or an address."),
    has("name", Shape::Text, ""),
    has("email", WORD, ""),
    has("role", Shape::Nullable(&Shape::Integer), "What they may do, as the app numbers it."),
    has("accessLevel", Shape::Integer, "1 internal, 2 external."),
    has("type", Shape::Integer, "1 user, 2 group."),
    has("entity", Shape::Nullable(&Shape::Inline(KEY)), "Key of the account."),
];

const SHOWN: &[Property] = &[
    has("label", Shape::Text, ""),
    has("type", Shape::Integer, ""),
    has("id", Shape::Text, ""),
    has("allowRemoveCollaborator", Shape::Flag, ""),
];
