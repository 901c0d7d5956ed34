//! Who is in what: `memberOf`, `members`, `owners`, `ownedObjects`, and the checks that programs make.

use casbah_model::{Group, Guid, Role};
use casbah_service::directory::groups::{Member, Memberships};
use serde_json::{Value, json};

use super::error::GraphError;
use super::path::Key;
use super::properties::Properties;
use super::{Answer, Call, applications, directory_roles, groups, service_principals, users};

type Answered = Result<Answer, GraphError>;

/// Most ids of one check, as in Graph.
const MOST_CHECKED: usize = 20;

/// An object with its type, as lists of mixed objects have it.
pub(super) fn typed(kind: &str, mut entry: Value) -> Value {
    entry["@odata.type"] = format!("#microsoft.graph.{kind}").into();
    entry
}

pub(super) fn member_view(member: &Member, call: &Call) -> Value {
    match member {
        Member::User(user) => typed("user", users::view(user)),
        Member::Group(group) => typed("group", groups::view(group)),
        Member::ServicePrincipal(details) => {
            typed("servicePrincipal", service_principals::view(details, call))
        }
    }
}

/// A page of the members of a group.
pub(super) async fn list_members(call: Call) -> Answered {
    members(call, false).await
}

/// A page of the members of a group, also through groups in it.
pub(super) async fn list_transitive_members(call: Call) -> Answered {
    members(call, true).await
}

async fn members(call: Call, transitive: bool) -> Answered {
    let (group, wanted) = (groups::key(&call.keys[0])?, call.query.page());
    let wrong = || GraphError::bad_request("$skiptoken is not one of ours.");
    let token = call.query.skip_token.as_deref();
    let mut after = token.map(|token| token.parse::<Guid>().map_err(|_| wrong())).transpose()?;
    let mut page: Vec<Value> = Vec::new();
    // Deleted members and those that the filter leaves out make a page short: read on until it is full.
    let next = loop {
        let limit = wanted - page.len();
        let (found, next) =
            call.service.list_group_members(&call.caller, group, transitive, after, limit as i64).await?;
        for member in &found {
            let entry = member_view(member, &call);
            if call.query.matches(&entry)? {
                page.push(entry);
            }
        }
        match next {
            None => break None,
            Some(last) if page.len() >= wanted => break Some(last.to_string()),
            Some(last) => after = Some(last),
        }
    };
    let list = if transitive { "transitiveMembers" } else { "members" };
    let base = &call.service.settings().public_url;
    let path = format!("groups/{group}/{list}");
    call.query.answer(base, &path, page, None, next.as_deref()).map(Answer::Found)
}

pub(super) async fn list_owners(call: Call) -> Answered {
    let group = groups::key(&call.keys[0])?;
    let owners = call.service.list_group_owners(&call.caller, group).await?;
    let entries = owners.iter().map(|owner| member_view(owner, &call)).collect();
    answer(&call, &format!("groups/{group}/owners"), entries)
}

pub(super) async fn of_user(call: Call) -> Answered {
    let id = user_id(&call).await?;
    memberships(&call, &format!("users/{id}/memberOf"), id, false).await
}

pub(super) async fn transitive_of_user(call: Call) -> Answered {
    let id = user_id(&call).await?;
    memberships(&call, &format!("users/{id}/transitiveMemberOf"), id, true).await
}

pub(super) async fn of_me(call: Call) -> Answered {
    memberships(&call, "me/memberOf", users::me_of(&call)?, false).await
}

pub(super) async fn transitive_of_me(call: Call) -> Answered {
    memberships(&call, "me/transitiveMemberOf", users::me_of(&call)?, true).await
}

pub(super) async fn of_group(call: Call) -> Answered {
    let id = groups::key(&call.keys[0])?;
    memberships(&call, &format!("groups/{id}/memberOf"), id, false).await
}

pub(super) async fn transitive_of_group(call: Call) -> Answered {
    let id = groups::key(&call.keys[0])?;
    memberships(&call, &format!("groups/{id}/transitiveMemberOf"), id, true).await
}

pub(super) async fn of_service_principal(call: Call) -> Answered {
    let id = service_principal_id(&call).await?;
    memberships(&call, &format!("servicePrincipals/{id}/memberOf"), id, false).await
}

pub(super) async fn transitive_of_service_principal(call: Call) -> Answered {
    let id = service_principal_id(&call).await?;
    memberships(&call, &format!("servicePrincipals/{id}/transitiveMemberOf"), id, true).await
}

async fn memberships(call: &Call, path: &str, id: Guid, transitive: bool) -> Answered {
    let found = call.service.list_memberships(&call.caller, id, transitive).await?;
    let mut entries: Vec<Value> =
        found.roles.iter().map(|role| typed("directoryRole", directory_roles::view(role))).collect();
    entries.extend(found.groups.iter().map(|group| typed("group", groups::view(group))));
    answer(call, path, entries)
}

pub(super) async fn owned_by_user(call: Call) -> Answered {
    let id = user_id(&call).await?;
    owned(&call, &format!("users/{id}/ownedObjects"), id).await
}

pub(super) async fn owned_by_me(call: Call) -> Answered {
    owned(&call, "me/ownedObjects", users::me_of(&call)?).await
}

async fn owned(call: &Call, path: &str, id: Guid) -> Answered {
    let (found, others) = call.service.list_owned(&call.caller, id).await?;
    let mut entries: Vec<Value> = found.iter().map(|group| typed("group", groups::view(group))).collect();
    for id in others {
        entries.extend(applications::owned_view(call, id).await?);
    }
    answer(call, path, entries)
}

/// `checkMemberGroups`: which of these groups somebody is in, also through others.
pub(super) async fn check_of_user(call: Call) -> Answered {
    let id = user_id(&call).await?;
    check(call, id).await
}

pub(super) async fn check_of_me(call: Call) -> Answered {
    let id = users::me_of(&call)?;
    check(call, id).await
}

pub(super) async fn check_of_object(call: Call) -> Answered {
    let id = object_id(&call)?;
    check(call, id).await
}

async fn check(call: Call, id: Guid) -> Answered {
    let held = call.service.list_memberships(&call.caller, id, true).await?;
    let held: Vec<String> = held.groups.iter().map(|group| group.id.to_string()).collect();
    let mut body = Properties::of(call.body.clone())?;
    let asked = body.texts("groupIds")?.unwrap_or_default();
    body.finish()?;
    if asked.len() > MOST_CHECKED {
        let message = format!("Property 'groupIds' may hold at most {MOST_CHECKED} ids.");
        return Err(GraphError::bad_request(message));
    }
    let found: Vec<String> =
        asked.iter().map(|id| id.to_lowercase()).filter(|id| held.contains(id)).collect();
    strings(&call, found)
}

/// `getMemberGroups`: the groups that somebody is in, also through others.
pub(super) async fn get_of_user(call: Call) -> Answered {
    let id = user_id(&call).await?;
    get(call, id, false).await
}

pub(super) async fn get_of_me(call: Call) -> Answered {
    let id = users::me_of(&call)?;
    get(call, id, false).await
}

pub(super) async fn get_of_object(call: Call) -> Answered {
    let id = object_id(&call)?;
    get(call, id, false).await
}

/// `getMemberObjects`: the groups and roles.
pub(super) async fn get_objects_of_user(call: Call) -> Answered {
    let id = user_id(&call).await?;
    get(call, id, true).await
}

pub(super) async fn get_objects_of_object(call: Call) -> Answered {
    let id = object_id(&call)?;
    get(call, id, true).await
}

async fn get(call: Call, id: Guid, with_roles: bool) -> Answered {
    let Memberships { groups, roles } = call.service.list_memberships(&call.caller, id, true).await?;
    let mut body = Properties::of(call.body.clone())?;
    let security_only = body.bool("securityEnabledOnly")?.unwrap_or(false);
    body.finish()?;
    let counts = |group: &&Group| !security_only || group.details.security_enabled;
    let mut ids: Vec<String> = groups.iter().filter(counts).map(|group| group.id.to_string()).collect();
    if with_roles {
        ids.extend(roles.iter().map(|role: &&Role| role.template.to_string()));
    }
    strings(&call, ids)
}

fn strings(call: &Call, found: Vec<String>) -> Answered {
    let context = users::context(call, "Collection(Edm.String)");
    Ok(Answer::Found(json!({ "@odata.context": context, "value": found })))
}

fn answer(call: &Call, path: &str, entries: Vec<Value>) -> Answered {
    call.query.list(&call.service.settings().public_url, path, entries).map(Answer::Found)
}

async fn user_id(call: &Call) -> Result<Guid, GraphError> {
    Ok(call.service.fetch_user(&call.caller, users::key(&call.keys[0])?).await?.id)
}

async fn service_principal_id(call: &Call) -> Result<Guid, GraphError> {
    let key = applications::key(&call.keys[0])?;
    Ok(call.service.fetch_service_principal(&call.caller, key).await?.principal.id)
}

fn object_id(call: &Call) -> Result<Guid, GraphError> {
    let (Key::Id(id) | Key::Alternate(_, id)) = &call.keys[0];
    id.parse().map_err(|_| casbah_service::Error::NotFound.into())
}
