//! What runs here, under which addresses.

use maud::html;

use crate::portal::text::t;
use crate::portal::visit::{Answer, Visit};
use crate::portal::{layout, shown};

pub(crate) async fn show(visit: Visit) -> Answer {
    let service = visit.service();
    let base = &service.settings().public_url;
    let tenant = &visit.visitor.tenant;
    // A question that the database has to answer.
    let healthy = service.fetch_tenant(visit.caller()).await.is_ok();
    let body = html! {
        dl {
            dt { (t("API address")) } dd { (shown::copyable(&format!("{base}/api/v1"))) }
            dt { (t("Directory address")) } dd { (shown::copyable(&format!("{base}/v1.0"))) }
            dt { (t("Token address")) } dd { (shown::copyable(&format!("{base}/{}/oauth2/v2.0/token", tenant.id))) }
            dt { (t("Metadata address")) }
            dd { (shown::copyable(&format!("{base}/{}/v2.0/.well-known/openid-configuration", tenant.id))) }
            dt { (t("Tenant")) } dd { (shown::name(&tenant.display_name)) }
            dt { (t("Tenant id")) } dd { (shown::copyable(&tenant.id.to_string())) }
            dt { (t("Domains")) } dd { (tenant.domains.join(", ")) }
            dt { (t("Version")) } dd { (env!("CARGO_PKG_VERSION")) }
            dt { (t("State")) } dd { @if healthy { (t("The server and its database answer.")) } @else { (t("The database does not answer.")) } }
            dt { (t("Your session ends")) } dd { (shown::time(service.clock(), visit.visitor.expires)) }
        }
        p { a href="/healthz" { (t("State for monitoring")) } }
    };
    Ok(layout::page(t("About"), &body))
}
