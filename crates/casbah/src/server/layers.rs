//! What happens to every request: an id, a line in the log, a count, limits, and no panic.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use casbah_model::Guid;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tower::Layer;
use tower::util::MapRequestLayer;
use tower_http::catch_panic::CatchPanicLayer;

use super::metrics::Metrics;
use super::origin;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");

/// The router with everything around it. Paths are made uniform before they are routed.
///
/// `behind_proxy`: the connections come from a proxy on this machine, and what it says of its clients holds.
pub(super) fn wrap(router: Router, metrics: Metrics, behind_proxy: bool) -> Router {
    let router = router
        .layer(from_fn(casbah_api::cross_origin))
        .layer(CatchPanicLayer::custom(|_| answer_panic()))
        // One function and not a layer for each thing that it does: each layer copies all below it.
        .layer(from_fn_with_state((metrics, behind_proxy), observe));
    // A router's own layers run after it has chosen a route, so this stands in front of it.
    Router::new().fallback_service(MapRequestLayer::new(casbah_api::normalise).layer(router))
}

/// Headers must arrive within this time, so that a client that dribbles cannot hold a connection.
const HEADERS_WITHIN: Duration = Duration::from_secs(30);

/// Closes connections of clients that are too slow to say what they want.
pub(super) fn limit_slow_clients(builder: &mut Builder<TokioExecutor>) {
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS_WITHIN);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(Some(Duration::from_secs(30)));
}

/// Every answer says how it may be used; pages set stricter rules of their own.
fn harden(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let year = HeaderValue::from_static("max-age=31536000");
    headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(year);
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// One line in the log and one count per request. The query is left out: it can hold a signature.
async fn observe(
    State((metrics, behind_proxy)): State<(Metrics, bool)>,
    request: Request,
    next: Next,
) -> Response {
    let method = request.method().clone();
    let path = told(request.uri().path());
    let began = std::time::Instant::now();
    metrics.begin();
    let mut response = answer(request, next, behind_proxy).await;
    let took = began.elapsed();
    let status = response.status().as_u16();
    metrics.end(&path, status, took);
    let id = match response.headers().get(&REQUEST_ID).and_then(|v| v.to_str().ok()) {
        Some(id) => id.to_string(),
        None => {
            let id = Guid::random().to_string();
            if let Ok(value) = HeaderValue::from_str(&id) {
                response.headers_mut().insert(REQUEST_ID, value);
            }
            id
        }
    };
    let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(target: "casbah::access", %method, path, status, milliseconds, request_id = id);
    response
}

/// Lets the request through to its route. Whatever it leaves in the audit trail says where it came from.
async fn answer(request: Request, next: Next, behind_proxy: bool) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let origin = origin::of(peer, request.headers(), behind_proxy);
    let request = casbah_api::with_watched_body(request);
    let mut response = casbah_store::audit::from_origin(origin, next.run(request)).await;
    harden(&mut response);
    response
}

fn answer_panic() -> Response<Body> {
    tracing::error!("a request handler panicked");
    let body = r#"{"error":true,"errors":[{"error":"internal error"}]}"#;
    (StatusCode::INTERNAL_SERVER_ERROR, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// The path as the log and the metrics may have it: the address of a block list is a secret.
fn told(path: &str) -> String {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    if parts.next() == Some("lists") { "/lists/…".to_string() } else { path.to_string() }
}
