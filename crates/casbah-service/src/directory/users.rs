//! People and their roles.

use casbah_authority::{Caller, hash_password};
use casbah_model::{Guid, Role, Secret, TenantId, User, UserDetails};
use casbah_store::users::Failures;
use casbah_store::{Search, Tx, audit, tenants, token_families, users};
use serde_json::json;

use super::{check_may_change_administrator, names};
use crate::{Error, Service};

/// A person to be made.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// Object id; drawn when none is given.
    pub id: Option<Guid>,
    /// Sign-in name.
    pub user_principal_name: String,
    /// Full name.
    pub display_name: String,
    /// First name, if known.
    pub given_name: Option<String>,
    /// Family name, if known.
    pub surname: Option<String>,
    /// Address for mail, if known.
    pub mail: Option<String>,
    /// Whether the person may sign in.
    pub enabled: bool,
    /// The password; without one nobody can sign in with a password.
    pub password: Option<Secret>,
}

/// What to change about a person; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// Full name.
    pub display_name: Option<String>,
    /// First name.
    pub given_name: Option<String>,
    /// Family name.
    pub surname: Option<String>,
    /// Address for mail.
    pub mail: Option<String>,
    /// Whether the person may sign in.
    pub enabled: Option<bool>,
    /// A new password; ends every session and token of the person.
    pub password: Option<Secret>,
}

impl UserChange {
    /// Whether there is anything to change.
    pub fn is_any(&self) -> bool {
        let UserChange { display_name, given_name, surname, mail, enabled, password } = self;
        let names = [display_name, given_name, surname, mail];
        names.iter().any(|n| n.is_some()) || enabled.is_some() || password.is_some()
    }
}

impl Service {
    /// Makes a person.
    pub async fn create_user(&self, caller: &Caller, new: NewUser) -> Result<User, Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let display_name = names::display_name("displayName", &new.display_name)?;
        let given_name = optional_name("givenName", new.given_name.as_deref())?;
        let surname = optional_name("surname", new.surname.as_deref())?;
        let mail = optional_name("mail", new.mail.as_deref())?;
        let password_hash = match new.password {
            Some(password) => Some(hash(password).await?),
            None => None,
        };
        let user = User {
            id: new.id.unwrap_or_else(Guid::random),
            user_principal_name: new.user_principal_name,
            display_name,
            given_name,
            surname,
            mail,
            enabled: new.enabled,
            password_hash,
            created: now,
            sessions_valid_from: now,
            details: UserDetails::default(),
        };
        let details = json!({ "userPrincipalName": user.user_principal_name });
        let record = caller.audit(now, "create user", "user", user.id, details);
        self.store
            .write(move |tx| {
                let mut user = user.clone();
                let domains = tenants::find(tx, tenant)?.ok_or(Error::NotFound)?.domains;
                user.user_principal_name = names::user_principal_name(&user.user_principal_name, &domains)?;
                if users::find_by_name(tx, tenant, &user.user_principal_name)?.is_some() {
                    return Err(Error::Conflict(
                        "another user has this userPrincipalName already.".to_string(),
                    ));
                }
                users::insert(tx, tenant, &user)?;
                audit::append(tx, tenant, &record)?;
                Ok(user)
            })
            .await
    }

    /// A page of the people who fulfil a condition.
    pub async fn search_users(&self, caller: &Caller, wanted: Search) -> Result<Vec<User>, Error> {
        let tenant = caller.tenant;
        self.store.read(move |tx| Ok(users::search(tx, tenant, &wanted)?)).await
    }

    /// How many people fulfil a condition, on all pages.
    pub async fn count_users(&self, caller: &Caller, wanted: Search) -> Result<i64, Error> {
        let tenant = caller.tenant;
        self.store.read(move |tx| Ok(users::count(tx, tenant, &wanted)?)).await
    }

    /// A person by object id or sign-in name.
    pub async fn fetch_user(&self, caller: &Caller, id_or_name: &str) -> Result<User, Error> {
        let (tenant, key) = (caller.tenant, id_or_name.to_string());
        self.store.read(move |tx| find_user(tx, tenant, &key)).await
    }

    /// Changes a person.
    pub async fn change_user(
        &self,
        caller: &Caller,
        id_or_name: &str,
        change: UserChange,
    ) -> Result<User, Error> {
        let (tenant, now, key) = (caller.tenant, self.clock.now(), id_or_name.to_string());
        let display_name = change.display_name.map(|n| names::display_name("displayName", &n)).transpose()?;
        let given_name = optional_name("givenName", change.given_name.as_deref())?;
        let surname = optional_name("surname", change.surname.as_deref())?;
        let mail = optional_name("mail", change.mail.as_deref())?;
        let password_hash = match change.password {
            Some(password) => Some(hash(password).await?),
            None => None,
        };
        let enabled = change.enabled;
        let details = json!({
            "displayName": display_name, "enabled": enabled, "password": password_hash.as_ref().map(|_| "set"),
        });
        let (caller, template) = (caller.clone(), caller.audit(now, "change user", "user", "", details));
        self.store
            .write(move |tx| {
                let mut user = find_user(tx, tenant, &key)?;
                let sensitive = password_hash.is_some() || enabled.is_some_and(|e| e != user.enabled);
                if sensitive && users::roles(tx, tenant, user.id)?.iter().any(|r| r.administers_directory) {
                    check_may_change_administrator(&caller)?;
                }
                if enabled == Some(false) && user.enabled {
                    for role in users::roles(tx, tenant, user.id)? {
                        check_not_last(tx, tenant, &user, role)?;
                    }
                }
                if password_hash.is_some() || (enabled == Some(false) && user.enabled) {
                    // What was open stays closed, also when the user is enabled again.
                    user.sessions_valid_from = now;
                    token_families::revoke_of_user(tx, tenant, user.id, now)?;
                }
                user.display_name = display_name.clone().unwrap_or(user.display_name);
                user.given_name = given_name.clone().or(user.given_name);
                user.surname = surname.clone().or(user.surname);
                user.mail = mail.clone().or(user.mail);
                user.enabled = enabled.unwrap_or(user.enabled);
                if let Some(hash) = &password_hash {
                    user.password_hash = Some(hash.clone());
                    users::set_failures(tx, tenant, user.id, Failures::default())?;
                }
                users::save(tx, tenant, &user)?;
                let mut record = template.clone();
                record.target = user.id.to_string();
                audit::append(tx, tenant, &record)?;
                Ok(user)
            })
            .await
    }

    /// The directory roles that a person holds.
    pub async fn list_roles_of_user(
        &self,
        caller: &Caller,
        id_or_name: &str,
    ) -> Result<Vec<&'static Role>, Error> {
        let (tenant, key) = (caller.tenant, id_or_name.to_string());
        self.store
            .read(move |tx| {
                let user = find_user(tx, tenant, &key)?;
                Ok(users::roles(tx, tenant, user.id)?)
            })
            .await
    }

    /// Gives a role to a person; giving it again changes nothing.
    pub async fn add_role(
        &self,
        caller: &Caller,
        id_or_name: &str,
        role: &'static Role,
    ) -> Result<(), Error> {
        let (tenant, now, key) = (caller.tenant, self.clock.now(), id_or_name.to_string());
        let template = caller.audit(now, "add role", "user", "", json!({ "role": role.name }));
        self.store
            .write(move |tx| {
                let user = find_user(tx, tenant, &key)?;
                if users::add_role(tx, tenant, user.id, role.template, now)? {
                    let mut record = template.clone();
                    record.target = user.id.to_string();
                    audit::append(tx, tenant, &record)?;
                }
                Ok(())
            })
            .await
    }

    /// Takes a role from a person, but not the last administrator's.
    pub async fn remove_role(
        &self,
        caller: &Caller,
        id_or_name: &str,
        role: &'static Role,
    ) -> Result<(), Error> {
        let (tenant, now, key) = (caller.tenant, self.clock.now(), id_or_name.to_string());
        let template = caller.audit(now, "remove role", "user", "", json!({ "role": role.name }));
        self.store
            .write(move |tx| {
                let user = find_user(tx, tenant, &key)?;
                if !users::roles(tx, tenant, user.id)?.contains(&role) {
                    return Err(Error::NotFound);
                }
                check_not_last(tx, tenant, &user, role)?;
                users::remove_role(tx, tenant, user.id, role.template)?;
                let mut record = template.clone();
                record.target = user.id.to_string();
                audit::append(tx, tenant, &record)?;
                Ok(())
            })
            .await
    }
}

/// A person by object id or sign-in name.
pub(crate) fn find_user(tx: &mut Tx<'_>, tenant: TenantId, id_or_name: &str) -> Result<User, Error> {
    let found = match id_or_name.parse::<Guid>() {
        Ok(id) => users::find(tx, tenant, id)?,
        Err(_) => users::find_by_name(tx, tenant, id_or_name)?,
    };
    found.ok_or(Error::NotFound)
}

/// Checks that a password is of a fitting length, and hashes it.
pub(crate) async fn hash(password: Secret) -> Result<String, Error> {
    let length = password.expose().chars().count();
    if !(8..=256).contains(&length) {
        return Err(Error::invalid("password", "must have 8 to 256 characters."));
    }
    hash_password(password).await.map_err(Error::internal)
}

fn optional_name(field: &str, name: Option<&str>) -> Result<Option<String>, Error> {
    name.map(|n| names::display_name(field, n)).transpose()
}

/// Keeps the last person who can administer the directory from being shut out.
fn check_not_last(tx: &mut Tx<'_>, tenant: TenantId, user: &User, role: &Role) -> Result<(), Error> {
    if role.administers_directory
        && user.enabled
        && users::count_enabled_with_role(tx, tenant, role.template)? <= 1
    {
        return Err(Error::Conflict(format!(
            "{} is the last one who can sign in as {}; make another first.",
            user.user_principal_name, role.name
        )));
    }
    Ok(())
}
