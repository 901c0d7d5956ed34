//! `/oauth2PermissionGrants`

use casbah_model::{ConsentType, Guid, PermissionGrant};
use casbah_service::directory::permission_grants::GrantSearch;
use serde_json::{Value, json};

use super::app_role_assignments::{read_token, write_token};
use super::applications::key;
use super::error::GraphError;
use super::path::Key;
use super::properties::Properties;
use super::{Answer, Call};

type Answered = Result<Answer, GraphError>;

/// How many are read at a time where each has to be looked at.
const BATCH: i64 = 1000;

pub(super) async fn list(call: Call) -> Answered {
    page(&call, "oauth2PermissionGrants", GrantSearch::default()).await
}

/// What a service principal holds as a client.
pub(super) async fn list_of_service_principal(call: Call) -> Answered {
    let found = call.service.fetch_service_principal(&call.caller, key(&call.keys[0])?).await?;
    let path = format!("servicePrincipals/{}/oauth2PermissionGrants", found.principal.id);
    page(&call, &path, GrantSearch { client: Some(found.principal.id), ..GrantSearch::default() }).await
}

/// What a person consented to.
pub(super) async fn list_of_user(call: Call) -> Answered {
    let user = call.service.fetch_user(&call.caller, call.keys[0].text()).await?;
    let path = format!("users/{}/oauth2PermissionGrants", user.id);
    let consent_type = Some(ConsentType::Principal(user.id));
    page(&call, &path, GrantSearch { consent_type, ..GrantSearch::default() }).await
}

async fn page(call: &Call, path: &str, fixed: GrantSearch) -> Answered {
    let query = &call.query;
    query.check(&shape())?;
    // The ids that the filter fixes lead the database; the filter itself is then compared in full.
    let fixes = |name: &str| query.filter.as_ref().and_then(|f| f.fixes(name)).and_then(|id| id.parse().ok());
    let everybody = query.filter.as_ref().and_then(|f| f.fixes("consentType"));
    let everybody = everybody.filter(|kind| kind.eq_ignore_ascii_case("AllPrincipals"));
    let mut wanted = GrantSearch {
        client: fixed.client.or_else(|| fixes("clientId")),
        resource: fixes("resourceId"),
        consent_type: fixed
            .consent_type
            .or_else(|| fixes("principalId").map(ConsentType::Principal))
            .or(everybody.map(|_| ConsentType::AllPrincipals)),
        after: query.skip_token.as_deref().map(read_token).transpose()?,
        limit: BATCH,
    };
    let mut entries = Vec::new();
    let mut next = None;
    'pages: loop {
        let batch = call.service.search_permission_grants(&call.caller, wanted).await?;
        let is_last = (batch.len() as i64) < BATCH;
        for grant in batch {
            let entry = view(&grant);
            if query.matches(&entry)? {
                if entries.len() == query.page() {
                    next = wanted.after.map(|(at, id)| write_token(at, id));
                    break 'pages;
                }
                entries.push(entry);
            }
            wanted.after = Some((grant.created, grant.id));
        }
        if is_last {
            break;
        }
    }
    let base = &call.service.settings().public_url;
    call.query.answer(base, path, entries, None, next.as_deref()).map(Answer::Found)
}

/// Which properties there are.
fn shape() -> Value {
    let id = Guid::from_u128(0);
    view(&PermissionGrant {
        id,
        client: id,
        resource: id,
        consent_type: ConsentType::AllPrincipals,
        scopes: Vec::new(),
        created: casbah_model::Timestamp(0),
        granted_by: None,
    })
}

pub(super) async fn create(call: Call) -> Answered {
    let mut body = Properties::of(call.body)?;
    let client = body.needed_id("clientId")?;
    let resource = body.needed_id("resourceId")?;
    let principal = body.id("principalId")?;
    let consent_type = match (body.needed_text("consentType")?.as_str(), principal) {
        ("AllPrincipals", None) => ConsentType::AllPrincipals,
        ("Principal", Some(user)) => ConsentType::Principal(user),
        _ => {
            return Err(GraphError::bad_request(
                "Property 'consentType' must be AllPrincipals without, or Principal with, a principalId.",
            ));
        }
    };
    let scopes = words(&body.needed_text("scope")?);
    // Graph itself takes no notice of them any more.
    body.take("startTime");
    body.take("expiryTime");
    body.finish()?;
    let made =
        call.service.create_permission_grant(&call.caller, client, resource, consent_type, scopes).await?;
    Ok(Answer::Created(view(&made)))
}

pub(super) async fn fetch(call: Call) -> Answered {
    let found = call.service.fetch_permission_grant(&call.caller, id(&call.keys[0])?).await?;
    call.query.select(view(&found)).map(Answer::Found)
}

pub(super) async fn change(call: Call) -> Answered {
    let id = id(&call.keys[0])?;
    let mut body = Properties::of(call.body)?;
    let scopes = words(&body.needed_text("scope")?);
    body.take_unchanged(&view(&call.service.fetch_permission_grant(&call.caller, id).await?));
    body.finish()?;
    call.service.change_permission_grant(&call.caller, id, scopes).await?;
    Ok(Answer::Done)
}

pub(super) async fn delete(call: Call) -> Answered {
    call.service.delete_permission_grant(&call.caller, id(&call.keys[0])?).await?;
    Ok(Answer::Done)
}

fn id(key: &Key) -> Result<Guid, GraphError> {
    match key {
        Key::Id(id) => id.parse().map_err(|_| casbah_service::Error::NotFound.into()),
        Key::Alternate(..) => Err(casbah_service::Error::NotFound.into()),
    }
}

/// Scopes are written with blanks between, and often one in front.
fn words(scope: &str) -> Vec<String> {
    scope.split_whitespace().map(str::to_string).collect()
}

fn view(grant: &PermissionGrant) -> Value {
    let (consent_type, principal) = match grant.consent_type {
        ConsentType::AllPrincipals => ("AllPrincipals", None),
        ConsentType::Principal(user) => ("Principal", Some(user)),
    };
    json!({
        "id": grant.id,
        "clientId": grant.client,
        "consentType": consent_type,
        "principalId": principal,
        "resourceId": grant.resource,
        "scope": grant.scopes.join(" "),
    })
}
