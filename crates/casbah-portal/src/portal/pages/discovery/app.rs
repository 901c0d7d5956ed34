//! One discovered app: how much it is used, by whom and from where, how its score comes about, and what the
//! organisation thinks of it.

use axum::extract::Path;
use casbah_model::filter::Page;
use casbah_model::{Access, Importance, Part};
use casbah_service::Error;
use casbah_service::discovery::{AppAssessment, AppOrder, ScorePart};
use maud::{Markup, html};

use super::usage::{self, By, only};
use super::{asked, category, chooser, kept, score, tabs};
use crate::portal::fields::Fields;
use crate::portal::form::{self, State};
use crate::portal::table::{self, column};
use crate::portal::text::t;
use crate::portal::visit::{Answer, Failed, Posted, Visit};
use crate::portal::{layout, shown};
use crate::respond::see_other;

const LIST: &str = "/portal/discovery/apps";

pub(crate) async fn show(visit: Visit, Path(id): Path<String>) -> Answer {
    page(&visit, number(&id)?, &State::default()).await
}

fn number(id: &str) -> Result<i64, Failed> {
    id.parse().map_err(|_| Failed::NotFound)
}

async fn page(visit: &Visit, id: i64, state: &State) -> Answer {
    visit.check(Part::Discovery, Access::Read)?;
    let query = visit.query();
    let wanted = asked(&query, AppOrder::Total, false, Page { skip: 0, limit: 1 })?;
    let report = visit.service().discovered_app(visit.caller(), id, wanted).await?;
    let (app, figures) = (&report.app, &report.app.usage);
    // A newer catalogue may have dropped an app that was seen under an older one.
    let assessment = match visit.service().app_assessment(visit.caller(), id).await {
        Ok(assessment) => Some(assessment),
        Err(Error::NotFound) => None,
        Err(other) => return Err(other.into()),
    };
    let here = format!("{LIST}/{id}");
    let clock = visit.service().clock();
    let users = usage::top(visit, By::User, &query, Some(id)).await?;
    let addresses = usage::top(visit, By::Address, &query, Some(id)).await?;
    let body = html! {
        (tabs(visit, LIST))
        (state.summary())
        (chooser(visit, &here, &query, &usage::carried(&query)).await?)
        (only(&here, &query))
        ul .figures {
            li { strong { (shown::number(figures.users)) } " " (t("users")) }
            li { strong { (shown::number(figures.ips)) } " " (t("addresses")) }
            li { strong { (shown::bytes(figures.total)) } " " (t("traffic")) }
            li { strong { (shown::number(figures.events)) } " " (t("transactions")) }
        }
        dl {
            dt { (t("Category")) } dd { (category(&app.category)) }
            dt { (t("Risk score")) } dd { (score(app.score)) " " span .quiet { (t("1 is the most risky, 10 the safest")) } }
            dt { (t("Tags")) } dd { @if app.tags.is_empty() { span .quiet { (t("none")) } } @else { (app.tags.join(", ")) } }
            @if let Some(known) = &assessment {
                @if !known.vendor.is_empty() { dt { (t("Vendor")) } dd { (shown::name(&known.vendor)) } }
                @if let Some(country) = &known.headquarters { dt { (t("Headquarters")) } dd { (country) } }
                @if let Some(year) = known.founded { dt { (t("Founded")) } dd { (year) } }
            }
            dt { (t("Domains")) } dd { (app.domains.join(", ")) }
            dt { (t("Uploaded")) } dd { (shown::bytes(figures.uploaded)) }
            dt { (t("Downloaded")) } dd { (shown::bytes(figures.downloaded)) }
            dt { (t("Blocked transactions")) } dd { (shown::number(figures.blocked)) }
            dt { (t("First used")) } dd { (shown::time(clock, figures.first)) }
            dt { (t("Last used")) } dd { (shown::time(clock, figures.last)) }
        }
        h2 { (t("Traffic by day")) }
        (usage::days(&report.days))
        (users)
        (addresses)
        @if let Some(known) = &assessment { (breakdown(known, app.score)) }
        @if visit.may(Part::AppTags, Access::Change) {
            (opinion(visit, &here, &app.tags, assessment.as_ref(), state).await?)
        } @else if let Some(known) = assessment.as_ref().filter(|known| !known.notes.is_empty()) {
            h2 { (t("Notes")) } p { (shown::name(&known.notes)) }
        }
    };
    let title = crate::names::shown(&app.name);
    Ok(if state.problem.is_some() { layout::refused(&title, &body) } else { layout::page(&title, &body) })
}

/// What the organisation thinks: tags, a score of its own, notes.
async fn opinion(
    visit: &Visit,
    here: &str,
    tags: &[String],
    known: Option<&AppAssessment>,
    state: &State,
) -> Result<Markup, Failed> {
    let all = visit.service().list_app_tags(visit.caller()).await?;
    let mut typed = state.clone();
    if let Some(known) = known.filter(|_| state.problem.is_none()) {
        let said = known.said.map(|score| score.to_string());
        typed.fields = Fields::default().with("score", said.as_deref()).with("notes", Some(&known.notes));
    }
    let mut scores = vec![(String::new(), t("as computed").to_string())];
    scores.extend((1..=10).map(|n: i64| (n.to_string(), n.to_string())));
    Ok(html! {
        h2 { (t("What you think of it")) }
        div .buttons { @for tag in &all {
            @let has = tags.contains(&tag.name);
            (form::button(&kept(&visit.query()).address(&format!("{here}/tag")), &if has { format!("{}: {}", t("Take away"), tag.name) } else { format!("{}: {}", t("Tag as"), tag.name) },
                "second small", &[("name", &tag.name), ("add", if has { "" } else { "1" })]))
        } }
        p .quiet { (t("Unsanctioned apps go into block scripts.")) }
        @if known.is_some() {
            (form::form(&kept(&visit.query()).address(&format!("{here}/opinion")), &html! {
                (typed.select("score", t("Risk score"), &scores))
                (typed.area("notes", t("Notes"), Some(t("For yourselves: why it is allowed, who is asked.")), 3))
                div .buttons { button { (t("Save")) } }
            }))
        }
    })
}

/// How the score comes about: each group and each factor, what it is worth and how much it weighs.
fn breakdown(known: &AppAssessment, score: Option<i64>) -> Markup {
    let worth = |part: &ScorePart| match part.worth {
        Some(worth) => html! { (format!("{worth:.1}")) },
        None => html! { span .quiet { (t("does not count")) } },
    };
    let mut rows = Vec::new();
    for group in &known.breakdown {
        rows.push(vec![
            html! { strong { (part_name(group.name)) } },
            html! { strong { (importance(group.weight)) " (×" (group.weight.factor()) ")" } },
            html! { strong { (worth(group)) } },
        ]);
        for factor in &group.factors {
            rows.push(vec![
                html! { span .below { (part_name(factor.name)) } },
                html! { (importance(factor.weight)) " (×" (factor.weight.factor()) ")" },
                worth(factor),
            ]);
        }
    }
    let columns = [column(t("Part of the score")), column(t("Weight")), column(t("Worth, 0 to 10")).number()];
    html! {
        h2 { (t("How the score comes about")) }
        @if let Some(said) = known.said {
            p .notice { (t("You say that it is")) " " strong { (said) } ". " (t("The computed score does not count.")) }
        }
        @if rows.is_empty() {
            p .quiet { (t("The score of an app of your own is the one that you gave it.")) }
        } @else {
            p { (t("A group is worth the weighted mean of its factors, the score is the weighted mean of the groups, rounded.")) }
            @if score.is_none() { p .quiet { (t("Nothing that counts is known of it, so it has no score.")) } }
            (table::plain(t("How the score comes about"), &columns, &rows))
        }
    }
}

fn part_name(name: &str) -> &'static str {
    match name {
        "general" => t("General"),
        "security" => t("Security"),
        "compliance" => t("Compliance"),
        "legal" => t("Legal"),
        "founded" => t("Age of the vendor"),
        "mfa" => t("Multifactor authentication"),
        "saml" => "SAML",
        "soc2" => "SOC 2",
        "iso27001" => "ISO 27001",
        "hipaa" => "HIPAA",
        "pciDss" => "PCI DSS",
        "fedramp" => "FedRAMP",
        "gdpr" => t("GDPR readiness"),
        _ => "",
    }
}

fn importance(weight: Importance) -> &'static str {
    match weight {
        Importance::Ignored => t("ignored"),
        Importance::Low => t("low"),
        Importance::Medium => t("medium"),
        Importance::High => t("high"),
        Importance::VeryHigh => t("very high"),
    }
}

pub(crate) async fn tag(visit: Visit, Path(id): Path<String>, Posted(fields): Posted) -> Answer {
    visit.check(Part::AppTags, Access::Change)?;
    let app = number(&id)?;
    let name = fields.get("name").to_string();
    if fields.given("add").is_some() {
        visit.service().add_app_tag(visit.caller(), app, name).await?;
    } else {
        visit.service().remove_app_tag(visit.caller(), app, name).await?;
    }
    Ok(see_other(&kept(&visit.query()).address(&format!("{LIST}/{app}"))))
}

pub(crate) async fn judge(visit: Visit, Path(id): Path<String>, Posted(fields): Posted) -> Answer {
    visit.check(Part::AppTags, Access::Change)?;
    let app = number(&id)?;
    let score = match fields.given("score").map(str::parse::<i64>).transpose() {
        Ok(score) => score,
        Err(_) => {
            return page(&visit, app, &State::wrong(fields, "score", t("Choose one of the scores."))).await;
        }
    };
    match visit.service().override_app(visit.caller(), app, score, fields.get("notes").to_string()).await {
        Ok(()) => Ok(see_other(&kept(&visit.query()).address(&format!("{LIST}/{app}")))),
        Err(Error::Invalid { field, why }) => page(&visit, app, &State::wrong(fields, &field, why)).await,
        Err(other) => Err(other.into()),
    }
}
