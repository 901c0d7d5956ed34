//! Keys of an application: secrets, shown once, replaced with an overlap; and certificates.

use std::time::Duration;

use axum::extract::Path;
use axum::response::Response;
use casbah_model::{Application, ApplicationSecret, Guid, Secret, Timestamp};
use casbah_service::Error;
use casbah_service::directory::certificates::NewCertificate;
use casbah_service::directory::secrets::{NewSecret, Rotation};
use maud::{Markup, html};

use super::{find, key, show};
use crate::portal::fields::Fields;
use crate::portal::form::State;
use crate::portal::text::{filled, t};
use crate::portal::visit::{Answer, Failed, Posted, Visit, here};
use crate::portal::{layout, shown};
use crate::respond::see_other;

const DAY: Duration = Duration::from_secs(86_400);
/// Days that a key may be good for, in the order of the list.
const EXPIRIES: [u32; 5] = [90, 30, 7, 180, 365];
/// Hours that a replaced secret goes on working.
const GRACES: [u32; 4] = [24, 1, 168, 0];

/// The choice of a key's life.
pub(super) fn expiry(state: &State) -> Markup {
    let options: Vec<_> =
        EXPIRIES.iter().map(|days| (days.to_string(), filled("{n} days", &[("n", days)]))).collect();
    state.select("expiry", t("The key ends after"), &options)
}

/// The choice of an overlap.
pub(super) fn grace(state: &State) -> Markup {
    let word = |hours: u32| match hours {
        0 => t("at once").to_string(),
        1 => t("1 hour").to_string(),
        168 => filled("{n} days", &[("n", &7)]),
        hours => filled("{n} hours", &[("n", &hours)]),
    };
    let options: Vec<_> = GRACES.iter().map(|hours| (hours.to_string(), word(*hours))).collect();
    state.select("grace", t("The old secret ends after"), &options)
}

/// When a key of a form ends.
pub(super) fn ends(visit: &Visit, fields: &Fields) -> Result<Option<Timestamp>, &'static str> {
    let Some(text) = fields.given("expiry") else { return Ok(None) };
    let days = text.parse().ok().filter(|days| EXPIRIES.contains(days));
    let days: u32 = days.ok_or_else(|| t("Choose one of the lengths of time."))?;
    Ok(Some(visit.service().clock().now().plus(DAY * days)))
}

pub(crate) async fn add_secret(visit: Visit, Path(id): Path<String>, Posted(fields): Posted) -> Answer {
    let ends = ends(&visit, &fields).map_err(|why| Failed::invalid("expiry", why))?;
    let found = find(&visit, &id).await?;
    let display_name = fields.given("name").map(str::to_string);
    visit.once(&fields).await?;
    let new = NewSecret { display_name, ends, ..NewSecret::default() };
    match visit.service().add_secret(visit.caller(), key(&id)?, new).await {
        Ok((secret, text)) => Ok(made(&found.application, &secret, &text, None)),
        Err(Error::Invalid { why, .. }) => {
            show::page(&visit, &found, &State::refused(fields, "name", why)).await
        }
        Err(other) => Err(other.into()),
    }
}

pub(crate) async fn rotate(visit: Visit, Path(id): Path<String>, Posted(fields): Posted) -> Answer {
    let ends = ends(&visit, &fields).map_err(|why| Failed::invalid("expiry", why))?;
    let hours = fields.get("grace").parse().ok().filter(|hours| GRACES.contains(hours));
    let hours = hours.ok_or_else(|| Failed::invalid("grace", t("Choose one of the lengths of time.")))?;
    let replaces = fields.given("secret").map(str::parse::<Guid>).transpose();
    let replaces = replaces.map_err(|_| Failed::NotFound)?;
    let found = find(&visit, &id).await?;
    visit.once(&fields).await?;
    let grace = Duration::from_secs(u64::from(hours) * 3600);
    let rotation = Rotation { replaces, grace, new: NewSecret { ends, ..NewSecret::default() } };
    let rotated = visit.service().rotate_secret(visit.caller(), key(&id)?, rotation).await?;
    let old = rotated.replaced.iter().map(|s| s.ends).max();
    Ok(made(&found.application, &rotated.secret, &rotated.text, old))
}

pub(crate) async fn remove_secret(visit: Visit, Path(id): Path<String>, Posted(fields): Posted) -> Answer {
    let secret = fields.get("secret").parse().map_err(|_| Failed::NotFound)?;
    visit.service().remove_secret(visit.caller(), key(&id)?, secret).await?;
    Ok(see_other(&format!("/portal/apps/{id}#keys")))
}

pub(crate) async fn add_certificate(visit: Visit, Path(id): Path<String>, Posted(fields): Posted) -> Answer {
    let found = find(&visit, &id).await?;
    let content = Some(fields.get("certificate").as_bytes().to_vec());
    let display_name = fields.given("certificateName").map(str::to_string);
    let new = NewCertificate { content, display_name, ..NewCertificate::default() };
    match visit.service().add_certificate(visit.caller(), key(&id)?, new, None).await {
        Ok(_) => Ok(see_other(&format!("/portal/apps/{id}#certificates"))),
        Err(Error::Invalid { why, .. }) => {
            show::page(&visit, &found, &State::refused(fields, "certificate", why)).await
        }
        Err(other) => Err(other.into()),
    }
}

pub(crate) async fn remove_certificate(
    visit: Visit,
    Path(id): Path<String>,
    Posted(fields): Posted,
) -> Answer {
    let certificate = fields.get("certificate").parse().map_err(|_| Failed::NotFound)?;
    visit.service().remove_certificate(visit.caller(), key(&id)?, certificate, None).await?;
    Ok(see_other(&format!("/portal/apps/{id}#certificates")))
}

fn made(
    application: &Application,
    secret: &ApplicationSecret,
    text: &Secret,
    old: Option<Timestamp>,
) -> Response {
    let base = format!("/portal/apps/{}", application.app_id);
    let body = html! {
        (shown_once(application, secret, text))
        @if let Some(old) = old { p { (t("What it replaces goes on working until")) " " (shown::exact(old)) "." } }
        div .buttons { a .button href={ (base) "/try" } { (t("Try it")) } a .button .second href=(base) { (t("To the application")) } }
    };
    layout::page(t("The new key"), &body)
}

/// A secret at the only time that anybody sees it.
pub(super) fn shown_once(application: &Application, secret: &ApplicationSecret, text: &Secret) -> Markup {
    let here = here();
    let (base, tenant) = here.as_deref().map_or((String::new(), String::new()), |here| {
        let tenant = here.visitor.as_ref().map(|v| v.tenant.id.to_string()).unwrap_or_default();
        (here.service.settings().public_url.clone(), tenant)
    });
    let file = format!(
        "CASBAH_URL={base}\nCASBAH_TENANT={tenant}\nCASBAH_CLIENT_ID={}\nCASBAH_CLIENT_SECRET={}\n",
        application.app_id,
        text.expose()
    );
    let link = format!(
        "data:text/plain;charset=utf-8,{}",
        percent_encoding::utf8_percent_encode(&file, percent_encoding::NON_ALPHANUMERIC)
    );
    html! { section .secret aria-labelledby="secret" {
        h2 #secret { (t("The secret, shown this once")) }
        p { (t("Store it now where your program finds it: nobody can show it again. If it is lost, make a new one.")) }
        p { (shown::copyable(text.expose())) }
        dl {
            dt { (t("Client id")) } dd { (shown::copyable(&application.app_id.to_string())) }
            dt { (t("Tenant id")) } dd { (shown::copyable(&tenant)) }
            dt { (t("Ends")) } dd { (shown::exact(secret.ends)) }
        }
        p { a href=(link) download="casbah.env" { (t("Download as a file of settings")) } }
    } }
}
