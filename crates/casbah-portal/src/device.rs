//! `/device`: where a person types the code that another device shows.

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use casbah_authority::{About, ConsentDecision, DeviceStep, Form, OAuthError, SignInRequest, codes};
use casbah_service::Service;
use http::HeaderMap;
use url::form_urlencoded;

use crate::authorize::{decision, error_page, foreign_form, is_users_own};
use crate::browser::Browser;
use crate::federated::Way;
use crate::pages::{device, sign_in, simple};
use crate::request::{Fields, about};
use crate::respond::{Page, log, see_other};
use crate::steps;

/// Longer than any code with its blanks and hyphens.
const LONGEST_CODE: usize = 40;

pub(crate) async fn show(
    State(service): State<Service>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let visit = Visit::new(&service, &headers, query);
    if visit.code.is_empty() {
        return Page::new(device::code(service.clock(), "", None)).into_response();
    }
    let response = visit.step(None).await;
    visit.browser.remember(response)
}

pub(crate) async fn sign_in(
    State(service): State<Service>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (visit, fields) = (Visit::new(&service, &headers, query), Fields::read(&body));
    if let Err(error) = visit.check("device sign-in", &fields) {
        return visit.refuse(&error);
    }
    // Which tenant it is, the code says; whoever is signed in elsewhere signs in anew.
    let tenant = match service.authority().device_step(&visit.code, None).await {
        Ok(DeviceStep::SignIn { tenant, .. }) => tenant,
        Ok(DeviceStep::Confirm(_)) => return see_other(&visit.address("/device")),
        Err(error) => return visit.refuse(&error),
    };
    let request = SignInRequest {
        tenant: tenant.to_string(),
        name: fields.get("user").to_string(),
        password: fields.secret("password"),
        keep: fields.get("keep") == "1",
        return_to: visit.address("/device"),
        leads_to: None,
        visitor: visit.browser.visitor(),
    };
    match service.authority().sign_in(request).await {
        Ok(step) => {
            let response = steps::go_on(&service, &visit.browser, step).await;
            response.unwrap_or_else(|error| visit.refuse(&error))
        }
        Err(error) if is_users_own(&error) => {
            log(&error, &visit.about);
            visit.step(Some((&error, fields.get("user")))).await
        }
        Err(error) => visit.refuse(&error),
    }
}

pub(crate) async fn decide(
    State(service): State<Service>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (visit, fields) = (Visit::new(&service, &headers, query), Fields::read(&body));
    if let Err(error) = visit.check("device", &fields) {
        return visit.refuse(&error);
    }
    let Some(session) = &visit.browser.session else { return see_other(&visit.address("/device")) };
    let (decision, ticket) = (decision(&fields), fields.get("ticket").to_string());
    match service.authority().decide_device(&visit.code, session, decision, ticket).await {
        Ok(_) if decision == ConsentDecision::Decline => see_other("/device/declined"),
        Ok(_) => see_other("/device/approved"),
        Err(error) => visit.refuse(&error),
    }
}

pub(crate) async fn approved(State(service): State<Service>) -> Response {
    let text = "You have signed in on the other device. You can close this window.";
    Page::new(simple::message(service.clock(), "Done", text)).into_response()
}

pub(crate) async fn declined(State(service): State<Service>) -> Response {
    let text = "Nothing was signed in. You can close this window.";
    Page::new(simple::message(service.clock(), "Cancelled", text)).into_response()
}

struct Visit<'a> {
    service: &'a Service,
    browser: Browser,
    code: String,
    about: About,
}

impl<'a> Visit<'a> {
    fn new(service: &'a Service, headers: &HeaderMap, query: Option<String>) -> Visit<'a> {
        let query = Form::parse(query.unwrap_or_default().as_bytes());
        let code: String = query.get("code").unwrap_or_default().trim().chars().take(LONGEST_CODE).collect();
        let about = about(service.authority(), headers, &[]);
        Visit { service, browser: Browser::of(headers), code, about }
    }

    fn address(&self, path: &str) -> String {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("code", &self.code).finish();
        format!("{path}?{query}")
    }

    fn form_is_about(&self, form: &str) -> String {
        format!("{form}\n{}", self.code)
    }

    fn check(&self, form: &str, fields: &Fields) -> Result<(), OAuthError> {
        let about = self.form_is_about(form);
        if self.browser.proves(self.service.authority(), &about, fields.get("proof")) {
            return Ok(());
        }
        Err(foreign_form())
    }

    /// The page for the code as things stand; `failed` is a sign-in that has just gone wrong.
    async fn step(&self, failed: Option<(&OAuthError, &str)>) -> Response {
        let (authority, clock) = (self.service.authority(), self.service.clock());
        let session = self.browser.session.as_ref().filter(|_| failed.is_none());
        match authority.device_step(&self.code, session).await {
            Ok(DeviceStep::SignIn { application_name, tenant }) => {
                let alone = steps::PasskeyAlone {
                    tenant: tenant.to_string(),
                    return_to: self.address("/device"),
                    leads_to: None,
                };
                let providers = match authority.offered_providers(&alone.tenant).await {
                    Ok(providers) => providers,
                    Err(error) => return self.refuse(&error),
                };
                let way = Way::sign_in(tenant, &alone.return_to);
                let markup = sign_in::page(
                    clock,
                    &sign_in::SignIn {
                        action: &self.address("/device/sign-in"),
                        account_action: "",
                        proof: &self.browser.proof(authority, &self.form_is_about("device sign-in")),
                        application_name: &application_name,
                        application: None,
                        tenant_name: None,
                        user_name: failed.map_or("", |(_, user)| user),
                        signed_in_as: None,
                        problem: failed.map(|(error, _)| error.text.as_str()),
                        passkey: alone.form(authority, &self.browser),
                        doors: &way.doors(authority, &self.browser, &providers),
                        leads_to: None,
                    },
                );
                if failed.is_some() { Page::refused(markup) } else { Page::new(markup) }.into_response()
            }
            Ok(DeviceStep::Confirm(prompt)) => {
                let proof = self.browser.proof(authority, &self.form_is_about("device"));
                let action = self.address("/device/decide");
                Page::new(device::confirm(clock, &action, &proof, &self.code, &prompt)).into_response()
            }
            Err(error) => self.refuse(&error),
        }
    }

    fn refuse(&self, error: &OAuthError) -> Response {
        log(error, &self.about);
        if [codes::DEVICE_UNKNOWN, codes::USER_CODE_EXPIRED, codes::LOCKED].contains(&error.code) {
            let markup = device::code(self.service.clock(), &self.code, Some(&error.text));
            return Page::refused(markup).into_response();
        }
        error_page(self.service, error, &self.about)
    }
}
