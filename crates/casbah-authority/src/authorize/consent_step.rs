//! Sign-in and consent: who the user is, and whether that user agreed.

use std::sync::Arc;
use std::time::Duration;

use casbah_model::{
    AppRole, AppRoleAssignment, ConsentType, DelegatedScope, Guid, MemberType, ObjectKind, Secret,
    ServicePrincipal, Tenant, TenantId, Timestamp,
};
use casbah_store::audit::{self, AuditRecord};
use casbah_store::authorization_codes::{self, AuthorizationCode};
use casbah_store::{Tx, app_role_assignments, session_applications, tenant_settings, tenants, users};
use serde_json::json;

use super::checks::{self, Checked, Target};
use super::id_token::Pending;
use super::pushed::Pushed;
use super::redirect_step::Redirect;
use super::{
    AuthorizeRequest, ConsentDecision, ConsentPrompt, ConsentScope, Draws, Progress, SignInPrompt, Step,
};
use crate::authority::Settings;
use crate::claims::{self, Endpoint, Identity, Membership, client_info, login_hint};
use crate::client;
use crate::codes;
use crate::consent::{self, Asking};
use crate::error::OAuthError;
use crate::grants::CodeDetails;
use crate::master_key::{MasterKey, SecretKind};
use crate::opaque;
use crate::resource::{Identifiers, Resource};
use crate::session::{self, Session};
use crate::sign_in::requirement::{self, Requirement};
use crate::tenant::{self, Hints, TenantName};
use crate::ticket::Page;
use crate::token::SignIn;
use crate::upstream;
use crate::wanted::{Entry, Wanted};

/// A code is redeemed at once or not at all.
const CODE_LIFE: Duration = Duration::from_secs(60);

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

/// What consent is asked for on one resource.
struct Question {
    /// The application that gets it: the one that asks, or an API that it calls.
    client: ServicePrincipal,
    resource: Resource,
    scopes: Vec<DelegatedScope>,
    roles: Vec<AppRole>,
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

    fn consented(&self, tx: &mut Tx<'_>, session: Session, checked: Checked) -> Result<Step, OAuthError> {
        // A page, as at Microsoft: the application can do nothing about it.
        let (user, tenant) = (session.user.id, session.tenant.id);
        claims::check_user_assigned(tx, tenant, user, &checked.application, &checked.principal)?;
        let questions = match self.questions(tx, &session, &checked) {
            Ok(questions) => questions,
            Err(error) if error.cause.is_some() => return Err(error),
            Err(error) => return Ok(self.refuse(&session.tenant, &checked.target, &error)),
        };
        for Question { resource, .. } in &questions {
            claims::check_user_assigned(tx, tenant, user, &resource.application, &resource.principal)?;
        }
        let request = self.request_text();
        let page = Page { kind: "consent", session: &session.digest, request: &request };
        let asks = checked.prompt.consent || checked.prompt.admin_consent;
        let missing = questions.iter().any(|q| !q.scopes.is_empty() || !q.roles.is_empty());
        let needs_administrator = !session.administrator
            && (checked.prompt.admin_consent
                || questions.iter().any(|q| !q.roles.is_empty() || q.scopes.iter().any(|s| s.admin_only)));
        match &self.decision {
            Some((_, ticket)) if !page.accepts(&self.master, ticket, self.now) => {
                let text = "The page was open for too long or belongs to another sign-in. Start again.";
                Err(OAuthError::new(codes::MALFORMED, text))
            }
            Some((ConsentDecision::Decline, _)) => {
                let error = if needs_administrator {
                    OAuthError::plain(codes::ADMIN_CONSENT_NEEDED)
                } else {
                    OAuthError::plain(codes::CONSENT_DECLINED)
                };
                Ok(self.refuse(&session.tenant, &checked.target, &error))
            }
            Some(_) if needs_administrator => {
                let error = OAuthError::plain(codes::ADMIN_CONSENT_NEEDED);
                Ok(self.refuse(&session.tenant, &checked.target, &error))
            }
            Some((decision, _)) => {
                let everyone = session.administrator
                    && (*decision == ConsentDecision::AcceptForEveryone || checked.prompt.admin_consent);
                self.record(tx, &session, &checked, &questions, everyone)?;
                self.issue(tx, &session, &checked)
            }
            None if !missing && !asks => self.issue(tx, &session, &checked),
            None if checked.prompt.none => {
                let error = OAuthError::plain(codes::CONSENT_MISSING).said_as("consent_required");
                Ok(self.refuse(&session.tenant, &checked.target, &error))
            }
            None => {
                let wanted = checked.wanted.as_ref();
                Ok(Step::Consent(ConsentPrompt {
                    application_name: checked.application.display_name.clone(),
                    application_id: checked.application.app_id,
                    redirect_uri: checked.target.uri.clone(),
                    tenant_name: session.tenant.display_name.clone(),
                    user_name: session.user.user_principal_name.clone(),
                    scopes: questions.iter().flat_map(|q| q.shown(checked.application.app_id)).collect(),
                    offline_access: wanted.is_none_or(|wanted| wanted.offline_access),
                    may_consent_for_everyone: session.administrator,
                    for_everyone_only: checked.prompt.admin_consent,
                    needs_administrator,
                    ticket: page.ticket(&self.master, self.now),
                }))
            }
        }
    }

    /// What the user has to be asked: what is missing, or with `prompt=consent` all that is wanted.
    fn questions(
        &self,
        tx: &mut Tx<'_>,
        session: &Session,
        checked: &Checked,
    ) -> Result<Vec<Question>, OAuthError> {
        let asking = Asking {
            tenant: session.tenant.id,
            client: &checked.principal,
            user: session.user.id,
            identifiers: Identifiers { public_url: &self.settings.public_url },
        };
        let prompt = checked.prompt;
        let all = prompt.consent || prompt.admin_consent;
        let wanted = match &checked.wanted {
            Some(wanted) => wanted.clone(),
            // The consent link of the documentation names no resource: everything that is listed.
            None if all => listed_resources(checked),
            None => return Ok(Vec::new()),
        };
        if wanted.entries.is_empty() {
            return Ok(Vec::new());
        }
        let mut questions = Vec::new();
        for delegation in consent::delegations(tx, asking, &wanted)? {
            let mut scopes = if all { delegation.named_scopes() } else { delegation.missing.clone() };
            if all && delegation.is_default() {
                scopes = consent::listed(tx, asking, &delegation.resource)?;
            }
            let roles =
                if prompt.admin_consent { listed_roles(checked, &delegation.resource) } else { Vec::new() };
            let client = checked.principal.clone();
            let behind = if delegation.is_default() {
                behind(tx, asking, &delegation.resource, all)?
            } else {
                Vec::new()
            };
            questions.push(Question { client, resource: delegation.resource, scopes, roles });
            questions.extend(behind);
        }
        Ok(questions)
    }

    fn record(
        &self,
        tx: &mut Tx<'_>,
        session: &Session,
        checked: &Checked,
        questions: &[Question],
        everyone: bool,
    ) -> Result<(), OAuthError> {
        let tenant = session.tenant.id;
        let consent_type =
            if everyone { ConsentType::AllPrincipals } else { ConsentType::Principal(session.user.id) };
        let mut details = Vec::new();
        let mut ids = 0..;
        let mut next_id = || self.draws.ids.guid(ids.next().unwrap_or(u32::MAX));
        for question in questions {
            let scopes: Vec<String> = question.scopes.iter().map(|s| s.value.clone()).collect();
            let roles: Vec<&String> = question.roles.iter().map(|r| &r.value).collect();
            details.push(json!({
                "client": question.client.app_id, "resource": question.resource.application.app_id,
                "scopes": scopes, "roles": roles,
            }));
            let resource = question.resource.principal.id;
            if !scopes.is_empty() {
                let id = next_id();
                let fresh = consent::fresh(id, question.client.id, resource, consent_type, scopes, self.now);
                consent::record(tx, tenant, fresh)?;
            }
            let held = app_role_assignments::of_principal(tx, tenant, checked.principal.id)?;
            for role in &question.roles {
                if held.iter().any(|a| a.resource == resource && a.app_role == role.id) {
                    continue;
                }
                let assignment = AppRoleAssignment {
                    id: next_id(),
                    principal: checked.principal.id,
                    resource,
                    app_role: role.id,
                    created: self.now,
                    principal_kind: ObjectKind::ServicePrincipal,
                };
                app_role_assignments::insert(tx, tenant, &assignment)?;
            }
        }
        let record = AuditRecord {
            id: self.draws.audit.clone(),
            details: json!({ "everyone": everyone, "before": null, "after": { "granted": details } }),
            ..session.caller().audit(
                self.now,
                "consent",
                "service principal",
                checked.principal.id,
                json!({}),
            )
        };
        Ok(audit::append(tx, tenant, &record)?)
    }

    fn issue(&self, tx: &mut Tx<'_>, session: &Session, checked: &Checked) -> Result<Step, OAuthError> {
        let tenant = session.tenant.id;
        let form = &self.request.form;
        let secret: Secret = self.draws.code.authorization_code(tenant);
        let sign_in = SignIn {
            session: Some(session.id),
            auth_time: checked.max_age.is_some() || checked.claims.auth_time,
            bound_to: checked.proof_key.clone(),
            capable: checked.claims.capable,
            amr: session.amr.clone(),
            voucher: session.voucher.clone(),
            address: session.address.clone(),
            ..SignIn::from_here(session.signed_in)
        };
        let details = CodeDetails {
            wanted: checked.wanted.clone().unwrap_or_else(|| Wanted::default().for_v1()),
            nonce: form.get("nonce").map(str::to_string),
            challenge: checked.challenge.clone(),
            sign_in: sign_in.clone(),
            redirect_kind: checked.target.registered.kind,
        };
        let code = AuthorizationCode {
            digest: self.master.digest(SecretKind::AuthorizationCode, &secret),
            application: checked.application.app_id,
            user: session.user.id,
            family: self.draws.family,
            redirect_uri: checked.target.uri.clone(),
            details: serde_json::to_value(details).map_err(OAuthError::internal)?,
            expires: self.now.plus(CODE_LIFE),
            redeemed: None,
        };
        let mut parameters = Vec::new();
        if checked.response.code {
            authorization_codes::insert(tx, tenant, &code)?;
            parameters.push(("code", secret.expose().to_string()));
        } else {
            self.note_sign_in(tx, session, checked)?;
        }
        session_applications::insert(tx, tenant, session.id, checked.application.app_id)?;
        if form.get("client_info") == Some("1") {
            parameters.push(("client_info", client_info(tenant, session.user.id)));
        }
        parameters.push(("session_state", session.id.to_string()));
        let mut redirect = self.redirect(&session.tenant, &checked.target, parameters);
        if checked.response.id_token {
            redirect.pending = Some(Box::new(self.id_token(tx, session, checked, sign_in, &secret)?));
        }
        Ok(Step::Redirect(redirect))
    }

    /// The ID token that goes along.
    fn id_token(
        &self,
        tx: &mut Tx<'_>,
        session: &Session,
        checked: &Checked,
        sign_in: SignIn,
        code: &Secret,
    ) -> Result<Pending, OAuthError> {
        let wanted = checked.wanted.as_ref();
        let identity = Identity {
            nonce: self.request.form.get("nonce").map(str::to_string),
            session: Some(session.id),
            auth_time: sign_in.auth_time.then_some(sign_in.at),
            email: wanted.is_some_and(|wanted| wanted.email),
        };
        let optional = &checked.application.details.optional_claims.id_token;
        let towards = (&checked.application, &checked.principal);
        let membership = Membership::find(tx, session.tenant.id, session.user.id, towards, optional)?;
        Ok(Pending {
            tenant: session.tenant.clone(),
            endpoint: self.request.endpoint,
            application: checked.application.clone(),
            user: session.user.clone(),
            sign_in,
            membership,
            identity,
            settings: tenant_settings::find(tx, session.tenant.id)?,
            code: checked.response.code.then(|| code.expose().to_string()),
        })
    }

    /// Leaves a trace of a sign-in that ends here, without the token endpoint.
    fn note_sign_in(&self, tx: &mut Tx<'_>, session: &Session, checked: &Checked) -> Result<(), OAuthError> {
        let record = AuditRecord {
            id: self.draws.audit.clone(),
            client: Some(checked.application.app_id),
            ..session.caller().audit(
                self.now,
                "sign in to application",
                "service principal",
                checked.principal.id,
                json!({ "grantType": "implicit", "session": session.id }),
            )
        };
        Ok(audit::append(tx, session.tenant.id, &record)?)
    }

    fn refuse(&self, tenant: &Tenant, target: &Target, error: &OAuthError) -> Step {
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

    fn redirect(
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
    fn request_text(&self) -> String {
        let AuthorizeRequest { endpoint, tenant, form, .. } = &self.request;
        format!("{endpoint:?} {tenant} {}", form.canonical())
    }
}

impl Question {
    /// `asking` is the application that asks.
    fn shown(&self, asking: Guid) -> Vec<ConsentScope> {
        let of_resource = &self.resource.application.display_name;
        let resource_name = &if self.client.app_id == asking {
            of_resource.clone()
        } else {
            format!("{of_resource}, for {}", self.client.display_name)
        };
        let scopes = self.scopes.iter().map(|scope| ConsentScope {
            resource_name: resource_name.clone(),
            value: scope.value.clone(),
            display_name: scope.display_name.clone(),
            description: scope.description.clone(),
            admin_only: scope.admin_only,
            is_role: false,
        });
        let roles = self.roles.iter().map(|role| ConsentScope {
            resource_name: resource_name.clone(),
            value: role.value.clone(),
            display_name: role.display_name.clone(),
            description: role.description.clone(),
            admin_only: true,
            is_role: true,
        });
        scopes.chain(roles).collect()
    }
}

/// What an API itself lacks to call other APIs for the user, when it names the asking application as one
/// whose consent covers it (`knownClientApplications`); with `all`, whatever it lists.
fn behind(
    tx: &mut Tx<'_>,
    asking: Asking<'_>,
    api: &Resource,
    all: bool,
) -> Result<Vec<Question>, OAuthError> {
    let mut questions: Vec<Question> = Vec::new();
    if !api.application.details.known_client_applications.contains(&asking.client.app_id) {
        return Ok(questions);
    }
    let asking = Asking { client: &api.principal, ..asking };
    for required in api.application.required_access.iter().filter(|required| !required.is_role) {
        if questions.iter().any(|q| q.resource.application.app_id == required.resource_app_id) {
            continue;
        }
        let identifier = required.resource_app_id.to_string();
        let resource = asking.identifiers.find(tx, asking.tenant, &identifier)?;
        let mut scopes = consent::listed(tx, asking, &resource)?;
        if !all {
            let held = consent::held(tx, asking, &resource)?;
            scopes.retain(|scope| !held.contains(&scope.value));
        }
        questions.push(Question { client: api.principal.clone(), resource, scopes, roles: Vec::new() });
    }
    Ok(questions)
}

/// Every resource that the registration lists, each with all that is listed for it.
fn listed_resources(checked: &Checked) -> Wanted {
    let mut entries: Vec<Entry> = Vec::new();
    for required in &checked.application.required_access {
        let resource = required.resource_app_id.to_string();
        if !entries.iter().any(|e| e.resource == resource) {
            let text = format!("{resource}/.default");
            entries.push(Entry { resource, permission: ".default".to_string(), text });
        }
    }
    Wanted { entries, ..Wanted::default() }
}

fn listed_roles(checked: &Checked, resource: &Resource) -> Vec<AppRole> {
    let required = &checked.application.required_access;
    let is_listed = |role: &&AppRole| {
        required
            .iter()
            .any(|r| r.is_role && r.resource_app_id == resource.application.app_id && r.id == role.id)
    };
    let assignable =
        |role: &&AppRole| role.enabled && role.allowed_member_types.contains(&MemberType::Application);
    resource.application.app_roles.iter().filter(assignable).filter(is_listed).cloned().collect()
}
