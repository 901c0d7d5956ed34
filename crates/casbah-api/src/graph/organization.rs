//! `/organization`

use serde_json::json;

use super::error::GraphError;
use super::{Answer, Call};

pub(super) async fn list(call: Call) -> Result<Answer, GraphError> {
    let tenant = call.service.fetch_tenant(&call.caller).await?;
    let domain = |(position, name): (usize, &String)| {
        let first = position == 0;
        json!({ "name": name, "isDefault": first, "isInitial": first, "type": "Managed" })
    };
    let domains: Vec<_> = tenant.domains.iter().enumerate().map(domain).collect();
    let entry = json!({
        "id": tenant.id,
        "displayName": tenant.display_name,
        "createdDateTime": tenant.created.iso(),
        "verifiedDomains": domains,
    });
    let base = &call.service.settings().public_url;
    call.query.list(base, "organization", vec![entry]).map(Answer::Found)
}
