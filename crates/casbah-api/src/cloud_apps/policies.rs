//! Policies: list, fetch, make, change, delete.

mod apps;
mod body;
mod rules;
#[cfg(test)]
mod tests;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use casbah_authority::Caller;
use casbah_model::Part;
use casbah_model::Permission::{self, InvestigationManage};
use casbah_model::filter::{Condition, Operand, Test};
use casbah_service::Service;
use casbah_service::policies::{PolicyDetails, PolicyView, story};
use serde_json::{Value, json};

use super::{ALERTS_READ, record_id};
use crate::describe::{Record, Shape, has, may_have};
use crate::filters::Operator::{Eq, Neq};
use crate::filters::{self, Field, Kind};
use crate::paging::{self, Answer};
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::table::Area;

const MANAGE: &[Permission] = &[InvestigationManage];

/// The one field that policies can be filtered by.
#[derive(Clone, Copy)]
struct Type;

const FIELDS: &[Field<Type>] = &[Field {
    names: &["type"],
    field: Type,
    kind: Kind::Text,
    operators: &[Eq, Neq],
    what: "Type of policy",
    example: "NEW_SERVICE",
}];

const POLICY: Record = Record {
    name: "Policy",
    what: "A rule that raises alerts.",
    properties: &[
        has("_id", Shape::Id, ""),
        has("name", Shape::Text, ""),
        has("description", Shape::Text, ""),
        has("type", Shape::Text, "Type of policy, such as NEW_SERVICE."),
        has("policyType", Shape::Text, "The same."),
        has("enabled", Shape::Flag, ""),
        has("disabled", Shape::Flag, "The opposite."),
        has("severity", Shape::Between(0, 3), "0 low, 1 medium, 2 high, 3 informational."),
        has("story", Shape::Integer, "Risk category, by number."),
        has("created", Shape::Time, ""),
        has("lastModified", Shape::Time, ""),
        has("alertsCount", Shape::Integer, "Open alerts that it raised."),
        has("isBuiltIn", Shape::Flag, "Whether it came with the product."),
        has("dailyAlertLimit", Shape::Nullable(&Shape::Integer), "Most alerts of a day; null for no limit."),
        has("actions", apps::ACTIONS, apps::ACTIONS_SAY),
        has("filters", Shape::Object, "What it looks for, as filters in the words of its type."),
        apps::ONLY_NEW_SAYS,
        may_have("repetition", rules::REPETITION_SHAPE, rules::REPETITION_SAYS),
        may_have("travel", rules::TRAVEL_SHAPE, rules::TRAVEL_SAYS),
        may_have("firstInDays", Shape::Integer, rules::FIRST_SAYS),
        may_have("aggregateAlerts", Shape::Flag, rules::TOGETHER_SAYS),
    ],
};

/// The list is asked for by POST too, so that a policy is made under a path of its own, as an IP range is.
pub(super) fn area() -> Area {
    Area::new("Policies", Part::Policies)
        .list("/api/v1/policies", ALERTS_READ, "List policies", list_policies)
        .pages(&POLICY)
        .filtered(FIELDS)
        .list("/api/v1/policies/templates", ALERTS_READ, "List templates of policies", list_policy_templates)
        .pages(&apps::TEMPLATE)
        .get("/api/v1/policies/{id}", ALERTS_READ, "Fetch a policy", fetch_policy)
        .answers(Shape::Record(&POLICY))
        .get("/api/v1/policies/{id}/{typed_id}", ALERTS_READ, "Fetch a policy of a type", fetch_typed_policy)
        .at(Shape::Text)
        .answers(Shape::Record(&POLICY))
        .post("/api/v1/policies/create_rule", MANAGE, "Create a policy", create_policy)
        .takes(body::NEW)
        .answers(Shape::Record(&POLICY))
        .put("/api/v1/policies/{id}", MANAGE, "Change a policy", change_policy)
        .takes(body::CHANGED)
        .answers(Shape::Record(&POLICY))
        .post("/api/v1/policies/{id}/update_rule", MANAGE, "Change a policy", update_policy)
        .takes(body::CHANGED)
        .answers(Shape::Record(&POLICY))
        .post("/api/v1/policies/{id}/enable", MANAGE, "Enable a policy", enable_policy)
        .answers(Shape::Record(&POLICY))
        .post("/api/v1/policies/{id}/disable", MANAGE, "Disable a policy", disable_policy)
        .answers(Shape::Record(&POLICY))
        .delete("/api/v1/policies/{id}", MANAGE, "Delete a policy", delete_policy)
        .answers(Shape::Inline(&[]))
}

async fn list_policies(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let given = filters::given(&parameters)?;
    let conditions = filters::parse(&given, FIELDS, service.clock().now())?;
    let (page, _) = paging::page(&parameters)?;
    let all = service.list_policies(&caller).await?;
    let wanted = all.iter().filter(|p| conditions.iter().all(|c| satisfies(p, c)));
    Ok(Json(paging::cut(wanted.map(view).collect(), page)))
}

fn satisfies(policy: &PolicyView, condition: &Condition<Type>) -> bool {
    let equals =
        |o: &Operand| matches!(o, Operand::Text(t) if t.eq_ignore_ascii_case(&policy.policy.policy_type));
    match &condition.test {
        Test::AnyOf(operands) => operands.iter().any(equals),
        Test::NoneOf(operands) => !operands.iter().any(equals),
        _ => false,
    }
}

async fn list_policy_templates(parameters: Parameters) -> Answer {
    let (page, _) = paging::page(&parameters)?;
    Ok(Json(paging::cut(Service::policy_templates().iter().map(apps::template).collect(), page)))
}

async fn fetch_policy(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    id: Path<String>,
) -> Answer {
    Ok(Json(view(&service.policy(&caller, record_id(id)?).await?)))
}

/// The path is `<TYPE>/<id>`; the router wants one name for the first part in both rows.
async fn fetch_typed_policy(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    Path((policy_type, id)): Path<(String, String)>,
) -> Answer {
    let found = service.policy(&caller, record_id(Path(id))?).await?;
    if !found.policy.policy_type.eq_ignore_ascii_case(&policy_type) {
        return Err(Problem::not_found());
    }
    Ok(Json(view(&found)))
}

async fn create_policy(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let template = parameters.text("template")?.map(|id| Service::policy_of_template(&id)).transpose()?;
    let template = template.unwrap_or_default();
    let given = parameters.text("type")?.or(parameters.text("policyType")?);
    let given = given.or_else(|| template.policy_type.clone());
    let policy_type = Service::type_of_new_policy(&caller, given.as_deref())?;
    if template.policy_type.as_deref().is_some_and(|of_template| of_template != policy_type) {
        return Err(Problem::invalid("type", "type must be that of the template, or be left out."));
    }
    let details = body::details(&parameters, policy_type, template.rule.as_ref(), service.clock().now())?;
    let details = PolicyDetails {
        policy_type: Some(policy_type.to_owned()),
        name: details.name.or(template.name),
        description: details.description.or(template.description),
        severity: details.severity.or(template.severity),
        rule: details.rule.or(template.rule),
        ..details
    };
    Ok(Json(view(&service.create_policy(&caller, details).await?)))
}

async fn change_policy(
    service: State<Service>,
    caller: Extension<Caller>,
    id: Path<String>,
    parameters: Parameters,
) -> Answer {
    update_policy(service, caller, id, parameters).await
}

/// What the body leaves out stays as it is.
async fn update_policy(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    id: Path<String>,
    parameters: Parameters,
) -> Answer {
    let id = record_id(id)?;
    Service::may_change_policies(&caller)?;
    // The type, which says how the filters are to be read, never changes.
    let present = service.policy(&caller, id.clone()).await?;
    let (policy_type, rule) = (&present.policy.policy_type, present.rule.as_ref());
    let details = body::details(&parameters, policy_type, rule, service.clock().now())?;
    Ok(Json(view(&service.change_policy(&caller, id, details).await?)))
}

async fn enable_policy(service: State<Service>, caller: Extension<Caller>, id: Path<String>) -> Answer {
    set_enabled(service, caller, id, true).await
}

async fn disable_policy(service: State<Service>, caller: Extension<Caller>, id: Path<String>) -> Answer {
    set_enabled(service, caller, id, false).await
}

async fn set_enabled(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    id: Path<String>,
    enabled: bool,
) -> Answer {
    let details = PolicyDetails { enabled: Some(enabled), ..PolicyDetails::default() };
    Ok(Json(view(&service.change_policy(&caller, record_id(id)?, details).await?)))
}

async fn delete_policy(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    id: Path<String>,
) -> Answer {
    service.delete_policy(&caller, record_id(id)?).await?;
    Ok(Json(json!({})))
}

fn view(found: &PolicyView) -> Value {
    let policy = &found.policy;
    let mut record = json!({
        "_id": policy.id,
        "name": policy.name,
        "description": policy.description,
        "type": policy.policy_type,
        "policyType": policy.policy_type,
        "enabled": policy.enabled,
        "disabled": !policy.enabled,
        "severity": policy.severity.number(),
        "story": story(policy),
        "created": policy.created,
        "lastModified": policy.modified,
        "alertsCount": found.open_alerts,
        "isBuiltIn": !policy.template.is_empty(),
        "dailyAlertLimit": policy.daily_limit,
        "actions": [],
        "filters": {},
    });
    if let (Value::Object(record), Some(rule)) = (&mut record, &found.rule) {
        record.extend(rules::view(rule));
    }
    record
}
