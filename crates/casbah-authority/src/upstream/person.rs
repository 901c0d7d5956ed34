//! Who somebody is here for whom a provider vouches.
//!
//! A person is known by provider and subject. A mail address alone never leads to anybody but to a guest who
//! was invited under it and has not been here yet; and only a provider that vouches for its domain counts.

use casbah_model::names::MailAddress;
use casbah_model::{
    Guid, IdentityProvider, Invitation, Provisioning, Tenant, TenantId, User, UserDetails, UserIdentity,
};
use casbah_store::audit::{self, AuditRecord};
use casbah_store::{Tx, identity_providers, tenants, user_identities, users};
use serde_json::{Value as Json, json};

use super::id_token::Vouched;
use crate::codes;
use crate::error::OAuthError;
use crate::sign_in::Desk;

impl Desk {
    /// The person; made, or accepted as the guest that was invited, if there is reason to.
    pub(super) fn person(
        &self,
        tx: &mut Tx<'_>,
        tenant: TenantId,
        provider: &IdentityProvider,
        vouched: &Vouched,
        guest: Option<Guid>,
    ) -> Result<User, OAuthError> {
        let nobody = || unknown(provider, "is not known here. An administrator can invite you.");
        let known = user_identities::find(tx, tenant, provider.id, &vouched.subject)?;
        if let Some(known) = known {
            if guest.is_some_and(|guest| guest != known.user) {
                return Err(unknown(provider, "belongs to somebody else here, who was not the one invited."));
            }
            let user = users::find(tx, tenant, known.user)?.ok_or_else(nobody)?;
            check_enabled(&user)?;
            return self.with_names(tx, tenant, user, vouched);
        }
        let Some(mail) = &vouched.mail else {
            let why = "is not known here, and the provider does not vouch for a mail address of it.";
            return Err(unknown(provider, why));
        };
        let tenant_of_mail = tenants::find(tx, tenant)?.ok_or_else(nobody)?;
        let others = users::find_by_mail(tx, tenant, &mail.to_string())?;
        let is_home = provider.vouches_for(&mail.domain, &identity_providers::list(tx, tenant)?);
        match (others.as_slice(), guest) {
            ([user], guest) if is_home && is_invited(tx, tenant, user, guest)? => {
                check_enabled(user)?;
                self.accept(tx, tenant, provider, vouched, user.clone())
            }
            (_, Some(_)) => Err(unknown(
                provider,
                "does not have the mail address that was invited, or was here already.",
            )),
            ([], None) if is_home => self.provision(tx, &tenant_of_mail, provider, vouched, mail),
            // Somebody with that address is there: that must not be told from nobody, but to its owner.
            _ => Err(nobody()),
        }
    }

    /// Adds the account at the provider to a person who has just signed in.
    pub(super) fn link(
        &self,
        tx: &mut Tx<'_>,
        tenant: TenantId,
        provider: &IdentityProvider,
        vouched: &Vouched,
        user: &User,
    ) -> Result<(), OAuthError> {
        if user_identities::find(tx, tenant, provider.id, &vouched.subject)?.is_some() {
            return Err(unknown(provider, "is added to an account here already."));
        }
        let own = user_identities::of_user(tx, tenant, user.id)?;
        if own.iter().any(|identity| identity.provider == provider.id) {
            return Err(unknown(provider, "cannot be added beside another one of that provider."));
        }
        self.add_identity(tx, tenant, provider, vouched, user.id)?;
        let facts = json!({ "identityProvider": provider.id, "issuer": provider.issuer });
        Ok(audit::append(tx, tenant, &self.record(1, user.id, "link identity", facts))?)
    }

    fn add_identity(
        &self,
        tx: &mut Tx<'_>,
        tenant: TenantId,
        provider: &IdentityProvider,
        vouched: &Vouched,
        user: Guid,
    ) -> Result<(), OAuthError> {
        let subject = vouched.subject.clone();
        let identity = UserIdentity { provider: provider.id, subject, user, created: self.now };
        Ok(user_identities::insert(tx, tenant, &identity)?)
    }

    /// The guest comes in for the first time.
    fn accept(
        &self,
        tx: &mut Tx<'_>,
        tenant: TenantId,
        provider: &IdentityProvider,
        vouched: &Vouched,
        mut user: User,
    ) -> Result<User, OAuthError> {
        let before = facts(&user);
        if let Some(invitation) = &mut user.details.invitation {
            *invitation = Invitation { accepted: true, changed: self.now, ..invitation.clone() };
        }
        take_names(&mut user, vouched);
        users::save(tx, tenant, &user)?;
        self.add_identity(tx, tenant, provider, vouched, user.id)?;
        let details = json!({ "identityProvider": provider.id });
        let record = self.record(1, user.id, "accept invitation", details);
        audit::append(tx, tenant, &record.changed(user.id, &before, &facts(&user)))?;
        Ok(user)
    }

    /// Makes a person at the first sign-in, if the provider is registered for that.
    fn provision(
        &self,
        tx: &mut Tx<'_>,
        tenant: &Tenant,
        provider: &IdentityProvider,
        vouched: &Vouched,
        mail: &MailAddress,
    ) -> Result<User, OAuthError> {
        let of_tenant = tenant.domains.contains(&mail.domain);
        let (name, guest) = match provider.details.provisioning {
            // Who has an address of the organisation's own is no guest; and whoever reads it must be sure.
            Provisioning::Guest if !of_tenant => (self.free_guest_name(tx, tenant, mail)?, true),
            Provisioning::Member if of_tenant && provider.details.domains.contains(&mail.domain) => {
                if !mail.is_sign_in_name() {
                    return Err(unknown(provider, "has a mail address that cannot be a sign-in name here."));
                }
                (mail.to_string(), false)
            }
            _ => return Err(unknown(provider, "is not known here. An administrator can invite you.")),
        };
        if users::find_by_name(tx, tenant.id, &name)?.is_some() {
            let why = "has the name of somebody who is here already. Sign in with your password and add it at /account.";
            return Err(unknown(provider, why));
        }
        let user = User {
            id: self.draws.ids.guid(2),
            display_name: vouched.name.clone().unwrap_or_else(|| mail.to_string()),
            given_name: vouched.given_name.clone(),
            surname: vouched.family_name.clone(),
            mail: Some(mail.to_string()),
            enabled: true,
            password_hash: None,
            created: self.now,
            sessions_valid_from: self.now,
            details: UserDetails { guest, ..UserDetails::default() },
            user_principal_name: name,
        };
        users::insert(tx, tenant.id, &user)?;
        self.add_identity(tx, tenant.id, provider, vouched, user.id)?;
        let details = json!({ "identityProvider": provider.id });
        let record = AuditRecord {
            id: self.draws.audit[1].clone(),
            ..AuditRecord::new(self.now, ("system", ""), "create user", ("user", user.id), details)
        };
        audit::append(tx, tenant.id, &record.changed(user.id, &Json::Null, &facts(&user)))?;
        Ok(user)
    }

    /// A sign-in name for a guest. Two addresses can differ in characters that names do not have.
    fn free_guest_name(
        &self,
        tx: &mut Tx<'_>,
        tenant: &Tenant,
        mail: &MailAddress,
    ) -> Result<String, OAuthError> {
        let domain = tenant.domains.first().map_or("", String::as_str);
        let plain = mail.guest_name("", domain);
        match users::find_by_name(tx, tenant.id, &plain)? {
            None => Ok(plain),
            Some(_) => {
                let more: String = self.draws.ids.guid(3).to_string().chars().take(8).collect();
                Ok(mail.guest_name(&format!("_{more}"), domain))
            }
        }
    }

    /// Takes over names that have changed.
    fn with_names(
        &self,
        tx: &mut Tx<'_>,
        tenant: TenantId,
        mut user: User,
        vouched: &Vouched,
    ) -> Result<User, OAuthError> {
        let before = facts(&user);
        take_names(&mut user, vouched);
        let after = facts(&user);
        if before != after {
            users::save(tx, tenant, &user)?;
            let record = self.record(1, user.id, "change user", json!({}));
            audit::append(tx, tenant, &record.changed(user.id, &before, &after))?;
        }
        Ok(user)
    }
}

fn take_names(user: &mut User, vouched: &Vouched) {
    if let Some(name) = &vouched.name {
        user.display_name.clone_from(name);
    }
    for (own, theirs) in
        [(&mut user.given_name, &vouched.given_name), (&mut user.surname, &vouched.family_name)]
    {
        if theirs.is_some() {
            own.clone_from(theirs);
        }
    }
}

/// Whether a person is a guest who waits for this: the one of the invitation, or whoever holds no role, for
/// nobody becomes an administrator by an address alone.
fn is_invited(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    user: &User,
    guest: Option<Guid>,
) -> Result<bool, OAuthError> {
    let waits = user.details.invitation.as_ref().is_some_and(|invitation| !invitation.accepted);
    Ok(waits
        && match guest {
            Some(guest) => guest == user.id,
            None => users::roles(tx, tenant, user.id)?.is_empty(),
        })
}

fn check_enabled(user: &User) -> Result<(), OAuthError> {
    if user.enabled { Ok(()) } else { Err(OAuthError::plain(codes::USER_DISABLED).of_user(user.id)) }
}

/// 50020 with a reason.
fn unknown(provider: &IdentityProvider, why: &str) -> OAuthError {
    OAuthError::new(codes::UNKNOWN_ACCOUNT, format!("The account of {} {why}", provider.display_name))
}

/// What the audit trail keeps of a person.
fn facts(user: &User) -> Json {
    json!({
        "userPrincipalName": user.user_principal_name,
        "displayName": user.display_name,
        "givenName": user.given_name,
        "surname": user.surname,
        "mail": user.mail,
        "userType": if user.details.guest { "Guest" } else { "Member" },
        "externalUserState": user.details.invitation.as_ref().map(Invitation::state),
    })
}
