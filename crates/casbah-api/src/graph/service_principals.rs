//! `/servicePrincipals`

use casbah_model::{ServicePrincipal, TenantId};
use casbah_service::directory::applications::ApplicationKey;
use casbah_service::directory::service_principals::{ServicePrincipalChange, ServicePrincipalDetails};
use serde_json::{Value, json};

use super::applications::{self, key, password_credential};
use super::error::GraphError;
use super::key_credentials;
use super::lists::{self, Column};
use super::path::Key;
use super::permissions::{app_role, scope};
use super::properties::Properties;
use super::{Answer, Call, owners};

type Answered = Result<Answer, GraphError>;

/// What the database looks through; everything else is compared entry by entry.
const COLUMNS: &[Column] = &[
    Column::id("id", lists::Property::Id),
    Column::id("appId", lists::Property::AppId),
    Column::text("displayName", lists::Property::DisplayName),
    Column::text("appDisplayName", lists::Property::DisplayName),
    Column::bool("accountEnabled", lists::Property::Enabled),
    Column::time("createdDateTime", lists::Property::Created),
    Column::names("servicePrincipalNames"),
];

pub(super) async fn list(call: Call) -> Answered {
    check(&call).await?;
    let fetch = |search| call.service.search_service_principals(&call.caller, search);
    let count = |search| call.service.count_service_principals(&call.caller, search);
    let show = |entry: &ServicePrincipalDetails| view(entry, &call);
    let found = lists::page(&call.query, COLUMNS, fetch, count, show, place).await?;
    let mut page = found.entries.iter().map(show).collect::<Vec<_>>();
    if call.query.expands(&["owners"])? {
        for (entry, value) in found.entries.iter().zip(&mut page) {
            let key = ApplicationKey::Id(entry.principal.id);
            value["owners"] = owners::of_service_principal(&call, key).await?.into();
        }
    }
    let base = &call.service.settings().public_url;
    let next = found.next.as_deref();
    call.query.expanded(base, "servicePrincipals", page, found.count, next).map(Answer::Found)
}

pub(super) async fn count(call: Call) -> Answered {
    check(&call).await?;
    let fetch = |search| call.service.search_service_principals(&call.caller, search);
    let count = |search| call.service.count_service_principals(&call.caller, search);
    let show = |entry: &ServicePrincipalDetails| view(entry, &call);
    lists::count(&call.query, COLUMNS, fetch, count, show, place).await.map(|n| Answer::Text(n.to_string()))
}

fn place(entry: &ServicePrincipalDetails) -> (String, casbah_model::Guid) {
    (entry.principal.display_name.clone(), entry.principal.id)
}

/// Refuses names that service principals do not have; every tenant has that of the directory to compare with.
async fn check(call: &Call) -> Result<(), GraphError> {
    let key = ApplicationKey::AppId(casbah_authority::seed::DIRECTORY);
    let shape = call.service.fetch_service_principal(&call.caller, key).await?;
    call.query.check(&view(&shape, call))
}

pub(super) async fn create(mut call: Call) -> Answered {
    let mut body = Properties::of(call.body.take())?;
    let app_id = body.needed_id("appId")?;
    let owners = body.references("owners@odata.bind")?;
    let change = read(&mut body)?;
    body.finish()?;
    let made = call.service.create_service_principal(&call.caller, app_id, change, owners).await?;
    Ok(Answer::Created(view(&made, &call)))
}

pub(super) async fn fetch(call: Call) -> Answered {
    let key = key(&call.keys[0])?;
    let found = call.service.fetch_service_principal(&call.caller, key).await?;
    let mut entry = view(&found, &call);
    if call.query.expands(&["owners"])? {
        entry["owners"] = owners::of_service_principal(&call, key).await?.into();
    }
    call.query.keep(entry).map(Answer::Found)
}

pub(super) async fn change(call: Call) -> Answered {
    let key = key(&call.keys[0])?;
    let mut body = Properties::of(call.body)?;
    let change = read(&mut body)?;
    body.finish()?;
    call.service.change_service_principal(&call.caller, key, change).await?;
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

pub(super) async fn add_password(call: Call) -> Answered {
    applications::add_password(on_application(call).await?).await
}

pub(super) async fn remove_password(call: Call) -> Answered {
    applications::remove_password(on_application(call).await?).await
}

/// A service principal and its application stand in one tenant, so they share their secrets.
async fn on_application(mut call: Call) -> Result<Call, GraphError> {
    let found = call.service.fetch_service_principal(&call.caller, key(&call.keys[0])?).await?;
    call.keys[0] = Key::Id(found.application.id.to_string());
    Ok(call)
}

fn read(body: &mut Properties) -> Result<ServicePrincipalChange, GraphError> {
    let list = |body: &mut Properties, name: &str| -> Result<Option<Vec<String>>, GraphError> {
        Ok(if body.has(name) { Some(body.texts(name)?.unwrap_or_default()) } else { None })
    };
    let change = ServicePrincipalChange {
        enabled: body.bool("accountEnabled")?,
        app_role_assignment_required: body.bool("appRoleAssignmentRequired")?,
        tags: list(body, "tags")?,
        notes: body.nullable_text("notes")?,
        description: body.nullable_text("description")?,
        alternative_names: list(body, "alternativeNames")?,
        notification_email_addresses: list(body, "notificationEmailAddresses")?,
        login_url: body.nullable_text("loginUrl")?,
        preferred_single_sign_on_mode: body.nullable_text("preferredSingleSignOnMode")?,
    };
    body.only("servicePrincipalType", &"Application".into())?;
    Ok(change)
}

pub(super) fn view(details: &ServicePrincipalDetails, call: &Call) -> Value {
    let ServicePrincipalDetails { principal, application, secrets, certificates } = details;
    let mut view = alone(principal);
    let TenantId(tenant) = call.caller.tenant;
    let mut names = vec![principal.app_id.to_string()];
    names.extend(application.identifier_uris.iter().cloned());
    let info = &application.details.information;
    let facts = json!({
        "appDisplayName": application.display_name,
        "appDescription": application.details.description,
        "appOwnerOrganizationId": tenant,
        "servicePrincipalNames": names,
        "signInAudience": application.details.sign_in_audience.as_deref().unwrap_or("AzureADMyOrg"),
        "appRoles": application.app_roles.iter().map(app_role).collect::<Vec<_>>(),
        "oauth2PermissionScopes": application.scopes.iter().map(scope).collect::<Vec<_>>(),
        "replyUrls": application.redirect_uris.iter().map(|r| r.uri.as_str()).collect::<Vec<_>>(),
        "homepage": application.details.home_page_url,
        "logoutUrl": application.details.logout_url,
        "info": {
            "logoUrl": null,
            "marketingUrl": info.marketing_url,
            "privacyStatementUrl": info.privacy_statement_url,
            "supportUrl": info.support_url,
            "termsOfServiceUrl": info.terms_of_service_url,
        },
        "passwordCredentials": secrets.iter().map(password_credential).collect::<Vec<_>>(),
        "keyCredentials": certificates.iter().map(|c| key_credentials::view(c, false)).collect::<Vec<_>>(),
    });
    if let (Some(view), Value::Object(facts)) = (view.as_object_mut(), facts) {
        view.extend(facts);
    }
    view
}

/// A service principal without its application.
pub(super) fn alone(principal: &ServicePrincipal) -> Value {
    let details = &principal.details;
    json!({
        "id": principal.id,
        "appId": principal.app_id,
        "displayName": principal.display_name,
        "servicePrincipalType": "Application",
        "accountEnabled": principal.enabled,
        "appRoleAssignmentRequired": details.app_role_assignment_required,
        "createdDateTime": principal.created.iso(),
        "deletedDateTime": null,
        "description": details.description,
        "notes": details.notes,
        "tags": details.tags,
        "alternativeNames": details.alternative_names,
        "notificationEmailAddresses": details.notification_email_addresses,
        "preferredSingleSignOnMode": details.preferred_single_sign_on_mode,
        "loginUrl": details.login_url,
    })
}
