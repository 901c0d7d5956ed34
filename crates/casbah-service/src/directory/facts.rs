//! What the audit trail says of an object before and after a change: everything that can be changed, and
//! never a secret or what is made of one.

use casbah_model::{Application, ServicePrincipal};
use serde_json::{Value, json};

pub(crate) fn of_application(application: &Application) -> Value {
    json!({
        "appId": application.app_id,
        "displayName": application.display_name,
        "isFallbackPublicClient": application.public_client,
        "identifierUris": application.identifier_uris,
        "redirectUris": application.redirect_uris,
        "appRoles": application.app_roles,
        "oauth2PermissionScopes": application.scopes,
        "requiredResourceAccess": application.required_access,
        "requestedAccessTokenVersion": application.token_version,
        "more": application.details,
    })
}

pub(crate) fn of_service_principal(principal: &ServicePrincipal) -> Value {
    json!({
        "appId": principal.app_id,
        "displayName": principal.display_name,
        "accountEnabled": principal.enabled,
        "more": principal.details,
    })
}
