//! Refusals in the words that blob clients know.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use casbah_service::uploads::BlobError;

use crate::{incoming, problem};

/// A refusal: status, code, sentence.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    code: &'static str,
    message: &'static str,
}

const fn refused(status: StatusCode, code: &'static str, message: &'static str) -> Refused {
    Refused { status, code, message }
}

impl Refused {
    pub(super) const NO_RIGHT: Refused = refused(
        StatusCode::FORBIDDEN,
        "AuthorizationPermissionMismatch",
        "This address gives the right to write, not to read.",
    );
    pub(super) const BAD_XML: Refused =
        refused(StatusCode::BAD_REQUEST, "InvalidXmlDocument", "The body is not a block list.");
    pub(super) const BAD_FORM: Refused =
        refused(StatusCode::BAD_REQUEST, "InvalidInput", "The multipart body cannot be read.");
    pub(super) const BAD_BLOCK_ID: Refused = refused(
        StatusCode::BAD_REQUEST,
        "InvalidBlobOrBlock",
        "blockid must be the base64 of 1 to 64 bytes, of the same length in all blocks.",
    );
    pub(super) const MD5: Refused = refused(
        StatusCode::BAD_REQUEST,
        "Md5Mismatch",
        "The MD5 value specified in the request did not match with the MD5 value calculated by the server.",
    );
    pub(super) const BAD_MD5: Refused =
        refused(StatusCode::BAD_REQUEST, "InvalidMd5", "The MD5 value specified in the request is invalid.");

    pub(super) const CRC64: Refused = refused(
        StatusCode::BAD_REQUEST,
        "Crc64Mismatch",
        "The CRC64 value specified in the request did not match with the CRC64 value calculated by the server.",
    );
    pub(super) const BAD_CRC64: Refused = refused(
        StatusCode::BAD_REQUEST,
        "InvalidHeaderValue",
        "x-ms-content-crc64 must be the base64 of eight bytes.",
    );
    pub(super) const BAD_FRAMING: Refused =
        refused(StatusCode::BAD_REQUEST, "InvalidInput", "The structured body is not framed as it says.");

    pub(super) const NO_LENGTH: Refused = refused(
        StatusCode::LENGTH_REQUIRED,
        "MissingContentLengthHeader",
        "Content-Length was not specified, and the body does not come in chunks.",
    );

    pub(super) const fn bad_query(message: &'static str) -> Refused {
        refused(StatusCode::BAD_REQUEST, "InvalidQueryParameterValue", message)
    }

    pub(super) const UNSUPPORTED: Refused = refused(
        StatusCode::BAD_REQUEST,
        "UnsupportedHeader",
        "A header asks for something that is not there: no leases, no tags, no copies, no keys of one's own, no \
         conditions but If-Match and If-None-Match.",
    );

    pub(super) const fn bad_header(message: &'static str) -> Refused {
        refused(StatusCode::BAD_REQUEST, "InvalidHeaderValue", message)
    }
}

impl From<BlobError> for Refused {
    fn from(e: BlobError) -> Refused {
        match e {
            BlobError::BadSignature => refused(
                StatusCode::FORBIDDEN,
                "AuthenticationFailed",
                "The signature of the address is not valid: use it as upload_url gave it.",
            ),
            BlobError::Expired => refused(
                StatusCode::FORBIDDEN,
                "AuthenticationFailed",
                "The address has expired: ask upload_url for a new one.",
            ),
            BlobError::NotFound => {
                refused(StatusCode::NOT_FOUND, "BlobNotFound", "The upload is gone: it was never finished.")
            }
            BlobError::Finished => refused(
                StatusCode::CONFLICT,
                "BlobImmutableDueToPolicy",
                "The upload was finished: ask upload_url for a new address.",
            ),
            BlobError::Exists => {
                refused(StatusCode::CONFLICT, "BlobAlreadyExists", "The specified blob already exists.")
            }
            BlobError::ConditionNotMet => refused(
                StatusCode::PRECONDITION_FAILED,
                "ConditionNotMet",
                "The condition specified using HTTP conditional header(s) is not met.",
            ),
            BlobError::TooLarge => refused(
                StatusCode::PAYLOAD_TOO_LARGE,
                "RequestBodyTooLarge",
                "The file is larger than this server accepts.",
            ),
            BlobError::TooManyBlocks => {
                refused(StatusCode::CONFLICT, "BlockCountExceedsLimit", "There are too many blocks.")
            }
            BlobError::BadBlockId => Refused::BAD_BLOCK_ID,
            BlobError::UnknownBlock => refused(
                StatusCode::BAD_REQUEST,
                "InvalidBlockList",
                "The list names a block that was not put.",
            ),
            BlobError::Sender(e) if incoming::is_stalled(&e) => refused(
                StatusCode::REQUEST_TIMEOUT,
                "OperationTimedOut",
                "The body did not arrive in time: send it again.",
            ),
            BlobError::Sender(_) => {
                refused(StatusCode::BAD_REQUEST, "IncompleteBody", "The body ended before it was complete.")
            }
            BlobError::Internal(cause) => {
                let id = problem::request_id();
                tracing::error!(error = %cause, request_id = id, "an upload failed");
                refused(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "InternalError",
                    "The server encountered an internal error.",
                )
            }
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        // Code and message are our own texts, with nothing in them to escape.
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{}</Code><Message>{}</Message></Error>",
            self.code, self.message
        );
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        headers.insert("x-ms-error-code", HeaderValue::from_static(self.code));
        response
    }
}
