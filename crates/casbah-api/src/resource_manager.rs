//! As much of Azure's resource manager as signing in with the Azure CLI, Azure PowerShell and Terraform takes:
//! the description of the cloud, the tenants, and the subscriptions, of which there are none.

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use casbah_authority::{Audience, Caller, Form, Refusal};
use casbah_model::Guid;
use casbah_service::Service;
use http::request::Parts;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::presented::Target;

/// The name that the cloud calls itself; `az cloud register` keeps the name that it was given.
const CLOUD: &str = "Casbah";

/// `/metadata/endpoints`, `/subscriptions` and `/tenants`, each with `?api-version=`.
pub fn router(service: Service) -> Router {
    Router::new()
        .route("/metadata/endpoints", get(metadata))
        .route("/subscriptions", get(subscriptions))
        .route("/tenants", get(tenants))
        .with_state(service)
}

/// What was wrong, in the resource manager's shape.
struct ArmError {
    status: StatusCode,
    code: &'static str,
    message: String,
    challenge: Option<String>,
}

impl ArmError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> ArmError {
        ArmError { status, code, message: message.into(), challenge: None }
    }
}

impl IntoResponse for ArmError {
    fn into_response(self) -> Response {
        let body = json!({ "error": { "code": self.code, "message": self.message } });
        let mut response = (self.status, axum::Json(body)).into_response();
        if let Some(value) = self.challenge.and_then(|text| HeaderValue::from_str(&text).ok()) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
        }
        with_request_id(response)
    }
}

fn with_request_id(mut response: Response) -> Response {
    if let Ok(id) = HeaderValue::from_str(&Guid::random().to_string()) {
        response.headers_mut().insert(HeaderName::from_static("x-ms-request-id"), id);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The description of the cloud: everybody may read it. One object, not a list: the Azure CLI takes only that.
async fn metadata(State(service): State<Service>, RawQuery(query): RawQuery) -> Result<Response, ArmError> {
    check_version(query.as_deref())?;
    let base = service.settings().public_url.trim_end_matches('/');
    let (base, host) = (format!("{base}/"), base.split_once("://").map_or(base, |(_, host)| host));
    // Tools fall back on Microsoft's own hosts for services that are not named here. These names keep them,
    // and what they would send there, with Casbah, which answers 404.
    let body = json!({
        "name": CLOUD,
        "portal": base,
        "authentication": {
            // Without the slash, as in Azure: Terraform's SDK appends one, and signs for that address.
            "loginEndpoint": base.trim_end_matches('/'),
            "audiences": [base],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "graph": base,
        "graphAudience": base,
        "microsoftGraphResourceId": base,
        "resourceManager": base,
        "media": base,
        "gallery": base,
        "batch": base,
        "sqlManagement": base,
        "vmImageAliasDoc": base,
        "activeDirectoryDataLake": base,
        "appInsightsResourceId": base,
        "appInsightsTelemetryChannelResourceId": base,
        "attestationResourceId": base,
        "logAnalyticsResourceId": base,
        "ossrdbmsResourceId": base,
        "synapseAnalyticsResourceId": base,
        "suffixes": {
            "storage": host,
            "keyVaultDns": host,
            "sqlServerHostname": host,
            "acrLoginServer": host,
            "attestationEndpoint": host,
            "azureDataLakeStoreFileSystem": host,
            "azureDataLakeAnalyticsCatalogAndJob": host,
            "mhsmDns": host,
            "storageSyncEndpointSuffix": host,
            "synapseAnalytics": host,
            "mariadbServerEndpoint": host,
            "mysqlServerEndpoint": host,
            "postgresqlServerEndpoint": host,
        },
    });
    let mut response = with_request_id(axum::Json(body).into_response());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=86400, public"));
    Ok(response)
}

/// No subscriptions: nothing is rented here. Clients that ask go on with the tenant alone.
async fn subscriptions(
    State(service): State<Service>,
    RawQuery(query): RawQuery,
    parts: Parts,
) -> Result<Response, ArmError> {
    identify(&service, &parts).await?;
    check_version(query.as_deref())?;
    let body = json!({ "value": [], "count": { "type": "Total", "value": 0 } });
    Ok(with_request_id(axum::Json(body).into_response()))
}

/// The tenants of the caller: the one that issued the token.
async fn tenants(
    State(service): State<Service>,
    RawQuery(query): RawQuery,
    parts: Parts,
) -> Result<Response, ArmError> {
    let caller = identify(&service, &parts).await?;
    check_version(query.as_deref())?;
    let tenant = service.fetch_tenant(&caller).await.map_err(|e| {
        tracing::error!(error = %e, "the tenant could not be read");
        ArmError::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", "The server failed.")
    })?;
    let entry = json!({
        "id": format!("/tenants/{}", tenant.id),
        "tenantId": tenant.id,
        "displayName": tenant.display_name,
        "domains": tenant.domains,
        "defaultDomain": tenant.domains.first(),
        "tenantCategory": "Home",
        "tenantType": "AAD",
    });
    let body: Value = json!({ "value": [entry] });
    Ok(with_request_id(axum::Json(body).into_response()))
}

fn check_version(query: Option<&str>) -> Result<(), ArmError> {
    let query = Form::parse(query.unwrap_or_default().as_bytes());
    match query.get("api-version") {
        Some(version) if !version.is_empty() => Ok(()),
        _ => Err(ArmError::new(
            StatusCode::BAD_REQUEST,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )),
    }
}

async fn identify(service: &Service, parts: &Parts) -> Result<Caller, ArmError> {
    let base = service.authority().public_url();
    let refused = |message: String| ArmError {
        challenge: Some(format!("Bearer authorization_uri=\"{base}/common\", error=\"invalid_token\"")),
        ..ArmError::new(StatusCode::UNAUTHORIZED, "AuthenticationFailed", message)
    };
    let mut headers = parts.headers.get_all(header::AUTHORIZATION).iter();
    let presented = match (headers.next(), headers.next()) {
        (Some(header), None) => {
            header.to_str().ok().and_then(|h| Target::of(parts).presented(h, &parts.headers, base))
        }
        _ => None,
    };
    let Some(presented) = presented else {
        return Err(refused("Authentication failed. The 'Authorization' header is missing.".to_string()));
    };
    service.authority().verify(&presented, Audience::Directory).await.map_err(|refusal| match refusal {
        Refusal::Unavailable(cause) => {
            tracing::error!(error = %cause, "a token could not be checked");
            let message = "The token could not be checked. Try again in a moment.";
            ArmError::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message)
        }
        other => refused(format!("Authentication failed. {other}")),
    })
}
