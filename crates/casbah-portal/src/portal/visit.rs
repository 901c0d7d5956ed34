//! A request to the portal: who is here, in which language, and what a posted form proves.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use casbah_authority::{Caller, PortalVisitor, Principal, Refusal};
use casbah_model::{Access, Guid, Part, Secret};
use casbah_service::Service;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use super::fields::Fields;
use super::in_person::Api;
use super::text::Language;
use super::{pages, session};
use crate::browser::Browser;

pub(crate) const COOKIE: &str = "__Host-casbah-portal";
pub(crate) const LANGUAGE: &str = "casbah-language";
pub(crate) const THEME: &str = "casbah-theme";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");

tokio::task_local! {
    static HERE: Arc<Here>;
}

/// What every page may know of the request that it answers.
pub(crate) struct Here {
    pub(crate) service: Service,
    pub(crate) language: Language,
    /// `light`, `dark`, or empty: as the browser wants it.
    pub(crate) theme: &'static str,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) request_id: String,
    pub(crate) browser: Browser,
    /// The session cookie, good or not.
    pub(crate) cookie: Option<Secret>,
    /// Who is signed in.
    pub(crate) visitor: Option<PortalVisitor>,
}

impl Here {
    /// The path with its query.
    pub(crate) fn address(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }

    fn form_is_about(&self, number: &str, path: &str) -> String {
        format!("portal form\n{number}\n{path}\n{}", self.cookie.as_ref().map_or("", Secret::expose))
    }

    /// What goes into a form for `path`: a number, so that it can be told whether it was sent before, and
    /// that we made it for this session.
    pub(crate) fn proof(&self, path: &str) -> String {
        let number = Guid::random().to_string();
        let about = self.form_is_about(&number, path);
        format!("{number}.{}", self.browser.proof(self.service.authority(), &about))
    }

    /// Whether a form came from a page of this session.
    pub(crate) fn proves(&self, proof: &str) -> bool {
        let Some((number, proof)) = proof.split_once('.') else { return false };
        self.browser.proves(self.service.authority(), &self.form_is_about(number, &self.path), proof)
    }
}

/// The request that is being answered.
pub(crate) fn here() -> Option<Arc<Here>> {
    HERE.try_with(Arc::clone).ok()
}

/// The reader's language.
pub(crate) fn language() -> Language {
    HERE.try_with(|here| here.language).unwrap_or_default()
}

/// Finds out who is here and what they read, and hands the page on to that.
pub(crate) async fn enter(State(service): State<Service>, mut request: Request, next: Next) -> Response {
    let headers = request.headers();
    let language =
        cookie(headers, LANGUAGE).and_then(Language::find).unwrap_or_else(|| Language::of(headers));
    let theme = match cookie(headers, THEME) {
        Some("light") => "light",
        Some("dark") => "dark",
        _ => "",
    };
    let session = cookie(headers, COOKIE).map(Secret::new);
    let mut here = Here {
        language,
        theme,
        method: request.method().clone(),
        path: request.uri().path().to_string(),
        query: request.uri().query().unwrap_or_default().to_string(),
        request_id: Guid::random().to_string(),
        browser: Browser::of(headers),
        cookie: session,
        visitor: None,
        service,
    };
    let mut unavailable = None;
    if let Some(cookie) = &here.cookie {
        match here.service.authority().verify_portal_session(cookie).await {
            Ok(visitor) => here.visitor = Some(visitor),
            Err(Refusal::Unavailable(cause)) => unavailable = Some(cause),
            Err(_) => {}
        }
    }
    let ended = here.visitor.is_none() && here.method == Method::POST && session::is_guarded(&here.path);
    let here = Arc::new(here);
    let id = HeaderValue::from_str(&here.request_id);
    request.extensions_mut().insert(Arc::clone(&here));
    let answer = async {
        let response = match unavailable {
            Some(cause) => Failed::Internal(cause).into_response(),
            // What was typed is shown again, so it has to be read.
            None if ended => session::ended(&here, request).await,
            None => next.run(request).await,
        };
        here.browser.remember(response)
    };
    let mut response = HERE.scope(Arc::clone(&here), answer).await;
    if let Ok(id) = id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// Somebody who is signed in, and what they asked for.
#[derive(Clone)]
pub(crate) struct Visit {
    pub(crate) here: Arc<Here>,
    pub(crate) visitor: PortalVisitor,
    pub(super) api: Api,
}

impl Visit {
    pub(crate) fn service(&self) -> &Service {
        &self.here.service
    }

    pub(crate) fn caller(&self) -> &Caller {
        &self.visitor.caller
    }

    /// The query of the address.
    pub(crate) fn query(&self) -> Fields {
        Fields::read(self.here.query.as_bytes())
    }

    /// Whether the person's roles open a part.
    pub(crate) fn may(&self, part: Part, access: Access) -> bool {
        self.caller().entitlements.access(part) >= access
    }

    /// Refuses what the person's roles do not open.
    pub(crate) fn check(&self, part: Part, access: Access) -> Result<(), Failed> {
        if self.may(part, access) { Ok(()) } else { Err(Failed::Forbidden(String::new())) }
    }

    /// Whether the person holds one of these roles of the directory.
    pub(crate) fn holds(&self, names: &[&str]) -> bool {
        match &self.caller().principal {
            Principal::User { roles, .. } => roles.iter().any(|role| names.contains(&role.name)),
            _ => false,
        }
    }

    /// Refuses a form that was sent before: pressing a button twice makes nothing twice.
    pub(crate) async fn once(&self, fields: &Fields) -> Result<(), Failed> {
        let fresh =
            self.service().authority().take_portal_form(self.caller().tenant, fields.get("proof")).await;
        match fresh {
            Ok(true) => Ok(()),
            Ok(false) => Err(Failed::SentBefore),
            Err(cause) => Err(Failed::Internal(cause.into())),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Visit, Response> {
        let here = parts.extensions.get::<Arc<Here>>().cloned();
        let here = here.ok_or_else(|| StatusCode::INTERNAL_SERVER_ERROR.into_response())?;
        let api = parts.extensions.get::<Api>().cloned();
        let api = api.ok_or_else(|| StatusCode::INTERNAL_SERVER_ERROR.into_response())?;
        match here.visitor.clone() {
            Some(visitor) => Ok(Visit { here, visitor, api }),
            None => Err(session::ask(&here)),
        }
    }
}

/// A form that came from a page of ours.
pub(crate) struct Posted(pub(crate) Fields);

impl<S: Send + Sync> FromRequest<S> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Posted, Response> {
        let here = request.extensions().get::<Arc<Here>>().cloned();
        let here = here.ok_or_else(|| StatusCode::INTERNAL_SERVER_ERROR.into_response())?;
        let body = Bytes::from_request(request, state).await.map_err(IntoResponse::into_response)?;
        let fields = Fields::read(&body);
        if here.proves(fields.get("proof")) {
            Ok(Posted(fields))
        } else {
            Err(Failed::Stale(fields).into_response())
        }
    }
}

/// Why there is no page.
#[derive(Debug)]
pub(crate) enum Failed {
    /// Absent, or out of this person's reach.
    NotFound,
    /// The person may not; the sentence, when there is one, says what would be enough.
    Forbidden(String),
    /// Something in the request cannot be; the sentence is shown.
    Invalid { field: String, why: String },
    /// It exists already, or somebody else changed it first.
    Conflict(String),
    /// The form is of another session or of another page.
    Stale(Fields),
    /// The form was sent before.
    SentBefore,
    /// Our fault.
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

impl Failed {
    pub(crate) fn invalid(field: &str, why: &str) -> Failed {
        Failed::Invalid { field: field.to_string(), why: why.to_string() }
    }
}

impl From<casbah_service::Error> for Failed {
    fn from(error: casbah_service::Error) -> Failed {
        use casbah_service::Error;
        match error {
            Error::NotFound => Failed::NotFound,
            Error::Invalid { field, why } => Failed::Invalid { field, why },
            Error::Forbidden { needs } => Failed::Forbidden(needs),
            Error::Conflict(why) => Failed::Conflict(why),
            Error::Internal(cause) => Failed::Internal(cause),
        }
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        pages::failed::page(self)
    }
}

/// What pages answer.
pub(crate) type Answer = Result<Response, Failed>;

pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok());
    let mut pairs = all.flat_map(|v| v.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(n, _)| *n == name).map(|(_, value)| value).filter(|v| !v.is_empty())
}
