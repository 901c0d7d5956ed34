//! `/directory/deletedItems`

use casbah_model::Guid;
use casbah_service::directory::deleted_items::{Deleted, DeletedItem, DeletedKind};
use serde_json::Value;

use super::error::GraphError;
use super::members::typed;
use super::path::Key;
use super::table::{self, Need};
use super::{Answer, Call, applications, check_needs, groups, service_principals, users};

type Answered = Result<Answer, GraphError>;

/// One item by id, or those of a kind: `microsoft.graph.application`.
pub(super) async fn fetch(call: Call) -> Answered {
    let Key::Id(name) = &call.keys[0] else { return Err(casbah_service::Error::NotFound.into()) };
    let Some(kind) = kind(name) else {
        let item = call.service.fetch_deleted_item(&call.caller, id(&call)?).await?;
        check_needs(&call.caller, &[read_need(item.object.kind())])?;
        return call.query.select(view(&item)).map(Answer::Found);
    };
    check_needs(&call.caller, &[read_need(kind)])?;
    let found = call.service.list_deleted_items(&call.caller, kind).await?;
    let path = format!("directory/deletedItems/{name}");
    let base = &call.service.settings().public_url;
    call.query.list(base, &path, found.iter().map(view).collect()).map(Answer::Found)
}

pub(super) async fn restore(call: Call) -> Answered {
    let id = id(&call)?;
    let item = call.service.fetch_deleted_item(&call.caller, id).await?;
    check_needs(&call.caller, &[write_need(item.object.kind())])?;
    call.service.restore_deleted_item(&call.caller, id).await?;
    let mut restored = view(&item);
    restored["deletedDateTime"] = Value::Null;
    Ok(Answer::Found(restored))
}

pub(super) async fn purge(call: Call) -> Answered {
    let id = id(&call)?;
    let item = call.service.fetch_deleted_item(&call.caller, id).await?;
    check_needs(&call.caller, &[write_need(item.object.kind())])?;
    call.service.purge_deleted_item(&call.caller, id).await?;
    Ok(Answer::Done)
}

fn id(call: &Call) -> Result<Guid, GraphError> {
    call.keys[0].text().parse().map_err(|_| casbah_service::Error::NotFound.into())
}

/// The kind in `microsoft.graph.application`; some libraries write `graph.application`.
fn kind(name: &str) -> Option<DeletedKind> {
    let lower = name.to_ascii_lowercase();
    let name = lower.strip_prefix("microsoft.").unwrap_or(&lower).strip_prefix("graph.")?;
    match name {
        "application" => Some(DeletedKind::Application),
        "serviceprincipal" => Some(DeletedKind::ServicePrincipal),
        "user" => Some(DeletedKind::User),
        "group" => Some(DeletedKind::Group),
        _ => None,
    }
}

/// What it takes to read items of a kind.
fn read_need(kind: DeletedKind) -> Need {
    match kind {
        DeletedKind::Application | DeletedKind::ServicePrincipal => table::READ,
        DeletedKind::User => table::READ_USERS,
        DeletedKind::Group => table::READ_GROUPS,
    }
}

/// What it takes to bring items of a kind back, or to end them.
fn write_need(kind: DeletedKind) -> Need {
    match kind {
        DeletedKind::Application | DeletedKind::ServicePrincipal => table::WRITE,
        DeletedKind::User => table::WRITE_USERS,
        DeletedKind::Group => table::WRITE_GROUPS,
    }
}

fn view(item: &DeletedItem) -> Value {
    let mut entry = match &item.object {
        Deleted::Application(found) => typed("application", applications::registration(found)),
        Deleted::ServicePrincipal(found) => typed("servicePrincipal", service_principals::alone(found)),
        Deleted::User(found) => typed("user", users::view(found)),
        Deleted::Group(found) => typed("group", groups::view(found)),
    };
    entry["deletedDateTime"] = item.at.iso().into();
    entry
}
