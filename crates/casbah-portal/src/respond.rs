//! Answers: pages with their headers, and ways on.

use axum::response::{IntoResponse, Response};
use casbah_authority::{About, OAuthError};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, LOCATION, REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use maud::Markup;
use url::Url;

/// A page and where its forms may lead besides ourselves.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) markup: Markup,
    /// The redirect URI at which this page's form ends up, through redirects or at once.
    pub(crate) leads_to: Option<String>,
    /// Addresses that the page shows in frames.
    pub(crate) frames: Vec<String>,
}

impl Page {
    pub(crate) fn new(markup: Markup) -> Page {
        Page { status: StatusCode::OK, markup, leads_to: None, frames: Vec::new() }
    }

    pub(crate) fn refused(markup: Markup) -> Page {
        Page { status: StatusCode::BAD_REQUEST, ..Page::new(markup) }
    }

    /// Browsers hold a form to its policy through every redirect that follows.
    pub(crate) fn leading_to(self, uri: &str) -> Page {
        Page { leads_to: Some(uri.to_string()), ..self }
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let target = self.leads_to.as_deref().and_then(policy_source).unwrap_or_default();
        let framed: String = self.frames.iter().filter_map(|uri| policy_source(uri)).collect();
        let framed = if framed.is_empty() { framed } else { format!(" frame-src{framed};") };
        let policy = format!(
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
             form-action 'self'{target};{framed} base-uri 'none'; frame-ancestors 'none'; \
             require-trusted-types-for 'script'; trusted-types 'none'"
        );
        let mut response = (self.status, self.markup).into_response();
        let headers = response.headers_mut();
        protect(headers);
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            headers.insert(CONTENT_SECURITY_POLICY, policy);
        }
        response
    }
}

/// Sends the browser on with GET, whatever it came with: a password is never posted on.
pub(crate) fn see_other(location: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(location) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    protect(headers);
    headers.insert(LOCATION, location);
    response
}

/// Adds a cookie to an answer.
pub(crate) fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(mut value) = HeaderValue::from_str(cookie) {
        value.set_sensitive(true);
        response.headers_mut().append(SET_COOKIE, value);
    }
    response
}

/// Notes a refusal; our own faults loudly.
pub(crate) fn log(error: &OAuthError, about: &About) {
    match &error.cause {
        Some(cause) => tracing::error!(trace = %about.trace, error = %cause, "the authority failed"),
        None => tracing::info!(trace = %about.trace, code = error.code.number, "refused"),
    }
}

fn protect(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
}

/// A redirect URI as a source of a content security policy, with a blank before.
fn policy_source(uri: &str) -> Option<String> {
    let parsed = Url::parse(uri).ok()?;
    let source = match parsed.origin() {
        // A policy knows no IPv6 addresses, so the scheme has to do.
        url::Origin::Tuple(scheme, url::Host::Ipv6(_), _) => format!("{scheme}:"),
        origin if origin.is_tuple() => origin.ascii_serialization(),
        _ => format!("{}:", parsed.scheme()),
    };
    let harmless = source.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.:/".contains(&b));
    harmless.then(|| format!(" {source}"))
}
