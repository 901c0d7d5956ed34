//! Sign-ins to an application and tokens for it, those that were refused too.

use axum::extract::Path;
use casbah_authority::codes;
use casbah_model::filter::Page;
use casbah_service::activities::SignInsOf;
use maud::html;

use super::{find, tabs};
use crate::portal::table::{self, column};
use crate::portal::text::t;
use crate::portal::visit::{Answer, Visit};
use crate::portal::{layout, shown};

const PAGE: i64 = 50;

pub(crate) async fn show(visit: Visit, Path(id): Path<String>) -> Answer {
    let found = find(&visit, &id).await?;
    let application = &found.application;
    let skip: i64 = visit.query().get("skip").parse().unwrap_or(0).clamp(0, 10_000);
    let of = SignInsOf::Application(application.app_id);
    let page = Page { skip, limit: PAGE + 1 };
    let mut all = visit.service().sign_ins(visit.caller().tenant, of, Vec::new(), page).await?;
    let more = all.len() as i64 > PAGE;
    all.truncate(PAGE as usize);
    let rows: Vec<_> = all
        .iter()
        .map(|sign_in| {
            vec![
                shown::time(visit.service().clock(), sign_in.at()),
                html! { (shown::name(sign_in.user_name.as_deref().unwrap_or(t("unknown")))) },
                html! { (sign_in.address.as_deref().unwrap_or(t("unknown"))) },
                html! { @match sign_in.failure {
                    None => span .badge .good { (t("success")) },
                    Some(number) => {
                        span .badge .high { (t("refused")) } " "
                        a href={ "/error?code=" (number) } { "AADSTS" (number) }
                        @if let Some(code) = u32::try_from(number).ok().and_then(codes::find) {
                            " " span .quiet lang="en" { (code.meaning) }
                        }
                    }
                } },
            ]
        })
        .collect();
    let base = format!("/portal/apps/{}/log", application.app_id);
    let columns = [column(t("When")), column(t("Who")), column(t("From")), column(t("Result"))];
    let body = html! {
        (tabs(application, "/log"))
        @if rows.is_empty() {
            (table::empty(t("Nobody has signed in to it and it has asked for no token yet."), None))
        } @else {
            (table::plain(t("Sign-ins"), &columns, &rows))
        }
        (table::pager((skip > 0).then_some(base.as_str()), more.then(|| format!("{base}?skip={}", skip + PAGE)).as_deref()))
    };
    Ok(layout::page(&crate::names::shown(&application.display_name), &body))
}
