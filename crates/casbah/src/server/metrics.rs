//! What operators watch: requests by area and outcome, how long they took.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// The registry and what is counted; cheap to clone.
#[derive(Clone)]
pub(super) struct Metrics {
    registry: Arc<Registry>,
    requests: Family<Request, Counter>,
    seconds: Family<Area, Histogram>,
    in_hand: Gauge,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Request {
    area: &'static str,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Area {
    area: &'static str,
}

const BOUNDS: [f64; 10] = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 10.0];

impl Metrics {
    pub(super) fn new() -> Metrics {
        let mut registry = Registry::with_prefix("casbah");
        let requests = Family::default();
        let seconds = Family::new_with_constructor((|| Histogram::new(BOUNDS)) as fn() -> Histogram);
        let in_hand = Gauge::default();
        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register("http_request_seconds", "Time to answer", seconds.clone());
        registry.register("http_requests_in_hand", "Requests being answered", in_hand.clone());
        Metrics { registry: Arc::new(registry), requests, seconds, in_hand }
    }

    /// A request came in.
    pub(super) fn begin(&self) {
        self.in_hand.inc();
    }

    /// A request was answered.
    pub(super) fn end(&self, path: &str, status: u16, took: Duration) {
        let area = area(path);
        self.in_hand.dec();
        self.requests.get_or_create(&Request { area, status }).inc();
        self.seconds.get_or_create(&Area { area }).observe(took.as_secs_f64());
    }

    /// The page of `/metrics`, for a listener of its own.
    pub(super) fn router(&self) -> Router {
        let metrics = self.clone();
        Router::new().route("/metrics", get(move || async move { metrics.page() }))
    }

    fn page(&self) -> axum::response::Response {
        let mut text = String::new();
        match prometheus_client::encoding::text::encode(&mut text, &self.registry) {
            Ok(()) => {
                let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
                ([(header::CONTENT_TYPE, kind)], text).into_response()
            }
            Err(_) => axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

/// The part of Casbah that a path belongs to: few values, whatever paths people try.
fn area(path: &str) -> &'static str {
    let path = path.strip_prefix("/cas").unwrap_or(path);
    if path.starts_with("/api/") {
        "api"
    } else if path.starts_with("/upload/") {
        "upload"
    } else if path.starts_with("/v1.0/") {
        "directory"
    } else if path.starts_with("/portal") || path == "/" || path.starts_with("/assets/") {
        "portal"
    } else if path.ends_with("/token") {
        "token"
    } else if path.contains("/oauth2/") || path.contains("/.well-known/") || path.contains("/discovery/") {
        "authority"
    } else {
        "other"
    }
}
