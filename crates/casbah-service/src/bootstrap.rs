//! The bootstrap file: brings tenants, people and applications into the state that it describes.
//!
//! Applying it again changes nothing; what it does not name is left alone. The steps are use cases
//! like any others, each in a transaction of its own, so a start that was interrupted is completed
//! by the next one.

mod file;
mod identity_providers;
#[cfg(test)]
mod tests;

use casbah_authority::{Caller, SecretKind, verify_password};
use casbah_model::{
    ADMINISTRATOR_ROLES, AdministratorRole, ApplicationSecret, ConsentType, Guid, RedirectUri,
    RedirectUriKind, RequiredAccess, Role, Secret, Tenant, TenantId, Timestamp,
};
use casbah_store::{api_tokens, tenants};

use self::file::{
    AdministratorEntry, AppEntry, AppName, ApplicationEntry, File, RedirectUrisEntry, TenantEntry, UserEntry,
};
use crate::administrators::NewAdministrator;
use crate::directory::applications::{ApplicationChange, ApplicationKey, NewApplication};
use crate::directory::permission_grants::GrantSearch;
use crate::directory::secrets::{self, NewSecret};
use crate::directory::service_principals::{ServicePrincipalChange, ServicePrincipalDetails};
use crate::directory::tenants::NewTenant;
use crate::directory::users::{NewUser, UserChange};
use crate::{Error, Service};

/// What applying a bootstrap file did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BootstrapReport {
    /// The tenants that the file names.
    pub tenants: Vec<TenantId>,
    /// One line for each change; empty when all was as described.
    pub changes: Vec<String>,
}

/// How often a file is applied anew because another node was faster.
const MOST_ATTEMPTS: u32 = 100;

impl Service {
    /// Applies a bootstrap file; see `docs/bootstrap.md` for its format.
    ///
    /// # Errors
    /// [`Error::Invalid`] names the line and the key. What cannot be read at all changes nothing.
    pub async fn apply_bootstrap(&self, toml_text: &str) -> Result<BootstrapReport, Error> {
        let file = file::parse(toml_text)?;
        let secrets = Secrets::read(&file)?;
        let mut attempt = 1;
        loop {
            let mut report = BootstrapReport::default();
            match self.apply(&file, &secrets, &mut report).await {
                // Another node that starts from the same file got in first; look again. Each time at least
                // one entry more is there.
                Err(Error::Conflict(_)) if attempt < MOST_ATTEMPTS => attempt += 1,
                Err(e) => return Err(e),
                Ok(()) => return Ok(report),
            }
        }
    }

    async fn apply(&self, file: &File, secrets: &Secrets, report: &mut BootstrapReport) -> Result<(), Error> {
        for (entry, secrets) in file.tenants.iter().zip(&secrets.0) {
            let tenant = self.apply_tenant(entry, report).await?;
            report.tenants.push(tenant.id);
            let caller = Caller::system(tenant.id, tenant.number);
            for (user, secrets) in entry.users.iter().zip(&secrets.users) {
                self.apply_user(&caller, user, secrets, report).await?;
            }
            for (application, secrets) in entry.applications.iter().zip(&secrets.applications) {
                self.apply_application(&caller, application, secrets, report).await?;
            }
            for (provider, secret) in entry.identity_providers.iter().zip(&secrets.identity_providers) {
                self.apply_identity_provider(&caller, provider, secret.as_ref(), report).await?;
            }
        }
        Ok(())
    }

    async fn apply_tenant(&self, entry: &TenantEntry, report: &mut BootstrapReport) -> Result<Tenant, Error> {
        let (id, first) = (entry.id, entry.domains.first().cloned().unwrap_or_default());
        let found = self
            .store
            .read(move |tx| match id {
                Some(id) => tenants::find(tx, id),
                None => tenants::find_by_domain(tx, &first),
            })
            .await?;
        let Some(tenant) = found else {
            let new = NewTenant {
                id: entry.id,
                number: entry.number,
                display_name: entry.display_name.clone(),
                domains: entry.domains.clone(),
            };
            let tenant = self.create_tenant(new).await?;
            report.changes.push(format!("made the tenant {} ({})", tenant.display_name, tenant.id));
            return Ok(tenant);
        };
        if entry.number.is_some_and(|n| n != tenant.number) {
            return Err(Error::invalid(
                "number",
                format!("the tenant {} has the number {}.", tenant.id, tenant.number),
            ));
        }
        let caller = Caller::system(tenant.id, tenant.number);
        let (saved, changed) = self.change_tenant(&caller, &entry.display_name, &entry.domains).await?;
        if changed {
            report.changes.push(format!("changed the tenant {}", saved.display_name));
        }
        Ok(saved)
    }

    async fn apply_user(
        &self,
        caller: &Caller,
        entry: &UserEntry,
        secrets: &UserSecrets,
        report: &mut BootstrapReport,
    ) -> Result<(), Error> {
        let name = &entry.user_principal_name;
        let key = entry.id.map_or_else(|| name.clone(), |id| id.to_string());
        let user = match self.fetch_user(caller, &key).await {
            Ok(user) => {
                let change = UserChange {
                    display_name: other(&entry.display_name, &user.display_name),
                    given_name: entry
                        .given_name
                        .clone()
                        .filter(|n| Some(n) != user.given_name.as_ref())
                        .map(Some),
                    surname: entry.surname.clone().filter(|n| Some(n) != user.surname.as_ref()).map(Some),
                    mail: entry.mail.clone().filter(|n| Some(n) != user.mail.as_ref()).map(Some),
                    enabled: (entry.enabled != user.enabled).then_some(entry.enabled),
                    password: new_password(secrets.password.as_ref(), user.password_hash.as_ref()).await?,
                    ..UserChange::default()
                };
                if change.is_any() {
                    self.change_user(caller, &key, change).await?;
                    report.changes.push(format!("changed the user {name}"));
                }
                user
            }
            Err(Error::NotFound) => {
                let new = NewUser {
                    id: entry.id,
                    user_principal_name: name.clone(),
                    display_name: entry.display_name.clone(),
                    given_name: entry.given_name.clone(),
                    surname: entry.surname.clone(),
                    mail: entry.mail.clone(),
                    enabled: entry.enabled,
                    password: secrets.password.clone(),
                    ..NewUser::default()
                };
                let user = self.create_user(caller, new).await?;
                report.changes.push(format!("made the user {name}"));
                user
            }
            Err(e) => return Err(e),
        };
        let held = self.list_roles_of_user(caller, &key).await?;
        for role_name in &entry.roles {
            let role = Role::find(role_name).ok_or_else(|| {
                let known: Vec<_> = casbah_model::ROLES.iter().map(|r| r.name).collect();
                Error::invalid(
                    "roles",
                    format!("there is no role {role_name:?}; there are {}.", known.join(", ")),
                )
            })?;
            if !held.contains(&role) {
                self.add_role(caller, &key, role).await?;
                report.changes.push(format!("gave the user {name} the role {}", role.name));
            }
        }
        for entry in &entry.administrator_roles {
            let (given, new) = self.add_administrator(caller, administrator(user.id, entry)?).await?;
            if new {
                let role = given.administrator.role.name;
                report.changes.push(format!("gave the user {name} the Cloud Apps role {role}"));
            }
        }
        for (token, value) in entry.api_tokens.iter().zip(&secrets.api_tokens) {
            let digest = self.authority.digest(SecretKind::ApiToken, value);
            let known = self.store.read(move |tx| api_tokens::find_by_digest(tx, &digest)).await?;
            match known {
                None => {
                    self.create_api_token_for(caller, user.id, &token.name, value.clone()).await?;
                    report.changes.push(format!("made the API token {} of {name}", token.name));
                }
                Some((tenant, known)) if tenant == caller.tenant && known.owner == user.id => {
                    // One that was revoked stays so: it leaked, or was meant to end.
                    if known.revoked.is_some() {
                        tracing::warn!(token = %known.name, "an API token of the bootstrap file was revoked and stays so");
                    }
                }
                Some(_) => {
                    return Err(Error::invalid(
                        "api_tokens",
                        format!("the token {} belongs to another user.", token.name),
                    ));
                }
            }
        }
        Ok(())
    }

    async fn apply_application(
        &self,
        caller: &Caller,
        entry: &ApplicationEntry,
        secrets: &[Secret],
        report: &mut BootstrapReport,
    ) -> Result<(), Error> {
        let key = ApplicationKey::AppId(entry.app_id);
        let name = &entry.display_name;
        let principals = self.list_service_principals(caller).await?;
        let roles = permissions(&principals, &entry.application_permissions, true)?;
        let scopes = permissions(&principals, &entry.delegated_permissions, false)?;
        let required_access: Vec<RequiredAccess> =
            roles.iter().chain(&scopes).map(|p| p.access.clone()).collect();
        let redirect_uris = redirect_uris(&entry.redirect_uris);
        match self.fetch_application(caller, key).await {
            Ok(known) => {
                let known = known.application;
                let change = ApplicationChange {
                    display_name: other(name, &known.display_name),
                    public_client: (entry.public_client != known.public_client)
                        .then_some(entry.public_client),
                    identifier_uris: (entry.identifier_uris != known.identifier_uris)
                        .then(|| entry.identifier_uris.clone()),
                    redirect_uris: if redirect_uris == known.redirect_uris {
                        Vec::new()
                    } else {
                        by_kind(&entry.redirect_uris)
                    },
                    required_access: (required_access != known.required_access).then_some(required_access),
                    ..ApplicationChange::default()
                };
                if change.is_any() {
                    self.change_application(caller, key, change).await?;
                    report.changes.push(format!("changed the application {name}"));
                }
            }
            Err(Error::NotFound) => {
                let new = NewApplication {
                    app_id: Some(entry.app_id),
                    display_name: name.clone(),
                    public_client: entry.public_client,
                    identifier_uris: entry.identifier_uris.clone(),
                    redirect_uris,
                    required_access,
                    ..NewApplication::default()
                };
                self.create_application(caller, new).await?;
                report.changes.push(format!("made the application {name} ({})", entry.app_id));
            }
            Err(e) => return Err(e),
        }
        let client = match principals.into_iter().find(|p| p.principal.app_id == entry.app_id) {
            Some(known) => known.principal.id,
            None => {
                let new = self.create_service_principal(
                    caller,
                    entry.app_id,
                    ServicePrincipalChange::default(),
                    Vec::new(),
                );
                new.await?.principal.id
            }
        };
        self.apply_permissions(caller, client, name, &roles, &scopes, report).await?;
        self.apply_secrets(caller, entry, secrets, report).await
    }

    async fn apply_permissions(
        &self,
        caller: &Caller,
        client: Guid,
        name: &str,
        roles: &[NamedPermission],
        scopes: &[NamedPermission],
        report: &mut BootstrapReport,
    ) -> Result<(), Error> {
        let held = self.list_app_roles_held(caller, ApplicationKey::Id(client)).await?;
        for role in roles {
            let same = |h: &Guid, r: &Guid| *h == role.resource && *r == role.access.id;
            if !held.iter().any(|h| same(&h.assignment.resource, &h.assignment.app_role)) {
                self.assign_app_role(caller, client, role.resource, role.access.id).await?;
                report.changes.push(format!("assigned {} to the application {name}", role.value));
            }
        }
        let mut resources: Vec<Guid> = scopes.iter().map(|s| s.resource).collect();
        resources.sort_unstable();
        resources.dedup();
        for resource in resources {
            let wanted = scopes.iter().filter(|s| s.resource == resource).map(|s| s.value.clone());
            let grants = self
                .search_permission_grants(
                    caller,
                    GrantSearch { client: Some(client), limit: i64::MAX, ..GrantSearch::default() },
                )
                .await?;
            let known = grants.into_iter().find(|g| {
                g.client == client && g.resource == resource && g.consent_type == ConsentType::AllPrincipals
            });
            let mut values = known.as_ref().map(|g| g.scopes.clone()).unwrap_or_default();
            let missing: Vec<String> = wanted.filter(|w| !values.contains(w)).collect();
            if missing.is_empty() {
                continue;
            }
            report.changes.push(format!("consented to {} for the application {name}", missing.join(", ")));
            values.extend(missing);
            match known {
                Some(grant) => self.change_permission_grant(caller, grant.id, values).await?,
                None => {
                    let everybody = ConsentType::AllPrincipals;
                    self.create_permission_grant(caller, client, resource, everybody, values).await?;
                }
            }
        }
        Ok(())
    }

    async fn apply_secrets(
        &self,
        caller: &Caller,
        entry: &ApplicationEntry,
        values: &[Secret],
        report: &mut BootstrapReport,
    ) -> Result<(), Error> {
        let key = ApplicationKey::AppId(entry.app_id);
        let now = self.clock.now();
        let known = self.list_secrets(caller, key).await?;
        for (secret, value) in entry.secrets.iter().zip(values) {
            let digest = self.authority.digest(SecretKind::ClientSecret, value);
            let ends = secret.ends.map_or(now.plus(secrets::FIXED_LIFE), |m| m.0);
            let same: Vec<&ApplicationSecret> =
                known.iter().filter(|k| Secret::same_bytes(&k.digest, &digest)).collect();
            if same.iter().any(|k| is_enough(k, now, secret.ends.map(|m| m.0))) {
                continue;
            }
            let new = NewSecret {
                display_name: Some(secret.name.clone()),
                starts: None,
                ends: Some(ends),
                value: Some(value.clone()),
            };
            self.add_secret(caller, key, new).await?;
            // The same text with an earlier end: the new entry stands for it.
            for old in same {
                self.remove_secret(caller, key, old.key_id).await?;
            }
            report
                .changes
                .push(format!("added the secret {} to the application {}", secret.name, entry.display_name));
        }
        Ok(())
    }
}

/// Whether a stored secret needs no renewal: it ends when the file says, or not within three months.
fn is_enough(known: &ApplicationSecret, now: Timestamp, ends: Option<Timestamp>) -> bool {
    match ends {
        Some(ends) => known.ends == ends,
        None => known.ends > now.plus(secrets::RENEWAL),
    }
}

/// The secrets of a file, read before anything is changed.
struct Secrets(Vec<TenantSecrets>);

struct TenantSecrets {
    users: Vec<UserSecrets>,
    applications: Vec<Vec<Secret>>,
    identity_providers: Vec<Option<Secret>>,
}

struct UserSecrets {
    password: Option<Secret>,
    api_tokens: Vec<Secret>,
}

impl Secrets {
    fn read(file: &File) -> Result<Secrets, Error> {
        let tenant = |tenant: &TenantEntry| {
            Ok(TenantSecrets {
                users: tenant.users.iter().map(UserSecrets::read).collect::<Result<_, Error>>()?,
                applications: tenant
                    .applications
                    .iter()
                    .map(application_secrets)
                    .collect::<Result<_, Error>>()?,
                identity_providers: tenant
                    .identity_providers
                    .iter()
                    .map(identity_providers::secret)
                    .collect::<Result<_, Error>>()?,
            })
        };
        file.tenants.iter().map(tenant).collect::<Result<_, Error>>().map(Secrets)
    }
}

impl UserSecrets {
    fn read(user: &UserEntry) -> Result<UserSecrets, Error> {
        let what = format!("password of {}", user.user_principal_name);
        let (file, variable) = (user.password_file.as_deref(), user.password_env.as_deref());
        let password = file::secret(&what, user.password.as_ref(), file, variable)?;
        let token = |token: &file::ApiTokenEntry| {
            let what = format!("api_tokens {}", token.name);
            let (file, variable) = (token.value_file.as_deref(), token.value_env.as_deref());
            file::secret(&what, token.value.as_ref(), file, variable)?
                .ok_or_else(|| Error::invalid(what, "needs value, value_file or value_env."))
        };
        Ok(UserSecrets { password, api_tokens: user.api_tokens.iter().map(token).collect::<Result<_, _>>()? })
    }
}

fn application_secrets(application: &ApplicationEntry) -> Result<Vec<Secret>, Error> {
    let secret = |secret: &file::SecretEntry| {
        let what = format!("secrets {} of {}", secret.name, application.display_name);
        let (file, variable) = (secret.value_file.as_deref(), secret.value_env.as_deref());
        let value = file::secret(&what, secret.value.as_ref(), file, variable)?
            .ok_or_else(|| Error::invalid(what.clone(), "needs value, value_file or value_env."))?;
        if !(16..=256).contains(&value.expose().len()) {
            return Err(Error::invalid(what, "a client secret has 16 to 256 characters."));
        }
        Ok(value)
    };
    application.secrets.iter().map(secret).collect()
}

fn administrator(user: Guid, entry: &AdministratorEntry) -> Result<NewAdministrator, Error> {
    let role = AdministratorRole::find(&entry.role).ok_or_else(|| {
        let known: Vec<_> = ADMINISTRATOR_ROLES.iter().map(|role| role.id).collect();
        let why = format!("there is no role {:?}; there are {}.", entry.role, known.join(", "));
        Error::invalid("administrator_roles", why)
    })?;
    let app = |app: &AppEntry| match app {
        AppEntry::Number(number) => (number.to_string(), None),
        AppEntry::Name(name) => (name.clone(), None),
        AppEntry::Instance { app: AppName::Number(number), instance } => {
            (number.to_string(), Some(*instance))
        }
        AppEntry::Instance { app: AppName::Name(name), instance } => (name.clone(), Some(*instance)),
    };
    Ok(NewAdministrator {
        user: user.to_string(),
        role,
        apps: entry.apps.iter().map(app).collect(),
        groups: entry.groups.clone(),
        reports: entry.reports.clone(),
        read_only: entry.read_only,
    })
}

/// The password to set, or none when the user has it already.
async fn new_password(wanted: Option<&Secret>, hash: Option<&String>) -> Result<Option<Secret>, Error> {
    let Some(wanted) = wanted else { return Ok(None) };
    let same = verify_password(wanted.clone(), hash.cloned()).await.map_err(Error::internal)?;
    Ok((!same).then(|| wanted.clone()))
}

/// A permission of a resource, as the file names it.
struct NamedPermission {
    access: RequiredAccess,
    /// Object id of the resource's service principal.
    resource: Guid,
    value: String,
}

/// Looks up permissions: `Investigation.read` is one of Microsoft Cloud App Security;
/// `Microsoft Graph/Directory.Read.All` names the resource, by name or application id.
fn permissions(
    principals: &[ServicePrincipalDetails],
    names: &[String],
    as_roles: bool,
) -> Result<Vec<NamedPermission>, Error> {
    let key = if as_roles { "application_permissions" } else { "delegated_permissions" };
    let mut found = Vec::new();
    for name in names {
        let (resource, value) = name.rsplit_once('/').unwrap_or(("Microsoft Cloud App Security", name));
        let api = principals.iter().find(|p| {
            p.principal.display_name.eq_ignore_ascii_case(resource)
                || resource.parse::<Guid>().is_ok_and(|id| id == p.principal.app_id)
        });
        let api =
            api.ok_or_else(|| Error::invalid(key, format!("{name:?}: there is no resource {resource:?}.")))?;
        let same = |v: &str| v.eq_ignore_ascii_case(value);
        let id = if as_roles {
            api.application.app_roles.iter().find(|r| same(&r.value)).map(|r| (r.id, r.value.clone()))
        } else {
            api.application.scopes.iter().find(|s| same(&s.value)).map(|s| (s.id, s.value.clone()))
        };
        let (id, value) = id
            .ok_or_else(|| Error::invalid(key, format!("{resource} has no such permission as {value:?}.")))?;
        let access = RequiredAccess { resource_app_id: api.principal.app_id, id, is_role: as_roles };
        found.push(NamedPermission { access, resource: api.principal.id, value });
    }
    Ok(found)
}

fn by_kind(entry: &RedirectUrisEntry) -> Vec<(RedirectUriKind, Vec<String>)> {
    vec![
        (RedirectUriKind::Web, entry.web.clone()),
        (RedirectUriKind::Spa, entry.spa.clone()),
        (RedirectUriKind::PublicClient, entry.public_client.clone()),
    ]
}

fn redirect_uris(entry: &RedirectUrisEntry) -> Vec<RedirectUri> {
    let of = |(kind, uris): (RedirectUriKind, Vec<String>)| {
        uris.into_iter().map(move |uri| RedirectUri { uri, kind })
    };
    by_kind(entry).into_iter().flat_map(of).collect()
}

fn other(wanted: &str, known: &str) -> Option<String> {
    (wanted.trim() != known).then(|| wanted.to_string())
}
