//! Closing alerts with a verdict, a reason and a comment, one or many; and opening them again.

use axum::extract::Path;
use casbah_model::filter::{AlertField, Condition, Operand, Test};
use casbah_model::{Access, Part, RecordId, Resolution};
use casbah_service::alerts::Closing;
use maud::{Markup, html};

use super::{HERE, closed, list};
use crate::portal::fields::Fields;
use crate::portal::form::Problem;
use crate::portal::layout;
use crate::portal::text::t;
use crate::portal::visit::{Answer, Failed, Posted, Visit};
use crate::respond::see_other;

/// Verdict and reason, as the form has them: `benign.2`.
fn verdicts() -> Vec<(&'static str, &'static str, Resolution, Option<i64>)> {
    let (benign, false_positive) = (Resolution::Benign, Resolution::FalsePositive);
    vec![
        ("benign.5", t("Benign: confirmed with the user"), benign, Some(5)),
        ("benign.2", t("Benign: less severe than it says"), benign, Some(2)),
        ("benign.6", t("Benign: a test"), benign, Some(6)),
        ("benign.4", t("Benign: another reason"), benign, Some(4)),
        ("false.3", t("False positive: not accurate"), false_positive, Some(3)),
        ("false.0", t("False positive: not of interest"), false_positive, Some(0)),
        ("false.1", t("False positive: too many like it"), false_positive, Some(1)),
        ("false.4", t("False positive: another reason"), false_positive, Some(4)),
        ("true", t("True positive: it happened"), Resolution::TruePositive, None),
    ]
}

/// The questions of closing.
pub(super) fn fields(typed: Option<&Fields>) -> Markup {
    let chosen = typed.map_or("", |fields| fields.get("verdict"));
    html! { fieldset .card .closing {
        legend { (t("Close what is marked")) }
        div .field {
            label for="verdict" { (t("Verdict and reason")) }
            select #verdict name="verdict" data-close { @for (value, shown, ..) in verdicts() {
                option value=(value) selected[value == chosen] { (shown) }
            } }
        }
        div .field {
            label for="comment" { (t("Comment")) }
            input #comment type="text" name="comment" maxlength="1000" value=(typed.map_or("", |fields| fields.get("comment")));
        }
        button { (t("Close")) }
    } }
}

pub(crate) async fn close(visit: Visit, Posted(fields): Posted) -> Answer {
    visit.check(Part::Alerts, Access::Change)?;
    let back = fields.given("back").filter(|back| back.starts_with(HERE)).unwrap_or(HERE).to_string();
    let verdict = verdicts().into_iter().find(|(value, ..)| *value == fields.get("verdict"));
    let Some((_, _, resolution, reason)) = verdict else {
        return Err(Failed::invalid("verdict", t("Choose a verdict.")));
    };
    let ids: Result<Vec<RecordId>, _> = fields.all("id").map(str::parse).collect();
    let ids = ids.map_err(|_| Failed::NotFound)?;
    if ids.is_empty() {
        let query = Fields::read(back.split_once('?').map_or("", |(_, query)| query).as_bytes());
        let problem = Problem {
            field: String::new(),
            why: t("Mark the alerts that you want to close.").to_string(),
            foreign: false,
        };
        return list(&visit, &query, Some(problem), Some(&fields)).await;
    }
    let operands = ids.iter().map(|id| Operand::Text(id.to_string())).collect();
    let closing = Closing {
        conditions: vec![Condition { field: AlertField::Id, test: Test::AnyOf(operands) }],
        resolution,
        comment: fields.get("comment").chars().take(1000).collect(),
        reason,
        feedback: None,
    };
    let done = visit.service().close_alerts(visit.caller(), closing).await?;
    let body = html! {
        p .notice role="status" { (closed(done.count)) }
        div .buttons { a .button href=(back) { (t("Back to the alerts")) } }
    };
    Ok(layout::page(t("Alerts"), &body))
}

pub(crate) async fn reopen(visit: Visit, Path(id): Path<String>, _: Posted) -> Answer {
    visit.check(Part::Alerts, Access::Change)?;
    let id: RecordId = id.parse().map_err(|_| Failed::NotFound)?;
    let test = Test::AnyOf(vec![Operand::Text(id.to_string())]);
    visit.service().reopen_alerts(visit.caller(), vec![Condition { field: AlertField::Id, test }]).await?;
    Ok(see_other(&format!("{HERE}/{id}")))
}
