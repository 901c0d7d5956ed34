//! App roles that service principals, people and groups hold (`…/appRoleAssignments`), and those that
//! others hold on a service principal (`…/appRoleAssignedTo`).

use casbah_model::{Guid, Timestamp};
use casbah_service::directory::app_role_assignments::{AssignmentDetails, AssignmentSide};
use serde_json::{Value, json};

use super::applications::key;
use super::error::GraphError;
use super::path::Key;
use super::properties::Properties;
use super::{Answer, Call};

type Answered = Result<Answer, GraphError>;

/// How many are read at a time.
const BATCH: i64 = 1000;

/// Which list of which object an address means.
#[derive(Clone, Copy)]
enum List {
    Held,
    Given,
    OfUser,
    OfGroup,
}

macro_rules! handlers {
    ($($list:ident: $all:ident, $one:ident, $add:ident, $remove:ident;)*) => {$(
        pub(super) async fn $all(call: Call) -> Answered {
            list(call, List::$list).await
        }

        pub(super) async fn $one(call: Call) -> Answered {
            fetch(call, List::$list).await
        }

        pub(super) async fn $add(call: Call) -> Answered {
            assign(call, List::$list).await
        }

        pub(super) async fn $remove(call: Call) -> Answered {
            let side = List::$list.side(&call)?;
            call.service.remove_app_role(&call.caller, side, id(&call)?).await?;
            Ok(Answer::Done)
        }
    )*};
}

handlers! {
    Held: list_held, fetch_held, assign_to, remove_held;
    Given: list_given, fetch_given, assign_on, remove_given;
    OfUser: list_of_user, fetch_of_user, assign_to_user, remove_of_user;
    OfGroup: list_of_group, fetch_of_group, assign_to_group, remove_of_group;
}

impl List {
    fn side(self, call: &Call) -> Result<AssignmentSide, GraphError> {
        let absent = || GraphError::from(casbah_service::Error::NotFound);
        let at = &call.keys[0];
        Ok(match self {
            List::Held => AssignmentSide::Holder(key(at)?),
            List::Given => AssignmentSide::Resource(key(at)?),
            // The name as an alternate key of people, or plainly.
            List::OfUser => AssignmentSide::User(at.text().to_string()),
            List::OfGroup => AssignmentSide::Group(at.text().parse().map_err(|_| absent())?),
        })
    }

    fn path(self, call: &Call) -> String {
        let at = match &call.keys[0] {
            Key::Id(id) => format!("/{id}"),
            Key::Alternate(name, value) => format!("({name}='{}')", value.replace('\'', "''")),
        };
        match self {
            List::Held => format!("servicePrincipals{at}/appRoleAssignments"),
            List::Given => format!("servicePrincipals{at}/appRoleAssignedTo"),
            List::OfUser => format!("users{at}/appRoleAssignments"),
            List::OfGroup => format!("groups{at}/appRoleAssignments"),
        }
    }
}

async fn list(call: Call, list: List) -> Answered {
    let path = list.path(&call);
    let base = call.service.settings().public_url.clone();
    let whole = call.query.filter.is_some()
        || call.query.count
        || call.query.order.is_some()
        || !call.query.search.is_empty();
    if whole {
        // The list of one object, so it is at hand; what it does not know is refused by name.
        let mut entries = Vec::new();
        let mut after = None;
        loop {
            let side = list.side(&call)?;
            let batch = call.service.list_app_role_assignments(&call.caller, side, after, BATCH).await?;
            after = batch.last().map(|a| (a.assignment.created, a.assignment.id));
            let is_last = (batch.len() as i64) < BATCH;
            entries.extend(batch.iter().map(view));
            if is_last {
                return call.query.list(&base, &path, entries).map(Answer::Found);
            }
        }
    }
    let after = call.query.skip_token.as_deref().map(read_token).transpose()?;
    let size = i64::try_from(call.query.page()).unwrap_or(BATCH);
    let mut page =
        call.service.list_app_role_assignments(&call.caller, list.side(&call)?, after, size + 1).await?;
    let more = page.len() as i64 > size;
    if more {
        page.pop();
    }
    let next = page.last().filter(|_| more).map(|a| write_token(a.assignment.created, a.assignment.id));
    let entries = page.iter().map(view).collect();
    call.query.answer(&base, &path, entries, None, next.as_deref()).map(Answer::Found)
}

async fn fetch(call: Call, list: List) -> Answered {
    let side = list.side(&call)?;
    let found = call.service.fetch_app_role_assignment(&call.caller, side, id(&call)?).await?;
    call.query.select(view(&found)).map(Answer::Found)
}

/// Assigns; one of the two ids in the body must be that of the object in the address.
async fn assign(call: Call, list: List) -> Answered {
    let (own, side) = match list {
        List::Held | List::Given => {
            let found = call.service.fetch_service_principal(&call.caller, key(&call.keys[0])?).await?;
            (if matches!(list, List::Held) { "principalId" } else { "resourceId" }, found.principal.id)
        }
        List::OfUser => ("principalId", call.service.fetch_user(&call.caller, call.keys[0].text()).await?.id),
        List::OfGroup => {
            let absent = |_| GraphError::from(casbah_service::Error::NotFound);
            ("principalId", call.keys[0].text().parse().map_err(absent)?)
        }
    };
    let mut body = Properties::of(call.body)?;
    let principal = body.needed_id("principalId")?;
    let resource = body.needed_id("resourceId")?;
    let app_role = body.needed_id("appRoleId")?;
    body.finish()?;
    if side != (if own == "principalId" { principal } else { resource }) {
        let message = format!("Property '{own}' must be the id of the object in the address.");
        return Err(GraphError::bad_request(message));
    }
    let made = call.service.assign_app_role(&call.caller, principal, resource, app_role).await?;
    Ok(Answer::Created(view(&made)))
}

fn id(call: &Call) -> Result<Guid, GraphError> {
    call.keys[1].text().parse().map_err(|_| casbah_service::Error::NotFound.into())
}

fn view(details: &AssignmentDetails) -> Value {
    let assignment = &details.assignment;
    json!({
        "id": assignment.id,
        "appRoleId": assignment.app_role,
        "createdDateTime": assignment.created.iso(),
        "deletedDateTime": null,
        "principalId": assignment.principal,
        "principalType": assignment.principal_kind.name(),
        "principalDisplayName": details.principal_name,
        "resourceId": assignment.resource,
        "resourceDisplayName": details.resource_name,
    })
}

/// `milliseconds.id`
pub(super) fn write_token(at: Timestamp, id: Guid) -> String {
    format!("{}.{id}", at.0)
}

pub(super) fn read_token(token: &str) -> Result<(Timestamp, Guid), GraphError> {
    let parts = token.split_once('.').and_then(|(at, id)| Some((at.parse().ok()?, id.parse().ok()?)));
    let (at, id) = parts.ok_or_else(|| GraphError::bad_request("$skiptoken is not one of ours."))?;
    Ok((Timestamp(at), id))
}
