//! The authority over HTTP: methods, headers, spellings.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use casbah_authority::{Authority, Settings, seed};
use casbah_model::{
    Application, ApplicationSecret, Clock, Guid, Secret, ServicePrincipal, ServicePrincipalDetails, Tenant,
    TenantId, Timestamp,
};
use casbah_store::{
    Location, Store, application_secrets, applications, permission_grants, service_principals, tenants,
};
use http::{HeaderMap, Request, StatusCode};
use serde_json::Value;
use tower::ServiceExt;

use super::{canonical_path, router};

const TENANT: TenantId = TenantId(Guid::from_u128(1));
const CLIENT: Guid = Guid::from_u128(0xa0000000_0000_4000_8000_000000000001);
const BODY: &str = "grant_type=client_credentials&client_id=a0000000-0000-4000-8000-000000000001\
    &client_secret=top+secret%26&scope=05a65629-4c1b-48c1-a78b-804c4abdd4af%2F.default";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded;charset=utf-8");

async fn world() -> Router {
    let store = Store::open(&Location::Memory).await.expect("opens");
    let settings = Settings {
        public_url: "https://localhost:8443".to_string(),
        master_key: Secret::new("k".repeat(43)),
    };
    let clock = Clock::system();
    let now = clock.now();
    let authority = Authority::open(store.clone(), clock, settings).await.expect("opens");
    let digest = authority.digest(casbah_authority::SecretKind::ClientSecret, &Secret::new("top secret&"));
    let built_in = seed::built_in(now, "https://localhost:8443");
    let client = Application {
        id: Guid::from_u128(2),
        app_id: CLIENT,
        display_name: "Client".to_string(),
        public_client: false,
        ..built_in.applications[2].clone()
    };
    let principal = ServicePrincipal {
        id: Guid::from_u128(3),
        app_id: CLIENT,
        display_name: "Client".to_string(),
        enabled: true,
        created: now,
        details: ServicePrincipalDetails::default(),
    };
    store
        .write(move |tx| -> Result<(), casbah_store::Error> {
            let tenant = Tenant {
                id: TENANT,
                number: 10_000_000,
                display_name: "Contoso".to_string(),
                domains: vec!["contoso.example".to_string()],
                created: now,
            };
            tenants::insert(tx, &tenant)?;
            for application in built_in.applications.iter().chain([&client]) {
                applications::insert(tx, TENANT, application)?;
            }
            for principal in built_in.service_principals.iter().chain([&principal]) {
                service_principals::insert(tx, TENANT, principal)?;
            }
            for grant in &built_in.permission_grants {
                permission_grants::insert(tx, TENANT, grant)?;
            }
            let secret = ApplicationSecret {
                key_id: Guid::from_u128(4),
                application: client.id,
                display_name: String::new(),
                hint: "top".to_string(),
                digest: digest.clone(),
                starts: Timestamp(0),
                ends: Timestamp(i64::MAX),
                last_used: None,
                last_address: None,
            };
            application_secrets::insert(tx, TENANT, &secret)
        })
        .await
        .expect("inserts");
    router(Arc::new(authority))
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("JSON")
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("text"))
    }
}

async fn call(router: &Router, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body.to_string())).expect("a request");
    let response = router.clone().oneshot(request).await.expect("answers");
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = to_bytes(response.into_body(), 1 << 20).await.expect("a body");
    Answer { status, headers, text: String::from_utf8(bytes.to_vec()).expect("UTF-8") }
}

#[tokio::test]
async fn the_token_endpoint_answers_on_every_spelling() {
    let world = world().await;
    for tenant in [
        "contoso.example",
        "Contoso.Example",
        "common",
        "organizations",
        "00000000-0000-0000-0000-000000000001",
    ] {
        let path =
            format!("/{tenant}/oauth2/v2.0/token?client-request-id=9b1f4a0e-0000-4000-8000-000000000001");
        let answer = call(&world, "POST", &path, &[FORM], BODY).await;
        assert_eq!(answer.status, StatusCode::OK, "{tenant}: {}", answer.text);
        assert_eq!(answer.header("cache-control"), Some("no-store, no-cache"));
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert!(answer.json()["access_token"].is_string());
    }
    let v1 = call(&world, "POST", "/common/oauth2/token", &[FORM], BODY).await;
    assert_eq!((v1.status, v1.json()["expires_in"].as_str()), (StatusCode::OK, Some("3599")));
}

#[tokio::test]
async fn refusals_carry_their_ids() {
    let world = world().await;
    let id = "9b1f4a0e-1111-4000-8000-000000000001";
    let headers = [FORM, ("client-request-id", id), ("return-client-request-id", "true")];
    let body = BODY.replace("top", "wrong");
    let answer = call(&world, "POST", "/common/oauth2/v2.0/token", &headers, &body).await;
    let json = answer.json();
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!((json["error"].as_str(), json["correlation_id"].as_str()), (Some("invalid_client"), Some(id)));
    assert_eq!(json["error_codes"], serde_json::json!([7000215]));
    assert_eq!(answer.header("x-ms-request-id"), json["trace_id"].as_str());
    assert_eq!(answer.header("client-request-id"), Some(id));
    assert_eq!(answer.header("www-authenticate"), None);
    let raw = answer.text.split("\"error_description\":\"").nth(1).and_then(|rest| rest.split('"').next());
    assert!(!raw.expect("a description").contains('\\'), "{}", answer.text);

    let headers = [FORM, ("authorization", "Basic eDp5")];
    let basic = call(
        &world,
        "POST",
        "/common/oauth2/v2.0/token",
        &headers,
        "grant_type=password&username=x&password=y&scope=z",
    )
    .await;
    assert_eq!(basic.status, StatusCode::BAD_REQUEST);
    let headers = [FORM, ("authorization", "Basic YTAwMDAwMDAtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDAwMDAxOng=")];
    let basic = call(
        &world,
        "POST",
        "/common/oauth2/v2.0/token",
        &headers,
        "grant_type=client_credentials&scope=.default",
    )
    .await;
    assert_eq!(basic.header("www-authenticate"), Some("Basic realm=\"casbah\""));
}

#[tokio::test]
async fn other_methods_and_bodies_are_refused() {
    let world = world().await;
    let token = "/common/oauth2/v2.0/token";
    for method in ["GET", "PUT", "DELETE"] {
        let answer = call(&world, method, token, &[], "").await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.json()["error_codes"], serde_json::json!([900561]));
        assert_eq!(answer.header("allow"), Some("POST, OPTIONS"));
    }
    let json = call(&world, "POST", token, &[("content-type", "application/json")], "{}").await;
    assert_eq!(json.json()["error_codes"], serde_json::json!([900144]));
    let large = format!("{BODY}&x={}", "x".repeat(64 * 1024));
    assert_eq!(call(&world, "POST", token, &[FORM], &large).await.status, StatusCode::OK);
    let too_large = format!("{BODY}&x={}", "x".repeat(256 * 1024));
    assert_eq!(call(&world, "POST", token, &[FORM], &too_large).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let preflight = call(&world, "OPTIONS", token, &[("origin", "https://spa.example")], "").await;
    assert_eq!(preflight.status, StatusCode::NO_CONTENT);
    assert_eq!(preflight.header("access-control-allow-methods"), Some("POST, OPTIONS"));
    assert!(preflight.header("access-control-allow-credentials").is_none());
}

#[tokio::test]
async fn documents_are_public() {
    let world = world().await;
    for (path, field) in [
        ("/contoso.example/v2.0/.well-known/openid-configuration", "token_endpoint"),
        ("/contoso.example/.well-known/openid-configuration", "token_endpoint"),
        ("/contoso.example/v2.0/.well-known/oauth-authorization-server", "token_endpoint"),
        ("/.well-known/oauth-authorization-server/contoso.example/v2.0", "token_endpoint"),
        ("/common/discovery/keys", "keys"),
        ("/common/discovery/v2.0/keys?appid=x", "keys"),
        (
            "/common/discovery/instance?api-version=1.1&authorization_endpoint=https://localhost/x/y",
            "metadata",
        ),
        ("/common/userrealm/alice@contoso.example?api-version=1.0", "account_type"),
        ("/common/userrealm/alice%40contoso.example?api-version=1.0", "account_type"),
    ] {
        let answer = call(&world, "GET", path, &[], "").await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert!(!answer.json()[field].is_null(), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{path}");
    }
    let unknown =
        call(&world, "GET", "/nowhere.example/v2.0/.well-known/openid-configuration", &[], "").await;
    assert_eq!(
        (unknown.status, unknown.json()["error"].as_str()),
        (StatusCode::BAD_REQUEST, Some("invalid_tenant"))
    );
    let elsewhere = "/common/discovery/instance?authorization_endpoint=https://evil.example/x";
    assert_eq!(call(&world, "GET", elsewhere, &[], "").await.json()["error"], "invalid_instance");

    let text = call(&world, "GET", "/error?code=7000215", &[], "").await;
    assert!(text.text.starts_with("AADSTS7000215"), "{}", text.text);
    let json = call(&world, "GET", "/error?code=AADSTS50126", &[("accept", "application/json")], "").await;
    assert_eq!(json.json()["error"], "invalid_grant");
    assert_eq!(call(&world, "GET", "/error?code=1", &[], "").await.status, StatusCode::NOT_FOUND);

    let nobody = call(&world, "GET", "/oidc/userinfo", &[], "").await;
    assert_eq!(
        (nobody.status, nobody.header("www-authenticate")),
        (StatusCode::UNAUTHORIZED, Some("Bearer"))
    );
    let forged = call(&world, "POST", "/oidc/userinfo", &[("authorization", "Bearer x.y.z")], "").await;
    assert_eq!(forged.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
}

#[tokio::test]
async fn the_device_endpoint_answers() {
    let world = world().await;
    let body = format!("client_id={}&scope=openid+offline_access", seed::CLI);
    let answer = call(&world, "POST", "/organizations/oauth2/v2.0/devicecode", &[FORM], &body).await;
    assert_eq!(answer.json()["interval"], 5);
    let body = format!("client_id={}&resource=05a65629-4c1b-48c1-a78b-804c4abdd4af", seed::CLI);
    let answer = call(&world, "POST", "/common/oauth2/devicecode?api-version=1.0", &[FORM], &body).await;
    assert_eq!(answer.json()["interval"], "5");
}

#[test]
fn only_authority_paths_are_respelled() {
    let check =
        |path: &str, expected: Option<&str>| assert_eq!(canonical_path(path).as_deref(), expected, "{path}");
    check("/common/UserRealm/Alice@x", Some("/common/userrealm/alice@x"));
    check("/Contoso.Example/OAuth2/V2.0/Token", Some("/contoso.example/oauth2/v2.0/token"));
    check("/common/oauth2/token", None);
    check("/api/V1/oauth2/Token", None);
    check("/portal/Alerts", None);
    check("/cas/api/v1/discovery/Upload_url/", None);
}
