//! The file as a sender writes it: the record that the API returns, in which whatever Casbah derives may be
//! absent.

use casbah_model::{ACCESS_LEVELS, Collaborator, FILE_STATES, FILE_TYPES, FOLDER, FileFacts, Timestamp};
use casbah_service::files::SentFile;
use serde_json::{Map, Value};

use super::view::MORE;
use crate::json_lines::Refusal;
use crate::record::Record;

/// A file may have been changed so far ahead of the clock, in milliseconds.
const AHEAD: i64 = 48 * 60 * 60 * 1000;
/// Most people with access, folders or labels that are kept of one file.
const MOST: usize = 1_000;

/// Reads a record that arrives at `now`.
pub(super) fn file(record: &Map<String, Value>, now: Timestamp) -> Result<SentFile, Refusal> {
    let record = Record(record);
    let need = |field: &str, why: &str| Refusal::new(field, why);
    let id = record.word("id")?.ok_or_else(|| need("id", "A file needs its id in the app."))?;
    let name = record.word("name")?.ok_or_else(|| need("name", "A file needs a name."))?;
    let service = record.first(&["appId", "saasId"], |r, path| r.number(path))?;
    let service =
        service.ok_or_else(|| need("appId", "A file needs the number of the app that it is in."))?;
    let own_id = record.word("_id")?;
    let own_id = own_id
        .map(|id| {
            id.parse().map_err(|_| need("_id", "The _id is 24 hex digits; leave it out to have it made."))
        })
        .transpose()?;
    let folder = record.flag("isFolder")?.unwrap_or(false);
    let kind = numbered(record, ["ftype", "fileType"], &FILE_TYPES)?;
    let size = record.number("fileSize")?.unwrap_or(0);
    if size < 0 {
        return Err(need("fileSize", "The size is a number of bytes."));
    }
    let mut parents = words(record, "parentIds")?;
    let parent = record.word("parentId")?;
    if let Some(parent) = &parent
        && !parents.contains(parent)
    {
        parents.insert(0, parent.clone());
    }
    let more = MORE
        .iter()
        .filter_map(|(name, _)| record.get(name).map(|value| ((*name).to_string(), value.clone())));
    Ok(SentFile {
        record: own_id,
        service,
        instance: record.first(&["instId", "instanceId"], |r, path| r.number(path))?.unwrap_or(0),
        id,
        name,
        extension: record.word("fileExtension")?.map(|text| text.trim_start_matches('.').to_lowercase()),
        mime: record.word("mimeType")?,
        kind: if folder { Some(FOLDER) } else { kind },
        access: numbered(record, ["facl", "fileAccessLevel"], &ACCESS_LEVELS)?,
        state: numbered(record, ["fstat", "fileStatus"], &FILE_STATES)?.unwrap_or(0),
        quarantined: record.flag("quarantined")?.unwrap_or(false),
        size,
        created: time(record, "createdDate", now)?,
        modified: time(record, "modifiedDate", now)?,
        snapshot: time(record, "snapshotLastModifiedDate", now)?,
        owner: record.word("ownerId")?,
        owner_external: record.flag("ownerExternal")?,
        facts: FileFacts {
            app_name: record.word("appName")?.unwrap_or_default(),
            owner_name: record.word("ownerName")?,
            owner_address: record.word("ownerAddress")?,
            owner_external: false,
            collaborators: collaborators(record)?,
            parent,
            parents,
            labels: words(record, "fTags")?,
            scan_labels: words(record, "fileScanLabels")?,
            domains: words(record, "domains")?,
            groups: words(record, "groups")?,
            group_ids: words(record, "groupIds")?,
            more: more.collect(),
        },
    })
}

/// A number by itself, or a list of it and its name, or the name.
fn numbered(record: Record<'_>, paths: [&str; 2], names: &[&str]) -> Result<Option<i64>, Refusal> {
    let wrong = |path: &str| {
        let all: Vec<String> = names.iter().enumerate().map(|(n, name)| format!("{n} ({name})")).collect();
        Refusal::new(
            path,
            format!("This must be one of {}, or a list of the number and the name.", all.join(", ")),
        )
    };
    for path in paths {
        let value = match record.get(path) {
            None => continue,
            Some(Value::Array(all)) => all.first().unwrap_or(&Value::Null),
            Some(value) => value,
        };
        let number = match value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => {
                let named = names.iter().position(|name| name.eq_ignore_ascii_case(text.trim()));
                named.and_then(|n| i64::try_from(n).ok()).or_else(|| text.trim().parse().ok())
            }
            _ => None,
        };
        let known = number.filter(|n| usize::try_from(*n).is_ok_and(|n| n < names.len()));
        return known.map(Some).ok_or_else(|| wrong(path));
    }
    Ok(None)
}

fn time(record: Record<'_>, path: &str, now: Timestamp) -> Result<Option<Timestamp>, Refusal> {
    let at = record.time(path)?;
    if at.is_some_and(|at| !(0..=now.0.saturating_add(AHEAD)).contains(&at.0)) {
        return Err(Refusal::new(path, "The time must be after 1970 and not more than 48 hours ahead."));
    }
    Ok(at)
}

fn words(record: Record<'_>, path: &str) -> Result<Vec<String>, Refusal> {
    let Some(value) = record.get(path) else { return Ok(Vec::new()) };
    let wrong = || Refusal::new(path, "This must be a list of texts.");
    let list = value.as_array().ok_or_else(wrong)?;
    if list.len() > MOST {
        return Err(Refusal::new(path, format!("This may hold {MOST} texts at the most.")));
    }
    list.iter().map(|item| item.as_str().map(|text| text.trim().to_string()).ok_or_else(wrong)).collect()
}

fn collaborators(record: Record<'_>) -> Result<Vec<Collaborator>, Refusal> {
    const FIELD: &str = "collaborators";
    let Some(value) = record.get(FIELD) else { return Ok(Vec::new()) };
    let wrong = || Refusal::new(FIELD, "This must be a list of objects.");
    let list = value.as_array().ok_or_else(wrong)?;
    if list.len() > MOST {
        return Err(Refusal::new(FIELD, format!("A file may have {MOST} collaborators at the most.")));
    }
    let mut all = Vec::with_capacity(list.len());
    for (number, item) in list.iter().enumerate() {
        let item = Record(item.as_object().ok_or_else(wrong)?);
        let at = |refusal: Refusal| Refusal::new(&format!("{FIELD}.{number}.{}", refusal.field), refusal.why);
        let email = item.word("email").map_err(at)?;
        let name = item.word("name").map_err(at)?;
        let id = item.word("id").map_err(at)?.or_else(|| email.clone()).or_else(|| name.clone());
        let why = "A collaborator needs an id, an email or a name.";
        let id = id.ok_or_else(|| at(Refusal::new("id", why)))?;
        let kind = item.number("type").map_err(at)?.unwrap_or(1);
        if !(1..=2).contains(&kind) {
            return Err(at(Refusal::new("type", "The type is 1 (user) or 2 (group).")));
        }
        let access_level = item.number("accessLevel").map_err(at)?.unwrap_or(0);
        all.push(Collaborator {
            name: name.or_else(|| email.clone()).unwrap_or_else(|| id.clone()),
            id,
            email,
            role: item.number("role").map_err(at)?,
            access_level,
            kind,
        });
    }
    Ok(all)
}
