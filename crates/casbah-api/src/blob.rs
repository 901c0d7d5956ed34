//! The blob endpoint: as much of Azure's protocol as uploaders use, under signed addresses.

mod block_list;
mod body;
mod error;
#[cfg(test)]
mod tests;

use axum::body::HttpBody;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version, header};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodFilter;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use casbah_service::Service;
use casbah_service::uploads::{Access, UploadLink};

use crate::problem;
use crate::table::Area;
use error::Refused;

const PATH: &str = "/upload/{container}/{blob}";
/// The version that we speak when the caller names none.
const VERSION: HeaderValue = HeaderValue::from_static("2024-11-04");
const X_MS_VERSION: HeaderName = HeaderName::from_static("x-ms-version");
const X_MS_CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");

pub(crate) fn area() -> Area {
    Area::for_everyone("Blobs")
        .signed((&["PUT"], MethodFilter::PUT), PATH, "Upload a log, at once or in blocks", put_blob)
        .described_elsewhere()
        .signed((&["GET"], MethodFilter::GET), PATH, "Refused: the address gives no right to read", read_blob)
        .described_elsewhere()
}

/// The parts of an address that matter, decoded.
pub(crate) fn link(container: &str, blob: &str, query: &str) -> UploadLink {
    let mut link = UploadLink { container: container.into(), blob: blob.into(), ..UploadLink::default() };
    for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match key.as_ref() {
            "se" => link.expiry = value.into_owned(),
            "sig" => link.signature = value.into_owned(),
            _ => {}
        }
    }
    link
}

async fn put_blob(
    State(service): State<Service>,
    Path((container, blob)): Path<(String, String)>,
    request: Request,
) -> Response {
    let said = Said::of(request.headers());
    let answer = write(&service, &container, &blob, request).await;
    finish(&service, said, answer.unwrap_or_else(|refused| refused.into_response()))
}

async fn read_blob(
    State(service): State<Service>,
    Path((container, blob)): Path<(String, String)>,
    request: Request,
) -> Response {
    let said = Said::of(request.headers());
    let link = link(&container, &blob, request.uri().query().unwrap_or_default());
    let refused = match service.open_upload(&link).await {
        Ok(_) => Refused::NO_RIGHT,
        Err(e) => e.into(),
    };
    finish(&service, said, refused.into_response())
}

async fn write(
    service: &Service,
    container: &str,
    blob: &str,
    request: Request,
) -> Result<Response, Refused> {
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default();
    let access = service.open_upload(&link(container, blob, query)).await?;
    // In HTTP/1.1 such a request has an empty body, which nobody means.
    if parts.version < Version::HTTP_2
        && body.is_end_stream()
        && !parts.headers.contains_key(header::CONTENT_LENGTH)
        && !parts.headers.contains_key(header::TRANSFER_ENCODING)
    {
        return Err(Refused::NO_LENGTH);
    }
    let fresh = parts.headers.get(header::IF_NONE_MATCH).is_some_and(|v| v.as_bytes().trim_ascii() == b"*");
    let value = |name: &str| {
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    match value("comp").as_deref() {
        None => {
            check_type(&parts.headers)?;
            let (received, md5) = body::store(service, &access, &parts.headers, body).await?;
            service.store_blob(&access, received, fresh).await?;
            Ok(created(Some(&md5)))
        }
        Some("block") => {
            let id = block_id(value("blockid"))?;
            let (received, md5) = body::store(service, &access, &parts.headers, body).await?;
            service.store_block(&access, &id, received).await?;
            Ok(created(Some(&md5)))
        }
        Some("blocklist") => put_block_list(service, &access, body, fresh).await,
        Some(_) => Err(Refused::bad_query("comp must be block or blocklist.")),
    }
}

async fn put_block_list(
    service: &Service,
    access: &Access,
    body: axum::body::Body,
    fresh: bool,
) -> Result<Response, Refused> {
    let xml = body::whole(body).await?;
    let list = block_list::parse(&xml).ok_or(Refused::BAD_XML)?;
    service.store_block_list(access, list, fresh).await?;
    Ok(created(None))
}

/// Azure wants the type named; one widespread client leaves it out above 64 MB.
fn check_type(headers: &HeaderMap) -> Result<(), Refused> {
    match headers.get("x-ms-blob-type") {
        None => Ok(()),
        Some(kind) if kind.as_bytes().eq_ignore_ascii_case(b"BlockBlob") => Ok(()),
        Some(_) => Err(Refused::bad_header("Only blobs of the type BlockBlob are taken.")),
    }
}

/// A block id as the block list will name it. A `+` that a client forgot to escape arrives as a blank.
fn block_id(id: Option<String>) -> Result<String, Refused> {
    let id = id.ok_or_else(|| Refused::bad_query("blockid is missing."))?.replace(' ', "+");
    match STANDARD.decode(&id) {
        Ok(bytes) if (1..=64).contains(&bytes.len()) => Ok(id),
        _ => Err(Refused::BAD_BLOCK_ID),
    }
}

fn created(md5: Option<&[u8]>) -> Response {
    let mut response = StatusCode::CREATED.into_response();
    if let Some(md5) = md5
        && let Ok(value) = HeaderValue::from_str(&STANDARD.encode(md5))
    {
        response.headers_mut().insert("content-md5", value);
    }
    response
}

/// What a request says that its answer repeats.
struct Said {
    version: Option<HeaderValue>,
    /// The sender's own id of the request; SDKs check that an answer is the one to their request.
    client_request: Option<HeaderValue>,
}

impl Said {
    fn of(headers: &HeaderMap) -> Said {
        let client_request = headers.get(X_MS_CLIENT_REQUEST_ID).filter(|id| id.len() <= 1024);
        Said { version: headers.get(X_MS_VERSION).cloned(), client_request: client_request.cloned() }
    }
}

/// The headers that all answers carry.
fn finish(service: &Service, said: Said, mut response: Response) -> Response {
    let now = service.clock().now();
    let success = response.status() == StatusCode::CREATED;
    let headers = response.headers_mut();
    headers.insert(X_MS_VERSION, said.version.unwrap_or(VERSION));
    if let Some(id) = said.client_request {
        headers.insert(X_MS_CLIENT_REQUEST_ID, id);
    }
    if let Ok(date) = HeaderValue::from_str(&now.http_date()) {
        headers.insert(header::DATE, date.clone());
        if success {
            headers.insert(header::LAST_MODIFIED, date);
        }
    }
    if success {
        // Each write makes a new version, so the id of the request names it.
        if let Ok(etag) = HeaderValue::from_str(&format!("\"0x{}\"", problem::request_id().replace('-', "")))
        {
            headers.insert(header::ETAG, etag);
        }
        headers.insert("x-ms-request-server-encrypted", HeaderValue::from_static("false"));
    }
    response
}
