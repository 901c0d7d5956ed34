//! `/{tenant}/adminconsent` and `/{tenant}/v2.0/adminconsent`: an administrator grants everything
//! that an application's registration lists, in one step and without a sign-in to the application.

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use casbah_authority::{
    Caller, ConsentDecision, ConsentScope, Endpoint, OAuthError, Principal, Refusal, SignInRequest, codes,
};
use casbah_model::{Application, Guid, Secret};
use casbah_service::directory::applications::ApplicationKey;
use casbah_service::{Error, Service};
use http::HeaderMap;
use url::form_urlencoded;

use crate::authorize::{decision, error_page, foreign_form, is_users_own};
use crate::browser::Browser;
use crate::federated::Way;
use crate::pages::{consent, sign_in};
use crate::request::{Asked, Fields};
use crate::respond::{Page, log, see_other};
use crate::steps;

macro_rules! endpoints {
    ($endpoint:expr, $show:ident, $sign_in:ident, $decide:ident) => {
        pub(crate) async fn $show(
            State(service): State<Service>,
            Path(tenant): Path<String>,
            RawQuery(query): RawQuery,
            headers: HeaderMap,
        ) -> Response {
            let visit = Visit::new(&service, &headers, $endpoint, tenant, query);
            visit.finish(visit.show(None).await)
        }

        pub(crate) async fn $sign_in(
            State(service): State<Service>,
            Path(tenant): Path<String>,
            RawQuery(query): RawQuery,
            headers: HeaderMap,
            body: Bytes,
        ) -> Response {
            let visit = Visit::new(&service, &headers, $endpoint, tenant, query);
            visit.finish(visit.sign_in(&Fields::read(&body)).await)
        }

        pub(crate) async fn $decide(
            State(service): State<Service>,
            Path(tenant): Path<String>,
            RawQuery(query): RawQuery,
            headers: HeaderMap,
            body: Bytes,
        ) -> Response {
            let visit = Visit::new(&service, &headers, $endpoint, tenant, query);
            visit.finish(visit.decide(&Fields::read(&body)).await)
        }
    };
}

endpoints!(Endpoint::V1, show_v1, sign_in_v1, decide_v1);
endpoints!(Endpoint::V2, show_v2, sign_in_v2, decide_v2);

struct Visit<'a> {
    service: &'a Service,
    browser: Browser,
    asked: Asked,
}

/// A request whose application and address were found good.
struct Checked {
    application: Application,
    redirect_uri: String,
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

    fn finish(&self, result: Result<Response, OAuthError>) -> Response {
        match result {
            Ok(response) => self.browser.remember(response),
            Err(error) => {
                log(&error, &self.asked.about);
                error_page(self.service, &error, &self.asked.about)
            }
        }
    }

    fn address(&self, below: &str) -> String {
        self.asked.address_at(&format!("{}{below}", self.asked.base("adminconsent", "v2.0/adminconsent")))
    }

    /// A proof counts for the session too: who consents must be who was shown the page.
    fn form_is_about(&self, form: &str) -> String {
        let session = self.browser.session.as_ref().map_or("", Secret::expose);
        format!("{form}\n{session}\n{}", self.address(""))
    }

    fn check_form(&self, form: &str, fields: &Fields) -> Result<(), OAuthError> {
        let about = self.form_is_about(form);
        if self.browser.proves(self.service.authority(), &about, fields.get("proof")) {
            return Ok(());
        }
        Err(foreign_form())
    }

    async fn show(&self, failed: Option<(&OAuthError, &str)>) -> Result<Response, OAuthError> {
        self.asked.check_length()?;
        let caller = match failed {
            None => self.caller().await?,
            Some(_) => None,
        };
        let Some(caller) = caller else { return self.sign_in_page(failed).await };
        let checked = self.check(&caller).await?;
        let scopes = self.listed(&caller, &checked.application).await?;
        let tenant = self.service.fetch_tenant(&caller).await.map_err(from_service)?;
        let markup = consent::page(
            self.service.clock(),
            &consent::Consent {
                action: &self.address(""),
                proof: &self.browser.proof(self.service.authority(), &self.form_is_about("admin consent")),
                ticket: "",
                application_name: &checked.application.display_name,
                application: checked.application.app_id,
                redirect_uri: &checked.redirect_uri,
                tenant_name: &tenant.display_name,
                user_name: caller.name(),
                scopes: &scopes,
                offline_access: false,
                may_consent_for_everyone: true,
                for_everyone_only: true,
                needs_administrator: !is_administrator(&caller),
            },
        );
        Ok(Page::new(markup).leading_to(&checked.redirect_uri).into_response())
    }

    async fn sign_in_page(&self, failed: Option<(&OAuthError, &str)>) -> Result<Response, OAuthError> {
        let alone = steps::PasskeyAlone {
            tenant: self.asked.tenant.clone(),
            return_to: self.address(""),
            leads_to: None,
        };
        let authority = self.service.authority();
        let providers = authority.offered_providers(&alone.tenant).await?;
        let way = Way::sign_in(&alone.tenant, &alone.return_to);
        let markup = sign_in::page(
            self.service.clock(),
            &sign_in::SignIn {
                action: &self.address("/sign-in"),
                account_action: "",
                proof: &self.browser.proof(self.service.authority(), &self.form_is_about("admin sign-in")),
                application_name: "an administrator's consent",
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
        Ok(if failed.is_some() { Page::refused(markup) } else { Page::new(markup) }.into_response())
    }

    async fn sign_in(&self, fields: &Fields) -> Result<Response, OAuthError> {
        self.check_form("admin sign-in", fields)?;
        let user = fields.get("user");
        let request = SignInRequest {
            tenant: self.asked.tenant.clone(),
            name: user.to_string(),
            password: fields.secret("password"),
            keep: fields.get("keep") == "1",
            return_to: self.address(""),
            leads_to: None,
            visitor: self.browser.visitor(),
        };
        match self.service.authority().sign_in(request).await {
            Ok(step) => steps::go_on(self.service, &self.browser, step).await,
            Err(error) if is_users_own(&error) => {
                log(&error, &self.asked.about);
                self.show(Some((&error, user))).await
            }
            Err(error) => Err(error),
        }
    }

    async fn decide(&self, fields: &Fields) -> Result<Response, OAuthError> {
        self.check_form("admin consent", fields)?;
        let Some(caller) = self.caller().await? else { return Ok(see_other(&self.address(""))) };
        let checked = self.check(&caller).await?;
        let accepted = decision(fields) != ConsentDecision::Decline && is_administrator(&caller);
        let mut answer = Vec::new();
        if accepted {
            let key = ApplicationKey::Id(checked.application.id);
            self.service.grant_admin_consent(&caller, key).await.map_err(from_service)?;
            answer.push(("admin_consent", "True".to_string()));
            answer.push(("tenant", caller.tenant.to_string()));
            if let (Endpoint::V2, Some(scope)) = (self.asked.endpoint, self.asked.get("scope")) {
                answer.push(("scope", scope.to_string()));
            }
        } else {
            let error = OAuthError::new(codes::CONSENT_DECLINED, codes::CONSENT_DECLINED.meaning);
            answer.push(("error", error.error.to_string()));
            answer.push(("error_description", error.description(&self.asked.about)));
        }
        answer.extend(self.asked.get("state").map(|state| ("state", state.to_string())));
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(answer).finish();
        let mark = if checked.redirect_uri.contains('?') { '&' } else { '?' };
        Ok(see_other(&format!("{}{mark}{query}", checked.redirect_uri)))
    }

    /// Who is signed in, in the tenant that the address names.
    async fn caller(&self) -> Result<Option<Caller>, OAuthError> {
        let Some(session) = &self.browser.session else { return Ok(None) };
        let caller = match self.service.authority().verify_session(session).await {
            Ok(caller) => caller,
            Err(Refusal::Unavailable(cause)) => return Err(internal(cause)),
            Err(_) => return Ok(None),
        };
        let tenant = self.service.fetch_tenant(&caller).await.map_err(from_service)?;
        let name = self.asked.tenant.as_str();
        let any = ["common", "organizations"].iter().any(|alias| name.eq_ignore_ascii_case(alias));
        let same = name.parse::<Guid>().is_ok_and(|id| id == tenant.id.0)
            || tenant.domains.iter().any(|d| d.eq_ignore_ascii_case(name));
        Ok((any || same).then_some(caller))
    }

    /// What fails here is a page, because where to go back to is in doubt.
    async fn check(&self, caller: &Caller) -> Result<Checked, OAuthError> {
        let missing = |name: &str| {
            OAuthError::new(
                codes::MISSING_PARAMETER,
                format!("The request must contain the parameter {name}."),
            )
        };
        let client = self.asked.get("client_id").ok_or_else(|| missing("client_id"))?;
        let redirect_uri = self.asked.get("redirect_uri").ok_or_else(|| missing("redirect_uri"))?;
        let unknown = || {
            let text = "No application with that client_id is registered in the tenant.";
            OAuthError::new(codes::UNKNOWN_CLIENT, text)
        };
        let app_id: Guid = client.parse().map_err(|_| unknown())?;
        let found = self.service.fetch_application(caller, ApplicationKey::AppId(app_id)).await;
        let application = match found {
            Ok(found) => found.application,
            Err(Error::NotFound) => return Err(unknown()),
            Err(e) => return Err(from_service(e)),
        };
        let (authority, session) = (self.service.authority(), self.browser.session.as_ref());
        if !authority.may_return_to(Some(app_id), session, redirect_uri.to_string()).await? {
            let text = "The redirect URI is not registered for the application.";
            return Err(OAuthError::new(codes::WRONG_REDIRECT, text));
        }
        // Only the registered list can be granted here; single scopes are what authorize is for.
        let scope = self.asked.get("scope").unwrap_or_default();
        if scope.split_whitespace().any(|s| s != ".default" && !s.ends_with("/.default")) {
            let text =
                "Admin consent grants what the registration lists: leave scope out, or end it in /.default.";
            return Err(OAuthError::new(codes::INVALID_SCOPE, text));
        }
        Ok(Checked { application, redirect_uri: redirect_uri.to_string() })
    }

    /// The permissions that the registration lists.
    async fn listed(
        &self,
        caller: &Caller,
        application: &Application,
    ) -> Result<Vec<ConsentScope>, OAuthError> {
        let resources = self.service.list_service_principals(caller).await.map_err(from_service)?;
        let mut scopes = Vec::new();
        for access in &application.required_access {
            let resource = resources.iter().find(|r| r.principal.app_id == access.resource_app_id);
            let Some(resource) = resource.map(|r| &r.application) else { continue };
            let role = resource.app_roles.iter().find(|r| access.is_role && r.id == access.id);
            let scope = resource.scopes.iter().find(|s| !access.is_role && s.id == access.id);
            let shown = role
                .map(|r| (&r.value, &r.display_name, &r.description))
                .or_else(|| scope.map(|s| (&s.value, &s.display_name, &s.description)));
            if let Some((value, display_name, description)) = shown {
                scopes.push(ConsentScope {
                    resource_name: resource.display_name.clone(),
                    value: value.clone(),
                    display_name: display_name.clone(),
                    description: description.clone(),
                    admin_only: true,
                    is_role: access.is_role,
                });
            }
        }
        Ok(scopes)
    }
}

fn is_administrator(caller: &Caller) -> bool {
    matches!(caller.principal, Principal::User { administrator: true, .. })
}

fn from_service(e: Error) -> OAuthError {
    match e {
        Error::Internal(cause) => internal(cause),
        Error::NotFound => {
            OAuthError::new(codes::UNKNOWN_RESOURCE, "What the request is about does not exist.")
        }
        other => OAuthError::new(codes::MISCONFIGURED, other.to_string()),
    }
}

fn internal(cause: Box<dyn std::error::Error + Send + Sync>) -> OAuthError {
    OAuthError { cause: Some(cause), ..OAuthError::new(codes::INTERNAL, codes::INTERNAL.meaning) }
}
