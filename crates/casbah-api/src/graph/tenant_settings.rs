//! `/policies/tenantSettings`: ours, in the manner of Graph's policies. One document for the tenant.

use serde_json::{Value, json};

use super::error::GraphError;
use super::{Answer, Call};

type Answered = Result<Answer, GraphError>;

pub(super) async fn fetch(call: Call) -> Answered {
    let settings = call.service.tenant_settings(&call.caller).await?;
    Ok(Answer::Found(document(json!(settings))))
}

pub(super) async fn change(call: Call) -> Answered {
    let Value::Object(change) = call.body else {
        return Err(GraphError::bad_request("The body must be a JSON object of settings."));
    };
    let settings = call.service.change_tenant_settings(&call.caller, change).await?;
    Ok(Answer::Found(document(json!(settings))))
}

fn document(mut settings: Value) -> Value {
    settings["id"] = "tenantSettings".into();
    settings
}
