//! Legacy API tokens. Microsoft's portal has no documented calls for them; these are ours.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use casbah_authority::Caller;
use casbah_model::{Guid, Permission};
use casbah_service::Service;
use casbah_service::api_tokens::{ApiTokenDetails, ApiTokenStatus};
use serde_json::{Value, json};

use crate::paging::{self, Answer};
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::table::Area;

/// Whoever may do anything may look after their own tokens; the service sees to the rest.
const ANY: &[Permission] = &Permission::ALL;

pub(super) fn area() -> Area {
    Area::for_everyone("API tokens")
        .get("/api/v1/tokens", ANY, "List API tokens", list_api_tokens)
        .post("/api/v1/tokens", ANY, "Create an API token, shown once", create_api_token)
        .delete("/api/v1/tokens/{id}", ANY, "Revoke an API token", revoke_api_token)
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
