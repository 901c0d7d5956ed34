//! Entities that are sent in: what the sender says is kept, what it leaves out stays as it is known, and
//! what the directory knows of its own people goes before what others say of them.

use casbah_model::{
    Entity, EntityAddress, EntityFacts, EntityKind, EntityStatus, Reach, TenantId, Timestamp,
};

use super::of_directory::{domain_of, link};
use super::seen::person;
use super::{find, record_of};
use crate::{Result, Tx, Value};

/// An entity as somebody reports it; what is none is not said.
#[derive(Clone, PartialEq, Debug)]
pub struct SentEntity {
    /// Where it is found.
    pub address: EntityAddress,
    /// What it is.
    pub kind: EntityKind,
    /// Whether it is an application and no person.
    pub application: bool,
    /// Name for people.
    pub display_name: Option<String>,
    /// Main address.
    pub email: Option<String>,
    /// Domain, where it is not that of the address.
    pub domain: Option<String>,
    /// Whether it belongs to somebody else.
    pub external: Option<bool>,
    /// Organisational unit.
    pub organization: Option<String>,
    /// Whether it can be used.
    pub status: Option<EntityStatus>,
    /// Whether it is an administrator of its app.
    pub admin: Option<bool>,
    /// Its role there.
    pub role: Option<String>,
    /// When it last did something.
    pub last_seen: Option<Timestamp>,
    /// The person behind it.
    pub parent: Option<EntityAddress>,
    /// All the rest.
    pub facts: EntityFacts,
}

/// Writes an entity down; answers whether that changed anything.
pub fn put(tx: &mut Tx<'_>, tenant: TenantId, sent: &SentEntity) -> Result<bool> {
    let before = find(tx, tenant, &Reach::Everything, &sent.address)?;
    let mut facts = before.as_ref().map(|known| known.facts.clone()).unwrap_or_default();
    merge(&mut facts, &sent.facts);
    if before.as_ref().is_some_and(|known| known.of_directory) {
        let sql = "update entities set organization = coalesce(?3, organization), facts = ?4, \
                   last_seen = case when last_seen < ?5 then ?5 else last_seen end \
                   where tenant = ?1 and record = ?2";
        let values = [
            tenant.into(),
            record_of(tenant, &sent.address).into(),
            sent.organization.as_ref().into(),
            Value::json(&facts),
            sent.last_seen.map_or(0, |at| at.0).into(),
        ];
        tx.execute(sql, &values)?;
    } else {
        save(tx, tenant, sent, before.as_ref(), &facts)?;
    }
    Ok(find(tx, tenant, &Reach::Everything, &sent.address)? != before)
}

fn merge(known: &mut EntityFacts, sent: &EntityFacts) {
    for (known, sent) in [(&mut known.identifiers, &sent.identifiers), (&mut known.aliases, &sent.aliases)] {
        let new: Vec<String> = sent.iter().filter(|text| !known.contains(text)).cloned().collect();
        known.extend(new);
    }
    known.sid = sent.sid.clone().or(known.sid.take());
    known.id_type = sent.id_type.or(known.id_type);
    known.fake |= sent.fake;
    if !sent.sub_apps.is_empty() {
        known.sub_apps.clone_from(&sent.sub_apps);
    }
}

fn save(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    sent: &SentEntity,
    before: Option<&Entity>,
    facts: &EntityFacts,
) -> Result<()> {
    let record = record_of(tenant, &sent.address);
    let id = &sent.address.id;
    let email = sent.email.clone().or_else(|| before.and_then(|known| known.email.clone()));
    let email = email.or_else(|| domain_of(id).map(|_| id.clone()));
    let user_name = email.clone().unwrap_or_else(|| before.map_or(id, |known| &known.user_name).clone());
    let display_name = sent.display_name.clone().or_else(|| before.map(|known| known.display_name.clone()));
    let display_name = display_name.unwrap_or_else(|| user_name.clone());
    let domain = sent.domain.clone().or_else(|| email.as_deref().and_then(domain_of));
    let parent = match (&sent.parent, before.and_then(|known| known.parent.clone())) {
        _ if sent.kind == EntityKind::User || sent.application => None,
        (Some(address), _) => Some(record_of(tenant, address)),
        (None, Some(known)) => Some(known),
        (None, None) => {
            let addresses = [email.as_deref().unwrap_or(id), id];
            person(tx, tenant, id, &addresses)?.map(|person| person.record)
        }
    };
    let sql = "insert into entities (tenant, record, saas, inst, id, id_key, kind, of_directory, application, \
               display_name, display_key, user_name, name_key, email, email_key, domain, external, organization, \
               status, admin, role, parent, last_seen, score, facts) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?9, \
               ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, -1, ?23) \
               on conflict (tenant, record) do update set kind = excluded.kind, \
               application = excluded.application, display_name = excluded.display_name, \
               display_key = excluded.display_key, user_name = excluded.user_name, name_key = excluded.name_key, \
               email = excluded.email, email_key = excluded.email_key, \
               domain = coalesce(excluded.domain, entities.domain), \
               external = coalesce(excluded.external, entities.external), \
               organization = coalesce(excluded.organization, entities.organization), status = excluded.status, \
               admin = excluded.admin, role = coalesce(excluded.role, entities.role), parent = excluded.parent, \
               last_seen = case when entities.last_seen < excluded.last_seen then excluded.last_seen \
               else entities.last_seen end, facts = excluded.facts";
    let status = sent.status.or(before.map(|known| known.status)).unwrap_or(EntityStatus::Unknown);
    let admin = sent.admin.or(before.map(|known| known.admin)).unwrap_or(false);
    let email_key = email.as_deref().map(str::to_lowercase);
    let values = [
        tenant.into(),
        (&record).into(),
        sent.address.saas.into(),
        sent.address.inst.into(),
        id.into(),
        sent.address.id_key().into(),
        sent.kind.number().into(),
        sent.application.into(),
        (&display_name).into(),
        display_name.to_lowercase().into(),
        (&user_name).into(),
        user_name.to_lowercase().into(),
        email.as_ref().into(),
        email_key.as_deref().into(),
        domain.map(|domain| domain.to_lowercase()).into(),
        sent.external.into(),
        sent.organization.as_ref().into(),
        status.number().into(),
        admin.into(),
        sent.role.as_ref().into(),
        parent.into(),
        sent.last_seen.map_or(0, |at| at.0).into(),
        Value::json(facts),
    ];
    tx.execute(sql, &values)?;
    if let (EntityKind::User, Some(email)) = (sent.kind, email_key) {
        link(tx, tenant, &record, [&email, &email])?;
    }
    Ok(())
}
