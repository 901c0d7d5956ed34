//! What the directory knows of people becomes entities: in the transaction that changes a person, so that
//! the two never differ.

use casbah_model::activity::CASBAH_APP;
use casbah_model::{EntityAddress, EntityFacts, EntityStatus, Guid, RecordId, TenantId, User};

use super::record_of;
use crate::{Result, Tx, Value};

/// The domain of an address, in lower case.
pub(crate) fn domain_of(address: &str) -> Option<String> {
    let (name, domain) = address.trim().rsplit_once('@')?;
    let domain = domain.to_lowercase();
    (!name.is_empty() && !domain.is_empty() && !domain.contains(char::is_whitespace)).then_some(domain)
}

fn status(user: &User) -> EntityStatus {
    let pending = user.details.invitation.as_ref().is_some_and(|i| i.state() != ACCEPTED);
    match (user.enabled, pending) {
        (false, _) => EntityStatus::Suspended,
        (true, true) => EntityStatus::Staged,
        (true, false) => EntityStatus::Active,
    }
}

/// `externalUserState` of a guest who came.
const ACCEPTED: &str = "Accepted";

/// Writes down a person of the directory as they are now. Accounts known by one of their addresses, and
/// nobody else's, become theirs.
pub fn put(tx: &mut Tx<'_>, tenant: TenantId, user: &User) -> Result<()> {
    let address = EntityAddress::of_directory(user.id);
    let record = record_of(tenant, &address);
    // The sign-in name of a guest is in a domain of this tenant, and no address of theirs.
    let guest = user.details.guest;
    let email = user.mail.as_ref().or_else(|| (!guest).then_some(&user.user_principal_name));
    let email_key = email.map(|mail| mail.trim().to_lowercase());
    let name_key = user.user_principal_name.trim().to_lowercase();
    let sql = "insert into entities (tenant, record, saas, inst, id, id_key, kind, of_directory, application, \
               display_name, display_key, user_name, name_key, email, email_key, domain, external, status, admin, \
               last_seen, score, facts) values (?1, ?2, ?3, 0, ?4, ?4, 2, 1, 0, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, \
               ?13, 0, 0, -1, ?14) on conflict (tenant, record) do update set kind = 2, of_directory = 1, \
               display_name = excluded.display_name, display_key = excluded.display_key, \
               user_name = excluded.user_name, name_key = excluded.name_key, email = excluded.email, \
               email_key = excluded.email_key, domain = excluded.domain, external = excluded.external, \
               status = excluded.status, parent = null";
    let values = [
        tenant.into(),
        (&record).into(),
        address.saas.into(),
        address.id.as_str().into(),
        (&user.display_name).into(),
        user.display_name.trim().to_lowercase().into(),
        (&user.user_principal_name).into(),
        name_key.as_str().into(),
        email.into(),
        email_key.as_deref().into(),
        email.and_then(|mail| domain_of(mail)).into(),
        guest.then_some(true).into(),
        status(user).number().into(),
        Value::json(&EntityFacts::default()),
    ];
    tx.execute(sql, &values)?;
    let sql = "update entities set display_name = ?4, display_key = ?5, status = ?6 \
               where tenant = ?1 and saas = ?2 and inst = 0 and id_key = ?3";
    let values = [
        tenant.into(),
        CASBAH_APP.into(),
        address.id.as_str().into(),
        (&user.display_name).into(),
        user.display_name.trim().to_lowercase().into(),
        status(user).number().into(),
    ];
    tx.execute(sql, &values)?;
    let mail = email_key.unwrap_or_else(|| name_key.clone());
    link(tx, tenant, &record, [&name_key, &mail])
}

/// Gives a person the accounts that are known by one of these addresses and are nobody else's.
pub(super) fn link(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    person: &RecordId,
    [first, second]: [&str; 2],
) -> Result<()> {
    let sql = "update entities set parent = ?2 where tenant = ?1 and kind = 1 and application = 0 \
               and email_key in (?3, ?4) and (parent is null or parent in \
                 (select p.record from entities p where p.tenant = ?1 and p.status = 4))";
    tx.execute(sql, &[tenant.into(), person.into(), first.into(), second.into()])?;
    Ok(())
}

/// Notes that a person is deleted: they stay, as do their accounts.
pub fn deleted(tx: &mut Tx<'_>, tenant: TenantId, user: Guid) -> Result<()> {
    let sql = "update entities set status = 4 where tenant = ?1 and id_key = ?2 and saas in (?3, ?4)";
    let directory = casbah_model::DIRECTORY_APP;
    tx.execute(sql, &[tenant.into(), user.into(), directory.into(), CASBAH_APP.into()])?;
    Ok(())
}
