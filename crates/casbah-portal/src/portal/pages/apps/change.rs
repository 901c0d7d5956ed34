//! Renaming, disabling and deleting an application.

use axum::extract::Path;
use casbah_service::directory::applications::ApplicationChange;
use casbah_service::directory::service_principals::ServicePrincipalChange;

use super::{find, key};
use crate::portal::text::t;
use crate::portal::visit::{Answer, Failed, Posted, Visit};
use crate::respond::see_other;

pub(crate) async fn rename(visit: Visit, Path(id): Path<String>, Posted(fields): Posted) -> Answer {
    let display_name = Some(fields.get("displayName").to_string());
    let change = ApplicationChange { display_name, ..ApplicationChange::default() };
    visit.service().change_application(visit.caller(), key(&id)?, change).await?;
    Ok(see_other(&format!("/portal/apps/{id}")))
}

pub(crate) async fn set_enabled(visit: Visit, Path(id): Path<String>, Posted(fields): Posted) -> Answer {
    let enabled = Some(fields.get("enabled") == "1");
    let change = ServicePrincipalChange { enabled, ..ServicePrincipalChange::default() };
    visit.service().change_service_principal(visit.caller(), key(&id)?, change).await?;
    Ok(see_other(&format!("/portal/apps/{id}")))
}

pub(crate) async fn delete(visit: Visit, Path(id): Path<String>, Posted(fields): Posted) -> Answer {
    let found = find(&visit, &id).await?;
    if fields.get("name") != found.application.display_name {
        return Err(Failed::invalid("name", t("This is not the name of the application.")));
    }
    visit.service().delete_application(visit.caller(), key(&id)?).await?;
    Ok(see_other("/portal/apps"))
}
