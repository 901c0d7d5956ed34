//! What a browser holds: the session cookie, and a random one that ties pages to this browser.
//!
//! A form's proof is a keyed hash over the browser's random cookie and what the form is for. Another
//! site cannot make one, and one made for another browser or another request is worthless, so
//! nobody can finish a request that somebody else began (CVE-2022-39222).

use axum::response::Response;
use casbah_authority::{Authority, OAuthError, SignedIn, Visitor};
use casbah_model::{Secret, random};
use http::{HeaderMap, header};

use crate::respond::with_cookie;

/// The prefix makes browsers insist on `Secure`, `Path=/` and no `Domain`.
const SESSION: &str = "__Host-casbah-session";
const BROWSER: &str = "__Host-casbah-browser";
/// Of a sign-in that lacks a step: opens nothing but the page for that step.
const PENDING: &str = "__Host-casbah-sign-in";

/// Seconds. A browser that is known again is not kept out by strangers who guess (see the throttle).
const BROWSER_LIFE: u64 = 90 * 24 * 60 * 60;
const PENDING_LIFE: u64 = 10 * 60;

/// `Lax`: a link or redirect from an application must find the session, a form from elsewhere not.
const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Lax";

const PURPOSE: &str = "portal form";

/// The browser that a request came from.
pub(crate) struct Browser {
    /// The session cookie.
    pub(crate) session: Option<Secret>,
    /// The cookie of a sign-in under way.
    pub(crate) pending: Option<Secret>,
    /// The random value; made now when the browser had none.
    value: String,
    /// Whether the browser must be given the value.
    is_new: bool,
    /// Whether the browser itself says that the request comes from one of our pages, if it says anything.
    same_origin: bool,
}

impl Browser {
    pub(crate) fn of(headers: &HeaderMap) -> Browser {
        let known =
            cookie(headers, BROWSER).filter(|v| v.len() == 64 && v.bytes().all(|b| b.is_ascii_hexdigit()));
        let is_new = known.is_none();
        let value = known.map_or_else(fresh, str::to_string);
        let site = headers.get("sec-fetch-site").map(http::HeaderValue::as_bytes);
        let same_origin = site.is_none_or(|s| s == b"same-origin");
        Browser {
            session: cookie(headers, SESSION).map(Secret::new),
            pending: cookie(headers, PENDING).map(Secret::new),
            value,
            is_new,
            same_origin,
        }
    }

    /// Who knocks, for the authority.
    pub(crate) fn visitor(&self) -> Visitor {
        Visitor { browser: Some(Secret::new(self.value.as_str())) }
    }

    /// What tells this browser from others.
    pub(crate) fn secret(&self) -> Secret {
        Secret::new(self.value.as_str())
    }

    /// The proof that goes into a form; `about` says all that the form is about.
    pub(crate) fn proof(&self, authority: &Authority, about: &str) -> String {
        authority.sign_url(PURPOSE, &format!("{}\n{about}", self.value))
    }

    /// Whether a form came from a page that we made for this browser and for `about`.
    pub(crate) fn proves(&self, authority: &Authority, about: &str, proof: &str) -> bool {
        // A browser without our cookie was never given a page with a proof.
        !self.is_new
            && self.same_origin
            && authority.check_url(PURPOSE, &format!("{}\n{about}", self.value), proof)
    }

    /// Signs the browser in with an answer. The cookie ends with the browser, unless the user wants to
    /// stay signed in, and the session by itself; what the browser is known by lives on. The session that the browser had before is ended, because from now on nobody could sign out of it:
    /// a stolen copy of its cookie would outlive the user's own.
    pub(crate) async fn sign_in(
        &self,
        authority: &Authority,
        response: Response,
        signed_in: &SignedIn,
    ) -> Result<Response, OAuthError> {
        if let Some(before) = &self.session {
            authority.sign_out(before).await?;
        }
        let age = (signed_in.expires.seconds() - authority.clock().now().seconds()).max(1);
        let age = if signed_in.kept { format!("; Max-Age={age}") } else { String::new() };
        let session = format!("{SESSION}={}; {ATTRIBUTES}{age}", signed_in.session.expose());
        let known = format!("{BROWSER}={}; {ATTRIBUTES}; Max-Age={BROWSER_LIFE}", self.value);
        let response = with_cookie(with_cookie(response, &session), &known);
        Ok(if self.pending.is_some() { forget_pending(response) } else { response })
    }

    /// Keeps a sign-in that lacks a step.
    pub(crate) fn keep_pending(&self, response: Response, pending: &Secret) -> Response {
        let cookie = format!("{PENDING}={}; {ATTRIBUTES}; Max-Age={PENDING_LIFE}", pending.expose());
        with_cookie(response, &cookie)
    }

    /// Whether the browser itself says that the request comes from a page of somebody else.
    pub(crate) fn is_foreign(&self) -> bool {
        !self.same_origin
    }

    /// Gives the browser its random value with the answer, when it has none.
    pub(crate) fn remember(&self, response: Response) -> Response {
        if self.is_new {
            with_cookie(response, &format!("{BROWSER}={}; {ATTRIBUTES}", self.value))
        } else {
            response
        }
    }
}

fn forget_pending(response: Response) -> Response {
    with_cookie(response, &format!("{PENDING}=; {ATTRIBUTES}; Max-Age=0"))
}

/// Takes the session cookie away with an answer.
pub(crate) fn sign_out(response: Response) -> Response {
    with_cookie(response, &format!("{SESSION}=; {ATTRIBUTES}; Max-Age=0"))
}

fn fresh() -> String {
    random::bytes::<32>().iter().map(|b| format!("{b:02x}")).collect()
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok());
    let mut pairs = all.flat_map(|v| v.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(n, _)| *n == name).map(|(_, value)| value).filter(|v| !v.is_empty())
}
