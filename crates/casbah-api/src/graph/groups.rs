//! `/groups`

use casbah_model::{Group, GroupDetails, Guid};
use casbah_service::directory::groups::{GroupChange, NewGroup};
use casbah_service::directory::{Property, Search};
use serde_json::{Value, json};

use super::error::GraphError;
use super::path::Key;
use super::properties::Properties;
use super::search::{self, Field, Kind};
use super::{Answer, Call};

type Answered = Result<Answer, GraphError>;

const FIELDS: &[Field] = &[
    Field { name: "id", property: Property::Id, kind: Kind::Id },
    Field { name: "displayName", property: Property::DisplayName, kind: Kind::Text },
    Field { name: "mailNickname", property: Property::Nickname, kind: Kind::Text },
    Field { name: "createdDateTime", property: Property::Created, kind: Kind::Time },
];

pub(super) async fn list(mut call: Call) -> Answered {
    let wanted = wanted(&mut call)?;
    let by = wanted.order.by;
    let count = match call.query.count {
        true => Some(call.service.count_groups(&call.caller, wanted.clone()).await?),
        false => None,
    };
    let mut found = call.service.search_groups(&call.caller, wanted).await?;
    let more = found.len() > call.query.page();
    found.truncate(call.query.page());
    let token = |last: &Group| search::skip_token(last.id, &key_of(last, by));
    let next = found.last().filter(|_| more).map(token);
    let page: Vec<Value> = found.iter().map(view).collect();
    let base = &call.service.settings().public_url;
    let count = count.and_then(|n| usize::try_from(n).ok());
    call.query.envelope(base, "groups", page, count, next.as_deref()).map(Answer::Found)
}

/// `/groups/$count`
pub(super) async fn count(mut call: Call) -> Answered {
    let wanted = wanted(&mut call)?;
    Ok(Answer::Text(call.service.count_groups(&call.caller, wanted).await?.to_string()))
}

/// What the list is in order by, as the database compares it.
fn key_of(group: &Group, by: Property) -> String {
    let text = match by {
        Property::Nickname => &group.details.mail_nickname,
        _ => &group.display_name,
    };
    text.trim().to_lowercase()
}

fn wanted(call: &mut Call) -> Result<Search, GraphError> {
    // What every group has the same: conditions on it are decided without looking.
    let constants = json!({ "securityEnabled": true, "mailEnabled": false, "mail": null });
    call.query.filter = call.query.filter.take().and_then(|filter| filter.without_constants(&constants));
    search::search(&call.query, FIELDS, Property::DisplayName)
}

pub(super) async fn create(call: Call) -> Answered {
    let mut body = Properties::of(call.body)?;
    let new = NewGroup {
        display_name: body.needed_text("displayName")?,
        details: GroupDetails {
            description: body.text("description")?,
            mail_nickname: body.needed_text("mailNickname")?,
            mail_enabled: false,
            security_enabled: true,
            is_assignable_to_role: body.bool("isAssignableToRole")?.unwrap_or(false),
        },
        owners: bound(&mut body, "owners@odata.bind")?,
        members: bound(&mut body, "members@odata.bind")?,
    };
    check_kind(&mut body)?;
    body.finish()?;
    let group = call.service.create_group(&call.caller, new).await?;
    Ok(Answer::Created(view(&group)))
}

pub(super) async fn fetch(call: Call) -> Answered {
    let group = call.service.fetch_group(&call.caller, key(&call.keys[0])?).await?;
    call.query.select(view(&group)).map(Answer::Found)
}

pub(super) async fn change(call: Call) -> Answered {
    let mut body = Properties::of(call.body)?;
    let with_description = body.has("description");
    let description = body.text("description")?;
    let change = GroupChange {
        display_name: body.text("displayName")?,
        description: with_description.then_some(description),
        mail_nickname: body.text("mailNickname")?,
        members: bound(&mut body, "members@odata.bind")?,
    };
    check_kind(&mut body)?;
    body.finish()?;
    call.service.change_group(&call.caller, key(&call.keys[0])?, change).await?;
    Ok(Answer::Done)
}

pub(super) async fn delete(call: Call) -> Answered {
    call.service.delete_group(&call.caller, key(&call.keys[0])?).await?;
    Ok(Answer::Done)
}

pub(super) async fn add_member(call: Call) -> Answered {
    let (group, member) = (key(&call.keys[0])?, reference(call.body)?);
    call.service.add_group_member(&call.caller, group, member).await?;
    Ok(Answer::Done)
}

pub(super) async fn remove_member(call: Call) -> Answered {
    call.service.remove_group_member(&call.caller, key(&call.keys[0])?, key(&call.keys[1])?).await?;
    Ok(Answer::Done)
}

pub(super) async fn add_owner(call: Call) -> Answered {
    let (group, owner) = (key(&call.keys[0])?, reference(call.body)?);
    call.service.add_group_owner(&call.caller, group, owner).await?;
    Ok(Answer::Done)
}

pub(super) async fn remove_owner(call: Call) -> Answered {
    call.service.remove_group_owner(&call.caller, key(&call.keys[0])?, key(&call.keys[1])?).await?;
    Ok(Answer::Done)
}

/// There are security groups only: nothing here delivers mail.
fn check_kind(body: &mut Properties) -> Result<(), GraphError> {
    let security = body.bool("securityEnabled")?.unwrap_or(true);
    let mail = body.bool("mailEnabled")?.unwrap_or(false);
    if mail || !security || body.texts("groupTypes")?.is_some_and(|types| !types.is_empty()) {
        return Err(GraphError::bad_request(
            "Only security groups are built: securityEnabled must be true, mailEnabled false and groupTypes \
             empty.",
        ));
    }
    Ok(())
}

/// The id of a group or of a member.
pub(super) fn key(key: &Key) -> Result<Guid, GraphError> {
    match key {
        // An id that is no GUID names nothing, just like one that nobody has.
        Key::Id(id) => id.parse().map_err(|_| casbah_service::Error::NotFound.into()),
        Key::Alternate(name, _) => Err(GraphError::bad_request(format!("'{name}' is not a key here."))),
    }
}

/// `{"@odata.id": "{base}/v1.0/directoryObjects/{id}"}` or `…/users/{id}`: what counts is the id at the end.
pub(super) fn reference(body: Value) -> Result<Guid, GraphError> {
    let mut body = Properties::of(body)?;
    let reference = body.needed_text("@odata.id")?;
    body.finish()?;
    id_at_the_end("@odata.id", &reference)
}

fn bound(body: &mut Properties, name: &str) -> Result<Vec<Guid>, GraphError> {
    let references = body.texts(name)?.unwrap_or_default();
    references.iter().map(|reference| id_at_the_end(name, reference)).collect()
}

fn id_at_the_end(name: &str, reference: &str) -> Result<Guid, GraphError> {
    let last = reference.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    // Also the OData spelling `directoryObjects('…')`.
    let id = last.rsplit_once("('").map_or(last, |(_, id)| id.trim_end_matches("')"));
    id.parse().map_err(|_| {
        GraphError::bad_request(format!("Property '{name}' must end in an id: …/directoryObjects/{{id}}."))
    })
}

pub(super) fn view(group: &Group) -> Value {
    let details = &group.details;
    json!({
        "id": group.id,
        "displayName": group.display_name,
        "description": details.description,
        "mailNickname": details.mail_nickname,
        "mail": null,
        "mailEnabled": details.mail_enabled,
        "securityEnabled": details.security_enabled,
        "isAssignableToRole": details.is_assignable_to_role,
        "groupTypes": [],
        "visibility": null,
        "membershipRule": null,
        "createdDateTime": group.created.iso(),
        "deletedDateTime": null,
    })
}
