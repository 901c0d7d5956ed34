//! What the tests of this crate share: a service with two tenants, called as over the network.

use std::path::Path;
use std::sync::Arc;

use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode};
use casbah_authority::{Authority, Caller, Principal};
use casbah_model::{
    Clock, ClockSetting, Entitlements, Guid, Permission, PermissionSet, Secret, Tenant, TenantId, Timestamp,
};
use casbah_service::{Service, Settings};
use casbah_store::{Location, Store, tenants};
use serde_json::Value;
use tower::util::MapRequestLayer;
use tower::{Layer, ServiceExt};

use crate::{normalise, router};

/// When tests take place: 2026-11-23T12:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp(1_795_435_200_000);

/// Largest upload that tests can make.
pub(crate) const UPLOAD_LIMIT: u64 = 4 * 1024 * 1024;

pub(crate) struct World {
    pub(crate) service: Service,
    /// A caller with all permissions, and one of another tenant.
    pub(crate) home: Caller,
    pub(crate) abroad: Caller,
    pub(crate) uploads: tempfile::TempDir,
}

pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("JSON, not {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The JSON of a success.
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text());
        self.json()
    }

    /// The text of a refusal in the shape that clients know.
    pub(crate) fn refused(self, status: u16, section: &str) -> String {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        let body = self.json();
        assert_eq!(body["error"], true);
        let text = body["errors"][0]["error"].as_str().expect("errors[0].error").to_string();
        if !section.is_empty() {
            assert_eq!(body[section][0]["error"], text, "{body}");
            assert!(body[section][0]["errorMessageCode"].is_string());
        }
        text
    }
}

impl World {
    pub(crate) async fn start() -> World {
        let store = database().await;
        let uploads = tempfile::tempdir().expect("a folder");
        let (home, abroad) = (caller(&store, 10_000_001).await, caller(&store, 10_000_002).await);
        let service = service(store, uploads.path(), NOW).await;
        World { service, home, abroad, uploads }
    }

    /// The same world, as it is some hours later.
    pub(crate) async fn later(self, hours: u64) -> World {
        let now = NOW.plus(std::time::Duration::from_secs(hours * 60 * 60));
        let service = service(self.service.store().clone(), self.uploads.path(), now).await;
        World { service, ..self }
    }

    /// Sends a request as it would come from the network.
    pub(crate) async fn send(&self, caller: Option<&Caller>, mut request: Request<Body>) -> Reply {
        if let Some(caller) = caller {
            request.extensions_mut().insert(caller.clone());
        }
        if request.body().is_end_stream() {
            // What clients say of an empty body.
            request.headers_mut().entry(CONTENT_LENGTH).or_insert(HeaderValue::from_static("0"));
        }
        let (method, path) = (request.method().to_string(), request.uri().path().to_string());
        let layer = MapRequestLayer::new(normalise as fn(Request<Body>) -> Request<Body>);
        let response = layer.layer(router(self.service.clone())).oneshot(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("a body");
        crate::openapi::tests::check_answer(&method, &path, parts.status, &body);
        Reply { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(Some(&self.home), request("GET", path, Body::empty())).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(Some(&self.home), request("POST", path, Body::from(body.to_string()))).await
    }
}

pub(crate) fn request(method: &str, path: &str, body: Body) -> Request<Body> {
    Request::builder().method(method).uri(path).body(body).expect("a request")
}

/// An empty database: in memory, or one of its own on the server that `CASBAH_TEST_DATABASE_URL` names.
pub(crate) async fn database() -> Store {
    let Ok(server) = std::env::var("CASBAH_TEST_DATABASE_URL") else {
        return Store::open(&Location::Memory).await.expect("SQLite opens");
    };
    let name = format!("casbah_api_{}", casbah_model::random::text(12, b"abcdefghijklmnopqrstuvwxyz"));
    let connected = tokio_postgres::connect(&server, tokio_postgres::NoTls).await;
    let (client, driver) = connected.expect("the test server answers");
    let driver = tokio::spawn(driver);
    client.batch_execute(&format!("create database {name}")).await.expect("a database can be created");
    drop(client);
    driver.await.expect("the driver ends").expect("the connection closes");
    let mut url = url::Url::parse(&server).expect("a URL");
    url.set_path(&name);
    Store::open(&Location::Postgres(url.to_string())).await.expect("PostgreSQL opens")
}

async fn service(store: Store, folder: &Path, now: Timestamp) -> Service {
    let clock = Clock::with(ClockSetting::Frozen(now));
    let public_url = "https://casbah.example:8443".to_string();
    let master_key = Secret::new("0123456789abcdef0123456789abcdef0123456789ab");
    let settings = casbah_authority::Settings { public_url: public_url.clone(), master_key };
    let authority = Authority::open(store.clone(), clock, settings).await.expect("the authority opens");
    let settings = Settings { public_url, uploads: folder.join("uploads"), upload_limit: UPLOAD_LIMIT };
    Service::new(store, Arc::new(authority), clock, settings)
}

/// The same caller with these permissions only.
pub(crate) fn only(caller: &Caller, permissions: &[Permission]) -> Caller {
    Caller { permissions: permissions.iter().copied().collect(), ..caller.clone() }
}

async fn caller(store: &Store, number: i64) -> Caller {
    let tenant = Tenant {
        id: TenantId(Guid::random()),
        number,
        display_name: format!("Tenant {number}"),
        domains: vec![format!("t{number}.example")],
        created: NOW,
    };
    let id = tenant.id;
    store.write(move |tx| tenants::insert(tx, &tenant)).await.expect("the tenant is new");
    Caller {
        tenant: id,
        tenant_number: number,
        principal: Principal::Application {
            app_id: Guid::random(),
            id: Guid::random(),
            name: "Test application".into(),
        },
        permissions: PermissionSet::ALL,
        entitlements: Entitlements::everything(),
        directory_permissions: Vec::new(),
        legacy: false,
    }
}
