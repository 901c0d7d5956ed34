//! `/applications`

use casbah_model::{
    AppRole, Application, ApplicationSecret, DelegatedScope, Guid, RedirectUriKind, RequiredAccess, Timestamp,
};
use casbah_service::directory::applications::{
    ApplicationChange, ApplicationKey, ApplicationWithSecrets, NewApplication,
};
use casbah_service::directory::certificates::CertificateEntry;
use casbah_service::directory::secrets::NewSecret;
use serde_json::{Value, json};

use super::error::GraphError;
use super::key_credentials;
use super::path::Key;
use super::properties::Properties;
use super::{Answer, Call};

type Answered = Result<Answer, GraphError>;

pub(super) async fn list(call: Call) -> Answered {
    let all = call.service.list_applications(&call.caller).await?;
    let entries = all.iter().map(|one| view(one, false)).collect();
    let base = &call.service.settings().public_url;
    call.query.list(base, "applications", entries).map(Answer::Found)
}

pub(super) async fn create(call: Call) -> Answered {
    let asked = Asked::read(call.body, call.service.clock().now())?;
    let display_name =
        asked.display_name.ok_or_else(|| GraphError::bad_request("Property 'displayName' is required."))?;
    let redirect_uris = asked
        .redirect_uris
        .into_iter()
        .flat_map(|(kind, uris)| uris.into_iter().map(move |uri| casbah_model::RedirectUri { uri, kind }));
    let new = NewApplication {
        display_name,
        public_client: asked.public_client.unwrap_or(false),
        identifier_uris: asked.identifier_uris.unwrap_or_default(),
        redirect_uris: redirect_uris.collect(),
        required_access: asked.required_access.unwrap_or_default(),
        token_version: asked.token_version,
        certificates: asked.certificates.unwrap_or_default(),
        ..NewApplication::default()
    };
    let application = call.service.create_application(&call.caller, new).await?;
    let key = ApplicationKey::Id(application.id);
    let made = call.service.fetch_application(&call.caller, key).await?;
    Ok(Answer::Created(view(&made, false)))
}

pub(super) async fn fetch(call: Call) -> Answered {
    let found = call.service.fetch_application(&call.caller, key(&call.keys[0])?).await?;
    let with_key = call.query.selects("keyCredentials");
    call.query.select(view(&found, with_key)).map(Answer::Found)
}

pub(super) async fn change(call: Call) -> Answered {
    let key = key(&call.keys[0])?;
    let asked = Asked::read(call.body, call.service.clock().now())?;
    let change = ApplicationChange {
        display_name: asked.display_name,
        public_client: asked.public_client,
        identifier_uris: asked.identifier_uris,
        redirect_uris: asked.redirect_uris,
        required_access: asked.required_access,
        token_version: asked.token_version,
        certificates: asked.certificates,
    };
    call.service.change_application(&call.caller, key, change).await?;
    Ok(Answer::Done)
}

pub(super) async fn delete(call: Call) -> Answered {
    call.service.delete_application(&call.caller, key(&call.keys[0])?).await?;
    Ok(Answer::Done)
}

pub(super) async fn add_password(call: Call) -> Answered {
    let key = key(&call.keys[0])?;
    let mut new = NewSecret::default();
    if !call.body.is_null() {
        let mut body = Properties::of(call.body)?;
        if let Some(mut credential) = body.object("passwordCredential")? {
            new.display_name = credential.text("displayName")?;
            new.starts = credential.time("startDateTime")?;
            new.ends = credential.time("endDateTime")?;
            credential.finish()?;
        }
        body.finish()?;
    }
    let (secret, text) = call.service.add_secret(&call.caller, key, new).await?;
    let mut answer = password_credential(&secret);
    // The one place where the text is shown.
    answer["secretText"] = text.expose().into();
    Ok(Answer::Found(answer))
}

pub(super) async fn remove_password(call: Call) -> Answered {
    let key = key(&call.keys[0])?;
    let mut body = Properties::of(call.body)?;
    let key_id = body.needed_id("keyId")?;
    body.finish()?;
    call.service.remove_secret(&call.caller, key, key_id).await?;
    Ok(Answer::Done)
}

pub(super) async fn consent(call: Call) -> Answered {
    let given = call.service.grant_admin_consent(&call.caller, key(&call.keys[0])?).await?;
    let entry = |c: &casbah_service::directory::permission_grants::Consented| json!({ "resourceDisplayName": c.resource, "appRoles": c.app_roles, "scopes": c.scopes });
    Ok(Answer::Found(json!({ "value": given.iter().map(entry).collect::<Vec<_>>() })))
}

/// What a key in the path names: an object id, or an application id by `appId='…'`.
pub(super) fn key(key: &Key) -> Result<ApplicationKey, GraphError> {
    // An id that is no GUID names nothing, just like one that nobody has.
    let absent = |_| GraphError::from(casbah_service::Error::NotFound);
    match key {
        Key::Id(id) => id.parse().map(ApplicationKey::Id).map_err(absent),
        Key::Alternate(name, id) if name.eq_ignore_ascii_case("appId") => {
            id.parse().map(ApplicationKey::AppId).map_err(absent)
        }
        Key::Alternate(name, _) => {
            Err(GraphError::bad_request(format!("'{name}' is not a key here; use the id or appId='…'.")))
        }
    }
}

/// What a body asks for.
struct Asked {
    display_name: Option<String>,
    public_client: Option<bool>,
    identifier_uris: Option<Vec<String>>,
    redirect_uris: Vec<(RedirectUriKind, Vec<String>)>,
    required_access: Option<Vec<RequiredAccess>>,
    token_version: Option<u8>,
    certificates: Option<Vec<CertificateEntry>>,
}

impl Asked {
    fn read(body: Value, now: Timestamp) -> Result<Asked, GraphError> {
        let mut body = Properties::of(body)?;
        // Null is Graph's word for "no".
        let public_client = if body.has("isFallbackPublicClient") {
            Some(body.bool("isFallbackPublicClient")?.unwrap_or(false))
        } else {
            None
        };
        let mut asked = Asked {
            display_name: body.text("displayName")?,
            public_client,
            identifier_uris: body.texts("identifierUris")?,
            redirect_uris: Vec::new(),
            required_access: required_access(&mut body)?,
            token_version: None,
            certificates: key_credentials::of_body(&mut body, now)?,
        };
        for (name, kind) in [
            ("web", RedirectUriKind::Web),
            ("spa", RedirectUriKind::Spa),
            ("publicClient", RedirectUriKind::PublicClient),
        ] {
            if let Some(mut platform) = body.object(name)? {
                if let Some(uris) = platform.texts("redirectUris")? {
                    asked.redirect_uris.push((kind, uris));
                }
                platform.finish()?;
            }
        }
        if let Some(mut api) = body.object("api")? {
            let version = api.number("requestedAccessTokenVersion")?;
            asked.token_version = version.map(|v| u8::try_from(v).unwrap_or(0));
            api.finish()?;
        }
        if let Some(audience) = body.text("signInAudience")?
            && audience != "AzureADMyOrg"
        {
            return Err(GraphError::bad_request(
                "Property 'signInAudience' must be AzureADMyOrg: an application belongs to one tenant.",
            ));
        }
        body.finish()?;
        Ok(asked)
    }
}

fn required_access(body: &mut Properties) -> Result<Option<Vec<RequiredAccess>>, GraphError> {
    let Some(resources) = body.objects("requiredResourceAccess")? else { return Ok(None) };
    let mut all = Vec::new();
    for mut resource in resources {
        let resource_app_id = resource.needed_id("resourceAppId")?;
        for mut access in resource.objects("resourceAccess")?.unwrap_or_default() {
            let id = access.needed_id("id")?;
            let is_role = match access.needed_text("type")?.as_str() {
                "Role" => true,
                "Scope" => false,
                _ => return Err(GraphError::bad_request("Property 'type' must be Role or Scope.")),
            };
            access.finish()?;
            all.push(RequiredAccess { resource_app_id, id, is_role });
        }
        resource.finish()?;
    }
    Ok(Some(all))
}

/// An application or service principal among what somebody owns; none when it is gone.
pub(super) async fn owned_view(call: &Call, id: Guid) -> Result<Option<Value>, GraphError> {
    let key = ApplicationKey::Id(id);
    match call.service.fetch_application(&call.caller, key).await {
        Ok(found) => return Ok(Some(super::members::typed("application", view(&found, false)))),
        Err(casbah_service::Error::NotFound) => {}
        Err(e) => return Err(e.into()),
    }
    match call.service.fetch_service_principal(&call.caller, key).await {
        Ok(found) => {
            let entry = super::service_principals::view(&found, call);
            Ok(Some(super::members::typed("servicePrincipal", entry)))
        }
        Err(casbah_service::Error::NotFound) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

fn view(details: &ApplicationWithSecrets, with_key: bool) -> Value {
    let app = &details.application;
    let credentials: Vec<Value> = details.secrets.iter().map(password_credential).collect();
    json!({
        "id": app.id,
        "appId": app.app_id,
        "displayName": app.display_name,
        "createdDateTime": app.created.iso(),
        "deletedDateTime": null,
        "signInAudience": "AzureADMyOrg",
        "identifierUris": app.identifier_uris,
        "isFallbackPublicClient": app.public_client,
        "api": {
            "requestedAccessTokenVersion": app.token_version,
            "oauth2PermissionScopes": app.scopes.iter().map(scope).collect::<Vec<_>>(),
        },
        "appRoles": app.app_roles.iter().map(app_role).collect::<Vec<_>>(),
        "requiredResourceAccess": required(app),
        "passwordCredentials": credentials,
        "keyCredentials": details.certificates.iter().map(|c| key_credentials::view(c, with_key)).collect::<Vec<_>>(),
        "web": { "redirectUris": uris(app, RedirectUriKind::Web) },
        "spa": { "redirectUris": uris(app, RedirectUriKind::Spa) },
        "publicClient": { "redirectUris": uris(app, RedirectUriKind::PublicClient) },
        "tags": [],
    })
}

fn uris(app: &Application, kind: RedirectUriKind) -> Vec<&str> {
    app.redirect_uris.iter().filter(|r| r.kind == kind).map(|r| r.uri.as_str()).collect()
}

fn required(app: &Application) -> Vec<Value> {
    let mut resources: Vec<Guid> = Vec::new();
    for access in &app.required_access {
        if !resources.contains(&access.resource_app_id) {
            resources.push(access.resource_app_id);
        }
    }
    let entry = |resource: Guid| {
        let of = app.required_access.iter().filter(|a| a.resource_app_id == resource);
        let access: Vec<Value> =
            of.map(|a| json!({ "id": a.id, "type": if a.is_role { "Role" } else { "Scope" } })).collect();
        json!({ "resourceAppId": resource, "resourceAccess": access })
    };
    resources.into_iter().map(entry).collect()
}

/// A secret without its text.
pub(super) fn password_credential(secret: &ApplicationSecret) -> Value {
    json!({
        "keyId": secret.key_id,
        "displayName": if secret.display_name.is_empty() { Value::Null } else { secret.display_name.as_str().into() },
        "hint": secret.hint,
        "startDateTime": secret.starts.iso(),
        "endDateTime": secret.ends.iso(),
        "customKeyIdentifier": null,
        "secretText": null,
        "casbah.lastUsedDateTime": secret.last_used.map(Timestamp::iso),
        "casbah.lastUsedAddress": secret.last_address,
    })
}

/// An app role, as applications and service principals show it.
pub(super) fn app_role(role: &AppRole) -> Value {
    json!({
        "id": role.id,
        "allowedMemberTypes": ["Application"],
        "displayName": role.display_name,
        "description": role.description,
        "value": role.value,
        "isEnabled": true,
        "origin": "Application",
    })
}

/// A delegated scope, as applications and service principals show it.
pub(super) fn scope(scope: &DelegatedScope) -> Value {
    json!({
        "id": scope.id,
        "type": if scope.admin_only { "Admin" } else { "User" },
        "value": scope.value,
        "isEnabled": true,
        "adminConsentDisplayName": scope.display_name,
        "adminConsentDescription": scope.description,
        "userConsentDisplayName": scope.display_name,
        "userConsentDescription": scope.description,
        "origin": "Application",
    })
}
