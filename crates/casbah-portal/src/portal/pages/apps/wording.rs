//! Permissions in plain words, and the choice of them.

use casbah_authority::seed;
use casbah_model::{Application, Guid, Permission, RequiredAccess};
use casbah_service::directory::applications::ApplicationKey;
use maud::{Markup, html};

use crate::portal::fields::Fields;
use crate::portal::text::t;
use crate::portal::visit::{Failed, Visit};

/// What a permission on the Cloud Apps API allows.
pub(super) fn sentence(permission: Permission) -> &'static str {
    match permission {
        Permission::InvestigationRead => t("Read alerts, activities, entities and IP ranges"),
        Permission::InvestigationManage => t("Read alerts and activities, close alerts, change IP ranges"),
        Permission::DiscoveryRead => t("Read alerts and cloud discovery reports"),
        Permission::DiscoveryManage => {
            t("Upload logs, read discovery reports, close alerts, make block scripts")
        }
        Permission::SettingsRead => t("Read IP ranges and settings"),
        Permission::SettingsManage => t("Read and change IP ranges and settings"),
    }
}

/// One permission that can be chosen.
pub(super) struct Choice {
    pub(super) access: RequiredAccess,
    pub(super) value: String,
    pub(super) words: String,
    /// Whether it changes something.
    pub(super) changes: bool,
    /// Whether the words are English whatever the page's language is.
    pub(super) foreign: bool,
}

impl Choice {
    /// How a form names it: resource, kind and id.
    pub(super) fn name(&self) -> String {
        name(&self.access)
    }
}

fn name(access: &RequiredAccess) -> String {
    format!("{}:{}:{}", access.resource_app_id, if access.is_role { "role" } else { "scope" }, access.id)
}

/// The permissions of Casbah's two resources, for an application that acts as itself or for people.
pub(super) async fn choices(visit: &Visit, as_itself: bool) -> Result<[Vec<Choice>; 2], Failed> {
    let mut all = [Vec::new(), Vec::new()];
    for (resource, list) in [seed::CLOUD_APPS, seed::DIRECTORY].into_iter().zip(&mut all) {
        let found =
            visit.service().fetch_application(visit.caller(), ApplicationKey::AppId(resource)).await?;
        *list = of_resource(&found.application, resource, as_itself);
    }
    Ok(all)
}

fn of_resource(api: &Application, resource: Guid, as_itself: bool) -> Vec<Choice> {
    let choice = |id: Guid, value: &str, words: &str| {
        let known = Permission::find(value).filter(|_| resource == seed::CLOUD_APPS);
        Choice {
            access: RequiredAccess { resource_app_id: resource, id, is_role: as_itself },
            value: known.map_or(value, |p| p.title()).to_string(),
            words: known.map_or(words, |p| sentence(p)).to_string(),
            changes: known
                .map_or(value.contains("Write") || value.contains("Invite"), |p| p.implied().is_some()),
            foreign: known.is_none(),
        }
    };
    if as_itself {
        let roles = api.app_roles.iter().filter(|role| role.enabled);
        roles.map(|role| choice(role.id, &role.value, &role.display_name)).collect()
    } else {
        let scopes = api.scopes.iter().filter(|scope| scope.enabled);
        scopes.map(|scope| choice(scope.id, &scope.value, &scope.display_name)).collect()
    }
}

/// The choices as boxes to tick.
pub(super) fn boxes(choices: &[Vec<Choice>; 2], ticked: &dyn Fn(&Choice) -> bool) -> Markup {
    let [own, directory] = choices;
    html! {
        fieldset {
            legend { (t("What may it do in Casbah?")) }
            @for choice in own { (tick(choice, ticked(choice))) }
        }
        details open[directory.iter().any(ticked)] {
            summary { (t("Permissions on the directory (Microsoft Graph)")) }
            fieldset {
                legend .unseen { (t("Permissions on the directory (Microsoft Graph)")) }
                @for choice in directory { (tick(choice, ticked(choice))) }
            }
        }
    }
}

fn tick(choice: &Choice, ticked: bool) -> Markup {
    html! { label .choice {
        input type="checkbox" name="permission" value=(choice.name()) checked[ticked];
        span {
            strong lang=[choice.foreign.then_some("en")] { (choice.words) }
            code { (choice.value) } " " span .quiet { @if choice.changes { (t("can change things")) } @else { (t("reads only")) } }
        }
    } }
}

/// What was ticked, out of what can be.
pub(super) fn chosen(choices: &[Vec<Choice>; 2], fields: &Fields) -> Vec<RequiredAccess> {
    let ticked: Vec<&str> = fields.all("permission").collect();
    let all = choices.iter().flatten();
    all.filter(|choice| ticked.contains(&choice.name().as_str()))
        .map(|choice| choice.access.clone())
        .collect()
}

/// Whether an application acts as itself: it has a key and nobody signs in to it.
pub(super) fn acts_as_itself(application: &Application) -> bool {
    application.redirect_uris.is_empty() && !application.public_client
}
