//! `/account`: what people see of themselves and change themselves. Every form is good for the session
//! for which the page was made, and for nothing else.

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use casbah_authority::{
    About, Account, Authority, Ending, FactorHolder, OAuthError, Registered, SignInRequest, codes,
};
use casbah_model::{Guid, Secret};
use casbah_service::Service;
use http::HeaderMap;

use crate::authorize::{error_page, foreign_form, is_users_own};
use crate::browser::{self, Browser};
use crate::federated::Way;
use crate::pages::{account as pages, sign_in as sign_in_page, simple, steps as step_pages};
use crate::request::{Fields, about};
use crate::respond::{Page, log, see_other};
use crate::steps::{self, new_password, passkey_answer};

const HERE: &str = "/account";
const SIGN_IN: &str = "/account/sign-in";

pub(crate) async fn show(State(service): State<Service>, headers: HeaderMap) -> Response {
    let visit = Visit::new(&service, &headers);
    visit.finish(visit.page(None).await)
}

/// Asks for name and password also of somebody who is signed in: changes want a fresh sign-in.
pub(crate) async fn ask_to_sign_in(State(service): State<Service>, headers: HeaderMap) -> Response {
    let visit = Visit::new(&service, &headers);
    visit.finish(visit.sign_in_page(None).await)
}

pub(crate) async fn show_authenticator(State(service): State<Service>, headers: HeaderMap) -> Response {
    let visit = Visit::new(&service, &headers);
    visit.finish(visit.authenticator_page(None).await)
}

macro_rules! actions {
    ($($name:ident)*) => {$(
        pub(crate) async fn $name(
            State(service): State<Service>,
            headers: HeaderMap,
            body: Bytes,
        ) -> Response {
            let visit = Visit::new(&service, &headers);
            visit.finish(visit.$name(&Fields::read(&body)).await)
        }
    )*};
}

actions! {
    sign_in add_authenticator add_passkey change_password new_recovery_codes remove_factor end
}

struct Visit<'a> {
    service: &'a Service,
    browser: Browser,
    about: About,
}

impl<'a> Visit<'a> {
    fn new(service: &'a Service, headers: &HeaderMap) -> Visit<'a> {
        Visit { service, browser: Browser::of(headers), about: about(service.authority(), headers, &[]) }
    }

    fn authority(&self) -> &Authority {
        self.service.authority()
    }

    fn finish(&self, result: Result<Response, OAuthError>) -> Response {
        let response = match result {
            Ok(response) => response,
            Err(error) if [codes::NOT_SIGNED_IN, codes::SIGN_IN_AGAIN].contains(&error.code) => {
                see_other(SIGN_IN)
            }
            Err(error) => {
                log(&error, &self.about);
                error_page(self.service, &error, &self.about)
            }
        };
        self.browser.remember(response)
    }

    fn form_is_about(&self, form: &str) -> String {
        let session = self.browser.session.as_ref().map_or("", Secret::expose);
        format!("account {form}\n{session}")
    }

    fn proof(&self, form: &str) -> String {
        self.browser.proof(self.authority(), &self.form_is_about(form))
    }

    /// The session, when the form came from a page that was made for it.
    fn check(&self, form: &str, fields: &Fields) -> Result<&Secret, OAuthError> {
        if !self.browser.proves(self.authority(), &self.form_is_about(form), fields.get("proof")) {
            return Err(foreign_form());
        }
        self.session()
    }

    fn session(&self) -> Result<&Secret, OAuthError> {
        let nobody = || OAuthError::new(codes::NOT_SIGNED_IN, codes::NOT_SIGNED_IN.meaning);
        self.browser.session.as_ref().ok_or_else(nobody)
    }

    async fn page(&self, problem: Option<&str>) -> Result<Response, OAuthError> {
        let session = self.session()?;
        let account: Account = self.authority().account(session).await?;
        let passkey = match account.is_fresh {
            true => self.authority().new_passkey_options(session, &self.browser.visitor()).await?,
            false => None,
        };
        let show = pages::Shown {
            account: &account,
            passkey: passkey.as_deref(),
            doors: &Way::link(account.tenant.id, HERE).doors(
                self.authority(),
                &self.browser,
                &account.addable,
            ),
            proof: &|form| self.proof(form),
            problem,
        };
        let markup = pages::page(self.service.clock(), &show);
        let page = if problem.is_some() { Page::refused(markup) } else { Page::new(markup) };
        Ok(page.into_response())
    }

    async fn sign_in_page(&self, failed: Option<(&OAuthError, &str)>) -> Result<Response, OAuthError> {
        let known = match &self.browser.session {
            Some(session) => self.authority().verify_session(session).await.ok(),
            None => None,
        };
        let user = known.as_ref().map_or("", |caller| caller.name());
        let alone = steps::PasskeyAlone {
            tenant: "organizations".to_string(),
            return_to: HERE.to_string(),
            leads_to: None,
        };
        let providers = self.authority().offered_providers(&alone.tenant).await?;
        let way = Way { fresh: true, ..Way::sign_in(&alone.tenant, HERE) };
        let doors = way.doors(self.authority(), &self.browser, &providers);
        let markup = sign_in_page::page(
            self.service.clock(),
            &sign_in_page::SignIn {
                action: SIGN_IN,
                account_action: "",
                proof: &self.proof("sign-in"),
                application_name: "your account",
                application: None,
                tenant_name: None,
                user_name: failed.map_or(user, |(_, user)| user),
                signed_in_as: None,
                problem: failed.map(|(error, _)| error.text.as_str()),
                passkey: alone.form(self.authority(), &self.browser),
                doors: &doors,
                leads_to: None,
            },
        );
        Ok(if failed.is_some() { Page::refused(markup) } else { Page::new(markup) }.into_response())
    }

    async fn sign_in(&self, fields: &Fields) -> Result<Response, OAuthError> {
        if !self.browser.proves(self.authority(), &self.form_is_about("sign-in"), fields.get("proof")) {
            return Err(foreign_form());
        }
        let request = SignInRequest {
            tenant: "organizations".to_string(),
            name: fields.get("user").to_string(),
            password: fields.secret("password"),
            keep: fields.get("keep") == "1",
            return_to: HERE.to_string(),
            leads_to: None,
            visitor: self.browser.visitor(),
        };
        match self.authority().sign_in(request).await {
            Ok(step) => steps::go_on(self.service, &self.browser, step).await,
            Err(error) if is_users_own(&error) => {
                log(&error, &self.about);
                self.sign_in_page(Some((&error, fields.get("user")))).await
            }
            Err(error) => Err(error),
        }
    }

    async fn authenticator_page(&self, problem: Option<&str>) -> Result<Response, OAuthError> {
        let setup = self.authority().totp_setup(self.session()?).await?;
        let markup =
            pages::authenticator(self.service.clock(), &self.proof("add authenticator"), &setup, problem);
        let page = if problem.is_some() { Page::refused(markup) } else { Page::new(markup) };
        Ok(page.into_response())
    }

    async fn add_authenticator(&self, fields: &Fields) -> Result<Response, OAuthError> {
        let holder = FactorHolder::Session(self.check("add authenticator", fields)?.clone());
        let (setup, name) = (fields.get("setup").to_string(), fields.get("name").to_string());
        let (code, visitor) = (fields.secret("code"), self.browser.visitor());
        match self.authority().add_totp(&holder, setup, code, name, &visitor).await {
            Ok(registered) => Ok(self.registered(&registered)),
            Err(error) if error.code == codes::WRONG_SECOND_FACTOR => {
                self.authenticator_page(Some(&error.text)).await
            }
            Err(error) => Err(error),
        }
    }

    async fn add_passkey(&self, fields: &Fields) -> Result<Response, OAuthError> {
        let holder = FactorHolder::Session(self.check("add passkey", fields)?.clone());
        let (answer, name) = (passkey_answer(fields), fields.get("name").to_string());
        match self.authority().add_passkey(&holder, answer, name, &self.browser.visitor()).await {
            Ok(registered) => Ok(self.registered(&registered)),
            Err(error) if error.code == codes::WRONG_SECOND_FACTOR => self.page(Some(&error.text)).await,
            Err(error) => Err(error),
        }
    }

    fn registered(&self, registered: &Registered) -> Response {
        if registered.recovery_codes.is_empty() {
            return see_other(HERE);
        }
        let markup = step_pages::recovery_codes(self.service.clock(), &registered.recovery_codes, HERE);
        Page::new(markup).into_response()
    }

    async fn new_recovery_codes(&self, fields: &Fields) -> Result<Response, OAuthError> {
        let session = self.check("recovery codes", fields)?;
        let codes = self.authority().new_recovery_codes(session).await?;
        Ok(Page::new(step_pages::recovery_codes(self.service.clock(), &codes, HERE)).into_response())
    }

    async fn remove_factor(&self, fields: &Fields) -> Result<Response, OAuthError> {
        let session = self.check("remove factor", fields)?;
        self.authority().remove_factor(session, id(fields)?).await?;
        Ok(see_other(HERE))
    }

    async fn change_password(&self, fields: &Fields) -> Result<Response, OAuthError> {
        let session = self.check("password", fields)?;
        let result = match new_password(fields) {
            Ok(new) => {
                let (present, visitor) = (fields.secret("present"), self.browser.visitor());
                self.authority().change_password(session, present, new, &visitor).await
            }
            Err(error) => Err(error),
        };
        match result {
            Ok(()) => {
                let text = "Your password was changed. Other browsers were signed out, and applications \
                            that used it must sign in again.";
                let page = simple::message_with_link(self.service.clock(), "Password changed", text, HERE);
                Ok(Page::new(page).into_response())
            }
            Err(error) if error.code == codes::WRONG_PASSWORD => {
                self.page(Some("The present password is wrong.")).await
            }
            Err(error) if [codes::PASSWORD_REFUSED, codes::LOCKED].contains(&error.code) => {
                self.page(Some(&error.text)).await
            }
            Err(error) => Err(error),
        }
    }

    async fn end(&self, fields: &Fields) -> Result<Response, OAuthError> {
        let session = self.check("end", fields)?;
        let what = match fields.get("what") {
            "session" => Ending::Session(id(fields)?),
            "application" => Ending::Application(id(fields)?),
            "consent" => Ending::Consent(id(fields)?),
            "identity" => Ending::Identity(id(fields)?),
            "everything" => Ending::Everything,
            _ => return Err(foreign_form()),
        };
        self.authority().end(session, what).await?;
        if what != Ending::Everything {
            return Ok(see_other(HERE));
        }
        let text = "You have been signed out on every device, and applications must sign in again.";
        let page = simple::message(self.service.clock(), "Signed out everywhere", text);
        Ok(browser::sign_out(Page::new(page).into_response()))
    }
}

fn id(fields: &Fields) -> Result<Guid, OAuthError> {
    fields.get("id").parse().map_err(|_| foreign_form())
}
