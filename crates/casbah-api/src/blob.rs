//! The blob endpoint: as much of Azure's protocol as uploaders use, under signed addresses.

mod block_list;
mod body;
mod checksum;
mod error;
mod structured;
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
use casbah_service::uploads::{Conditions, UploadLink};

use crate::table::Area;
use body::Stored;
use checksum::{Checksums, Said as SaidChecksums};
use error::Refused;

const PATH: &str = "/upload/{container}/{blob}";
/// Headers that ask for what there is not; passing over one would do something else than was asked for.
const UNSUPPORTED: [&str; 7] = [
    "if-modified-since",
    "if-unmodified-since",
    "x-ms-copy-source",
    "x-ms-encryption-key",
    "x-ms-encryption-scope",
    "x-ms-if-tags",
    "x-ms-lease-id",
];
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
    if UNSUPPORTED.iter().any(|name| parts.headers.contains_key(*name)) {
        return Err(Refused::UNSUPPORTED);
    }
    let conditions = conditions(&parts.headers)?;
    let value = |name: &str| {
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    match value("comp").as_deref() {
        None => {
            check_type(&parts.headers)?;
            let stored = body::store(service, &access, &parts.headers, body, true).await?;
            let (checksums, structured) = (stored.checksums, stored.structured);
            let tag = service.store_blob(&access, stored.received, conditions).await?;
            Ok(created(Some(&tag), &checksums, structured))
        }
        Some("block") => {
            let id = block_id(value("blockid"))?;
            let Stored { received, checksums, structured } =
                body::store(service, &access, &parts.headers, body, false).await?;
            service.store_block(&access, &id, received).await?;
            Ok(created(None, &checksums, structured))
        }
        Some("blocklist") => {
            let said = SaidChecksums::of(&parts.headers, false)?;
            let xml = body::whole(body).await?;
            let checksums = Checksums::of(&xml);
            said.check(&checksums)?;
            let list = block_list::parse(&xml).ok_or(Refused::BAD_XML)?;
            let tag = service.store_block_list(&access, list, conditions).await?;
            Ok(created(Some(&tag), &checksums, false))
        }
        Some(_) => Err(Refused::bad_query("comp must be block or blocklist.")),
    }
}

fn conditions(headers: &HeaderMap) -> Result<Conditions, Refused> {
    let tag = |name: HeaderName| match headers.get(&name).map(HeaderValue::to_str) {
        None => Ok(None),
        Some(Ok(tag)) => Ok(Some(tag.trim().to_string())),
        Some(Err(_)) => Err(Refused::bad_header("An entity tag is text in quotes.")),
    };
    Ok(Conditions { matching: tag(header::IF_MATCH)?, none_matching: tag(header::IF_NONE_MATCH)? })
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

/// A block has no entity tag: it is not content yet.
fn created(tag: Option<&str>, checksums: &Checksums, structured: bool) -> Response {
    let mut response = StatusCode::CREATED.into_response();
    let headers = response.headers_mut();
    checksums.write(headers);
    if let Some(tag) = tag.and_then(|tag| HeaderValue::from_str(tag).ok()) {
        headers.insert(header::ETAG, tag);
    }
    if structured {
        headers.insert("x-ms-structured-body", HeaderValue::from_static(structured::NAME));
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
        headers.insert("x-ms-request-server-encrypted", HeaderValue::from_static("false"));
    }
    response
}
