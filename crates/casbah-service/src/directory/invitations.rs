//! Inviting guests, and what they see of it.

use casbah_authority::{Caller, OfferedProvider, check_redirect_uri};
use casbah_model::names::MailAddress;
use casbah_model::{Guid, Invitation, Tenant, TenantId, User, UserDetails};
use casbah_store::{Tx, audit, identity_providers, tenants, users};
use serde_json::{Value as Json, json};

use super::names;
use super::rights::{Right, check};
use super::users::facts;
use crate::{Error, Service};

/// What an invitation's link is signed for.
const PURPOSE: &str = "invitation";

/// A guest to be invited.
#[derive(Clone, Debug)]
pub struct NewInvitation {
    /// Address for mail, under which a provider vouches for the guest.
    pub mail: String,
    /// Where the guest goes on afterwards.
    pub redirect_url: String,
    /// Full name; the address when there is none.
    pub display_name: Option<String>,
}

/// A guest who was invited.
#[derive(Clone, Debug)]
pub struct Invited {
    /// The guest.
    pub user: User,
    /// Where the guest accepts. Casbah sends no mail: whoever invites passes it on.
    pub redeem_url: String,
}

/// What the page of an invitation shows.
#[derive(Clone, Debug)]
pub struct InvitationShown {
    /// The tenant that invites.
    pub tenant: Tenant,
    /// The guest.
    pub guest: Guid,
    /// The address that was invited.
    pub mail: String,
    /// How far it is.
    pub invitation: Invitation,
    /// The providers that may vouch for the guest.
    pub providers: Vec<OfferedProvider>,
}

impl Service {
    /// Invites a guest. Inviting somebody again who has not accepted yet gives the same link.
    pub async fn invite_guest(&self, caller: &Caller, new: NewInvitation) -> Result<Invited, Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let mail = MailAddress::parse(&new.mail)
            .ok_or_else(|| Error::invalid("invitedUserEmailAddress", "is not a mail address."))?;
        check_redirect(&new.redirect_url)?;
        let display_name = match &new.display_name {
            Some(name) => names::display_name("invitedUserDisplayName", name)?,
            None => mail.to_string(),
        };
        let invitation = Invitation { accepted: false, changed: now, redirect_url: new.redirect_url.clone() };
        let (id, more) = (Guid::random(), Guid::random());
        let record = caller.audit(now, "invite guest", "user", id, json!({}));
        let caller = caller.clone();
        let user = self.store.write(move |tx| {
            check(tx, &caller, Right::CreateUser, None)?;
            let tenant_found = tenants::find(tx, tenant)?.ok_or(Error::NotFound)?;
            if tenant_found.domains.contains(&mail.domain) {
                let why = "is of this organisation: create the user instead of inviting it.";
                return Err(Error::invalid("invitedUserEmailAddress", why));
            }
            let details =
                UserDetails { guest: true, invitation: Some(invitation.clone()), ..UserDetails::default() };
            match users::find_by_mail(tx, tenant, &mail.to_string())?.pop() {
                None => {
                    let user = User {
                        id,
                        user_principal_name: free_name(tx, &tenant_found, &mail, more)?,
                        display_name: display_name.clone(),
                        given_name: None,
                        surname: None,
                        mail: Some(mail.to_string()),
                        enabled: true,
                        password_hash: None,
                        created: now,
                        sessions_valid_from: now,
                        details,
                    };
                    users::insert(tx, tenant, &user)?;
                    audit::append(tx, tenant, &record.changed(id, &Json::Null, &facts(&user)))?;
                    Ok(user)
                }
                Some(known) if known.details.invitation.as_ref().is_some_and(|i| !i.accepted) => {
                    let details =
                        UserDetails { invitation: Some(invitation.clone()), ..known.details.clone() };
                    let user = User { details, ..known.clone() };
                    users::save(tx, tenant, &user)?;
                    audit::append(tx, tenant, &record.changed(user.id, &facts(&known), &facts(&user)))?;
                    Ok(user)
                }
                Some(_) => {
                    Err(Error::Conflict("somebody with this mail address is here already.".to_string()))
                }
            }
        });
        let user = user.await?;
        let redeem_url = self.redeem_url(tenant, user.id);
        Ok(Invited { user, redeem_url })
    }

    /// What the page of an invitation shows to whoever has its link.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is no link of ours, or the guest is gone.
    pub async fn invitation(
        &self,
        tenant: &str,
        guest: &str,
        ticket: &str,
    ) -> Result<InvitationShown, Error> {
        let (Ok(tenant), Ok(guest)) = (tenant.parse::<TenantId>(), guest.parse::<Guid>()) else {
            return Err(Error::NotFound);
        };
        if !self.authority.check_url(PURPOSE, &signed(tenant, guest), ticket) {
            return Err(Error::NotFound);
        }
        self.store
            .read(move |tx| {
                let found = tenants::find(tx, tenant)?.ok_or(Error::NotFound)?;
                let user = users::find(tx, tenant, guest)?.filter(|user| user.enabled);
                let user = user.ok_or(Error::NotFound)?;
                let (Some(invitation), Some(mail)) = (user.details.invitation, user.mail) else {
                    return Err(Error::NotFound);
                };
                let all = identity_providers::list(tx, tenant)?;
                let domain = MailAddress::parse(&mail).map(|mail| mail.domain).unwrap_or_default();
                let vouching = all.iter().filter(|p| p.enabled && p.vouches_for(&domain, &all));
                let providers =
                    vouching.map(|p| OfferedProvider { id: p.id, name: p.display_name.clone() }).collect();
                Ok(InvitationShown { tenant: found, guest, mail, invitation, providers })
            })
            .await
    }

    fn redeem_url(&self, tenant: TenantId, guest: Guid) -> String {
        let ticket = self.authority.sign_url(PURPOSE, &signed(tenant, guest));
        let base = &self.settings.public_url;
        format!("{base}/invitations/redeem?tenant={tenant}&user={guest}&ticket={ticket}")
    }
}

fn signed(tenant: TenantId, guest: Guid) -> String {
    format!("{tenant}\n{guest}")
}

fn free_name(tx: &mut Tx<'_>, tenant: &Tenant, mail: &MailAddress, more: Guid) -> Result<String, Error> {
    let domain = tenant.domains.first().map_or("", String::as_str);
    let plain = mail.guest_name("", domain);
    if users::find_by_name(tx, tenant.id, &plain)?.is_none() {
        return Ok(plain);
    }
    let more: String = more.to_string().chars().take(8).collect();
    Ok(mail.guest_name(&format!("_{more}"), domain))
}

/// https, or this machine: the page links there.
fn check_redirect(text: &str) -> Result<(), Error> {
    let web = text.starts_with("https://") || text.starts_with("http://");
    match check_redirect_uri(text) {
        Ok(()) if web => Ok(()),
        _ => Err(Error::invalid("inviteRedirectUrl", "must be an https URL of at most 256 characters.")),
    }
}
