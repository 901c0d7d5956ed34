//! App roles and scopes that an application exposes, as they are shown and read.

use casbah_model::{AppRole, DelegatedScope, MemberType};
use serde_json::{Value, json};

use super::error::GraphError;
use super::properties::Properties;

/// An app role, as applications and service principals show it.
pub(super) fn app_role(role: &AppRole) -> Value {
    let members = role.allowed_member_types.iter().map(|kind| match kind {
        MemberType::Application => "Application",
        MemberType::User => "User",
    });
    json!({
        "id": role.id,
        "allowedMemberTypes": members.collect::<Vec<_>>(),
        "displayName": role.display_name,
        "description": role.description,
        "value": if role.value.is_empty() { Value::Null } else { role.value.as_str().into() },
        "isEnabled": role.enabled,
        "origin": "Application",
    })
}

/// A delegated scope, as applications and service principals show it.
pub(super) fn scope(scope: &DelegatedScope) -> Value {
    json!({
        "id": scope.id,
        "type": if scope.admin_only { "Admin" } else { "User" },
        "value": scope.value,
        "isEnabled": scope.enabled,
        "adminConsentDisplayName": scope.display_name,
        "adminConsentDescription": scope.description,
        "userConsentDisplayName": scope.user_consent_display_name,
        "userConsentDescription": scope.user_consent_description,
        "origin": "Application",
    })
}

/// Reads the whole list of app roles.
pub(super) fn read_app_roles(body: &mut Properties) -> Result<Option<Vec<AppRole>>, GraphError> {
    let Some(list) = body.objects("appRoles")? else { return Ok(None) };
    let read = |mut role: Properties| {
        let kinds = role.texts("allowedMemberTypes")?.unwrap_or_default();
        let kind = |name: &String| match name.as_str() {
            "Application" => Ok(MemberType::Application),
            "User" => Ok(MemberType::User),
            _ => {
                Err(GraphError::bad_request("Property 'allowedMemberTypes' holds Application and User only."))
            }
        };
        let found = AppRole {
            id: role.needed_id("id")?,
            value: role.text("value")?.unwrap_or_default(),
            display_name: role.needed_text("displayName")?,
            description: role.needed_text("description")?,
            allowed_member_types: kinds.iter().map(kind).collect::<Result<_, _>>()?,
            enabled: role.bool("isEnabled")?.unwrap_or(true),
        };
        shown_only(&mut role)?;
        role.finish()?;
        Ok(found)
    };
    list.into_iter().map(read).collect::<Result<_, _>>().map(Some)
}

/// Reads the whole list of scopes.
pub(super) fn read_scopes(api: &mut Properties) -> Result<Option<Vec<DelegatedScope>>, GraphError> {
    let Some(list) = api.objects("oauth2PermissionScopes")? else { return Ok(None) };
    let read = |mut scope: Properties| {
        let found = DelegatedScope {
            id: scope.needed_id("id")?,
            value: scope.needed_text("value")?,
            display_name: scope.needed_text("adminConsentDisplayName")?,
            description: scope.needed_text("adminConsentDescription")?,
            admin_only: match scope.text("type")?.as_deref() {
                None | Some("User") => false,
                Some("Admin") => true,
                Some(_) => return Err(GraphError::bad_request("Property 'type' must be User or Admin.")),
            },
            user_consent_display_name: scope.text("userConsentDisplayName")?.filter(|t| !t.is_empty()),
            user_consent_description: scope.text("userConsentDescription")?.filter(|t| !t.is_empty()),
            enabled: scope.bool("isEnabled")?.unwrap_or(true),
        };
        shown_only(&mut scope)?;
        scope.finish()?;
        Ok(found)
    };
    list.into_iter().map(read).collect::<Result<_, _>>().map(Some)
}

/// Tools send back what they were shown.
fn shown_only(entry: &mut Properties) -> Result<(), GraphError> {
    entry.only("origin", &"Application".into())
}
