//! `/servicePrincipals`

use casbah_service::directory::service_principals::ServicePrincipalDetails;
use serde_json::{Value, json};

use super::applications::{app_role, key, scope};
use super::error::GraphError;
use super::properties::Properties;
use super::{Answer, Call};

type Answered = Result<Answer, GraphError>;

pub(super) async fn list(call: Call) -> Answered {
    let all = call.service.list_service_principals(&call.caller).await?;
    let entries = all.iter().map(|p| view(p, &call)).collect();
    let base = &call.service.settings().public_url;
    call.query.list(base, "servicePrincipals", entries).map(Answer::Found)
}

pub(super) async fn create(mut call: Call) -> Answered {
    let mut body = Properties::of(call.body.take())?;
    let app_id = body.needed_id("appId")?;
    let enabled = body.bool("accountEnabled")?.unwrap_or(true);
    body.finish()?;
    let made = call.service.create_service_principal(&call.caller, app_id, enabled).await?;
    Ok(Answer::Created(view(&made, &call)))
}

pub(super) async fn fetch(call: Call) -> Answered {
    let found = call.service.fetch_service_principal(&call.caller, key(&call.keys[0])?).await?;
    call.query.select(view(&found, &call)).map(Answer::Found)
}

pub(super) async fn change(call: Call) -> Answered {
    let key = key(&call.keys[0])?;
    let mut body = Properties::of(call.body)?;
    let enabled = body.bool("accountEnabled")?;
    body.finish()?;
    match enabled {
        Some(enabled) => call.service.enable_service_principal(&call.caller, key, enabled).await?,
        // Nothing to change, but it must exist.
        None => drop(call.service.fetch_service_principal(&call.caller, key).await?),
    }
    Ok(Answer::Done)
}

pub(super) async fn delete(call: Call) -> Answered {
    call.service.delete_service_principal(&call.caller, key(&call.keys[0])?).await?;
    Ok(Answer::Done)
}

/// What was granted against what was used: the report that least privilege starts from.
pub(super) async fn permission_use(call: Call) -> Answered {
    let found = call.service.fetch_service_principal(&call.caller, key(&call.keys[0])?).await?;
    let report = call.service.permission_use(&call.caller, found.principal.id).await?;
    let entries = report
        .into_iter()
        .map(|granted| {
            json!({
                "resourceAppId": granted.resource,
                "resourceDisplayName": granted.resource_name,
                "permission": granted.permission,
                "permissionType": if granted.delegated { "Delegated" } else { "Application" },
                "grantedDateTime": granted.granted.iso(),
                "lastUsedDateTime": granted.last_used.map(|at| at.iso()),
                "advice": granted.advice.name(),
            })
        })
        .collect();
    let base = &call.service.settings().public_url;
    let path = format!("servicePrincipals/{}/casbah.permissionUse", found.principal.id);
    call.query.list(base, &path, entries).map(Answer::Found)
}

pub(super) fn view(details: &ServicePrincipalDetails, call: &Call) -> Value {
    let ServicePrincipalDetails { principal, application } = details;
    let mut names = vec![principal.app_id.to_string()];
    names.extend(application.identifier_uris.iter().cloned());
    let reply_urls: Vec<&str> = application.redirect_uris.iter().map(|r| r.uri.as_str()).collect();
    json!({
        "id": principal.id,
        "appId": principal.app_id,
        "appDisplayName": application.display_name,
        "displayName": principal.display_name,
        "appOwnerOrganizationId": call.caller.tenant,
        "servicePrincipalType": "Application",
        "servicePrincipalNames": names,
        "accountEnabled": principal.enabled,
        "appRoleAssignmentRequired": false,
        "appRoles": application.app_roles.iter().map(app_role).collect::<Vec<_>>(),
        "oauth2PermissionScopes": application.scopes.iter().map(scope).collect::<Vec<_>>(),
        "replyUrls": reply_urls,
        "createdDateTime": principal.created.iso(),
        "tags": [],
        "keyCredentials": [],
        "passwordCredentials": [],
    })
}
