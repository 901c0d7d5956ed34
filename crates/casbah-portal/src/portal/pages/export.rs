//! Lists as files: what the API writes, for the person who is signed in.

use axum::extract::Path;
use casbah_api::lists::List;
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::json;

use crate::portal::filter;
use crate::portal::visit::{Answer, Failed, Visit};

pub(crate) async fn take(visit: Visit, Path(resource): Path<String>) -> Answer {
    let list = List::find(&resource).ok_or(Failed::NotFound)?;
    let path = list.export.ok_or(Failed::NotFound)?;
    let query = visit.query();
    let given = filter::parsed(query.get("filters")).map_err(|why| Failed::invalid("filters", &why))?;
    let body = json!({ "filters": given, "format": query.given("format").unwrap_or("csv") });
    let mut response = visit.send(Method::POST, path, &body).await?;
    match response.status() {
        StatusCode::OK => {
            let headers = response.headers_mut();
            headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            headers.insert(
                header::CONTENT_SECURITY_POLICY,
                HeaderValue::from_static("default-src 'none'; sandbox"),
            );
            Ok(response)
        }
        // Asked again for the words.
        _ => match visit.ask(Method::POST, path, &body).await? {
            Err(told) => Err(Failed::invalid(&told.field, &told.why)),
            Ok(_) => Err(Failed::NotFound),
        },
    }
}
