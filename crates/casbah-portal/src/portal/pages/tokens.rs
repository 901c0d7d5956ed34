//! Legacy API tokens, and the way out of them.

use casbah_model::Access;
use casbah_service::api_tokens::ApiTokenStatus;
use casbah_service::{Error, api_tokens::ApiTokenDetails};
use maud::html;

use crate::portal::form::{self, State};
use crate::portal::table::{self, column};
use crate::portal::text::t;
use crate::portal::visit::{Answer, Failed, Posted, Visit};
use crate::portal::{layout, shown};
use crate::respond::see_other;

const HERE: &str = "/portal/tokens";

pub(crate) async fn show(visit: Visit) -> Answer {
    page(&visit, &State::default()).await
}

async fn page(visit: &Visit, state: &State) -> Answer {
    let all = visit.service().list_api_tokens(visit.caller()).await?;
    let wanted = visit.query();
    let counts = [ApiTokenStatus::Generated, ApiTokenStatus::Active, ApiTokenStatus::Inactive]
        .map(|status| (status, all.iter().filter(|token| token.status == status).count()));
    let rows: Vec<_> = all
        .iter()
        .filter(|token| wanted.given("status").is_none_or(|status| status == id(token.status)))
        .map(|token| row(visit, token))
        .collect();
    let columns = [
        column(t("Name")),
        column(t("State")),
        column(t("Owner")),
        column(t("Made")),
        column(t("Last used")),
        column(t("Action")),
    ];
    let body = html! {
        p .warning { (t("A legacy token has all the rights of its owner and never ends. An application of its own has just the permissions it needs and a key that ends."))
            " " a href="/docs/migrate-from-api-tokens" { (t("How to move")) } " · "
            a href="/portal/apps/new" { (t("Register an application")) } }
        (state.summary())
        ul .tabs {
            li { a href=(HERE) aria-current=[wanted.given("status").is_none().then_some("page")] { (t("All")) } }
            @for (status, n) in counts {
                li { a href={ (HERE) "?status=" (id(status)) } aria-current=[(wanted.get("status") == id(status)).then_some("page")] {
                    (word(status)) " (" (n) ")" } }
            }
        }
        @if rows.is_empty() { (table::empty(t("There is no such token."), None)) }
        @else { (table::plain(t("API tokens"), &columns, &rows)) }
        @if may_make(visit) {
            h2 { (t("A new token")) }
            (form::form(HERE, &html! {
                (state.text("name", t("Name"), Some(t("What will use it.")), true))
                div .buttons { button .second { (t("Make a legacy token")) } }
            }))
        }
    };
    let title = t("API tokens");
    Ok(if state.problem.is_some() { layout::refused(title, &body) } else { layout::page(title, &body) })
}

/// A token without any right would be of no use.
fn may_make(visit: &Visit) -> bool {
    casbah_model::Part::ALL.into_iter().any(|part| visit.may(part, Access::Read))
}

fn row(visit: &Visit, token: &ApiTokenDetails) -> Vec<maud::Markup> {
    let clock = visit.service().clock();
    vec![
        shown::name(&token.name),
        html! { (word(token.status)) },
        shown::name(&token.owner_name),
        shown::time(clock, token.created),
        shown::time_or(clock, token.last_used, t("never")),
        form::button("/portal/tokens/revoke", t("Revoke"), "second small", &[("id", &token.id.to_string())]),
    ]
}

fn id(status: ApiTokenStatus) -> &'static str {
    match status {
        ApiTokenStatus::Generated => "generated",
        ApiTokenStatus::Active => "active",
        ApiTokenStatus::Inactive => "inactive",
    }
}

fn word(status: ApiTokenStatus) -> &'static str {
    match status {
        ApiTokenStatus::Generated => t("Generated"),
        ApiTokenStatus::Active => t("Active"),
        ApiTokenStatus::Inactive => t("Inactive"),
    }
}

pub(crate) async fn create(visit: Visit, Posted(fields): Posted) -> Answer {
    visit.once(&fields).await?;
    match visit.service().create_api_token(visit.caller(), fields.get("name")).await {
        Ok((details, secret)) => {
            let base = &visit.service().settings().public_url;
            let body = html! {
                section .secret aria-labelledby="secret" {
                    h2 #secret { (t("The token, shown this once")) }
                    p { (t("Store it now where your program finds it: nobody can show it again. If it is lost, make a new one.")) }
                    p { (shown::copyable(secret.expose())) }
                }
                h2 { (t("A first call")) }
                (shown::copyable_lines(&format!("curl -H \"Authorization: Token $CASBAH_API_TOKEN\" {base}/api/v1/alerts/?limit=3")))
                div .buttons { a .button .second href=(HERE) { (t("To the list")) } }
            };
            Ok(layout::page(&crate::names::shown(&details.name), &body))
        }
        Err(Error::Invalid { why, .. }) => page(&visit, &State::refused(fields, "name", why)).await,
        Err(other) => Err(other.into()),
    }
}

pub(crate) async fn revoke(visit: Visit, Posted(fields): Posted) -> Answer {
    let id = fields.get("id").parse().map_err(|_| Failed::NotFound)?;
    visit.service().revoke_api_token(visit.caller(), id).await?;
    Ok(see_other(HERE))
}
