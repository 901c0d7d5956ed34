//! Policies: what is looked for, and whether.

pub(crate) mod edit;

use axum::extract::Path;
use casbah_model::{Access, Part, RecordId};
use casbah_service::Service;
use casbah_service::policies::PolicyDetails;
use maud::html;
use serde_json::json;

use crate::portal::table::{self, column};
use crate::portal::text::t;
use crate::portal::visit::{Answer, Failed, Posted, Visit};
use crate::portal::{filter, form, layout, shown};
use crate::respond::see_other;

const HERE: &str = "/portal/policies";

pub(crate) async fn show(visit: Visit) -> Answer {
    visit.check(Part::Policies, Access::Read)?;
    let may =
        visit.may(Part::Policies, Access::Change) && Service::may_change_policies(visit.caller()).is_ok();
    let all = visit.service().list_policies(visit.caller()).await?;
    let rows: Vec<_> = all
        .iter()
        .map(|view| {
            let policy = &view.policy;
            vec![
                html! { a href={ (HERE) "/" (policy.id) } { (shown::name(&policy.name)) } br; span .quiet { (shown::name(&policy.description)) } },
                html! { @let kind = edit::kind(&policy.policy_type).0; @if kind.is_empty() { code { (policy.policy_type) } } @else { (kind) } },
                shown::severity(policy.severity),
                html! { a href=(filter::address("/portal/alerts", &json!({ "alertOpen": { "eq": true }, "entity.policy": { "eq": policy.id } }))) { (shown::number(view.open_alerts)) } },
                html! { @if policy.enabled { span .badge .good { (t("enabled")) } } @else { span .badge .medium { (t("disabled")) } } },
                html! { @if may {
                    (form::button(&format!("{HERE}/{}/enabled", policy.id), if policy.enabled { t("Disable") } else { t("Enable") },
                        "second small", &[("enabled", if policy.enabled { "" } else { "1" })]))
                } },
            ]
        })
        .collect();
    let columns = [
        column(t("Policy")),
        column(t("Kind")),
        column(t("Severity")),
        column(t("Open alerts")).number(),
        column(t("State")),
        column(t("Action")),
    ];
    let body = html! {
        p { (t("A policy looks at what arrives and raises an alert about what it finds.")) }
        @if may { div .buttons { @for policy_type in edit::types(&visit) {
            a .button href={ (HERE) "/new?type=" (policy_type) } { (edit::kind(policy_type).1) }
        } } }
        (table::plain(t("Policies"), &columns, &rows))
    };
    Ok(layout::page(t("Policies"), &body))
}

pub(crate) async fn set_enabled(visit: Visit, Path(id): Path<String>, Posted(fields): Posted) -> Answer {
    visit.check(Part::Policies, Access::Change)?;
    let id: RecordId = id.parse().map_err(|_| Failed::NotFound)?;
    let enabled = Some(fields.given("enabled").is_some());
    let details = PolicyDetails { enabled, ..PolicyDetails::default() };
    visit.service().change_policy(visit.caller(), id, details).await?;
    Ok(see_other(HERE))
}
