//! Signing in with another provider: the way there, the way back, and the page of an invitation.
//!
//! The way there is a link, not a form: it leads to another origin, which a form's policy would have to name.
//! It carries a proof that one of our pages in this browser made it.

use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use casbah_authority::{
    About, Authority, Form, OAuthError, OfferedProvider, UpstreamPurpose, UpstreamRefusal, UpstreamRequest,
    UpstreamStep, codes,
};
use casbah_model::{Guid, TenantId};
use casbah_service::directory::invitations::InvitationShown;
use casbah_service::{Error, Service};
use http::HeaderMap;
use http::header::{LOCATION, SET_COOKIE};
use url::form_urlencoded;

use crate::authorize::{error_page, foreign_form};
use crate::browser::Browser;
use crate::pages::federated as pages;
use crate::request::about;
use crate::respond::{Page, log, see_other};
use crate::steps;

const THERE: &str = "/sign-in/with";
const SIGN_IN: &str = "sign-in";
const LINK: &str = "link";

/// A way to a provider, as it stands in a page's link.
#[derive(Clone, Debug, Default)]
pub(crate) struct Way {
    /// The tenant segment of the page's address.
    pub(crate) tenant: String,
    /// [`SIGN_IN`], [`LINK`], or the id of an invited guest.
    pub(crate) purpose: String,
    pub(crate) return_to: String,
    pub(crate) leads_to: Option<String>,
    /// Name that the application hinted at.
    pub(crate) hint: Option<String>,
    pub(crate) fresh: bool,
}

/// A provider on a page: its name, and the address of the way there.
pub(crate) type Door = (String, String);

impl Way {
    /// The way in.
    pub(crate) fn sign_in(tenant: impl ToString, return_to: impl ToString) -> Way {
        let (tenant, return_to) = (tenant.to_string(), return_to.to_string());
        Way { tenant, purpose: SIGN_IN.to_string(), return_to, ..Way::default() }
    }

    /// The way to an account that is added to the one of the session.
    pub(crate) fn link(tenant: TenantId, return_to: &str) -> Way {
        Way { purpose: LINK.to_string(), ..Way::sign_in(tenant, return_to) }
    }

    /// The links of a page to providers.
    pub(crate) fn doors(
        &self,
        authority: &Authority,
        browser: &Browser,
        providers: &[OfferedProvider],
    ) -> Vec<Door> {
        let door = |p: &OfferedProvider| (p.name.clone(), self.address(authority, browser, p.id));
        providers.iter().map(door).collect()
    }

    fn address(&self, authority: &Authority, browser: &Browser, provider: Guid) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("provider", &provider.to_string());
        query.extend_pairs(self.pairs());
        query.append_pair("proof", &browser.proof(authority, &self.about(provider)));
        format!("{THERE}?{}", query.finish())
    }

    fn pairs(&self) -> [(&'static str, &str); 6] {
        [
            ("tenant", &self.tenant),
            ("purpose", &self.purpose),
            ("return_to", &self.return_to),
            ("leads_to", self.leads_to.as_deref().unwrap_or_default()),
            ("hint", self.hint.as_deref().unwrap_or_default()),
            ("fresh", if self.fresh { "1" } else { "" }),
        ]
    }

    fn about(&self, provider: Guid) -> String {
        let values = self.pairs().map(|(_, value)| value);
        format!("federated\n{provider}\n{}", values.join("\n"))
    }

    fn read(form: &Form) -> Way {
        let text = |name: &str| form.get(name).unwrap_or_default().to_string();
        let some = |name: &str| form.get(name).map(str::to_string);
        Way {
            tenant: text("tenant"),
            purpose: text("purpose"),
            return_to: text("return_to"),
            leads_to: some("leads_to"),
            hint: some("hint"),
            fresh: form.get("fresh").is_some(),
        }
    }

    /// Goes there.
    pub(crate) async fn go(
        self,
        authority: &Authority,
        browser: &Browser,
        provider: Guid,
    ) -> Result<Response, OAuthError> {
        let purpose = match self.purpose.as_str() {
            SIGN_IN => UpstreamPurpose::SignIn,
            LINK => {
                let nobody = || OAuthError::new(codes::NOT_SIGNED_IN, codes::NOT_SIGNED_IN.meaning);
                UpstreamPurpose::Link(browser.session.clone().ok_or_else(nobody)?)
            }
            guest => UpstreamPurpose::Invitation(guest.parse().map_err(|_| foreign_form())?),
        };
        let request = UpstreamRequest {
            tenant: self.tenant,
            provider,
            purpose,
            return_to: self.return_to,
            leads_to: self.leads_to,
            login_hint: self.hint,
            fresh: self.fresh,
            visitor: browser.visitor(),
        };
        Ok(see_other(&authority.begin_upstream(request).await?))
    }
}

/// `/sign-in/with`: the link was followed.
pub(crate) async fn leave(
    State(service): State<Service>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let form = Form::parse(query.unwrap_or_default().as_bytes());
    let (browser, about) = (Browser::of(&headers), about(service.authority(), &headers, &[]));
    let (way, provider) = (Way::read(&form), form.get("provider").and_then(|id| id.parse().ok()));
    let proof = form.get("proof").unwrap_or_default();
    let proven = |provider: &Guid| browser.proves(service.authority(), &way.about(*provider), proof);
    let Some(provider) = provider.filter(proven) else {
        return error_page(&service, &foreign_form(), &about);
    };
    let return_to = way.return_to.clone();
    match way.go(service.authority(), &browser, provider).await {
        Ok(response) => response,
        Err(error) => {
            let refusal = UpstreamRefusal { error, provider_name: None, return_to: Some(return_to) };
            refused(&service, &refusal, &about)
        }
    }
}

/// `/{tenant}/oauth2/v2.0/authresp`: the provider has sent the browser back.
pub(crate) async fn come_back(
    State(service): State<Service>,
    Path(tenant): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let form = Form::parse(query.unwrap_or_default().as_bytes());
    let (browser, about) = (Browser::of(&headers), about(service.authority(), &headers, &[]));
    let session = browser.session.as_ref();
    match service.authority().finish_upstream(&tenant, &form, session, &browser.visitor()).await {
        Ok(UpstreamStep::SignIn(step)) => match steps::go_on(&service, &browser, step).await {
            Ok(response) => landed(&service, response),
            Err(error) => refused(&service, &error.into(), &about),
        },
        Ok(UpstreamStep::Linked { return_to }) => landed(&service, see_other(&return_to)),
        Err(refusal) => refused(&service, &refusal, &about),
    }
}

/// A page that goes on by itself, in place of a redirect: browsers hold the form that was sent at the provider to
/// the policy of its page through every redirect that follows, and the last of ours leads to an application of
/// which the provider knows nothing.
fn landed(service: &Service, redirect: Response) -> Response {
    let next = redirect.headers().get(LOCATION).and_then(|next| next.to_str().ok());
    let Some(next) = next else { return redirect };
    let mut page = Page::new(pages::landed(service.clock(), next)).into_response();
    for cookie in redirect.headers().get_all(SET_COOKIE) {
        page.headers_mut().append(SET_COOKIE, cookie.clone());
    }
    page
}

/// `/invitations/redeem`: what a guest sees who follows the link of an invitation, before and afterwards.
pub(crate) async fn invitation(
    State(service): State<Service>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let form = Form::parse(query.as_bytes());
    let (browser, about) = (Browser::of(&headers), about(service.authority(), &headers, &[]));
    let text = |name: &str| form.get(name).unwrap_or_default();
    let found = service.invitation(text("tenant"), text("user"), text("ticket")).await;
    match found {
        Ok(shown) => {
            let page = invitation_page(&service, &browser, &shown, &query);
            browser.remember(page)
        }
        Err(Error::Internal(cause)) => {
            tracing::error!(trace = %about.trace, error = %cause, "an invitation could not be shown");
            let error = OAuthError::new(codes::INTERNAL, codes::INTERNAL.meaning);
            error_page(&service, &error, &about)
        }
        Err(_) => {
            let text = "This is not the link of an invitation, or the invitation was withdrawn. Ask whoever \
                        invited you for another.";
            error_page(&service, &OAuthError::new(codes::UNKNOWN_ACCOUNT, text), &about)
        }
    }
}

fn invitation_page(service: &Service, browser: &Browser, shown: &InvitationShown, query: &str) -> Response {
    let way = Way {
        purpose: shown.guest.to_string(),
        hint: Some(shown.mail.clone()),
        // Through pairs and back: nothing but a query comes out, whatever came in.
        ..Way::sign_in(shown.tenant.id, format!("/invitations/redeem?{}", plain(query)))
    };
    let doors = way.doors(service.authority(), browser, &shown.providers);
    Page::new(pages::invitation(service.clock(), shown, &doors)).into_response()
}

fn plain(query: &str) -> String {
    let pairs = form_urlencoded::parse(query.as_bytes());
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn refused(service: &Service, refusal: &UpstreamRefusal, about: &About) -> Response {
    log(&refusal.error, about);
    let mut page = Page::refused(pages::refused(service.clock(), refusal, about));
    let status = http::StatusCode::from_u16(refusal.error.status()).ok();
    page.status = status.filter(http::StatusCode::is_server_error).unwrap_or(page.status);
    page.into_response()
}
