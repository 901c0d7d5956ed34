//! `/organization` and `/domains`

use casbah_model::Tenant;
use serde_json::{Value, json};

use super::error::GraphError;
use super::path::Key;
use super::{Answer, Call};

type Answered = Result<Answer, GraphError>;

pub(super) async fn list(call: Call) -> Answered {
    let entry = view(&call.service.fetch_tenant(&call.caller).await?);
    let base = &call.service.settings().public_url;
    call.query.list(base, "organization", vec![entry]).map(Answer::Found)
}

pub(super) async fn fetch(call: Call) -> Answered {
    let tenant = call.service.fetch_tenant(&call.caller).await?;
    let (Key::Id(id) | Key::Alternate(_, id)) = &call.keys[0];
    if !id.eq_ignore_ascii_case(&tenant.id.to_string()) {
        return Err(casbah_service::Error::NotFound.into());
    }
    call.query.select(view(&tenant)).map(Answer::Found)
}

pub(super) async fn list_domains(call: Call) -> Answered {
    let entries = domains(&call.service.fetch_tenant(&call.caller).await?);
    call.query.list(&call.service.settings().public_url, "domains", entries).map(Answer::Found)
}

pub(super) async fn fetch_domain(call: Call) -> Answered {
    let (Key::Id(name) | Key::Alternate(_, name)) = &call.keys[0];
    let entries = domains(&call.service.fetch_tenant(&call.caller).await?);
    let found =
        entries.into_iter().find(|d| d["id"].as_str().is_some_and(|id| id.eq_ignore_ascii_case(name)));
    call.query.select(found.ok_or(casbah_service::Error::NotFound)?).map(Answer::Found)
}

fn view(tenant: &Tenant) -> Value {
    let domain = |(position, name): (usize, &String)| {
        let first = position == 0;
        json!({
            "name": name,
            "isDefault": first,
            "isInitial": first,
            "type": "Managed",
        })
    };
    let domains: Vec<_> = tenant.domains.iter().enumerate().map(domain).collect();
    json!({
        "id": tenant.id,
        "displayName": tenant.display_name,
        "createdDateTime": tenant.created.iso(),
        "tenantType": "AAD",
        "verifiedDomains": domains,
    })
}

/// The first domain is the default one; all were verified by whoever runs Casbah.
fn domains(tenant: &Tenant) -> Vec<Value> {
    let domain = |(position, name): (usize, &String)| {
        let first = position == 0;
        json!({
            "id": name,
            "authenticationType": "Managed",
            "isAdminManaged": true,
            "isDefault": first,
            "isInitial": first,
            "isRoot": true,
            "isVerified": true,
            "supportedServices": [],
        })
    };
    tenant.domains.iter().enumerate().map(domain).collect()
}
