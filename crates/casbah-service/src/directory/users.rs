//! People.

use casbah_authority::{Caller, check_new_password, hash_password};
use casbah_model::{Guid, Secret, TenantId, Timestamp, User, UserDetails};
use casbah_store::{
    Search, Tx, audit, pending_sign_ins, sign_in_attempts, tenant_settings, tenants, token_families, users,
};
use serde_json::{Value as Json, json};

use super::names;
use super::rights::{Right, check, keeping_an_administrator};
use crate::{Error, Service};

/// A person to be made.
#[derive(Clone, Debug, Default)]
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
    /// `mailNickname`, if it is not the first part of the sign-in name.
    pub mail_nickname: Option<String>,
    /// Whether the person belongs elsewhere.
    pub guest: bool,
    /// Whether the person may sign in.
    pub enabled: bool,
    /// The password; without one nobody can sign in with a password.
    pub password: Option<Secret>,
    /// Whether the first sign-in must choose another.
    pub must_change_password: bool,
}

/// What to change about a person; what is none stays, and what is none within is taken away.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// Sign-in name.
    pub user_principal_name: Option<String>,
    /// Full name.
    pub display_name: Option<String>,
    /// First name.
    pub given_name: Option<Option<String>>,
    /// Family name.
    pub surname: Option<Option<String>>,
    /// Address for mail.
    pub mail: Option<Option<String>>,
    /// `mailNickname`.
    pub mail_nickname: Option<String>,
    /// Whether the person belongs elsewhere.
    pub guest: Option<bool>,
    /// Whether the person may sign in.
    pub enabled: Option<bool>,
    /// A new password; ends every session and token of the person.
    pub password: Option<Secret>,
    /// Whether the next sign-in must choose another password.
    pub must_change_password: Option<bool>,
}

impl UserChange {
    /// Whether there is anything to change.
    pub fn is_any(&self) -> bool {
        let names = [&self.user_principal_name, &self.display_name, &self.mail_nickname];
        let more = [&self.given_name, &self.surname, &self.mail];
        let flags = [self.guest, self.enabled, self.must_change_password];
        names.iter().any(|n| n.is_some())
            || more.iter().any(|n| n.is_some())
            || flags.iter().any(Option::is_some)
            || self.password.is_some()
    }

    /// Whether it is about more than names.
    fn decides_who(&self, user: &User) -> bool {
        self.user_principal_name.as_ref().is_some_and(|name| *name != user.user_principal_name)
            || self.mail.as_ref().is_some_and(|mail| *mail != user.mail)
            || self.enabled.is_some_and(|enabled| enabled != user.enabled)
            || self.guest.is_some_and(|guest| guest != user.details.guest)
            || self.password.is_some()
            || self.must_change_password.is_some()
    }
}

impl Service {
    /// Makes a person.
    pub async fn create_user(&self, caller: &Caller, new: NewUser) -> Result<User, Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let mut user = User {
            id: new.id.unwrap_or_else(Guid::random),
            user_principal_name: new.user_principal_name,
            display_name: names::display_name("displayName", &new.display_name)?,
            given_name: optional_name("givenName", new.given_name.as_deref())?,
            surname: optional_name("surname", new.surname.as_deref())?,
            mail: optional_name("mail", new.mail.as_deref())?,
            enabled: new.enabled,
            password_hash: None,
            created: now,
            sessions_valid_from: now,
            details: UserDetails {
                mail_nickname: new.mail_nickname.as_deref().map(names::mail_nickname).transpose()?,
                guest: new.guest,
                must_change_password: new.must_change_password,
                ..UserDetails::default()
            },
        };
        if let Some(password) = new.password {
            let names = [user.user_principal_name.as_str(), &user.display_name];
            user.password_hash = Some(self.new_password(tenant, &names, password).await?);
            user.details.password_changed = Some(now);
        }
        let template = caller.audit(now, "create user", "user", user.id, json!({}));
        let caller = caller.clone();
        self.store
            .write(move |tx| {
                check(tx, &caller, Right::CreateUser, None)?;
                let mut user = user.clone();
                let domains = tenants::find(tx, tenant)?.ok_or(Error::NotFound)?.domains;
                user.user_principal_name = names::user_principal_name(&user.user_principal_name, &domains)?;
                check_name_is_free(tx, tenant, &user)?;
                users::insert(tx, tenant, &user)?;
                let record = template.changed(user.id, &Json::Null, &facts(&user));
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
        mut change: UserChange,
    ) -> Result<User, Error> {
        let (tenant, now, key) = (caller.tenant, self.clock.now(), id_or_name.to_string());
        change.display_name =
            change.display_name.map(|n| names::display_name("displayName", &n)).transpose()?;
        for (field, name) in [
            ("givenName", &mut change.given_name),
            ("surname", &mut change.surname),
            ("mail", &mut change.mail),
        ] {
            if let Some(given) = name {
                *given = optional_name(field, given.as_deref())?;
            }
        }
        change.mail_nickname = change.mail_nickname.as_deref().map(names::mail_nickname).transpose()?;
        let password_hash = match change.password.clone() {
            Some(password) => {
                let user = self.fetch_user(caller, id_or_name).await?;
                let names = [user.user_principal_name.as_str(), &user.display_name];
                Some(self.new_password(tenant, &names, password).await?)
            }
            None => None,
        };
        let (caller, template) = (caller.clone(), caller.audit(now, "change user", "user", "", json!({})));
        self.store
            .write(move |tx| {
                let before = find_user(tx, tenant, &key)?;
                check(tx, &caller, Right::ChangeUser, Some(before.id))?;
                if change.decides_who(&before) {
                    check(tx, &caller, Right::ChangeSignIn, Some(before.id))?;
                }
                let mut user = apply(before.clone(), &change, password_hash.as_ref(), now);
                if change.user_principal_name.is_some() {
                    let domains = tenants::find(tx, tenant)?.ok_or(Error::NotFound)?.domains;
                    user.user_principal_name =
                        names::user_principal_name(&user.user_principal_name, &domains)?;
                    check_name_is_free(tx, tenant, &user)?;
                }
                if password_hash.is_some() || (before.enabled && !user.enabled) {
                    token_families::revoke_of_user(tx, tenant, user.id, now)?;
                }
                if password_hash.is_some() {
                    // Whoever guessed may have been let in: nothing is familiar any more.
                    sign_in_attempts::clear_account(tx, tenant, user.id)?;
                    sign_in_attempts::forget_places(tx, tenant, user.id)?;
                    pending_sign_ins::end_of_user(tx, tenant, user.id, now)?;
                }
                keeping_an_administrator(tx, tenant, |tx| Ok(users::save(tx, tenant, &user)?))?;
                let mut record = template.changed(user.id, &facts(&before), &facts(&user));
                if password_hash.is_some() {
                    record.details["after"]["password"] = "set".into();
                }
                audit::append(tx, tenant, &record)?;
                Ok(user)
            })
            .await
    }

    /// Checks a new password of a person with these names against the tenant's rules, and hashes it.
    async fn new_password(
        &self,
        tenant: TenantId,
        names: &[&str],
        password: Secret,
    ) -> Result<String, Error> {
        let settings = self.store.read(move |tx| tenant_settings::find(tx, tenant)).await?.sign_in;
        check_new_password(&settings, names, &password).map_err(|why| Error::invalid("password", why))?;
        hash_password(password).await.map_err(Error::internal)
    }

    /// Signs a person out everywhere: sessions end, and every token that was issued is refused.
    pub async fn revoke_sessions(&self, caller: &Caller, id_or_name: &str) -> Result<(), Error> {
        let (tenant, now, key) = (caller.tenant, self.clock.now(), id_or_name.to_string());
        let (caller, template) =
            (caller.clone(), caller.audit(now, "revoke sign-ins", "user", "", json!({})));
        self.store
            .write(move |tx| {
                let mut user = find_user(tx, tenant, &key)?;
                let own = matches!(&caller.principal,
                    casbah_authority::Principal::User { id, .. } if *id == user.id);
                if !own {
                    check(tx, &caller, Right::SignOut, Some(user.id))?;
                }
                let valid_from =
                    |user: &User| json!({ "signInSessionsValidFrom": user.sessions_valid_from.iso() });
                let before = valid_from(&user);
                user.sessions_valid_from = now;
                token_families::revoke_of_user(tx, tenant, user.id, now)?;
                users::save(tx, tenant, &user)?;
                let mut record = template.changed(user.id, &before, &valid_from(&user));
                record.details["userPrincipalName"] = user.user_principal_name.as_str().into();
                Ok(audit::append(tx, tenant, &record)?)
            })
            .await
    }

    /// Puts a person among the deleted items: nothing that was issued for them works any more.
    pub async fn delete_user(&self, caller: &Caller, id_or_name: &str) -> Result<(), Error> {
        let (tenant, now, key) = (caller.tenant, self.clock.now(), id_or_name.to_string());
        let (caller, template) = (caller.clone(), caller.audit(now, "delete user", "user", "", json!({})));
        self.store
            .write(move |tx| {
                let mut user = find_user(tx, tenant, &key)?;
                check(tx, &caller, Right::ChangeSignIn, Some(user.id))?;
                let record = template.changed(user.id, &facts(&user), &Json::Null);
                // What was open stays closed, also when the person comes back.
                user.sessions_valid_from = now;
                users::save(tx, tenant, &user)?;
                token_families::revoke_of_user(tx, tenant, user.id, now)?;
                keeping_an_administrator(tx, tenant, |tx| Ok(users::soft_delete(tx, tenant, user.id, now)?))?;
                Ok(audit::append(tx, tenant, &record)?)
            })
            .await
    }

    /// The names of the directory roles and the ids of the groups that a person holds; see
    /// [`Service::list_memberships`] for the objects.
    pub async fn list_roles_of_user(
        &self,
        caller: &Caller,
        id_or_name: &str,
    ) -> Result<Vec<&'static casbah_model::Role>, Error> {
        let (tenant, key) = (caller.tenant, id_or_name.to_string());
        self.store
            .read(move |tx| {
                let user = find_user(tx, tenant, &key)?;
                Ok(users::roles(tx, tenant, user.id)?)
            })
            .await
    }
}

fn apply(mut user: User, change: &UserChange, password_hash: Option<&String>, now: Timestamp) -> User {
    if password_hash.is_some() || (change.enabled == Some(false) && user.enabled) {
        // What was open stays closed, also when the user is enabled again.
        user.sessions_valid_from = now;
    }
    let renamed = change.user_principal_name.clone();
    user.user_principal_name = renamed.unwrap_or(user.user_principal_name);
    user.display_name = change.display_name.clone().unwrap_or(user.display_name);
    user.given_name = change.given_name.clone().unwrap_or(user.given_name);
    user.surname = change.surname.clone().unwrap_or(user.surname);
    user.mail = change.mail.clone().unwrap_or(user.mail);
    user.enabled = change.enabled.unwrap_or(user.enabled);
    user.details.guest = change.guest.unwrap_or(user.details.guest);
    user.details.mail_nickname = change.mail_nickname.clone().or(user.details.mail_nickname);
    if let Some(hash) = password_hash {
        user.password_hash = Some(hash.clone());
        user.details.password_changed = Some(now);
        // A new password counts as chosen unless the administrator says otherwise.
        user.details.must_change_password = false;
    }
    user.details.must_change_password =
        change.must_change_password.unwrap_or(user.details.must_change_password);
    user
}

/// What the audit trail keeps of a person.
pub(super) fn facts(user: &User) -> Json {
    json!({
        "userPrincipalName": user.user_principal_name,
        "displayName": user.display_name,
        "givenName": user.given_name,
        "surname": user.surname,
        "mail": user.mail,
        "accountEnabled": user.enabled,
        "userType": if user.details.guest { "Guest" } else { "Member" },
        "forceChangePasswordNextSignIn": user.details.must_change_password,
        "externalUserState": user.details.invitation.as_ref().map(casbah_model::Invitation::state),
    })
}

/// A person by object id or sign-in name.
pub(crate) fn find_user(tx: &mut Tx<'_>, tenant: TenantId, id_or_name: &str) -> Result<User, Error> {
    let found = match id_or_name.parse::<Guid>() {
        Ok(id) => users::find(tx, tenant, id)?,
        Err(_) => users::find_by_name(tx, tenant, id_or_name)?,
    };
    found.ok_or(Error::NotFound)
}

fn check_name_is_free(tx: &mut Tx<'_>, tenant: TenantId, user: &User) -> Result<(), Error> {
    match users::find_by_name(tx, tenant, &user.user_principal_name)? {
        Some(other) if other.id != user.id => {
            Err(Error::Conflict("another user has this userPrincipalName already.".to_string()))
        }
        _ => Ok(()),
    }
}

fn optional_name(field: &str, name: Option<&str>) -> Result<Option<String>, Error> {
    name.map(|n| names::display_name(field, n)).transpose()
}
