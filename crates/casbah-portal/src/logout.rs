//! Signing out of the browser session.

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use casbah_authority::Form;
use casbah_service::Service;
use http::HeaderMap;
use url::form_urlencoded;

use crate::authorize::error_page;
use crate::browser::{self, Browser};
use crate::pages::simple;
use crate::request::about;
use crate::respond::{Page, log, see_other};

/// Ends the session and goes back to an address that is registered, or says so.
pub(crate) async fn sign_out(
    State(service): State<Service>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let form = Form::parse(query.unwrap_or_default().as_bytes());
    let session = Browser::of(&headers).session;
    let authority = service.authority();
    let result = async {
        let back = form.get("post_logout_redirect_uri").map(str::to_string);
        let client = form.get("client_id").and_then(|id| id.parse().ok());
        // Asked before the session ends, which may be all that tells the tenant.
        let allowed = match &back {
            Some(uri) => authority.may_return_to(client, session.as_ref(), uri.clone()).await?,
            None => false,
        };
        if let Some(session) = &session {
            authority.sign_out(session).await?;
        }
        Ok(back.filter(|_| allowed))
    };
    let response = match result.await {
        Ok(Some(uri)) => see_other(&with_state(&uri, form.get("state"))),
        Ok(None) => {
            let text = "You have signed out. It is a good idea to close all windows of the browser.";
            Page::new(simple::message(service.clock(), "Signed out", text)).into_response()
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

fn with_state(uri: &str, state: Option<&str>) -> String {
    let Some(state) = state else { return uri.to_string() };
    let pair = form_urlencoded::Serializer::new(String::new()).append_pair("state", state).finish();
    let mark = if uri.contains('?') { '&' } else { '?' };
    format!("{uri}{mark}{pair}")
}
