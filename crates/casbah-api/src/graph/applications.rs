//! `/applications`

use casbah_model::{Application, ApplicationSecret, Guid, RedirectUri, RedirectUriKind, Timestamp};
use casbah_service::directory::applications::{ApplicationKey, ApplicationWithSecrets, NewApplication};
use casbah_service::directory::secrets::NewSecret;
use serde_json::{Map, Value, json};

use super::application_body::Asked;
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
    Column::time("createdDateTime", lists::Property::Created),
    Column::names("identifierUris"),
];

pub(super) async fn list(call: Call) -> Answered {
    call.query.check(&shape())?;
    let fetch = |search| call.service.search_applications(&call.caller, search);
    let count = |search| call.service.count_applications(&call.caller, search);
    let key = |entry: &ApplicationWithSecrets| (entry.application.display_name.clone(), entry.application.id);
    let found = lists::page(&call.query, COLUMNS, fetch, count, plain, key).await?;
    let mut page = found.entries.iter().map(plain).collect::<Vec<_>>();
    if call.query.expands(&["owners"])? {
        for (entry, value) in found.entries.iter().zip(&mut page) {
            let key = ApplicationKey::Id(entry.application.id);
            value["owners"] = owners::of_application(&call, key).await?.into();
        }
    }
    let base = &call.service.settings().public_url;
    let next = found.next.as_deref();
    call.query.expanded(base, "applications", page, found.count, next).map(Answer::Found)
}

pub(super) async fn count(call: Call) -> Answered {
    call.query.check(&shape())?;
    let fetch = |search| call.service.search_applications(&call.caller, search);
    let count = |search| call.service.count_applications(&call.caller, search);
    let key = |entry: &ApplicationWithSecrets| (entry.application.display_name.clone(), entry.application.id);
    lists::count(&call.query, COLUMNS, fetch, count, plain, key).await.map(|n| Answer::Text(n.to_string()))
}

pub(super) async fn create(call: Call) -> Answered {
    let asked = Asked::read(call.body, call.query.version, call.service.clock().now())?;
    let mut change = asked.change;
    let display_name = change
        .display_name
        .take()
        .ok_or_else(|| GraphError::bad_request("Property 'displayName' is required."))?;
    let redirect_uris = change
        .redirect_uris
        .into_iter()
        .flat_map(|(kind, uris)| uris.into_iter().map(move |uri| RedirectUri { uri, kind }));
    let mut new = NewApplication {
        display_name,
        public_client: change.public_client.unwrap_or(false),
        identifier_uris: change.identifier_uris.unwrap_or_default(),
        redirect_uris: redirect_uris.collect(),
        app_roles: change.app_roles.unwrap_or_default(),
        scopes: change.scopes.unwrap_or_default(),
        required_access: change.required_access.unwrap_or_default(),
        token_version: change.token_version,
        owners: asked.owners,
        certificates: change.certificates.unwrap_or_default(),
        ..NewApplication::default()
    };
    for detail in change.details {
        detail.apply(&mut new.details);
    }
    let application = call.service.create_application(&call.caller, new).await?;
    let key = ApplicationKey::Id(application.id);
    let made = call.service.fetch_application(&call.caller, key).await?;
    Ok(Answer::Created(view(&made, false)))
}

pub(super) async fn fetch(call: Call) -> Answered {
    let key = key(&call.keys[0])?;
    let found = call.service.fetch_application(&call.caller, key).await?;
    let mut entry = view(&found, call.query.selects("keyCredentials"));
    if call.query.expands(&["owners"])? {
        entry["owners"] = owners::of_application(&call, key).await?.into();
    }
    call.query.keep(entry).map(Answer::Found)
}

pub(super) async fn change(call: Call) -> Answered {
    let key = key(&call.keys[0])?;
    let asked = Asked::read(call.body, call.query.version, call.service.clock().now())?;
    if !asked.owners.is_empty() {
        return Err(GraphError::bad_request("Property 'owners@odata.bind' is for new applications."));
    }
    call.service.change_application(&call.caller, key, asked.change).await?;
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

/// An application without anything: which properties there are.
fn shape() -> Value {
    let application = Application {
        id: Guid::from_u128(0),
        app_id: Guid::from_u128(0),
        display_name: String::new(),
        public_client: false,
        identifier_uris: Vec::new(),
        redirect_uris: Vec::new(),
        app_roles: Vec::new(),
        scopes: Vec::new(),
        required_access: Vec::new(),
        token_version: 1,
        created: Timestamp(0),
        details: casbah_model::ApplicationDetails::default(),
    };
    plain(&ApplicationWithSecrets { application, secrets: Vec::new(), certificates: Vec::new() })
}

/// An application without the bytes of its certificates, as in lists.
pub(super) fn plain(details: &ApplicationWithSecrets) -> Value {
    view(details, false)
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
    let credentials: Vec<Value> = details.secrets.iter().map(password_credential).collect();
    let mut view = registration(&details.application);
    view["passwordCredentials"] = credentials.into();
    let certificates = details.certificates.iter().map(|c| key_credentials::view(c, with_key));
    view["keyCredentials"] = certificates.collect::<Vec<_>>().into();
    view
}

/// An application without its credentials.
pub(super) fn registration(app: &Application) -> Value {
    let details = &app.details;
    let stated = app.public_client || details.public_client_stated;
    let info = &details.information;
    json!({
        "id": app.id,
        "appId": app.app_id,
        "displayName": app.display_name,
        "createdDateTime": app.created.iso(),
        "deletedDateTime": null,
        "description": details.description,
        "publisherDomain": details.publisher_domain,
        "signInAudience": details.sign_in_audience.as_deref().unwrap_or("AzureADMyOrg"),
        "identifierUris": app.identifier_uris,
        "isFallbackPublicClient": stated.then_some(app.public_client),
        "isDeviceOnlyAuthSupported": null,
        "oauth2RequirePostResponse": false,
        "groupMembershipClaims": details.group_membership_claims,
        "optionalClaims": optional_claims(&details.optional_claims),
        "defaultRedirectUri": null,
        "samlMetadataUrl": null,
        "serviceManagementReference": details.service_management_reference,
        "notes": details.notes,
        "tags": details.tags,
        "info": {
            "logoUrl": null,
            "marketingUrl": info.marketing_url,
            "privacyStatementUrl": info.privacy_statement_url,
            "supportUrl": info.support_url,
            "termsOfServiceUrl": info.terms_of_service_url,
        },
        "api": {
            "acceptMappedClaims": details.accept_mapped_claims,
            "knownClientApplications": details.known_client_applications,
            "requestedAccessTokenVersion": app.token_version,
            "oauth2PermissionScopes": app.scopes.iter().map(scope).collect::<Vec<_>>(),
            "preAuthorizedApplications": details.pre_authorized.iter().map(|client| json!({
                "appId": client.app_id,
                "delegatedPermissionIds": client.delegated_permission_ids,
            })).collect::<Vec<_>>(),
        },
        "appRoles": app.app_roles.iter().map(app_role).collect::<Vec<_>>(),
        "requiredResourceAccess": required(app),
        "passwordCredentials": [],
        "keyCredentials": [],
        "web": {
            "redirectUris": uris(app, RedirectUriKind::Web),
            "homePageUrl": details.home_page_url,
            "logoutUrl": details.logout_url,
            "implicitGrantSettings": {
                "enableIdTokenIssuance": details.implicit_id_tokens,
                "enableAccessTokenIssuance": false,
            },
        },
        "spa": { "redirectUris": uris(app, RedirectUriKind::Spa) },
        "publicClient": { "redirectUris": uris(app, RedirectUriKind::PublicClient) },
    })
}

/// Null when there is none at all, as in Graph.
fn optional_claims(claims: &casbah_model::OptionalClaims) -> Value {
    let list = |claims: &[casbah_model::OptionalClaim]| -> Value {
        claims
            .iter()
            .map(|c| {
                json!({
                    "name": c.name, "source": c.source, "essential": c.essential,
                    "additionalProperties": c.additional_properties,
                })
            })
            .collect::<Vec<_>>()
            .into()
    };
    if *claims == casbah_model::OptionalClaims::default() {
        return Value::Null;
    }
    let mut all = Map::new();
    all.insert("idToken".to_string(), list(&claims.id_token));
    all.insert("accessToken".to_string(), list(&claims.access_token));
    all.insert("saml2Token".to_string(), list(&claims.saml2_token));
    Value::Object(all)
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
