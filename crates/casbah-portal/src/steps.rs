//! `/sign-in/…`: what comes between a right password and a session, and signing in with a passkey alone.
//!
//! The cookie of the sign-in under way says who it is; the address at which it ends was written down
//! when it began, so that no request can name another.

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use casbah_authority::{
    About, Authority, CodeKind, FactorHolder, OAuthError, PasskeyAnswer, SignInStep, codes,
};
use casbah_model::Secret;
use casbah_service::Service;
use http::HeaderMap;
use maud::Markup;

use crate::authorize::{error_page, foreign_form};
use crate::browser::Browser;
use crate::pages::{simple, steps as pages};
use crate::request::{Fields, about, after_sign_in};
use crate::respond::{Page, log, see_other};

const FORMS: [&str; 5] = ["code", "passkey", "password", "register code", "register passkey"];

/// Signs the browser in, or sends it to the page for the step that is missing.
pub(crate) async fn go_on(
    service: &Service,
    browser: &Browser,
    step: SignInStep,
) -> Result<Response, OAuthError> {
    let authority = service.authority();
    match step {
        SignInStep::Continue(pending) => {
            Ok(browser.keep_pending(see_other("/sign-in/next"), &pending.cookie))
        }
        SignInStep::Done(signed_in) => {
            let next = after_sign_in(authority, &signed_in.return_to, &signed_in.session);
            let response = if signed_in.recovery_codes.is_empty() {
                see_other(&next)
            } else {
                let page = pages::recovery_codes(service.clock(), &signed_in.recovery_codes, &next);
                Page::new(page).into_response()
            };
            browser.sign_in(authority, response, &signed_in).await
        }
    }
}

/// The form on sign-in pages for a passkey alone. What it is for stands in its fields, under its proof.
pub(crate) struct PasskeyAlone {
    pub(crate) tenant: String,
    pub(crate) return_to: String,
    pub(crate) leads_to: Option<String>,
}

impl PasskeyAlone {
    fn about(&self) -> String {
        let leads_to = self.leads_to.as_deref().unwrap_or_default();
        format!("passkey alone\n{}\n{}\n{leads_to}", self.tenant, self.return_to)
    }

    /// The form; none where browsers make no passkeys.
    pub(crate) fn form(&self, authority: &Authority, browser: &Browser) -> Option<Markup> {
        let options = authority.passkey_options(&browser.visitor())?;
        let fields = [
            ("tenant", self.tenant.as_str()),
            ("return_to", &self.return_to),
            ("leads_to", self.leads_to.as_deref().unwrap_or_default()),
        ];
        Some(pages::passkey_form(&pages::PasskeyForm {
            action: "/sign-in/passkey-alone",
            proof: &browser.proof(authority, &self.about()),
            options: &options,
            button: "Use a passkey",
            fields: &fields,
            named: false,
        }))
    }
}

pub(crate) async fn passkey_alone(
    State(service): State<Service>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (browser, fields) = (Browser::of(&headers), Fields::read(&body));
    let text = |name: &str| fields.get(name).to_string();
    let alone = PasskeyAlone {
        tenant: text("tenant"),
        return_to: text("return_to"),
        leads_to: Some(text("leads_to")).filter(|uri| !uri.is_empty()),
    };
    let result = async {
        if !browser.proves(service.authority(), &alone.about(), fields.get("proof")) {
            return Err(foreign_form());
        }
        let PasskeyAlone { tenant, return_to, leads_to } = alone;
        let (answer, visitor) = (passkey_answer(&fields), browser.visitor());
        let step =
            service.authority().sign_in_with_passkey(&tenant, answer, false, return_to, leads_to, &visitor);
        go_on(&service, &browser, step.await?).await
    };
    result.await.unwrap_or_else(|error: OAuthError| refuse(&service, &headers, &error))
}

pub(crate) async fn show(State(service): State<Service>, headers: HeaderMap) -> Response {
    let visit = Visit::new(&service, &headers);
    visit.page(None, false).await.unwrap_or_else(|error| visit.refuse(&error))
}

macro_rules! steps {
    ($($name:ident)*) => {$(
        pub(crate) async fn $name(
            State(service): State<Service>,
            headers: HeaderMap,
            body: Bytes,
        ) -> Response {
            let visit = Visit::new(&service, &headers);
            let fields = Fields::read(&body);
            match visit.$name(&fields).await {
                Ok(response) => response,
                Err(error) => visit.again(error, &fields).await,
            }
        }
    )*};
}

steps! { prove_with_code prove_with_passkey change_password register_code register_passkey }

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

    /// The cookie of the sign-in under way.
    fn pending(&self) -> Result<&Secret, OAuthError> {
        let over = || OAuthError::new(codes::STEP_EXPIRED, codes::STEP_EXPIRED.meaning);
        self.browser.pending.as_ref().ok_or_else(over)
    }

    fn form_is_about(&self, form: &str) -> String {
        let pending = self.browser.pending.as_ref().map_or("", Secret::expose);
        format!("step {form}\n{pending}")
    }

    fn check(&self, form: &str, fields: &Fields) -> Result<&Secret, OAuthError> {
        let pending = self.pending()?;
        if self.browser.proves(self.authority(), &self.form_is_about(form), fields.get("proof")) {
            return Ok(pending);
        }
        Err(foreign_form())
    }

    async fn page(&self, problem: Option<&str>, recovery: bool) -> Result<Response, OAuthError> {
        let view = self.authority().pending(self.pending()?, &self.browser.visitor()).await?;
        let proofs = FORMS.map(|form| self.browser.proof(self.authority(), &self.form_is_about(form)));
        let [a, b, c, d, e] = &proofs;
        let show = pages::Step { view: &view, proofs: [a, b, c, d, e], problem, recovery };
        let markup = pages::page(self.service.clock(), &show);
        let page = if problem.is_some() { Page::refused(markup) } else { Page::new(markup) };
        let page = match &view.leads_to {
            Some(uri) => page.leading_to(uri),
            None => page,
        };
        Ok(page.into_response())
    }

    async fn prove_with_code(&self, fields: &Fields) -> Result<Response, OAuthError> {
        let pending = self.check("code", fields)?;
        let kind = if fields.get("kind") == "recovery" { CodeKind::Recovery } else { CodeKind::Totp };
        let (code, visitor) = (fields.secret("code"), self.browser.visitor());
        let step = self.authority().prove_with_code(pending, kind, code, &visitor).await?;
        go_on(self.service, &self.browser, step).await
    }

    async fn prove_with_passkey(&self, fields: &Fields) -> Result<Response, OAuthError> {
        let pending = self.check("passkey", fields)?;
        let (answer, visitor) = (passkey_answer(fields), self.browser.visitor());
        let step = self.authority().prove_with_passkey(pending, answer, &visitor).await?;
        go_on(self.service, &self.browser, step).await
    }

    async fn change_password(&self, fields: &Fields) -> Result<Response, OAuthError> {
        let pending = self.check("password", fields)?;
        let new = new_password(fields)?;
        let step = self.authority().change_pending_password(pending, new, &self.browser.visitor()).await?;
        go_on(self.service, &self.browser, step).await
    }

    async fn register_code(&self, fields: &Fields) -> Result<Response, OAuthError> {
        let holder = FactorHolder::Pending(self.check("register code", fields)?.clone());
        let (setup, name) = (fields.get("setup").to_string(), fields.get("name").to_string());
        let (code, visitor) = (fields.secret("code"), self.browser.visitor());
        let registered = self.authority().add_totp(&holder, setup, code, name, &visitor).await?;
        self.registered(registered).await
    }

    async fn register_passkey(&self, fields: &Fields) -> Result<Response, OAuthError> {
        let holder = FactorHolder::Pending(self.check("register passkey", fields)?.clone());
        let (answer, name) = (passkey_answer(fields), fields.get("name").to_string());
        let registered = self.authority().add_passkey(&holder, answer, name, &self.browser.visitor()).await?;
        self.registered(registered).await
    }

    async fn registered(&self, registered: casbah_authority::Registered) -> Result<Response, OAuthError> {
        let over = || OAuthError::new(codes::STEP_EXPIRED, codes::STEP_EXPIRED.meaning);
        let mut step = registered.step.ok_or_else(over)?;
        if let SignInStep::Done(signed_in) = &mut step {
            signed_in.recovery_codes = registered.recovery_codes;
        }
        go_on(self.service, &self.browser, step).await
    }

    /// The page once more with what went wrong, when the user can put it right there.
    async fn again(&self, error: OAuthError, fields: &Fields) -> Response {
        log(&error, &self.about);
        let here = [codes::WRONG_SECOND_FACTOR, codes::PASSWORD_REFUSED, codes::LOCKED];
        if here.contains(&error.code) {
            let page = self.page(Some(&error.text), fields.get("kind") == "recovery").await;
            return page.unwrap_or_else(|error| self.refuse(&error));
        }
        self.refuse(&error)
    }

    fn refuse(&self, error: &OAuthError) -> Response {
        log(error, &self.about);
        if error.code == codes::STEP_EXPIRED {
            let text = "The sign-in took too long, was finished in another window, or had too many wrong \
                        codes. Go back to the application and sign in again.";
            let markup = simple::message(self.service.clock(), "Start again", text);
            return Page::refused(markup).into_response();
        }
        error_page(self.service, error, &self.about)
    }
}

fn refuse(service: &Service, headers: &HeaderMap, error: &OAuthError) -> Response {
    let about = about(service.authority(), headers, &[]);
    log(error, &about);
    error_page(service, error, &about)
}

/// The answer of an authenticator from a form's fields.
pub(crate) fn passkey_answer(fields: &Fields) -> PasskeyAnswer {
    let text = |name: &str| fields.get(name).to_string();
    PasskeyAnswer {
        id: text("id"),
        client_data: text("client_data"),
        attestation: text("attestation"),
        authenticator_data: text("authenticator_data"),
        signature: text("signature"),
        user_handle: text("user_handle"),
    }
}

/// The new password of a form, if it was typed twice alike.
pub(crate) fn new_password(fields: &Fields) -> Result<Secret, OAuthError> {
    let (new, again) = (fields.secret("new"), fields.secret("again"));
    if new.matches(&again) {
        return Ok(new);
    }
    let text = "The new password was not typed twice alike. Type it again.";
    Err(OAuthError::new(codes::PASSWORD_REFUSED, text))
}
