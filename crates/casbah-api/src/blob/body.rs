//! The bytes of a blob, from the network to the disk in constant memory.

use std::error::Error as _;
use std::io;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use casbah_service::Service;
use casbah_service::uploads::{Access, BlobError, Received};
use futures_util::{Stream, TryStreamExt};
use http_body_util::LengthLimitError;
use md5::{Digest, Md5};
use tokio_util::io::StreamReader;
use tower::{Layer, ServiceExt, service_fn};

use super::error::Refused;

/// A block list with 50,000 ids of 64 bytes is smaller.
const LONGEST_LIST: usize = 8 * 1024 * 1024;

/// Stores a body; answers its MD5 too, which has been compared with what the sender said.
pub(super) async fn store(
    service: &Service,
    access: &Access,
    headers: &HeaderMap,
    body: Body,
) -> Result<(Received, Vec<u8>), Refused> {
    let said = said_md5(headers)?;
    let length = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    // A form is a little longer than the file in it.
    if !is_form(headers) && length.is_some_and(|length| length > service.settings().upload_limit) {
        return Err(BlobError::TooLarge.into());
    }
    if is_form(headers) {
        return store_form(service, access, headers, body).await;
    }
    let (received, md5) =
        store_stream(service, access, body.into_data_stream().map_err(io::Error::other)).await?;
    if said.is_some_and(|said| said != md5) {
        return Err(Refused::MD5);
    }
    Ok((received, md5))
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
) -> Result<(Received, Vec<u8>), Refused> {
    let mut md5 = Md5::new();
    let hashed = Box::pin(stream.inspect_ok(|chunk| md5.update(chunk)));
    let received = service.receive(access, &mut StreamReader::new(hashed)).await?;
    Ok((received, md5.finalize().to_vec()))
}

/// Some clients send a form as a browser does: then the log is its file, or else its first part.
async fn store_form(
    service: &Service,
    access: &Access,
    headers: &HeaderMap,
    body: Body,
) -> Result<(Received, Vec<u8>), Refused> {
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

fn said_md5(headers: &HeaderMap) -> Result<Option<Vec<u8>>, Refused> {
    let said = headers.get("content-md5").or_else(|| headers.get("x-ms-blob-content-md5"));
    let Some(said) = said else { return Ok(None) };
    let bytes = STANDARD.decode(said.as_bytes().trim_ascii()).ok().filter(|md5| md5.len() == 16);
    bytes.map(Some).ok_or(Refused::BAD_MD5)
}
