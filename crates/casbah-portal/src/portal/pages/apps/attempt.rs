//! *Try it*: ready lines, and a call made here and now. For the call the application gets a key for five
//! minutes, a token is fetched with it at the token endpoint, the API is called with the token like by
//! anybody else, and the key is removed. No secret is shown, or kept by anybody.

use std::time::Duration;

use axum::Extension;
use axum::body::{Body, to_bytes};
use axum::extract::Path;
use casbah_authority::{Endpoint, Form, TokenRequest, seed};
use casbah_model::Permission;
use casbah_service::directory::applications::{ApplicationKey, ApplicationWithSecrets};
use casbah_service::directory::secrets::NewSecret;
use http::{Request, StatusCode, header};
use maud::{Markup, html};
use serde_json::Value as Json;
use tower::ServiceExt as _;

use super::samples::{self, Ids};
use super::{find, may_change, tabs, wording};
use crate::portal::in_person::Api;
use crate::portal::text::{filled, t};
use crate::portal::visit::{Answer, Failed, Posted, Visit};
use crate::portal::{form, layout, shown};

const KEY_LIFE: Duration = Duration::from_secs(5 * 60);
/// Bytes of an answer that the page shows.
const MOST: usize = 64 * 1024;

/// A call that shows something, and the permissions of which one is enough.
struct Call {
    path: &'static str,
    any_of: &'static [Permission],
}

const CALLS: &[Call] = &[
    Call {
        path: "/api/v1/alerts/?limit=3",
        any_of: &[
            Permission::InvestigationRead,
            Permission::InvestigationManage,
            Permission::DiscoveryRead,
            Permission::DiscoveryManage,
        ],
    },
    Call { path: "/api/v1/subnet/?limit=3", any_of: &[Permission::SettingsRead, Permission::SettingsManage] },
];

/// The call that suits what the application asks for.
fn call_for(found: &ApplicationWithSecrets) -> &'static Call {
    let asks = |permission: &Permission| {
        let mut asked = found.application.required_access.iter();
        asked.any(|a| a.resource_app_id == seed::CLOUD_APPS && a.id == permission.id())
    };
    CALLS.iter().find(|call| call.any_of.iter().any(asks)).unwrap_or(&CALLS[0])
}

/// What a call came to.
struct Outcome {
    token: Result<Json, String>,
    answer: Option<(StatusCode, String)>,
}

pub(crate) async fn show(visit: Visit, Path(id): Path<String>) -> Answer {
    let found = find(&visit, &id).await?;
    page(&visit, &found, None).await
}

pub(crate) async fn run(
    visit: Visit,
    Path(id): Path<String>,
    Extension(api): Extension<Api>,
    _: Posted,
) -> Answer {
    let found = find(&visit, &id).await?;
    if !may_change(&visit, &found).await? || !wording::acts_as_itself(&found.application) {
        return Err(Failed::Forbidden(String::new()));
    }
    let (service, caller) = (visit.service(), visit.caller());
    let key = ApplicationKey::AppId(found.application.app_id);
    let ends = Some(service.clock().now().plus(KEY_LIFE));
    let display_name = Some("Try it".to_string());
    let new = NewSecret { display_name, ends, ..NewSecret::default() };
    let (secret, text) = service.add_secret(caller, key, new).await?;
    let fields = [
        ("grant_type", "client_credentials".to_string()),
        ("client_id", found.application.app_id.to_string()),
        ("client_secret", text.expose().to_string()),
        ("scope", format!("{}/.default", seed::CLOUD_APPS)),
    ];
    let request = TokenRequest {
        endpoint: Endpoint::V2,
        tenant: caller.tenant.to_string(),
        form: Form::from_iter(fields.iter().map(|(name, value)| (*name, value.as_str()))),
        authorization: None,
        origin: None,
        proof: None,
    };
    let token = service.authority().token(request).await.map_err(|error| error.text);
    let answer = match &token {
        Ok(token) => {
            Some(ask(api, call_for(&found).path, token["access_token"].as_str().unwrap_or_default()).await?)
        }
        Err(_) => None,
    };
    service.remove_secret(caller, key, secret.key_id).await?;
    page(&visit, &found, Some(Outcome { token, answer })).await
}

async fn ask(api: Api, path: &str, token: &str) -> Result<(StatusCode, String), Failed> {
    // The API knows its paths without the slash at the end; on the wire that is taken away before.
    let path = path.replace("/?", "?");
    let request =
        Request::get(&path).header(header::AUTHORIZATION, format!("Bearer {token}")).body(Body::empty());
    let request = request.map_err(|e| Failed::Internal(e.into()))?;
    let Ok(response) = api.0.oneshot(request).await;
    let status = response.status();
    let body = to_bytes(response.into_body(), MOST).await.map_err(|e| Failed::Internal(e.into()))?;
    let text = match serde_json::from_slice::<Json>(&body) {
        Ok(json) => serde_json::to_string_pretty(&json).unwrap_or_default(),
        Err(_) => String::from_utf8_lossy(&body).into_owned(),
    };
    Ok((status, text))
}

async fn page(visit: &Visit, found: &ApplicationWithSecrets, outcome: Option<Outcome>) -> Answer {
    let application = &found.application;
    let base = &visit.service().settings().public_url;
    let call = call_for(found);
    let here = format!("/portal/apps/{}/try", application.app_id);
    let may = may_change(visit, found).await?;
    let itself = wording::acts_as_itself(application);
    let ids =
        Ids { base, tenant: visit.caller().tenant.to_string(), client: application.app_id, path: call.path };
    let body = html! {
        (tabs(application, "/try"))
        @if itself && may {
            p { (t("One press fetches a token and calls the API with it. For that the application gets a key for five minutes, which is removed at the end.")) }
            (form::form(&here, &html! { div .buttons { button { (t("Fetch a token and call")) } } }))
        }
        @if let Some(outcome) = &outcome { (result(outcome, call, base)) }
        @if itself {
            h2 { (t("From your own machine")) }
            p { (t("The secret is taken from the variable CASBAH_CLIENT_SECRET, so that it stands in no file.")) }
            @for (n, (language, lines)) in samples::all(&ids).iter().enumerate() {
                details open[n == 0] { summary { (language) } (shown::copyable_lines(lines)) }
            }
        } @else {
            h2 { (t("Signing in as a person")) }
            p { (t("People sign in to this application, so it gets a token only with one of them. With the code of a device:")) }
            (shown::copyable_lines(&format!(
                "curl {base}/{}/oauth2/v2.0/devicecode -d client_id={} -d 'scope={}/.default offline_access'",
                visit.caller().tenant, application.app_id, seed::CLOUD_APPS,
            )))
        }
    };
    Ok(layout::page(&crate::names::shown(&application.display_name), &body))
}

fn result(outcome: &Outcome, call: &Call, base: &str) -> Markup {
    html! { section .card aria-labelledby="result" role="status" {
        h2 #result { (t("What happened")) }
        @match &outcome.token {
            Err(why) => {
                p { span .badge .high { (t("No token")) } }
                p .problem lang="en" { (why) }
            }
            Ok(token) => {
                p { span .badge .good { (t("Token")) } " " (filled("good for {n} seconds", &[("n", &token["expires_in"])])) }
                @if let Some((status, text)) = &outcome.answer {
                    p {
                        span class={ "badge " (if status.is_success() { "good" } else { "high" }) } { (status.as_u16()) }
                        " " code { "GET " (base) (call.path) }
                    }
                    h3 { (t("Request")) }
                    (shown::copyable_lines(&format!("GET {} HTTP/1.1\nHost: {}\nAuthorization: Bearer …", call.path,
                        base.trim_start_matches("https://"))))
                    h3 { (t("Answer")) }
                    (shown::copyable_lines(text))
                    @if !status.is_success() { p { (t("If a permission is missing, it stands in the answer: ask for it and consent, then try again.")) } }
                }
            }
        }
    } }
}
