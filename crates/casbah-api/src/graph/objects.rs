//! `/directoryObjects`: objects of whatever kind by their ids, and how each kind is shown among others.

use casbah_service::directory::objects::DirectoryObject;
use serde_json::Value;

use super::error::GraphError;
use super::members::typed;
use super::path::Key;
use super::properties::Properties;
use super::{Answer, Call, applications, groups, service_principals, users};

type Answered = Result<Answer, GraphError>;

pub(super) async fn fetch(call: Call) -> Answered {
    let absent = || GraphError::from(casbah_service::Error::NotFound);
    let Key::Id(id) = &call.keys[0] else { return Err(absent()) };
    let id = id.parse().map_err(|_| absent())?;
    let found = call.service.fetch_directory_object(&call.caller, id).await?;
    call.query.select(view(&found, &call)).map(Answer::Found)
}

/// Objects by their ids; with `types`, those of other kinds are left out.
pub(super) async fn by_ids(mut call: Call) -> Answered {
    let mut body = Properties::of(call.body.take())?;
    let ids = body.ids("ids")?;
    let types = body.texts("types")?.unwrap_or_default();
    body.finish()?;
    let ids = ids.ok_or_else(|| GraphError::bad_request("Property 'ids' is required but was not given."))?;
    for kind in &types {
        let known = ["user", "group", "servicePrincipal", "application", "directoryObject", "device"];
        if !known.iter().any(|name| name.eq_ignore_ascii_case(kind)) {
            return Err(GraphError::bad_request(format!(
                "Property 'types' holds the unknown kind '{kind}'."
            )));
        }
    }
    let found = call.service.list_directory_objects(&call.caller, ids).await?;
    let wanted = |object: &&DirectoryObject| {
        let is = |kind: &String| {
            kind.eq_ignore_ascii_case(name(object)) || kind.eq_ignore_ascii_case("directoryObject")
        };
        types.is_empty() || types.iter().any(is)
    };
    let entries: Vec<Value> = found.iter().filter(wanted).map(|object| view(object, &call)).collect();
    let base = &call.service.settings().public_url;
    call.query.answer(base, "directoryObjects", entries, None, None).map(Answer::Found)
}

/// Graph's word for the kind.
fn name(object: &DirectoryObject) -> &'static str {
    match object {
        DirectoryObject::Application(_) => "application",
        DirectoryObject::ServicePrincipal(_) => "servicePrincipal",
        DirectoryObject::User(_) => "user",
        DirectoryObject::Group(_) => "group",
    }
}

/// An object with its kind.
pub(super) fn view(object: &DirectoryObject, call: &Call) -> Value {
    let entry = match object {
        DirectoryObject::Application(found) => applications::plain(found),
        DirectoryObject::ServicePrincipal(found) => service_principals::view(found, call),
        DirectoryObject::User(found) => users::view(found),
        DirectoryObject::Group(found) => groups::view(found),
    };
    typed(name(object), entry)
}
