//! Asking the API from a page, as the person who sees the page: what it says of a wrong value is what programs hear.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::response::Response;
use casbah_api::InPerson;
use http::{Method, Request, StatusCode, header};
use serde_json::Value as Json;
use tower::ServiceExt;

use super::visit::{Failed, Visit};

/// An answer longer than this is not read.
const MOST: usize = 16 * 1024 * 1024;

/// The API.
#[derive(Clone)]
pub(crate) struct Api(pub(crate) Router);

/// What the API says against a value.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// The parameter.
    pub(crate) field: String,
    /// A sentence.
    pub(crate) why: String,
}

impl Visit {
    /// The answer of the API to this person, or what it has against a value.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: &Json,
    ) -> Result<Result<Json, Told>, Failed> {
        let response = self.send(method, path, body).await?;
        let status = response.status();
        let body = to_bytes(response.into_body(), MOST).await.map_err(|e| Failed::Internal(e.into()))?;
        let answer = serde_json::from_slice::<Json>(&body).unwrap_or_default();
        if status.is_success() {
            return Ok(Ok(answer));
        }
        let why = answer["detail"].as_str().unwrap_or_default().to_string();
        match status {
            StatusCode::BAD_REQUEST => Ok(Err(Told { field: field(&answer), why })),
            StatusCode::FORBIDDEN => Err(Failed::Forbidden(why)),
            StatusCode::NOT_FOUND => Err(Failed::NotFound),
            StatusCode::CONFLICT => Ok(Err(Told { field: String::new(), why })),
            other => Err(Failed::Internal(format!("the API answered {other}: {why}").into())),
        }
    }

    /// The same, unread.
    pub(crate) async fn send(&self, method: Method, path: &str, body: &Json) -> Result<Response, Failed> {
        let mut request = Request::builder().method(&method).uri(path);
        request = request.header(header::CONTENT_TYPE, "application/json");
        let body = if method == Method::GET { Body::empty() } else { Body::from(body.to_string()) };
        let mut request = request.body(body).map_err(|e| Failed::Internal(e.into()))?;
        request.extensions_mut().insert(InPerson(self.caller().clone()));
        let Ok(response) = self.api.0.clone().oneshot(request).await;
        Ok(response)
    }
}

/// The parameter that an answer is about: the one key that not every error has.
fn field(answer: &Json) -> String {
    const FIXED: [&str; 4] = ["error", "errors", "detail", "requestId"];
    let keys = answer.as_object().into_iter().flat_map(|all| all.keys());
    keys.into_iter().find(|key| !FIXED.contains(&key.as_str())).cloned().unwrap_or_default()
}
