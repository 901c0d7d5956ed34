//! One look at a request: which tenant and application it speaks of, who is signed in, and whether that
//! suffices. Consent (`consent_step.rs`) and the answer (`issue_step.rs`) follow.

use std::sync::Arc;

use casbah_model::{Guid, Tenant, TenantId, Timestamp};
use casbah_store::{Tx, tenants, users};

use super::checks::{self, Checked, Target};
use super::pushed::Pushed;
use super::redirect_step::Redirect;
use super::{AuthorizeRequest, ConsentDecision, Draws, Progress, SignInPrompt, Step};
use crate::authority::Settings;
use crate::claims::{Endpoint, login_hint};
use crate::client;
use crate::codes;
use crate::error::OAuthError;
use crate::master_key::MasterKey;
use crate::opaque;
use crate::session::{self, Session};
use crate::sign_in::requirement::{self, Requirement};
use crate::tenant::{self, Hints, TenantName};
use crate::upstream;

/// One look at a request, in one transaction.
pub(super) struct Pass {
    pub(super) request: AuthorizeRequest,
    /// The pushed request that the parameters come from.
    pub(super) pushed: Option<Pushed>,
    /// The user that an `id_token_hint` speaks of.
    pub(super) hinted: Option<Guid>,
    pub(super) decision: Option<(ConsentDecision, String)>,
    pub(super) now: Timestamp,
    pub(super) master: Arc<MasterKey>,
    pub(super) settings: Arc<Settings>,
    pub(super) draws: Draws,
}

impl Pass {
    pub(super) fn step(&self, tx: &mut Tx<'_>) -> Result<Step, OAuthError> {
        let step = self.next(tx)?;
        if let (Step::Redirect(_), Some(pushed)) = (&step, &self.pushed) {
            pushed.use_up(tx, self.now)?;
        }
        Ok(step)
    }

    fn next(&self, tx: &mut Tx<'_>) -> Result<Step, OAuthError> {
        let form = &self.request.form;
        let name = TenantName::parse(&self.request.tenant)?;
        let client_id = form.required("client_id")?;
        let (tenant, is_clear) = self.tenant(tx, &name, client_id)?;
        if self.pushed.as_ref().is_some_and(|pushed| pushed.tenant != tenant.id) {
            return Err(OAuthError::plain(codes::PUSHED_UNKNOWN));
        }
        let (application, principal) = client::find(tx, tenant.id, client_id)?;
        let target = checks::target(&application, form)?;
        // From here on the application is told by redirect.
        match checks::check(self.request.endpoint, form, application, principal, target.clone()) {
            Ok(checked) => self.signed_in(tx, tenant, is_clear, checked),
            Err(error) => Ok(self.refuse(&tenant, &target, &error)),
        }
    }

    /// The tenant, and whether that is clear already. With an alias it may not be until the user has
    /// signed in; then any tenant that knows the application serves to check the request.
    fn tenant(
        &self,
        tx: &mut Tx<'_>,
        name: &TenantName,
        client_id: &str,
    ) -> Result<(Tenant, bool), OAuthError> {
        let form = &self.request.form;
        let hints = Hints {
            embedded: self
                .pushed
                .as_ref()
                .map(|pushed| pushed.tenant)
                .or_else(|| self.hinted_account().map(|(tenant, _)| tenant)),
            user_name: form.get("login_hint"),
            domain: form.get("domain_hint").filter(|hint| *hint != "organizations"),
        };
        if let Some(tenant) = name.resolve(tx, &hints)? {
            return Ok((tenant, true));
        }
        let of_session = self.request.session.as_ref().and_then(|s| opaque::tenant_of(s.expose()));
        if let Some(tenant) = of_session.map(|id| tenants::find(tx, id)).transpose()?.flatten() {
            return Ok((tenant, true));
        }
        let knowing = tenant::knowing(tx, client_id)?;
        let is_clear = knowing.len() == 1;
        let first = knowing.into_iter().next().ok_or_else(|| {
            OAuthError::new(codes::UNKNOWN_CLIENT, format!("The application {client_id} was not found."))
        })?;
        Ok((first, is_clear))
    }

    /// The account that an opaque `login_hint` of ours names.
    fn hinted_account(&self) -> Option<(TenantId, Guid)> {
        self.request.form.get("login_hint").and_then(|hint| login_hint::account(&self.master, hint))
    }

    /// The sign-in name that the request hints at. An opaque hint that is not one of ours, or whose
    /// account is gone, hints at nobody.
    fn hinted_name(&self, tx: &mut Tx<'_>, tenant: &Tenant) -> Result<Option<String>, OAuthError> {
        let Some(hint) = self.request.form.get("login_hint") else { return Ok(None) };
        if !login_hint::is_opaque(hint) {
            return Ok(Some(hint.to_string()));
        }
        let account = self.hinted_account().filter(|(of, _)| *of == tenant.id);
        let user = account.map(|(tenant, user)| users::find(tx, tenant, user)).transpose()?.flatten();
        Ok(user.map(|user| user.user_principal_name))
    }

    fn signed_in(
        &self,
        tx: &mut Tx<'_>,
        tenant: Tenant,
        is_clear: bool,
        checked: Checked,
    ) -> Result<Step, OAuthError> {
        let session = match &self.request.session {
            Some(cookie) => session::find(tx, &self.master, cookie, self.now)?,
            None => None,
        };
        let session = session.filter(|s| s.tenant.id == tenant.id);
        let hint = self.hinted_name(tx, &tenant)?;
        // A decision comes from a page that only who had passed this step was shown.
        let start = self.request.progress == Progress::Start && self.decision.is_none();
        let prompt = checked.prompt;
        let other_user = |s: &Session| {
            let name = &s.user.user_principal_name;
            self.hinted.is_some_and(|id| id != s.user.id)
                || hint.as_ref().is_some_and(|h| h.contains('@') && !h.eq_ignore_ascii_case(name))
        };
        let too_old = |s: &Session| {
            let age = self.now.seconds() - s.signed_in.seconds();
            checked.max_age.is_some_and(|most| age > most)
        };
        let (session, choose) = match session {
            None => (None, None),
            Some(s) if self.decision.is_none() && too_old(&s) => (None, None),
            Some(s) if start && (prompt.login || other_user(&s)) => (None, None),
            // Only a fresh password answers `login`; choosing an account does not.
            Some(_) if prompt.login && self.request.progress == Progress::AccountChosen => (None, None),
            Some(s) if start && prompt.select_account => (None, Some(s.user.user_principal_name)),
            Some(s) => (Some(s), None),
        };
        match session {
            Some(session) => match self.interruption(tx, &session)? {
                None => self.consented(tx, session, checked),
                Some(error) if prompt.none => {
                    Ok(self.refuse(&tenant, &checked.target, &error.said_as("interaction_required")))
                }
                Some(error) => Ok(Step::Interrupt {
                    second_factor: error.code != codes::PASSWORD_RESET_INTERRUPTS,
                    redirect_uri: checked.target.uri,
                }),
            },
            None if prompt.none => {
                let text = "The application asked for a silent sign-in, but no user is signed in.";
                Ok(self.refuse(&tenant, &checked.target, &OAuthError::new(codes::NOT_SIGNED_IN, text)))
            }
            None => {
                let providers = if is_clear { upstream::offered(tx, tenant.id)? } else { Vec::new() };
                let straight_to = match is_clear && !prompt.select_account {
                    true => self.home(tx, tenant.id, hint.as_deref())?,
                    false => None,
                };
                Ok(Step::SignIn(SignInPrompt {
                    application_name: checked.application.display_name,
                    application_id: checked.application.app_id,
                    redirect_uri: checked.target.uri,
                    tenant: is_clear.then_some(tenant.id),
                    tenant_name: is_clear.then_some(tenant.display_name),
                    login_hint: hint,
                    providers,
                    straight_to,
                    fresh: prompt.login || checked.max_age.is_some(),
                    signed_in_as: choose,
                }))
            }
        }
    }

    /// The provider of the domain that the request hints at, outright or by a name.
    fn home(
        &self,
        tx: &mut Tx<'_>,
        tenant: TenantId,
        name: Option<&str>,
    ) -> Result<Option<Guid>, OAuthError> {
        for hint in [self.request.form.get("domain_hint"), name].into_iter().flatten() {
            if let Some(provider) = upstream::home_of(tx, tenant, hint)? {
                return Ok(Some(provider));
            }
        }
        Ok(None)
    }

    /// What keeps somebody who is signed in from going on: a second factor that the tenant or this
    /// request wants, or a password that an administrator wants changed.
    fn interruption(&self, tx: &mut Tx<'_>, session: &Session) -> Result<Option<OAuthError>, OAuthError> {
        if session.user.details.must_change_password && session.amr.iter().any(|word| word == "pwd") {
            return Ok(Some(OAuthError::plain(codes::PASSWORD_RESET_INTERRUPTS)));
        }
        let requirement = Requirement::of(tx, session.tenant.id, &session.user)?;
        let demanded = requirement::is_demanded(&self.request.form);
        Ok(requirement.check(&session.amr, session.signed_in, demanded, self.now).err())
    }

    pub(super) fn refuse(&self, tenant: &Tenant, target: &Target, error: &OAuthError) -> Step {
        let mut parameters = vec![
            ("error", error.error.to_string()),
            ("error_description", error.description(&self.request.about)),
            ("error_uri", error.uri(&self.settings.public_url)),
        ];
        if error.code == codes::CONSENT_DECLINED {
            parameters.push(("error_subcode", "cancel".to_string()));
        }
        Step::Redirect(self.redirect(tenant, target, parameters))
    }

    pub(super) fn redirect(
        &self,
        tenant: &Tenant,
        target: &Target,
        mut parameters: Vec<(&'static str, String)>,
    ) -> Redirect {
        if let Some(state) = self.request.form.get("state") {
            parameters.push(("state", state.to_string()));
        }
        // RFC 9207: tells a client that talks to several authorities which one answered.
        let base = &self.settings.public_url;
        let issuer = match self.request.endpoint {
            Endpoint::V1 => format!("{base}/{}/", tenant.id),
            Endpoint::V2 => format!("{base}/{}/v2.0", tenant.id),
        };
        parameters.push(("iss", issuer));
        Redirect { uri: target.uri.clone(), mode: target.mode, parameters, pending: None }
    }

    /// The request as one text, for the ticket of its page.
    pub(super) fn request_text(&self) -> String {
        let AuthorizeRequest { endpoint, tenant, form, .. } = &self.request;
        format!("{endpoint:?} {tenant} {}", form.canonical())
    }
}
