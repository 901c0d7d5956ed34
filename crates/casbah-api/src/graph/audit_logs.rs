//! `/auditLogs/signIns` and `/auditLogs/directoryAudits`: the audit trail as Graph tells it, which is what
//! collectors of security events read.

use casbah_model::filter::{ActivityField, Condition, Operand, Range, Test};
use casbah_model::{Activity, Timestamp};
use casbah_service::activities::SignInsOf;
use serde_json::{Map, Value, json};

use super::error::GraphError;
use super::filter::Filter;
use super::path::Key;
use super::{Answer, Call};

type Answered = Result<Answer, GraphError>;
type View = fn(&Activity) -> Value;

/// How many are read at a time to find those that a filter lets through.
const BATCH: i64 = 500;
/// Most that are looked at for one page; then the page ends early, with a link to go on.
const LONGEST_LOOK: i64 = 20_000;

pub(super) async fn sign_ins(call: Call) -> Answered {
    list(call, "auditLogs/signIns", "createdDateTime", sign_in, true).await
}

pub(super) async fn directory_audits(call: Call) -> Answered {
    list(call, "auditLogs/directoryAudits", "activityDateTime", directory_audit, false).await
}

pub(super) async fn fetch_sign_in(call: Call) -> Answered {
    fetch(call, sign_in, true).await
}

pub(super) async fn fetch_directory_audit(call: Call) -> Answered {
    fetch(call, directory_audit, false).await
}

async fn fetch(call: Call, view: View, sign_ins: bool) -> Answered {
    let id = text(&call.keys[0])?;
    let found = call.service.activity(&call.caller, id.to_string()).await?;
    if is_sign_in(&found) != sign_ins {
        return Err(casbah_service::Error::NotFound.into());
    }
    call.query.select(view(&found)).map(Answer::Found)
}

/// The newest first; a page goes on below the place where the one before ended.
async fn list(call: Call, path: &str, time: &str, view: View, sign_ins: bool) -> Answered {
    let query = &call.query;
    match &query.order {
        None => {}
        Some((name, true)) if name.eq_ignore_ascii_case(time) => {}
        Some(_) => return Err(GraphError::bad_request(format!("$orderby must be {time} desc."))),
    }
    query.check(&view(&shape()))?;
    let wrong = || GraphError::bad_request("$skiptoken is not one of ours.");
    let mut below: Option<i64> =
        query.skip_token.as_ref().map(|token| token.parse()).transpose().map_err(|_| wrong())?;
    let window = query.filter.as_ref().map(|f| within(f, time)).unwrap_or_default();
    let (mut page, mut looked, mut next) = (Vec::new(), 0, None);
    'pages: loop {
        let mut conditions =
            vec![Condition { field: ActivityField::At, test: Test::Within(vec![window.unwrap_or(OPEN)]) }];
        if let Some(below) = below {
            let range = Range { from: None, to: Some(below.saturating_sub(1)) };
            conditions.push(Condition { field: ActivityField::Place, test: Test::Within(vec![range]) });
        }
        let batch = read(&call, conditions, sign_ins).await?;
        let whole = batch.len() as i64 == BATCH;
        looked += BATCH;
        for activity in batch {
            let entry = view(&activity);
            if query.matches(&entry)? {
                if page.len() == query.page() {
                    next = below;
                    break 'pages;
                }
                page.push(entry);
            }
            below = Some(activity.seq);
        }
        if !whole {
            break;
        }
        if looked >= LONGEST_LOOK {
            next = below;
            break;
        }
    }
    let next = next.map(|place| place.to_string());
    let base = &call.service.settings().public_url;
    query.envelope(base, path, page, None, next.as_deref()).map(Answer::Found)
}

const OPEN: Range = Range { from: None, to: None };

async fn read(
    call: &Call,
    mut conditions: Vec<Condition<ActivityField>>,
    sign_ins: bool,
) -> Result<Vec<Activity>, GraphError> {
    let page = casbah_model::filter::Page { skip: 0, limit: BATCH };
    if sign_ins {
        return Ok(call.service.sign_ins(call.caller.tenant, SignInsOf::Everybody, conditions, page).await?);
    }
    let ours = vec![Operand::Number(casbah_model::activity::CASBAH_APP)];
    conditions.push(Condition { field: ActivityField::Service, test: Test::AnyOf(ours) });
    conditions.push(Condition { field: ActivityField::Admin, test: Test::AnyOf(vec![Operand::Flag(true)]) });
    Ok(call.service.newest_activities(call.caller.tenant, conditions, page).await?)
}

/// The window of time that a filter demands of a property, as far as it stands in plain conjunctions.
fn within(filter: &Filter, name: &str) -> Option<Range> {
    match filter {
        Filter::And(all) => all.iter().filter_map(|f| within(f, name)).reduce(|a, b| Range {
            from: a.from.max(b.from),
            to: match (a.to, b.to) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            },
        }),
        Filter::Beyond(n, greater, _, Value::String(text)) if n.eq_ignore_ascii_case(name) => {
            let at = text.parse::<Timestamp>().ok()?.0;
            Some(if *greater {
                Range { from: Some(at), to: None }
            } else {
                Range { from: None, to: Some(at) }
            })
        }
        _ => None,
    }
}

fn is_sign_in(activity: &Activity) -> bool {
    matches!(activity.category.as_str(), "EVENT_CATEGORY_LOGIN" | "EVENT_CATEGORY_FAILED_LOGIN")
}

/// An activity to show which properties there are.
fn shape() -> Activity {
    Activity {
        seq: 0,
        id: String::new(),
        created: Timestamp(0),
        source: 2,
        service: 0,
        instance: 0,
        action: String::new(),
        category: String::new(),
        action_type: String::new(),
        actor_kind: String::new(),
        actor: None,
        user_name: None,
        client: None,
        address: None,
        ip_category: 0,
        country: None,
        organization: None,
        device_type: None,
        admin: false,
        failure: None,
        facts: casbah_model::ActivityFacts::default(),
    }
}

fn sign_in(activity: &Activity) -> Value {
    let facts = &activity.facts;
    let details = |name: &str| facts.details.get(name).cloned().unwrap_or(Value::Null);
    let of_user = activity.actor_kind == "user";
    let interactive = details("interactive").as_bool().unwrap_or(of_user);
    let kind = match (of_user, interactive) {
        (false, _) => "servicePrincipal",
        (true, true) => "interactiveUser",
        (true, false) => "nonInteractiveUser",
    };
    let resource = facts.objects.iter().find(|o| o.kind == "service principal");
    let failure = activity.failure.and_then(|code| u32::try_from(code).ok());
    let reason = failure.and_then(casbah_authority::codes::find).map_or("Other.", |code| code.meaning);
    let person = |value: &Option<String>| if of_user { json!(value) } else { Value::Null };
    json!({
        "id": activity.id,
        "createdDateTime": activity.at().iso(),
        "userId": person(&activity.actor),
        "userPrincipalName": person(&activity.user_name),
        "userDisplayName": person(&activity.user_name),
        "servicePrincipalId": if of_user { Value::Null } else { json!(activity.actor) },
        "servicePrincipalName": if of_user { Value::Null } else { json!(activity.user_name) },
        "servicePrincipalCredentialKeyId": details("credential"),
        "appId": activity.client,
        "appDisplayName": facts.client_name,
        "resourceId": details("resource"),
        "resourceDisplayName": resource.map(|o| o.name.clone()),
        "ipAddress": activity.address,
        "clientAppUsed": if facts.user_agent.as_deref().is_some_and(|a| a.starts_with("Mozilla/")) {
            "Browser"
        } else {
            "Mobile Apps and Desktop clients"
        },
        "userAgent": facts.user_agent,
        "correlationId": details("session"),
        "isInteractive": interactive,
        "signInEventTypes": [kind],
        "authenticationProtocol": details("grantType"),
        "casbah.identityProvider": details("identityProvider"),
        "authenticationMethodsUsed": match details("factors") { Value::Null => json!([]), other => other },
        "conditionalAccessStatus": "notApplied",
        "status": {
            "errorCode": activity.failure.unwrap_or(0),
            "failureReason": if activity.failure.is_some() { reason } else { "Other." },
            "additionalDetails": null,
        },
        "deviceDetail": { "operatingSystem": null, "browser": null, "deviceId": "", "displayName": "" },
        "location": {
            "city": facts.location.as_ref().and_then(|l| l.name.clone()),
            "state": null,
            "countryOrRegion": activity.country,
            "geoCoordinates": {
                "latitude": facts.location.as_ref().and_then(|l| l.latitude),
                "longitude": facts.location.as_ref().and_then(|l| l.longitude),
            },
        },
    })
}

fn directory_audit(activity: &Activity) -> Value {
    let facts = &activity.facts;
    let verb = activity.action.split(' ').next().unwrap_or_default();
    let operation = match verb {
        "create" | "add" => "Add",
        "delete" | "remove" => "Delete",
        "assign" | "grant" => "Assign",
        "withdraw" | "revoke" => "Unassign",
        _ => "Update",
    };
    let initiator = if activity.actor_kind == "user" {
        json!({ "user": {
            "id": activity.actor,
            "userPrincipalName": activity.user_name,
            "displayName": null,
            "ipAddress": activity.address,
        }, "app": null })
    } else {
        json!({ "user": null, "app": {
            "appId": activity.client,
            "displayName": activity.user_name,
            "servicePrincipalId": activity.actor,
            "servicePrincipalName": null,
        } })
    };
    let targets: Vec<Value> = facts
        .objects
        .iter()
        .map(|object| {
            json!({
                "id": object.id,
                "displayName": object.name,
                "type": object.kind,
                "userPrincipalName": if object.kind == "user" { json!(object.name) } else { Value::Null },
                "modifiedProperties": modified(&facts.details),
            })
        })
        .collect();
    json!({
        "id": activity.id,
        "activityDateTime": activity.at().iso(),
        "activityDisplayName": activity.action,
        "operationType": operation,
        "category": category(activity),
        "correlationId": null,
        "loggedByService": "Core Directory",
        "result": if activity.failure.is_none() { "success" } else { "failure" },
        "resultReason": "",
        "initiatedBy": initiator,
        "targetResources": targets,
        "additionalDetails": additional(&facts.details),
        "userAgent": facts.user_agent,
    })
}

fn category(activity: &Activity) -> &'static str {
    match activity.facts.objects.first().map(|o| o.kind.as_str()) {
        Some("user") => "UserManagement",
        Some("group") => "GroupManagement",
        Some("directory role" | "role") => "RoleManagement",
        Some("tenant" | "identity provider") => "DirectoryManagement",
        Some("application" | "service principal" | "permission grant" | "app role assignment") => {
            "ApplicationManagement"
        }
        _ => "Other",
    }
}

/// `before` and `after` of a change, property by property. Values are JSON texts, as in Graph.
fn modified(details: &Value) -> Vec<Value> {
    let empty = Map::new();
    let side = |name: &str| details.get(name).and_then(Value::as_object).unwrap_or(&empty).clone();
    let (before, after) = (side("before"), side("after"));
    let text = |value: Option<&Value>| match value {
        None | Some(Value::Null) => Value::Null,
        Some(value) => json!(value.to_string()),
    };
    before
        .keys()
        .chain(after.keys().filter(|key| !before.contains_key(*key)))
        .map(|key| {
            json!({
                "displayName": key,
                "oldValue": text(before.get(key)),
                "newValue": text(after.get(key)),
            })
        })
        .collect()
}

fn additional(details: &Value) -> Vec<Value> {
    let Value::Object(details) = details else { return Vec::new() };
    let rest = details.iter().filter(|(key, _)| !["before", "after"].contains(&key.as_str()));
    rest.map(|(key, value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), String::from);
        json!({ "key": key, "value": text })
    })
    .collect()
}

fn text(key: &Key) -> Result<&str, GraphError> {
    match key {
        Key::Id(id) => Ok(id),
        Key::Alternate(name, _) => Err(GraphError::bad_request(format!("'{name}' is not a key here."))),
    }
}
