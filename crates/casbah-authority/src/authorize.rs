//! The authorize endpoint, without its pages.
//!
//! [`Authority::authorize`] looks at a request and says what the browser must see next. The pages
//! keep nothing: each button sends the request's own parameters again, and everything is checked
//! again.
//!
//! ```text
//! authorize(request) -> Err(refusal)          a page; never a redirect: client or redirect URI are in doubt
//!                    -> Step::SignIn(..)      ask for name and password -> sign_in(..), set the cookie,
//!                                             authorize(request with the session, Progress::SignedIn)
//!                                             (or with another provider: begin_upstream, finish_upstream)
//!                    -> Step::Interrupt ..    ask for a second factor or a new password -> interrupt(..)
//!                    -> Step::Consent(..)     ask -> decide_consent(request, decision, ticket)
//!                    -> Step::Redirect(..)    send it, with a code or with an error
//! ```

mod checks;
mod consent_step;
mod id_token;
mod issue_step;
mod pass;
mod pushed;
mod redirect_step;

use std::sync::Arc;

use casbah_model::{Guid, RecordId, Secret, TenantId, Timestamp};

use crate::authority::Authority;
use crate::claims::Endpoint;
use crate::error::{About, OAuthError};
use crate::form::Form;
use crate::opaque::Draw;
use crate::refusals::Attempted;
use crate::upstream::OfferedProvider;
use crate::verify::Refusal;

pub use redirect_step::{Redirect, ResponseMode};

/// A request to the authorize endpoint.
#[derive(Clone, Debug)]
pub struct AuthorizeRequest {
    /// Which endpoint was called.
    pub endpoint: Endpoint,
    /// The tenant segment of the URL.
    pub tenant: String,
    /// The parameters: query, or the body of a POST.
    pub form: Form,
    /// The session cookie.
    pub session: Option<Secret>,
    /// What tells this browser from others; a pushed request stays with the browser that opened it.
    pub browser: Option<Secret>,
    /// How far the user has come with this request.
    pub progress: Progress,
    /// Ids of the request, for the error description.
    pub about: About,
}

/// How far the user has come with a request. Only ever makes fewer questions be asked of somebody
/// who holds a good session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// The request has just come in.
    Start,
    /// The user, already signed in, chose to go on as that user (`prompt=select_account`).
    AccountChosen,
    /// The user has just entered the password (`prompt=login`, `max_age`).
    SignedIn,
}

/// What the browser must see next.
#[derive(Debug)]
pub enum Step {
    /// The sign-in page.
    SignIn(SignInPrompt),
    /// The page for a step that a session lacks: [`Authority::interrupt`].
    Interrupt {
        /// Whether it is a second factor; otherwise a new password.
        second_factor: bool,
        /// Where the code will go; the pages' policy must let a form lead there.
        redirect_uri: String,
    },
    /// The consent page.
    Consent(ConsentPrompt),
    /// Back to the application.
    Redirect(Redirect),
}

/// What the sign-in page needs to know.
#[derive(Clone, Debug)]
pub struct SignInPrompt {
    /// Name of the application that asks. Chosen by whoever registered it: escape it.
    pub application_name: String,
    /// Its application id.
    pub application_id: Guid,
    /// Where the code will go; the page's policy must let a form lead there.
    pub redirect_uri: String,
    /// Name of the tenant, when that is clear already.
    pub tenant_name: Option<String>,
    /// User name to fill in.
    pub login_hint: Option<String>,
    /// The tenant, when that is clear already.
    pub tenant: Option<TenantId>,
    /// Providers that people of the tenant may sign in with.
    pub providers: Vec<OfferedProvider>,
    /// The provider that vouches for the domain which the request hints at: send the browser there at once.
    pub straight_to: Option<Guid>,
    /// Whether the user has to prove anew who it is, also where somebody is signed in.
    pub fresh: bool,
    /// Who is signed in already, when the user is asked to choose: offer to go on as that user
    /// ([`Progress::AccountChosen`]) beside signing in as another.
    pub signed_in_as: Option<String>,
}

/// What the consent page needs to know.
#[derive(Clone, Debug)]
pub struct ConsentPrompt {
    /// Name of the application that asks. Chosen by whoever registered it: escape it.
    pub application_name: String,
    /// Its application id.
    pub application_id: Guid,
    /// Where the code will go: people recognise a host better than a name.
    pub redirect_uri: String,
    /// Name of the tenant.
    pub tenant_name: String,
    /// Who is signed in.
    pub user_name: String,
    /// What is asked for.
    pub scopes: Vec<ConsentScope>,
    /// Whether the application also wants to keep its access while the user is away.
    pub offline_access: bool,
    /// Whether the user may consent for everybody in the tenant.
    pub may_consent_for_everyone: bool,
    /// Whether only [`ConsentDecision::AcceptForEveryone`] or declining makes sense
    /// (`prompt=admin_consent`).
    pub for_everyone_only: bool,
    /// Whether the user may not consent at all because an administrator must: offer only to go back.
    pub needs_administrator: bool,
    /// Must come back with the decision; proof against forged requests.
    pub ticket: String,
}

/// A permission on the consent page.
#[derive(Clone, Debug)]
pub struct ConsentScope {
    /// Name of the resource.
    pub resource_name: String,
    /// The permission's value.
    pub value: String,
    /// Its name for people.
    pub display_name: String,
    /// What it allows.
    pub description: String,
    /// Whether only an administrator may consent to it.
    pub admin_only: bool,
    /// Whether the application gets it as itself, without a user.
    pub is_role: bool,
}

/// What the user decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConsentDecision {
    /// Yes, for me.
    Accept,
    /// Yes, for everybody in the tenant; administrators only.
    AcceptForEveryone,
    /// No.
    Decline,
}

/// The random bits of one pass, drawn before the transaction.
struct Draws {
    code: Draw,
    family: Guid,
    ids: Draw,
    audit: RecordId,
}

impl Draws {
    fn new(now: Timestamp) -> Draws {
        Draws { code: Draw::new(), family: Guid::random(), ids: Draw::new(), audit: RecordId::new(now) }
    }
}

impl Authority {
    /// Says what the browser must see next.
    ///
    /// # Errors
    /// A refusal that must be shown as a page: where to redirect to is in doubt.
    pub async fn authorize(&self, request: AuthorizeRequest) -> Result<Step, OAuthError> {
        self.step(request, None).await
    }

    /// Takes the user's decision on the consent page and says what the browser must see next.
    ///
    /// # Errors
    /// As [`Authority::authorize`]; and 9002313 when the ticket does not belong to this session and
    /// request.
    pub async fn decide_consent(
        &self,
        request: AuthorizeRequest,
        decision: ConsentDecision,
        ticket: String,
    ) -> Result<Step, OAuthError> {
        self.step(request, Some((decision, ticket))).await
    }

    async fn step(
        &self,
        request: AuthorizeRequest,
        decision: Option<(ConsentDecision, String)>,
    ) -> Result<Step, OAuthError> {
        let attempted = Attempted::at_authorize_endpoint(&request);
        let step = self.stepped(request, decision).await;
        if let Err(error) = &step {
            self.note_refusal(attempted, error).await;
        }
        step
    }

    async fn stepped(
        &self,
        request: AuthorizeRequest,
        decision: Option<(ConsentDecision, String)>,
    ) -> Result<Step, OAuthError> {
        let now = self.clock.now();
        let mut request = request;
        let pushed = self.open_pushed(&mut request, now).await?;
        let hinted = self.hinted_user(&request.form).await?;
        // Before the transaction: once a code is made, nothing may fail any more.
        let key = self.signing_key(now).await?;
        let pass = pass::Pass {
            request,
            pushed,
            hinted,
            decision,
            now,
            master: Arc::clone(&self.master),
            settings: Arc::clone(&self.settings),
            draws: Draws::new(now),
        };
        let mut step = self.store.write(move |tx| pass.step(tx)).await?;
        if let Step::Redirect(redirect) = &mut step {
            self.add_id_token(redirect, &key, now)?;
        }
        Ok(step)
    }

    /// The user that an `id_token_hint` speaks of. One whose time is over will do; one that is not ours is
    /// no hint at all.
    async fn hinted_user(&self, form: &Form) -> Result<Option<Guid>, OAuthError> {
        let Some(hint) = form.get("id_token_hint") else { return Ok(None) };
        let claims = match self.signed(hint).await {
            Ok(claims) => claims,
            Err(Refusal::Unavailable(cause)) => return Err(OAuthError::internal(cause)),
            Err(_) => return Ok(None),
        };
        let text = |name: &str| claims.get(name).and_then(serde_json::Value::as_str);
        let for_client =
            text("aud").zip(form.get("client_id")).is_some_and(|(a, b)| a.eq_ignore_ascii_case(b));
        let is_id_token = for_client && !claims.contains_key("idtyp");
        Ok(text("oid").filter(|_| is_id_token).and_then(|oid| oid.parse().ok()))
    }
}
