//! What an application asks for, what it was given, and what of that it uses.

use axum::extract::Path;
use casbah_model::{Guid, Permission};
use casbah_service::directory::app_role_assignments::AssignmentSide;
use casbah_service::directory::applications::{ApplicationChange, ApplicationKey, ApplicationWithSecrets};
use casbah_service::directory::permission_grants::GrantSearch;
use casbah_service::permission_use::{Advice, GrantedPermission};
use maud::{Markup, html};

use super::{CONSENTERS, find, key, may_change, tabs, wording};
use crate::portal::table::{self, column};
use crate::portal::text::t;
use crate::portal::visit::{Answer, Failed, Posted, Visit};
use crate::portal::{form, layout, shown};
use crate::respond::see_other;

pub(crate) async fn show(visit: Visit, Path(id): Path<String>) -> Answer {
    let found = find(&visit, &id).await?;
    let application = &found.application;
    let may = may_change(&visit, &found).await?;
    let may_consent = visit.holds(CONSENTERS) && !super::is_built_in(&found);
    let choices = wording::choices(&visit, wording::acts_as_itself(application)).await?;
    let granted = granted(&visit, &found).await?;
    let base = format!("/portal/apps/{}", application.app_id);
    let lacking: Vec<_> = choices
        .iter()
        .flatten()
        .filter(|choice| application.required_access.contains(&choice.access))
        .filter(|choice| {
            !granted.iter().any(|g| {
                g.resource == choice.access.resource_app_id
                    && g.delegated != choice.access.is_role
                    && g.permission.eq_ignore_ascii_case(&choice.value)
            })
        })
        .collect();
    let asked = |choice: &wording::Choice| application.required_access.contains(&choice.access);
    let body = html! {
        (tabs(application, "/permissions"))
        @if !lacking.is_empty() { section .card aria-labelledby="lacking" {
            h2 #lacking { (t("Waiting for consent")) }
            ul { @for choice in &lacking { li lang=[choice.foreign.then_some("en")] { (choice.words) " " code { (choice.value) } } } }
            @if may_consent {
                (form::button(&format!("{base}/consent"), t("Consent for the whole organisation"), "", &[]))
            } @else {
                p { (t("Somebody who administers applications can consent.")) }
            }
        } }
        h2 #granted { (t("Granted, and used")) }
        @if granted.is_empty() { p { (t("Nothing was granted yet.")) } }
        @else { (given(&visit, &granted, may_consent, &base)) }
        @if may {
            h2 #asked { (t("What it asks for")) }
            (form::form(&format!("{base}/permissions"), &html! {
                (wording::boxes(&choices, &asked))
                div .buttons { button { (t("Save what it asks for")) } }
            }))
        }
    };
    Ok(layout::page(&crate::names::shown(&application.display_name), &body))
}

async fn granted(visit: &Visit, found: &ApplicationWithSecrets) -> Result<Vec<GrantedPermission>, Failed> {
    let key = ApplicationKey::AppId(found.application.app_id);
    match visit.service().fetch_service_principal(visit.caller(), key).await {
        Ok(principal) => Ok(visit.service().permission_use(visit.caller(), principal.principal.id).await?),
        Err(casbah_service::Error::NotFound) => Ok(Vec::new()),
        Err(other) => Err(other.into()),
    }
}

fn given(visit: &Visit, granted: &[GrantedPermission], may_withdraw: bool, base: &str) -> Markup {
    let clock = visit.service().clock();
    let rows: Vec<_> = granted
        .iter()
        .map(|g| {
            let known =
                Permission::find(&g.permission).filter(|_| g.resource == casbah_authority::seed::CLOUD_APPS);
            vec![
                html! { code { (known.map_or(g.permission.as_str(), |p| p.title())) }
                @if let Some(known) = known { br; (wording::sentence(known)) } },
                html! { (shown::name(&g.resource_name)) },
                html! { @if g.delegated { (t("for people")) } @else { (t("as itself")) } },
                shown::time_or(clock, g.last_used, t("never")),
                html! { (advice(g.advice)) },
                html! { @if may_withdraw {
                    (form::button(&format!("{base}/withdraw"), t("Withdraw"), "second small", &[
                        ("resource", &g.resource.to_string()), ("permission", &g.permission),
                        ("delegated", if g.delegated { "1" } else { "" }),
                    ]))
                } },
            ]
        })
        .collect();
    let columns = [
        column(t("Permission")),
        column(t("Resource")),
        column(t("Acts")),
        column(t("Last used")),
        column(t("Advice")),
        column(t("Action")),
    ];
    table::plain(t("Granted permissions"), &columns, &rows)
}

fn advice(advice: Advice) -> &'static str {
    match advice {
        Advice::Keep => t("in use"),
        Advice::Wait => t("granted a short while ago"),
        Advice::ConsiderRemoving => t("not used for 30 days: consider withdrawing it"),
        Advice::NeverUsed => t("never used: consider withdrawing it"),
        Advice::NotKnown => t("its use cannot be seen here"),
    }
}

pub(crate) async fn ask_for(visit: Visit, Path(id): Path<String>, Posted(fields): Posted) -> Answer {
    let found = find(&visit, &id).await?;
    let choices = wording::choices(&visit, wording::acts_as_itself(&found.application)).await?;
    // What this form does not show stays as it is.
    let shown: Vec<_> = choices.iter().flatten().map(|choice| &choice.access).collect();
    let mut wanted = wording::chosen(&choices, &fields);
    wanted.extend(found.application.required_access.iter().filter(|a| !shown.contains(a)).cloned());
    let change = ApplicationChange { required_access: Some(wanted), ..ApplicationChange::default() };
    visit.service().change_application(visit.caller(), key(&id)?, change).await?;
    Ok(see_other(&format!("/portal/apps/{id}/permissions")))
}

fn check_consenter(visit: &Visit) -> Result<(), Failed> {
    if visit.holds(CONSENTERS) { Ok(()) } else { Err(Failed::Forbidden(String::new())) }
}

pub(crate) async fn consent(visit: Visit, Path(id): Path<String>, _: Posted) -> Answer {
    check_consenter(&visit)?;
    visit.service().grant_admin_consent(visit.caller(), key(&id)?).await?;
    Ok(see_other(&format!("/portal/apps/{id}/permissions")))
}

pub(crate) async fn withdraw(visit: Visit, Path(id): Path<String>, Posted(fields): Posted) -> Answer {
    check_consenter(&visit)?;
    let (service, caller, key) = (visit.service(), visit.caller(), key(&id)?);
    let resource: Guid = fields.get("resource").parse().map_err(|_| Failed::NotFound)?;
    let permission = fields.get("permission");
    let api = service.fetch_service_principal(caller, ApplicationKey::AppId(resource)).await?;
    let holder = service.fetch_service_principal(caller, key).await?.principal.id;
    if fields.given("delegated").is_some() {
        let wanted = GrantSearch {
            client: Some(holder),
            resource: Some(api.principal.id),
            consent_type: None,
            after: None,
            limit: 1000,
        };
        for grant in service.search_permission_grants(caller, wanted).await? {
            let left: Vec<String> =
                grant.scopes.iter().filter(|s| !s.eq_ignore_ascii_case(permission)).cloned().collect();
            if left.is_empty() {
                service.delete_permission_grant(caller, grant.id).await?;
            } else if left.len() < grant.scopes.len() {
                service.change_permission_grant(caller, grant.id, left).await?;
            }
        }
    } else {
        let roles = api.application.app_roles.iter().filter(|r| r.value.eq_ignore_ascii_case(permission));
        let roles: Vec<Guid> = roles.map(|r| r.id).collect();
        for held in service.list_app_roles_held(caller, key).await? {
            let held = held.assignment;
            if held.resource == api.principal.id && roles.contains(&held.app_role) {
                service.remove_app_role(caller, AssignmentSide::Holder(key), held.id).await?;
            }
        }
    }
    Ok(see_other(&format!("/portal/apps/{id}/permissions")))
}
