//! Registering an application in one form: what it is for, what it may do, consent and a key.

use axum::response::Response;
use casbah_model::{RedirectUri, RedirectUriKind};
use casbah_service::Error;
use casbah_service::directory::applications::{ApplicationKey, NewApplication};
use casbah_service::directory::secrets::NewSecret;
use casbah_service::directory::service_principals::ServicePrincipalChange;
use maud::{Markup, html};

use super::wording::{self, Choice};
use super::{CONSENTERS, keys, may_register};
use crate::portal::form::{self, State};
use crate::portal::layout;
use crate::portal::text::{filled, t};
use crate::portal::visit::{Answer, Failed, Posted, Visit};

const HERE: &str = "/portal/apps/new";

/// What an application can be for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Service,
    Web,
    Native,
    SinglePage,
}

impl Purpose {
    const ALL: [Purpose; 4] = [Purpose::Service, Purpose::Web, Purpose::Native, Purpose::SinglePage];

    fn id(self) -> &'static str {
        match self {
            Purpose::Service => "service",
            Purpose::Web => "web",
            Purpose::Native => "native",
            Purpose::SinglePage => "spa",
        }
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Purpose::Service => (
                t("Background service"),
                t("A script, a SIEM or a job that runs by itself, with a key of its own. Nobody signs in."),
            ),
            Purpose::Web => {
                (t("Web app"), t("People sign in at a server of yours, which keeps a key and acts for them."))
            }
            Purpose::Native => (
                t("Native app"),
                t("People sign in on their own machine or device: a desktop program, a command line."),
            ),
            Purpose::SinglePage => (
                t("Single-page app"),
                t("People sign in to pages that run in their browser and can keep no key."),
            ),
        }
    }

    fn find(id: &str) -> Option<Purpose> {
        Purpose::ALL.into_iter().find(|purpose| purpose.id() == id)
    }

    fn kind(self) -> Option<RedirectUriKind> {
        match self {
            Purpose::Service => None,
            Purpose::Web => Some(RedirectUriKind::Web),
            Purpose::Native => Some(RedirectUriKind::PublicClient),
            Purpose::SinglePage => Some(RedirectUriKind::Spa),
        }
    }

    fn has_key(self) -> bool {
        matches!(self, Purpose::Service | Purpose::Web)
    }
}

pub(crate) async fn show(visit: Visit) -> Answer {
    if !may_register(&visit) {
        return Err(Failed::Forbidden(String::new()));
    }
    let fields = visit.query();
    let start = if Purpose::find(fields.get("purpose")).is_some() {
        fields
    } else {
        fields.with("purpose", Some(Purpose::Service.id())).with("consent", Some("1"))
    };
    page(&visit, &State { fields: start, problem: None }).await
}

async fn page(visit: &Visit, state: &State) -> Answer {
    let purpose = Purpose::find(state.fields.get("purpose")).unwrap_or(Purpose::Service);
    let choices = wording::choices(visit, purpose == Purpose::Service).await?;
    let body = html! {
        (state.summary())
        (chooser(purpose))
        (form::form(HERE, &fields(visit, state, purpose, &choices)))
    };
    let title = t("Register an application");
    Ok(if state.problem.is_some() { layout::refused(title, &body) } else { layout::page(title, &body) })
}

/// What it is for decides which questions follow, so each is a link.
fn chooser(now: Purpose) -> Markup {
    html! { nav aria-label=(t("What is it for?")) {
        p { strong { (t("What is it for?")) } }
        ul .cards .purposes { @for purpose in Purpose::ALL {
            @let (title, text) = purpose.words();
            li .card { a href={ (HERE) "?purpose=" (purpose.id()) "&consent=1" } aria-current=[(purpose == now).then_some("true")] { (title) }
                p .quiet { (text) } }
        } }
    } }
}

fn fields(visit: &Visit, state: &State, purpose: Purpose, choices: &[Vec<Choice>; 2]) -> Markup {
    let ticked: Vec<&str> = state.fields.all("permission").collect();
    html! {
        input type="hidden" name="purpose" value=(purpose.id());
        (state.text("displayName", t("Name"), Some(t("What people will know it by.")), true))
        @if purpose.kind().is_some() {
            (state.area("redirectUris", t("Redirect addresses"), Some(match purpose {
                Purpose::Native => t("Where sign-ins end, one a line; http://localhost for a program on the same machine."),
                _ => t("Where sign-ins end, one https address a line."),
            }), 3))
        }
        (wording::boxes(choices, &|choice| ticked.contains(&choice.name().as_str())))
        @if visit.holds(CONSENTERS) {
            label .choice {
                input type="checkbox" name="consent" value="1" checked[!state.fields.get("consent").is_empty()];
                span { strong { (t("Consent for the whole organisation now")) }
                    span .quiet { (t("Without consent the permissions are only asked for. You can consent later.")) } }
            }
        }
        @if purpose.has_key() { (keys::expiry(state)) }
        div .buttons { button {
            @if purpose.has_key() { (t("Register and make a key")) } @else { (t("Register")) }
        } a .button .second href="/portal/apps" { (t("Cancel")) } }
    }
}

pub(crate) async fn create(visit: Visit, Posted(fields): Posted) -> Answer {
    let Some(purpose) = Purpose::find(fields.get("purpose")) else {
        return Err(Failed::invalid("purpose", "must be service, web, native or spa"));
    };
    let choices = wording::choices(&visit, purpose == Purpose::Service).await?;
    let ends = match keys::ends(&visit, &fields) {
        Ok(ends) => ends,
        Err(why) => return page(&visit, &State::wrong(fields, "expiry", why)).await,
    };
    let redirect_uris = fields.get("redirectUris").lines().map(str::trim).filter(|line| !line.is_empty());
    let new = NewApplication {
        display_name: fields.get("displayName").to_string(),
        public_client: purpose == Purpose::Native,
        redirect_uris: purpose.kind().map_or(Vec::new(), |kind| {
            redirect_uris.map(|uri| RedirectUri { uri: uri.to_string(), kind }).collect()
        }),
        required_access: wording::chosen(&choices, &fields),
        ..NewApplication::default()
    };
    if matches!(purpose, Purpose::Web | Purpose::SinglePage) && new.redirect_uris.is_empty() {
        let why = t("At least one redirect address is needed.");
        return page(&visit, &State::wrong(fields, "redirectUris", why)).await;
    }
    visit.once(&fields).await?;
    let (service, caller) = (visit.service(), visit.caller());
    let application = match service.create_application(caller, new).await {
        Ok(application) => application,
        Err(Error::Invalid { field, why }) => {
            // In the words of the form.
            let field = match field.as_str() {
                "redirectUris" | "displayName" => field.as_str(),
                other if other.contains("edirect") => "redirectUris",
                _ => "",
            };
            return page(&visit, &State::refused(fields.clone(), field, why)).await;
        }
        Err(other) => return Err(other.into()),
    };
    let key = ApplicationKey::AppId(application.app_id);
    let change = ServicePrincipalChange::default();
    service.create_service_principal(caller, application.app_id, change, Vec::new()).await?;
    let asks = !application.required_access.is_empty();
    let consented = asks && fields.given("consent").is_some() && visit.holds(CONSENTERS);
    if consented {
        service.grant_admin_consent(caller, key).await?;
    }
    let secret = match purpose.has_key() {
        true => Some(service.add_secret(caller, key, NewSecret { ends, ..NewSecret::default() }).await?),
        false => None,
    };
    Ok(done(&application, asks && !consented, secret))
}

fn done(
    application: &casbah_model::Application,
    lacks_consent: bool,
    secret: Option<(casbah_model::ApplicationSecret, casbah_model::Secret)>,
) -> Response {
    let base = format!("/portal/apps/{}", application.app_id);
    let body = html! {
        @if lacks_consent {
            p .warning { (t("It has no consent yet: until somebody consents, its permissions are only asked for.")) " "
                a href={ (base) "/permissions" } { (t("To its permissions")) } }
        }
        @if let Some((secret, text)) = &secret { (keys::shown_once(application, secret, text)) }
        div .buttons {
            a .button href={ (base) "/try" } { (t("Try it")) }
            a .button .second href=(base) { (t("To the application")) }
        }
    };
    let name = crate::names::shown(&application.display_name);
    layout::page(&filled("{name} is registered", &[("name", &name)]), &body)
}
