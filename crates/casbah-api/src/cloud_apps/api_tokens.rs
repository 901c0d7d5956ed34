//! Legacy API tokens. Microsoft's portal has no documented calls for them; these are ours.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use casbah_authority::Caller;
use casbah_model::{Guid, Permission};
use casbah_service::Service;
use casbah_service::api_tokens::{ApiTokenDetails, ApiTokenStatus};
use serde_json::{Value, json};

use crate::describe::{Property, Record, Shape, has};
use crate::paging::{self, Answer};
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::table::Area;

/// Whoever may do anything may look after their own tokens; the service sees to the rest.
const ANY: &[Permission] = &Permission::ALL;

const TOKEN: Record = Record {
    name: "ApiToken",
    what: "A legacy API token, without its text.",
    properties: &[ID, TENANT, NAME, OWNER, OWNER_ID, CREATED, USED, STATUS],
};
const NEW_TOKEN: Record = Record {
    name: "NewApiToken",
    what: "A legacy API token with its text, which is shown this once.",
    properties: &[
        ID,
        TENANT,
        NAME,
        OWNER,
        OWNER_ID,
        CREATED,
        USED,
        STATUS,
        has("token", Shape::Text, "The token."),
    ],
};
const ID: Property = has("_id", Shape::Guid, "");
const TENANT: Property = has("_tid", Shape::Integer, "Number of the tenant.");
const NAME: Property = has("name", Shape::Text, "");
const OWNER: Property = has("owner", Shape::Nullable(&Shape::Text), "Sign-in name of whoever made it.");
const OWNER_ID: Property = has("ownerId", Shape::Guid, "Object id of whoever made it.");
const CREATED: Property = has("created", Shape::Time, "");
const USED: Property = has("lastUsed", Shape::Nullable(&Shape::Time), "When it was last used.");
const STATUS: Property = has(
    "status",
    Shape::Word(&["generated", "active", "inactive"]),
    "Never used, used in the last 7 days, or used before.",
);

pub(super) fn area() -> Area {
    Area::for_everyone("API tokens")
        .get("/api/v1/tokens", ANY, "List API tokens", list_api_tokens)
        .pages(&TOKEN)
        .post("/api/v1/tokens", ANY, "Create an API token, shown once", create_api_token)
        .takes(const { &[has("name", Shape::Text, "What it is for.")] })
        .answers(Shape::Record(&NEW_TOKEN))
        .delete("/api/v1/tokens/{id}", ANY, "Revoke an API token", revoke_api_token)
        .at(Shape::Text)
        .answers(Shape::Inline(&[]))
}

async fn list_api_tokens(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let (page, _) = paging::page(&parameters)?;
    let tokens = service.list_api_tokens(&caller).await?;
    let data = tokens.iter().map(|token| view(token, caller.tenant_number)).collect();
    Ok(Json(paging::cut(data, page)))
}

async fn create_api_token(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let (token, text) = service.create_api_token(&caller, &parameters.required_text("name")?).await?;
    let mut answer = view(&token, caller.tenant_number);
    // The one place where the text is shown.
    answer["token"] = text.expose().into();
    Ok(Json(answer))
}

async fn revoke_api_token(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Answer {
    let id: Guid = id.parse().map_err(|_| Problem::not_found())?;
    service.revoke_api_token(&caller, id).await?;
    Ok(Json(json!({})))
}

fn view(token: &ApiTokenDetails, tenant_number: i64) -> Value {
    let status = match token.status {
        ApiTokenStatus::Generated => "generated",
        ApiTokenStatus::Active => "active",
        ApiTokenStatus::Inactive => "inactive",
    };
    json!({
        "_id": token.id,
        "_tid": tenant_number,
        "name": token.name,
        "owner": token.owner_name,
        "ownerId": token.owner,
        "created": token.created,
        "lastUsed": token.last_used,
        "status": status,
    })
}
