//! Consent: what the user has to be asked, and what the answer changes.

use casbah_model::{
    AppRole, AppRoleAssignment, ConsentType, DelegatedScope, Guid, MemberType, ObjectKind, ServicePrincipal,
};
use casbah_store::audit::{self, AuditRecord};
use casbah_store::{Tx, app_role_assignments};
use serde_json::json;

use super::checks::Checked;
use super::pass::Pass;
use super::{ConsentDecision, ConsentPrompt, ConsentScope, Step};
use crate::claims;
use crate::codes;
use crate::consent::{self, Asking};
use crate::error::OAuthError;
use crate::resource::{Identifiers, Resource};
use crate::session::Session;
use crate::ticket::Page;
use crate::wanted::{Entry, Wanted};

/// What consent is asked for on one resource.
struct Question {
    /// The application that gets it: the one that asks, or an API that it calls.
    client: ServicePrincipal,
    resource: Resource,
    scopes: Vec<DelegatedScope>,
    roles: Vec<AppRole>,
}

impl Pass {
    pub(super) fn consented(
        &self,
        tx: &mut Tx<'_>,
        session: Session,
        checked: Checked,
    ) -> Result<Step, OAuthError> {
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
                let fresh = consent::fresh(
                    id,
                    question.client.id,
                    resource,
                    consent_type,
                    scopes,
                    (self.now, Some(session.user.id)),
                );
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
                    granted_by: Some(session.user.id),
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
