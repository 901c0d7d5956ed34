//! Block scripts for appliances, to be copied.

use casbah_model::{Access, Part};
use casbah_service::Service;
use casbah_service::discovery::BlockKind;
use maud::html;

use super::tabs;
use crate::portal::text::t;
use crate::portal::visit::{Answer, Visit};
use crate::portal::{layout, shown, table};

const HERE: &str = "/portal/discovery/scripts";

pub(crate) async fn show(visit: Visit) -> Answer {
    visit.check(Part::Discovery, Access::Read)?;
    let query = visit.query();
    let formats = Service::block_script_formats();
    let kind = if query.get("kind") == "allowed" { BlockKind::Allowed } else { BlockKind::Banned };
    let script = match query.given("format") {
        Some(format) => Some(visit.service().block_script(visit.caller(), format, kind).await?),
        None => None,
    };
    let kinds = [("banned", t("Apps that are unsanctioned")), ("allowed", t("Apps that are sanctioned"))];
    let body = html! {
        (tabs(&visit, HERE))
        form .filters method="get" action=(HERE) {
            div {
                label for="format" { (t("Appliance")) }
                select #format name="format" { @for (key, name) in &formats {
                    option value=(key) selected[*key == query.get("format")] { (name) }
                } }
            }
            div {
                label for="kind" { (t("Which apps")) }
                select #kind name="kind" { @for (value, shown) in kinds {
                    option value=(value) selected[value == query.get("kind")] { (shown) }
                } }
            }
            button { (t("Make the script")) }
        }
        @match &script {
            Some(text) if text.trim().is_empty() => (table::empty(
                t("No app bears that tag, so there is nothing to write. Tag apps on their pages."),
                Some((t("To the apps"), "/portal/discovery/apps")),
            )),
            Some(text) => { h2 { (t("The script")) } (shown::copyable_lines(text)) }
            None => p .quiet { (t("Choose an appliance. The script names the domains of the apps that you have tagged.")) }
        }
    };
    Ok(layout::page(t("Block scripts"), &body))
}
