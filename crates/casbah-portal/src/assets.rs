//! The files that pages refer to, all of them ours and part of the binary.

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};

pub(crate) async fn style() -> Response {
    file("text/css; charset=utf-8", include_str!("../assets/casbah.css"))
}

pub(crate) async fn form_post() -> Response {
    file("text/javascript; charset=utf-8", include_str!("../assets/form-post.js"))
}

pub(crate) async fn passkey() -> Response {
    file("text/javascript; charset=utf-8", include_str!("../assets/passkey.js"))
}

pub(crate) async fn icon() -> Response {
    file("image/svg+xml", include_str!("../assets/icon.svg"))
}

pub(crate) async fn portal_style() -> Response {
    file("text/css; charset=utf-8", include_str!("../assets/portal.css"))
}

pub(crate) async fn portal_script() -> Response {
    file("text/javascript; charset=utf-8", include_str!("../assets/portal.js"))
}

fn file(content_type: &'static str, text: &'static str) -> Response {
    let headers = [
        (CONTENT_TYPE, content_type),
        (CACHE_CONTROL, "public, max-age=3600"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text).into_response()
}
