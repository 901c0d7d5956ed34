//! The entity as a sender writes it: the record that the API returns, in which whatever Casbah derives may be
//! absent. A person's accounts come with the person.

use casbah_model::{EntityAddress, EntityFacts, EntityKind, EntityStatus, Timestamp};
use casbah_service::entities::SentEntity;
use serde_json::{Map, Value};

use super::key;
use crate::json_lines::Refusal;
use crate::record::{MOST, Record};

/// Somebody may have been seen so far ahead of the clock, in milliseconds.
const AHEAD: i64 = 48 * 60 * 60 * 1000;
/// `idType` of applications.
const APPLICATION_ID: i64 = 17;

/// Reads a record that arrives at `now`: the entity first, then its accounts.
pub(super) fn entity(record: &Map<String, Value>, now: Timestamp) -> Result<Vec<SentEntity>, Refusal> {
    let record = Record(record);
    let address = address(record)?;
    let kind = match record.get("type") {
        None => EntityKind::Account,
        Some(_) => match record.word("type")?.unwrap_or_default().to_lowercase().as_str() {
            "1" | "account" => EntityKind::Account,
            "2" | "user" => EntityKind::User,
            _ => return Err(Refusal::new("type", "The type is 1 (account) or 2 (user).")),
        },
    };
    let last_seen = record.time("lastSeen")?;
    if last_seen.is_some_and(|at| !(0..=now.0.saturating_add(AHEAD)).contains(&at.0)) {
        let why = "The time must be after 1970 and not more than 48 hours ahead.";
        return Err(Refusal::new("lastSeen", why));
    }
    let id_type = record.number("idType")?;
    let facts = EntityFacts {
        identifiers: record.words("identifiers")?,
        aliases: record.words("aliases")?,
        sid: record.word("sid")?,
        fake: record.flag("isFake")?.unwrap_or(false),
        id_type,
        sub_apps: list(record, "subApps")?,
    };
    let person = SentEntity {
        application: kind == EntityKind::Account && id_type == Some(APPLICATION_ID),
        kind,
        display_name: record.word("displayName")?,
        email: record.word("email")?,
        domain: record.word("domain")?,
        external: record.flag("isExternal")?,
        organization: record.word("organization")?,
        status: status(record, "status")?,
        admin: record.flag("isAdmin")?,
        role: record.word("role")?,
        last_seen,
        parent: None,
        facts,
        address,
    };
    let mut all = vec![person];
    if let Some(accounts) = record.get("accounts") {
        let wrong = || Refusal::new("accounts", "This must be a list of objects.");
        for (number, item) in accounts.as_array().ok_or_else(wrong)?.iter().take(MOST).enumerate() {
            let at =
                |refusal: Refusal| Refusal::new(&format!("accounts.{number}.{}", refusal.field), refusal.why);
            let item = Record(item.as_object().ok_or_else(wrong)?);
            let (own, of) = (&all[0].address, account(item, &all[0]).map_err(at)?);
            if of.address.saas == own.saas
                && of.address.inst == own.inst
                && of.address.id_key() == own.id_key()
            {
                continue;
            }
            all.push(of);
        }
    }
    Ok(all)
}

/// Where the entity is found, in any of the ways in which a record says so.
fn address(record: Record<'_>) -> Result<EntityAddress, Refusal> {
    if let Some(text) = record.word("ii")? {
        let wrong = || Refusal::new("ii", "This must be the app, the instance and the id: 11161|0|mira.");
        return EntityAddress::from_joined(&text).ok_or_else(wrong);
    }
    let id = record.word("id")?;
    let saas = record.first(&["appData.saas", "appData.appId", "saas", "appId"], |r, path| r.number(path))?;
    let inst = record.first(&["appData.instance", "inst", "instance"], |r, path| r.number(path))?;
    if let (Some(id), Some(saas)) = (id, saas) {
        return Ok(EntityAddress { id, saas, inst: inst.unwrap_or(0) });
    }
    let named = record.get("username").and_then(Value::as_str);
    let named = named.and_then(|text| serde_json::from_str::<Map<String, Value>>(text).ok());
    named.and_then(|named| key::of_object(&named)).ok_or_else(|| {
        let why = "An entity needs its key: id and appData.saas, or ii such as 10489|0|mira, or username with \
                   the key as JSON text.";
        Refusal::new("id", why)
    })
}

fn account(item: Record<'_>, person: &SentEntity) -> Result<SentEntity, Refusal> {
    let address = match item.word("ii")? {
        Some(text) => EntityAddress::from_joined(&text),
        None => match (item.word("i")?, item.number("saas")?) {
            (Some(id), Some(saas)) => {
                Some(EntityAddress { id, saas, inst: item.number("inst")?.unwrap_or(0) })
            }
            _ => None,
        },
    };
    let why = "An account needs ii such as 10489|0|mira, or i and saas.";
    Ok(SentEntity {
        address: address.ok_or_else(|| Refusal::new("ii", why))?,
        kind: EntityKind::Account,
        application: false,
        display_name: item.word("dn")?,
        email: item.first(&["pa", "em"], |r, path| r.word(path))?,
        domain: None,
        external: item.flag("ext")?,
        organization: None,
        status: status(item, "s")?,
        admin: None,
        role: None,
        last_seen: None,
        parent: (person.kind == EntityKind::User).then(|| person.address.clone()),
        facts: EntityFacts {
            aliases: item.words("aliases")?,
            fake: item.flag("isFake")?.unwrap_or(false),
            sub_apps: list(item, "sublst")?,
            ..EntityFacts::default()
        },
    })
}

fn status(record: Record<'_>, path: &str) -> Result<Option<EntityStatus>, Refusal> {
    let Some(number) = record.number(path)? else { return Ok(None) };
    let known = EntityStatus::from_number(number);
    known.map(Some).ok_or_else(|| Refusal::new(path, "The status is a number from 0 to 4."))
}

fn list(record: Record<'_>, path: &str) -> Result<Vec<Value>, Refusal> {
    let Some(value) = record.get(path) else { return Ok(Vec::new()) };
    let list = value.as_array().ok_or_else(|| Refusal::new(path, "This must be a list."))?;
    Ok(list.iter().take(MOST).cloned().collect())
}
