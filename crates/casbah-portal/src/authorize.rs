//! The authorize endpoints of both versions, with the sign-in and consent pages behind them.

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use casbah_authority::{
    Authority, AuthorizeRequest, ConsentDecision, ConsentPrompt, Endpoint, OAuthError, ResponseMode,
    SignInPrompt, SignInRequest, Step, codes,
};
use casbah_model::Secret;
use casbah_service::Service;
use http::{HeaderMap, Uri};

use crate::browser::Browser;
use crate::federated::Way;
use crate::pages::{consent, sign_in, simple};
use crate::request::{Asked, Fields, merged};
use crate::respond::{Page, log, see_other};
use crate::steps;

type Query = RawQuery;

pub(crate) async fn show_v1(
    State(service): State<Service>,
    Path(tenant): Path<String>,
    RawQuery(query): Query,
    headers: HeaderMap,
) -> Response {
    Visit::new(&service, &headers, Endpoint::V1, tenant, query).show().await
}

pub(crate) async fn show_v2(
    State(service): State<Service>,
    Path(tenant): Path<String>,
    RawQuery(query): Query,
    headers: HeaderMap,
) -> Response {
    Visit::new(&service, &headers, Endpoint::V2, tenant, query).show().await
}

/// A request, or a sign-out, that an application's page posted. The browser brings no cookie with such
/// a post from another site, but does with the redirect.
pub(crate) async fn repeat(uri: Uri, body: Bytes) -> Response {
    match merged(uri.query().unwrap_or_default(), &body) {
        // Relative, to the same path: one such as `/\\evil.example/…` in full would be another host's.
        Some(query) => see_other(&format!("?{query}")),
        None => http::StatusCode::BAD_REQUEST.into_response(),
    }
}

pub(crate) async fn sign_in_v1(
    State(service): State<Service>,
    Path(tenant): Path<String>,
    RawQuery(query): Query,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    Visit::new(&service, &headers, Endpoint::V1, tenant, query).sign_in(&Fields::read(&body)).await
}

pub(crate) async fn sign_in_v2(
    State(service): State<Service>,
    Path(tenant): Path<String>,
    RawQuery(query): Query,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    Visit::new(&service, &headers, Endpoint::V2, tenant, query).sign_in(&Fields::read(&body)).await
}

pub(crate) async fn choose_account_v1(
    State(service): State<Service>,
    Path(tenant): Path<String>,
    RawQuery(query): Query,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    Visit::new(&service, &headers, Endpoint::V1, tenant, query).choose_account(&Fields::read(&body))
}

pub(crate) async fn choose_account_v2(
    State(service): State<Service>,
    Path(tenant): Path<String>,
    RawQuery(query): Query,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    Visit::new(&service, &headers, Endpoint::V2, tenant, query).choose_account(&Fields::read(&body))
}

pub(crate) async fn consent_v1(
    State(service): State<Service>,
    Path(tenant): Path<String>,
    RawQuery(query): Query,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    Visit::new(&service, &headers, Endpoint::V1, tenant, query).consent(&Fields::read(&body)).await
}

pub(crate) async fn consent_v2(
    State(service): State<Service>,
    Path(tenant): Path<String>,
    RawQuery(query): Query,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    Visit::new(&service, &headers, Endpoint::V2, tenant, query).consent(&Fields::read(&body)).await
}

/// One request of a browser that is on its way through sign-in and consent.
struct Visit<'a> {
    service: &'a Service,
    browser: Browser,
    asked: Asked,
}

impl<'a> Visit<'a> {
    fn new(
        service: &'a Service,
        headers: &HeaderMap,
        endpoint: Endpoint,
        tenant: String,
        query: Option<String>,
    ) -> Visit<'a> {
        let query = query.unwrap_or_default();
        let asked = Asked::read(service.authority(), headers, endpoint, tenant, &query);
        Visit { service, browser: Browser::of(headers), asked }
    }

    fn authority(&self) -> &Authority {
        self.service.authority()
    }

    fn request(&self, session: Option<&Secret>) -> AuthorizeRequest {
        AuthorizeRequest {
            browser: Some(self.browser.secret()),
            ..self.asked.request(self.authority(), session)
        }
    }

    /// What a form of this visit is about: nothing else may be done with its proof.
    fn form_is_about(&self, form: &str) -> String {
        format!("{form}\n{}", self.asked.address(""))
    }

    fn check(&self, form: &str, fields: &Fields) -> Result<(), OAuthError> {
        if self.browser.proves(self.authority(), &self.form_is_about(form), fields.get("proof")) {
            return Ok(());
        }
        Err(foreign_form())
    }

    async fn show(self) -> Response {
        if let Err(error) = self.asked.check_length() {
            return self.refuse(&error);
        }
        let request = self.request(self.browser.session.as_ref());
        match self.authority().authorize(request).await {
            Ok(Step::Interrupt { second_factor, redirect_uri }) => {
                self.interrupt(second_factor, redirect_uri).await
            }
            Ok(Step::SignIn(prompt)) => {
                let response = self.sign_in_or_leave(&prompt).await;
                self.browser.remember(response)
            }
            Ok(step) => self.browser.remember(self.answer(step, None)),
            Err(error) => self.refuse(&error),
        }
    }

    /// The sign-in page; or the provider's own, where the request says whose domain the user is of.
    async fn sign_in_or_leave(&self, prompt: &SignInPrompt) -> Response {
        let Some(provider) = prompt.straight_to else { return self.sign_in_page(prompt, None) };
        match self.way(prompt).go(self.authority(), &self.browser, provider).await {
            Ok(response) => response,
            Err(error) => {
                log(&error, &self.asked.about);
                let hint = prompt.login_hint.as_deref().unwrap_or_default();
                self.sign_in_page(prompt, Some((&error, hint)))
            }
        }
    }

    /// The way to a provider and back to this request.
    fn way(&self, prompt: &SignInPrompt) -> Way {
        let tenant = prompt.tenant.map_or_else(|| self.asked.tenant.clone(), |tenant| tenant.to_string());
        Way {
            leads_to: Some(prompt.redirect_uri.clone()),
            hint: prompt.login_hint.clone(),
            fresh: prompt.fresh,
            ..Way::sign_in(tenant, self.asked.address(""))
        }
    }

    /// Asks for what the session lacks, and comes back here.
    async fn interrupt(self, second_factor: bool, redirect_uri: String) -> Response {
        let Some(session) = &self.browser.session else { return see_other(&self.asked.address("")) };
        let (back, visitor) = (self.asked.address(""), self.browser.visitor());
        let step =
            self.authority().interrupt(session, second_factor, back, Some(redirect_uri), &visitor).await;
        match step {
            Ok(step) => {
                let response = steps::go_on(self.service, &self.browser, step).await;
                response.unwrap_or_else(|error| self.refuse(&error))
            }
            Err(error) => self.refuse(&error),
        }
    }

    async fn sign_in(self, fields: &Fields) -> Response {
        if let Err(error) = self.check("sign-in", fields) {
            return self.refuse(&error);
        }
        let authority = self.authority();
        let request = SignInRequest {
            tenant: self.asked.tenant.clone(),
            name: fields.get("user").to_string(),
            password: fields.secret("password"),
            keep: fields.get("keep") == "1",
            return_to: self.asked.address(""),
            // From the page, because a pushed request names it nowhere else.
            leads_to: Some(fields.get("leads_to").to_string()).filter(|uri| !uri.is_empty()),
            visitor: self.browser.visitor(),
        };
        match authority.sign_in(request).await {
            Ok(step) => {
                let response = steps::go_on(self.service, &self.browser, step).await;
                response.unwrap_or_else(|error| self.refuse(&error))
            }
            Err(error) if is_users_own(&error) => {
                log(&error, &self.asked.about);
                // The page once more, as for somebody who is not signed in.
                let request = self.request(None);
                match authority.authorize(request).await {
                    Ok(step) => self.answer(step, Some((&error, fields.get("user")))),
                    Err(error) => self.refuse(&error),
                }
            }
            Err(error) => self.refuse(&error),
        }
    }

    fn choose_account(self, fields: &Fields) -> Response {
        if let Err(error) = self.check("sign-in", fields) {
            return self.refuse(&error);
        }
        match &self.browser.session {
            Some(session) => see_other(&self.asked.address_after_choice(self.authority(), session)),
            None => see_other(&self.asked.address("")),
        }
    }

    async fn consent(self, fields: &Fields) -> Response {
        if let Err(error) = self.check("consent", fields) {
            return self.refuse(&error);
        }
        let decision = decision(fields);
        let request = self.request(self.browser.session.as_ref());
        let ticket = fields.get("ticket").to_string();
        match self.authority().decide_consent(request, decision, ticket).await {
            // Signed out or signed in anew meanwhile: begin again, with GET.
            Ok(Step::SignIn(_) | Step::Interrupt { .. } | Step::Consent(_)) => {
                see_other(&self.asked.address(""))
            }
            Ok(step) => self.answer(step, None),
            Err(error) => self.refuse(&error),
        }
    }

    fn answer(&self, step: Step, failed: Option<(&OAuthError, &str)>) -> Response {
        let clock = self.service.clock();
        match step {
            Step::SignIn(prompt) => self.sign_in_page(&prompt, failed),
            // The next look at the address asks for it.
            Step::Interrupt { .. } => see_other(&self.asked.address("")),
            Step::Consent(prompt) => self.consent_page(&prompt),
            Step::Redirect(redirect) => match redirect.location() {
                Some(location) => see_other(&location),
                None => {
                    debug_assert_eq!(redirect.mode, ResponseMode::FormPost);
                    Page::new(simple::form_post(clock, &redirect)).leading_to(&redirect.uri).into_response()
                }
            },
        }
    }

    fn sign_in_page(&self, prompt: &SignInPrompt, failed: Option<(&OAuthError, &str)>) -> Response {
        let alone = steps::PasskeyAlone {
            tenant: self.asked.tenant.clone(),
            return_to: self.asked.address(""),
            leads_to: Some(prompt.redirect_uri.clone()),
        };
        let hint = prompt.login_hint.as_deref().unwrap_or_default();
        let doors = self.way(prompt).doors(self.authority(), &self.browser, &prompt.providers);
        let markup = sign_in::page(
            self.service.clock(),
            &sign_in::SignIn {
                action: &self.asked.address("/sign-in"),
                account_action: &self.asked.address("/account"),
                proof: &self.browser.proof(self.authority(), &self.form_is_about("sign-in")),
                application_name: &prompt.application_name,
                application: Some(prompt.application_id),
                tenant_name: prompt.tenant_name.as_deref(),
                user_name: failed.map_or(hint, |(_, user)| user),
                signed_in_as: prompt.signed_in_as.as_deref(),
                problem: failed.map(|(error, _)| error.text.as_str()),
                passkey: alone.form(self.authority(), &self.browser),
                doors: &doors,
                leads_to: Some(&prompt.redirect_uri),
            },
        );
        let page = if failed.is_some() { Page::refused(markup) } else { Page::new(markup) };
        page.leading_to(&prompt.redirect_uri).into_response()
    }

    fn consent_page(&self, prompt: &ConsentPrompt) -> Response {
        let markup = consent::page(
            self.service.clock(),
            &consent::Consent {
                action: &self.asked.address("/consent"),
                proof: &self.browser.proof(self.authority(), &self.form_is_about("consent")),
                ticket: &prompt.ticket,
                application_name: &prompt.application_name,
                application: prompt.application_id,
                redirect_uri: &prompt.redirect_uri,
                tenant_name: &prompt.tenant_name,
                user_name: &prompt.user_name,
                scopes: &prompt.scopes,
                offline_access: prompt.offline_access,
                may_consent_for_everyone: prompt.may_consent_for_everyone,
                for_everyone_only: prompt.for_everyone_only,
                needs_administrator: prompt.needs_administrator,
            },
        );
        Page::new(markup).leading_to(&prompt.redirect_uri).into_response()
    }

    /// A page, never a redirect: where to is in doubt.
    fn refuse(&self, error: &OAuthError) -> Response {
        log(error, &self.asked.about);
        error_page(self.service, error, &self.asked.about)
    }
}

/// The error page.
pub(crate) fn error_page(service: &Service, error: &OAuthError, about: &casbah_authority::About) -> Response {
    let markup = simple::error(service.clock(), error, about);
    let mut page = Page::refused(markup);
    // Whatever stands between us and the person treats these two differently.
    let status = http::StatusCode::from_u16(error.status()).unwrap_or(page.status);
    if status.is_server_error() || status == http::StatusCode::URI_TOO_LONG {
        page.status = status;
    }
    page.into_response()
}

/// What the user can put right on the sign-in page.
pub(crate) fn is_users_own(error: &OAuthError) -> bool {
    [codes::WRONG_PASSWORD, codes::LOCKED, codes::USER_DISABLED, codes::WRONG_SECOND_FACTOR]
        .contains(&error.code)
}

/// A form that none of our pages in this browser can have sent.
pub(crate) fn foreign_form() -> OAuthError {
    OAuthError::new(
        codes::MALFORMED,
        "The form does not belong to a page that was opened in this browser. Go back to the application and start again; cookies must be allowed.",
    )
}

/// What a consent form says. Anything but a clear yes is a no.
pub(crate) fn decision(fields: &Fields) -> ConsentDecision {
    match (fields.get("decision"), fields.get("everyone")) {
        ("accept", "1") => ConsentDecision::AcceptForEveryone,
        ("accept", _) => ConsentDecision::Accept,
        _ => ConsentDecision::Decline,
    }
}
