//! What is in a token: decoded, checked, explained. It is posted to this page, kept nowhere and not logged.

use casbah_authority::InspectedToken;
use casbah_model::Timestamp;
use maud::{Markup, html};
use serde_json::Value as Json;

use crate::portal::form::{self, State};
use crate::portal::table::{self, column};
use crate::portal::text::t;
use crate::portal::visit::{Answer, Posted, Visit};
use crate::portal::{layout, shown};

const HERE: &str = "/portal/inspect";

pub(crate) async fn show(_: Visit) -> Answer {
    Ok(page(&State::default(), &html! {}))
}

pub(crate) async fn inspect(visit: Visit, Posted(fields): Posted) -> Answer {
    let token = fields.get("token").trim_start_matches("Bearer ").trim().to_string();
    let Some(found) = visit.service().authority().inspect(&token).await else {
        let why =
            t("This is not a JSON Web Token: it has no three parts of base64url with JSON in the first two.");
        return Ok(page(&State::wrong(fields, "token", why), &html! {}));
    };
    // Not sent back: a token in a page is one more copy of it.
    Ok(page(&State::default(), &told(&visit, &found)))
}

fn page(state: &State, result: &Markup) -> axum::response::Response {
    let body = html! {
        (result)
        (state.summary())
        (form::form(HERE, &html! {
            (state.area("token", t("Token"), Some(t("It is looked at by this server, kept nowhere and not logged.")), 6))
            div .buttons { button { (t("Look into it")) } }
        }))
    };
    let title = t("Look into a token");
    if state.problem.is_some() { layout::refused(title, &body) } else { layout::page(title, &body) }
}

fn told(visit: &Visit, found: &InspectedToken) -> Markup {
    let now = visit.service().clock().now();
    let rows: Vec<_> = found
        .claims
        .iter()
        .map(|(name, value)| {
            vec![
                html! { code { (name) } },
                html! { code { (shown_value(value)) } (moment(visit, name, value)) },
                html! { (meaning(name)) },
            ]
        })
        .collect();
    let time = |name: &str| found.claims.get(name).and_then(Json::as_i64).map(Timestamp::from_seconds);
    let columns = [column(t("Claim")), column(t("Value")), column(t("Meaning"))];
    html! { section .card aria-labelledby="result" {
        h2 #result { (t("What it is")) }
        @if found.is_ours {
            p { span .badge .good { (t("Signed by this server")) } }
        } @else {
            p { span .badge .high { (t("Not signed by this server")) } " " (t("Nothing in it is proved.")) }
        }
        @match time("exp") {
            Some(end) if end <= now => p { span .badge .medium { (t("ended")) } " " (shown::ago(now, end)) },
            Some(end) => p { (t("Ends")) " " (shown::ago(now, end)) },
            None => p { (t("It does not say when it ends.")) },
        }
        (table::plain(t("Claims"), &columns, &rows))
        details { summary { (t("Header and claims as JSON")) }
            (shown::copyable_lines(&serde_json::to_string_pretty(&found.header).unwrap_or_default()))
            (shown::copyable_lines(&serde_json::to_string_pretty(&found.claims).unwrap_or_default()))
        }
    } }
}

fn shown_value(value: &Json) -> String {
    match value {
        Json::String(text) => crate::names::shown(text),
        other => other.to_string(),
    }
}

fn moment(visit: &Visit, name: &str, value: &Json) -> Markup {
    let is_time = ["exp", "iat", "nbf", "auth_time", "xms_tcdt"].contains(&name);
    let at = value.as_i64().filter(|_| is_time).map(Timestamp::from_seconds);
    html! { @if let Some(at) = at { " " (shown::time(visit.service().clock(), at)) } }
}

fn meaning(claim: &str) -> &'static str {
    match claim {
        "aud" => t("For whom it is: the resource that may accept it"),
        "iss" => t("Who issued it"),
        "iat" => t("When it was issued"),
        "nbf" => t("Not good before"),
        "exp" => t("Not good after"),
        "appid" | "azp" => t("The application that got it"),
        "appidacr" | "azpacr" => {
            t("How the application proved itself: 0 not at all, 1 by a secret, 2 by a certificate")
        }
        "oid" => t("Object id of the person or service principal that it stands for"),
        "sub" => t("The same, as this application sees it"),
        "tid" => t("The tenant"),
        "roles" => t("Permissions that the application holds as itself, or roles of the person"),
        "scp" => t("Permissions that the person lends to the application"),
        "idtyp" => t("app: the application stands for itself"),
        "amr" => t("How the person proved who it is"),
        "upn" | "unique_name" | "preferred_username" => t("Sign-in name of the person"),
        "name" => t("Name for people"),
        "sid" => t("The browser session"),
        "ver" => t("Version of the token"),
        "nonce" => t("What the application sent along, so that it knows the answer as its own"),
        "auth_time" => t("When the person signed in"),
        "cnf" => t("The key that must be shown with it"),
        "wids" => t("Directory roles of the person"),
        "groups" => t("Groups of the person"),
        "uti" | "jti" => t("Id of the token"),
        _ => "",
    }
}
