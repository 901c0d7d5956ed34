//! Policies, to look at.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use casbah_authority::Caller;
use casbah_model::Part;
use casbah_model::filter::{Condition, Operand, Test};
use casbah_service::Service;
use casbah_service::discovery::PolicyView;
use serde_json::{Value, json};

use super::{ALERTS_READ, record_id};
use crate::filters::Operator::{Eq, Neq};
use crate::filters::{self, Field, Kind};
use crate::paging::{self, Answer};
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::table::Area;

/// Risk category DISCOVERY.
const STORY_DISCOVERY: i64 = 4;
/// Risk category CONFIGURATION_MONITORING.
const STORY_CONFIGURATION: i64 = 8;

/// The one field that policies can be filtered by.
#[derive(Clone, Copy)]
struct Type;

const FIELDS: &[Field<Type>] =
    &[Field { names: &["type"], field: Type, kind: Kind::Text, operators: &[Eq, Neq] }];

pub(super) fn area() -> Area {
    Area::new("Policies", Part::Policies)
        .list("/api/v1/policies", ALERTS_READ, "List policies", list_policies)
        .get("/api/v1/policies/{id}", ALERTS_READ, "Fetch a policy", fetch_policy)
        .get("/api/v1/policies/{id}/{typed_id}", ALERTS_READ, "Fetch a policy of a type", fetch_typed_policy)
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

fn view(found: &PolicyView) -> Value {
    let policy = &found.policy;
    json!({
        "_id": policy.id,
        "name": policy.name,
        "description": policy.description,
        "type": policy.policy_type,
        "policyType": policy.policy_type,
        "enabled": policy.enabled,
        "disabled": !policy.enabled,
        "severity": policy.severity.number(),
        "story": if policy.policy_type == "NEW_SERVICE" { STORY_DISCOVERY } else { STORY_CONFIGURATION },
        "created": policy.created,
        "lastModified": policy.modified,
        "alertsCount": found.open_alerts,
        "isBuiltIn": !policy.template.is_empty(),
    })
}
