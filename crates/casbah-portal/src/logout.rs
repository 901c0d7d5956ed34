//! Signing out of the browser session.

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use casbah_authority::{Form, SignedOut};
use casbah_service::Service;
use http::HeaderMap;

use crate::authorize::error_page;
use crate::browser::{self, Browser};
use crate::pages::simple;
use crate::request::about;
use crate::respond::{Page, log, see_other};

/// Ends the session, tells the applications that took part in it, and goes back to an address that is
/// registered, or says so.
pub(crate) async fn sign_out(
    State(service): State<Service>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let form = Form::parse(query.unwrap_or_default().as_bytes());
    let session = Browser::of(&headers).session;
    let authority = service.authority();
    let response = match authority.end_session(session.as_ref(), &form).await {
        Ok(SignedOut { frames, back: Some(back) }) if frames.is_empty() => see_other(&back),
        Ok(SignedOut { frames, back }) => {
            let markup = simple::signed_out(service.clock(), &frames, back.as_deref());
            Page { frames, ..Page::new(markup) }.into_response()
        }
        Err(error) => {
            let about = about(authority, &headers, &[]);
            log(&error, &about);
            // The session may live on: the cookie stays, so that trying again can end it.
            return error_page(&service, &error, &about);
        }
    };
    browser::sign_out(response)
}
