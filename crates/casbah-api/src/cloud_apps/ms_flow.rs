//! Webhooks, by the calls of Power Automate's connector: it registers an address, and takes it back by the address
//! that the answer named.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json, extract::Path};
use casbah_authority::Caller;
use casbah_model::Permission::{self, InvestigationManage, InvestigationRead};
use casbah_model::{Forwarder, Outlet, Part};
use casbah_service::Service;
use serde_json::{Value, json};

use super::forwarders::{
    self, DROPPED, FAILURES, LAST_ERROR, LAST_ERROR_AT, LAST_SENT, NEXT_ATTEMPT, OLDEST, SENT, WAITING,
};
use super::record_id;
use crate::describe::{Property, Record, Shape, has, may_have};
use crate::paging::{self, Answer};
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::table::Area;

const READ: &[Permission] = &[InvestigationRead, InvestigationManage];
const MANAGE: &[Permission] = &[InvestigationManage];
const PATH: &str = "/api/v1/ms_flow";

const ID: Property = has("_id", Shape::Id, "");
const ID_TOO: Property = has("id", Shape::Id, "The same.");
const NAME: Property = has("name", Shape::Text, "");
const ORIGIN: Property = has(
    "callbackOrigin",
    Shape::Url,
    "Origin of its address; the rest may be a secret, and is not told again.",
);
const FILTERS: Property =
    has("filters", Shape::Object, "Which alerts are sent; all of them when it is empty.");
const CREATED: Property = has("created", Shape::Time, "");
const CREATED_BY: Property = has("createdBy", Shape::Text, "");

const WEBHOOK: Record = Record {
    name: "Webhook",
    what: "An address to which each new alert is posted.",
    properties: &[
        ID,
        ID_TOO,
        NAME,
        ORIGIN,
        FILTERS,
        CREATED,
        CREATED_BY,
        SENT,
        DROPPED,
        WAITING,
        OLDEST,
        LAST_SENT,
        FAILURES,
        LAST_ERROR,
        LAST_ERROR_AT,
        NEXT_ATTEMPT,
    ],
};
const MADE_WEBHOOK: Record = Record {
    name: "NewWebhook",
    what: "A webhook with what its messages are signed with, which is shown this once.",
    properties: &[
        ID,
        ID_TOO,
        NAME,
        ORIGIN,
        FILTERS,
        CREATED,
        CREATED_BY,
        SENT,
        DROPPED,
        WAITING,
        OLDEST,
        LAST_SENT,
        FAILURES,
        LAST_ERROR,
        LAST_ERROR_AT,
        NEXT_ATTEMPT,
        has("secret", Shape::Text, "Key of the signatures, after the Standard Webhooks specification."),
    ],
};
const NEW: &[Property] = &[
    has("callback_url", Shape::Url, "Where alerts are posted to: an https address."),
    may_have("name", Shape::Text, "What it is for; its origin unless said otherwise."),
    may_have("filters", Shape::Object, "Which alerts, as the list of alerts is filtered, times aside."),
];

pub(super) fn area() -> Area {
    Area::new("Webhooks", Part::Integrations)
        .get(PATH, READ, "List webhooks", list_webhooks)
        .pages(&WEBHOOK)
        .post(PATH, MANAGE, "Register a webhook that takes alerts", create_webhook)
        .takes(NEW)
        .answers(Shape::Record(&MADE_WEBHOOK))
        .delete("/api/v1/ms_flow/{id}", MANAGE, "Remove a webhook", delete_webhook)
        .answers(Shape::Inline(&[]))
}

async fn list_webhooks(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let (page, _) = paging::page(&parameters)?;
    let all = service.list_webhooks(&caller).await?;
    Ok(Json(paging::cut(all.iter().map(view).collect(), page)))
}

/// The connector finds its registration again by the header `Location`.
async fn create_webhook(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let url = parameters.required_text("callback_url")?;
    let name = parameters.text("name")?.filter(|name| !name.trim().is_empty());
    let alerts = forwarders::alerts(&parameters, "filters", service.clock().now())?;
    let made = service.create_webhook(&caller, name, &url, alerts).await?;
    let mut answer = view(&made.webhook);
    // The one place where it is shown.
    answer["secret"] = made.secrets.key.expose().into();
    let origin = service.settings().public_url.trim_end_matches('/');
    let place = format!("{origin}/cas{PATH}/{}/", made.webhook.id);
    let mut response = Json(answer).into_response();
    if let Ok(place) = HeaderValue::from_str(&place) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(response)
}

async fn delete_webhook(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    id: Path<String>,
) -> Answer {
    service.delete_webhook(&caller, record_id(id)?).await?;
    Ok(Json(json!({})))
}

fn view(webhook: &Forwarder) -> Value {
    let origin = match &webhook.outlet {
        Outlet::Webhook { origin } => origin.as_str(),
        Outlet::Syslog(_) => "",
    };
    let mut record = json!({
        "_id": webhook.id,
        "id": webhook.id,
        "name": webhook.name,
        "callbackOrigin": origin,
        "filters": webhook.alerts.as_ref().map_or_else(|| json!({}), |chosen| chosen.filters.clone()),
        "created": webhook.created,
        "createdBy": webhook.created_by,
    });
    if let Value::Object(record) = &mut record {
        record.extend(forwarders::health(webhook));
    }
    record
}
