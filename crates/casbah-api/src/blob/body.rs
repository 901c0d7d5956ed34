//! The bytes of a blob, from the network to the disk in constant memory.

use std::error::Error as _;
use std::io;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use axum::http::{HeaderMap, header};
use casbah_service::Service;
use casbah_service::uploads::{Access, BlobError, Received};
use futures_util::future::ready;
use futures_util::{Stream, TryStreamExt};
use http_body_util::LengthLimitError;
use tokio_util::io::StreamReader;
use tower::{Layer, ServiceExt, service_fn};

use super::checksum::{Checksums, Running, Said};
use super::error::Refused;
use super::structured::{self, Broken, Decoder};

/// A block list with 50,000 ids of 64 bytes is smaller.
const LONGEST_LIST: usize = 8 * 1024 * 1024;

/// A body that is on disk, and whose checksums are those that the sender said, if it said any.
pub(super) struct Stored {
    pub(super) received: Received,
    pub(super) checksums: Checksums,
    pub(super) structured: bool,
}

/// Stores a body. `is_blob` tells a whole blob from a block.
pub(super) async fn store(
    service: &Service,
    access: &Access,
    headers: &HeaderMap,
    body: Body,
    is_blob: bool,
) -> Result<Stored, Refused> {
    let said = Said::of(headers, is_blob)?;
    let content = structured_length(headers)?;
    let length = content.or_else(|| number(headers, header::CONTENT_LENGTH.as_str()));
    // A form is a little longer than the file in it.
    if !is_form(headers) && length.is_some_and(|length| length > service.settings().upload_limit) {
        return Err(BlobError::TooLarge.into());
    }
    let stream = body.into_data_stream().map_err(io::Error::other);
    let (received, checksums) = match content {
        Some(content) => store_structured(service, access, stream, content).await?,
        None if is_form(headers) => store_form(service, access, headers, Body::from_stream(stream)).await?,
        None => store_stream(service, access, stream).await?,
    };
    said.check(&checksums)?;
    Ok(Stored { received, checksums, structured: content.is_some() })
}

/// How much content a framed body says that it has; none where the body is not framed.
fn structured_length(headers: &HeaderMap) -> Result<Option<u64>, Refused> {
    let Some(framing) = headers.get("x-ms-structured-body") else { return Ok(None) };
    let plain = |text: &[u8]| text.iter().filter(|byte| **byte != b' ').copied().collect::<Vec<u8>>();
    if !plain(framing.as_bytes()).eq_ignore_ascii_case(&plain(structured::NAME.as_bytes())) {
        return Err(Refused::bad_header("x-ms-structured-body must be XSM/1.0; properties=crc64."));
    }
    let missing = Refused::bad_header("A structured body needs x-ms-structured-content-length, a number.");
    number(headers, "x-ms-structured-content-length").map(Some).ok_or(missing)
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// Takes the framing off while the bytes pass.
async fn store_structured(
    service: &Service,
    access: &Access,
    stream: impl Stream<Item = io::Result<Bytes>> + Send,
    content: u64,
) -> Result<(Received, Checksums), Refused> {
    let mut decoder = Decoder::new();
    let plain = stream.and_then(|bytes| {
        ready(decoder.push(bytes).map_err(|broken| io::Error::other(format!("{broken:?}"))))
    });
    let stored = store_stream(service, access, plain).await;
    match decoder.broken {
        Some(Broken::Checksum) => Err(Refused::CRC64),
        Some(Broken::Framing) => Err(Refused::BAD_FRAMING),
        None => {
            let stored = stored?;
            let is_whole = decoder.is_complete() && decoder.content == content;
            if is_whole { Ok(stored) } else { Err(Refused::BAD_FRAMING) }
        }
    }
}

/// A small body as a whole.
pub(super) async fn whole(body: Body) -> Result<Bytes, Refused> {
    to_bytes(body, LONGEST_LIST).await.map_err(|e| {
        let too_large = e.source().is_some_and(|cause| cause.is::<LengthLimitError>());
        if too_large { BlobError::TooLarge.into() } else { BlobError::Sender(io::Error::other(e)).into() }
    })
}

async fn store_stream(
    service: &Service,
    access: &Access,
    stream: impl Stream<Item = io::Result<Bytes>> + Send,
) -> Result<(Received, Checksums), Refused> {
    let mut running = Running::new();
    let hashed = Box::pin(stream.inspect_ok(|chunk| running.update(chunk)));
    let received = service.receive(access, &mut StreamReader::new(hashed)).await?;
    Ok((received, running.finish()))
}

/// Some clients send a form as a browser does: then the log is its file, or else its first part.
async fn store_form(
    service: &Service,
    access: &Access,
    headers: &HeaderMap,
    body: Body,
) -> Result<(Received, Checksums), Refused> {
    let mut request = Request::new(body);
    *request.headers_mut() = headers.clone();
    let mut form = unlimited_form(request).await?;
    while let Some(field) = form.next_field().await.map_err(|_| Refused::BAD_FORM)? {
        if field.file_name().is_some() || field.name().is_none_or(|name| name != "_charset_") {
            return store_stream(service, access, field.map_err(io::Error::other)).await;
        }
    }
    Err(Refused::BAD_FORM)
}

/// The form reader of axum stops at 2 MB unless it is told otherwise by a layer; our own limit counts.
async fn unlimited_form(request: Request) -> Result<Multipart, Refused> {
    let read = service_fn(|request: Request| async { Multipart::from_request(request, &()).await });
    DefaultBodyLimit::disable().layer(read).oneshot(request).await.map_err(|_| Refused::BAD_FORM)
}

/// A form that names no boundary is no form: it is stored as it is.
fn is_form(headers: &HeaderMap) -> bool {
    let label = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let label = label.to_ascii_lowercase();
    label.starts_with("multipart/form-data") && label.contains("boundary=")
}
