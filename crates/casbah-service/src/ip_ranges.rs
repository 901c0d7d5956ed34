//! IP address ranges: the addresses that a tenant knows, and the tags that they bear.
//!
//! Two ranges of a tenant never overlap and never share a name. Both are decided inside the transaction
//! that writes, so that of two callers at the same moment one is refused.

use casbah_authority::Caller;
use casbah_model::filter::{Condition, IpRangeField, IpRangeSort, Page};
use casbah_model::{IpCategory, IpLocation, IpRange, IpTag, RecordId, Subnet, TenantId, Timestamp};
use casbah_store::{Tx, audit, ip_ranges, ip_tags};
use serde_json::{Value, json};

use crate::{Error, Service};

/// Longest name of a range or a tag, and longest organisation, in characters.
const LONGEST_NAME: usize = 200;
/// Most subnets of a range.
const MOST_SUBNETS: usize = 1_000;
/// Most tags of a range.
const MOST_TAGS: usize = 100;
/// Longer than any subnet can be written; of a faulty text, so much is shown again.
const LONGEST_SUBNET: usize = 64;

/// Which ranges to list.
#[derive(Clone, Debug)]
pub struct IpRangeQuery {
    /// What they must satisfy.
    pub conditions: Vec<Condition<IpRangeField>>,
    /// What they are sorted by.
    pub sort: IpRangeSort,
    /// Lowest first.
    pub ascending: bool,
    /// Which part.
    pub page: Page,
}

/// What a range is to be. A new one needs name, category and subnets; a change may leave them out
/// and so keep them. The rest is replaced always.
#[derive(Clone, Debug, Default)]
pub struct IpRangeDetails {
    /// Its name.
    pub name: Option<String>,
    /// Its category.
    pub category: Option<IpCategory>,
    /// Addresses, with or without a mask, as they were typed.
    pub subnets: Option<Vec<String>>,
    /// Whose they are.
    pub organization: Option<String>,
    /// Where they are.
    pub location: Option<IpLocation>,
    /// Its tags.
    pub tags: Vec<IpTagReference>,
}

/// How a caller names a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IpTagReference {
    /// By id; it must exist.
    Id(RecordId),
    /// By name, in any case; one that does not exist is made.
    Name(String),
}

impl Service {
    /// Lists IP ranges; and how many there are over all pages.
    pub async fn list_ip_ranges(
        &self,
        caller: &Caller,
        query: IpRangeQuery,
    ) -> Result<(Vec<IpRange>, i64), Error> {
        let (tenant, order) = (caller.tenant, (query.sort, query.ascending));
        let read = move |tx: &mut Tx<'_>| ip_ranges::list(tx, tenant, &query.conditions, order, query.page);
        Ok(self.store.read(read).await?)
    }

    /// Fetches an IP range.
    pub async fn ip_range(&self, caller: &Caller, id: RecordId) -> Result<IpRange, Error> {
        let tenant = caller.tenant;
        self.store.read(move |tx| ip_ranges::find(tx, tenant, &id)).await?.ok_or(Error::NotFound)
    }

    /// Lists the tags that IP ranges can bear, by name.
    pub async fn list_ip_tags(&self, caller: &Caller) -> Result<Vec<IpTag>, Error> {
        let tenant = caller.tenant;
        Ok(self.store.read(move |tx| ip_tags::list(tx, tenant)).await?)
    }

    /// Makes an IP range.
    pub async fn create_ip_range(&self, caller: &Caller, details: IpRangeDetails) -> Result<IpRange, Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let wanted = Wanted::check(details, now)?;
        let missing = |field: &str| Error::invalid(field, "is missing");
        let template = IpRange {
            id: RecordId::new(now),
            name: wanted.name.clone().ok_or_else(|| missing("name"))?,
            category: wanted.category.ok_or_else(|| missing("category"))?,
            subnets: wanted.subnets.clone().ok_or_else(|| missing("subnets"))?,
            organization: None,
            location: None,
            tags: Vec::new(),
            modified: now,
        };
        let record = caller.audit(now, "create IP range", "IP range", &template.id, Value::Null);
        self.store
            .write(move |tx| {
                let range = wanted.applied_to(tx, tenant, template.clone(), now)?;
                check_place(tx, tenant, &range)?;
                ip_ranges::insert(tx, tenant, &range).map_err(|e| raced(e, &range))?;
                audit::append(tx, tenant, &record.changed(&range.id, &Value::Null, &facts(&range)))?;
                Ok(range)
            })
            .await
    }

    /// Replaces what a range says by `details`.
    pub async fn change_ip_range(
        &self,
        caller: &Caller,
        id: RecordId,
        details: IpRangeDetails,
    ) -> Result<IpRange, Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let wanted = Wanted::check(details, now)?;
        let record = caller.audit(now, "change IP range", "IP range", &id, Value::Null);
        self.store
            .write(move |tx| {
                let present = ip_ranges::find(tx, tenant, &id)?.ok_or(Error::NotFound)?;
                let before = facts(&present);
                let range = wanted.applied_to(tx, tenant, present, now)?;
                check_place(tx, tenant, &range)?;
                ip_ranges::save(tx, tenant, &range).map_err(|e| raced(e, &range))?;
                audit::append(tx, tenant, &record.changed(&id, &before, &facts(&range)))?;
                Ok(range)
            })
            .await
    }

    /// Deletes an IP range; its tags stay.
    pub async fn delete_ip_range(&self, caller: &Caller, id: RecordId) -> Result<(), Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let record = caller.audit(now, "delete IP range", "IP range", &id, Value::Null);
        self.store
            .write(move |tx| {
                let range = ip_ranges::find(tx, tenant, &id)?.ok_or(Error::NotFound)?;
                ip_ranges::delete(tx, tenant, &id)?;
                audit::append(tx, tenant, &record.changed(&id, &facts(&range), &Value::Null))?;
                Ok(())
            })
            .await
    }
}

/// Details, checked as far as they can be without the database.
struct Wanted {
    name: Option<String>,
    category: Option<IpCategory>,
    subnets: Option<Vec<Subnet>>,
    organization: Option<String>,
    location: Option<IpLocation>,
    /// With the id of the tag that may have to be made.
    tags: Vec<(IpTagReference, RecordId)>,
}

impl Wanted {
    fn check(details: IpRangeDetails, now: Timestamp) -> Result<Wanted, Error> {
        let name = details.name.map(|name| named("name", &name)).transpose()?;
        let organization = details.organization.as_deref().map(str::trim).filter(|text| !text.is_empty());
        let organization = organization.map(|text| named("organization", text)).transpose()?;
        if details.tags.len() > MOST_TAGS {
            return Err(Error::invalid("tags", format!("at most {MOST_TAGS} can be given")));
        }
        let tag = |reference| match reference {
            IpTagReference::Name(name) => {
                Ok((IpTagReference::Name(named("tags", &name)?), RecordId::new(now)))
            }
            by_id @ IpTagReference::Id(_) => Ok((by_id, RecordId::new(now))),
        };
        Ok(Wanted {
            name,
            category: details.category,
            subnets: details.subnets.map(|texts| subnets(&texts)).transpose()?,
            organization,
            location: details.location.map(located).transpose()?,
            tags: details.tags.into_iter().map(tag).collect::<Result<_, Error>>()?,
        })
    }

    /// The range as it will be; tags that do not exist are made.
    fn applied_to(
        &self,
        tx: &mut Tx<'_>,
        tenant: TenantId,
        present: IpRange,
        now: Timestamp,
    ) -> Result<IpRange, Error> {
        let mut all = ip_tags::list(tx, tenant)?;
        let mut tags: Vec<IpTag> = Vec::new();
        for (reference, new_id) in &self.tags {
            let known = match reference {
                IpTagReference::Id(id) => all.iter().find(|tag| tag.id == *id),
                IpTagReference::Name(name) => {
                    let key = name.to_lowercase();
                    all.iter().find(|tag| tag.name.to_lowercase() == key)
                }
            };
            let tag = match (known, reference) {
                (Some(tag), _) => tag.clone(),
                (None, IpTagReference::Id(id)) => {
                    return Err(Error::invalid("tags", format!("no tag has the id {id}")));
                }
                (None, IpTagReference::Name(name)) => {
                    let made = ip_tags::insert(tx, tenant, new_id, name, now)?;
                    all.push(made.clone());
                    made
                }
            };
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        Ok(IpRange {
            id: present.id,
            name: self.name.clone().unwrap_or(present.name),
            category: self.category.unwrap_or(present.category),
            subnets: self.subnets.clone().unwrap_or(present.subnets),
            organization: self.organization.clone(),
            location: self.location.clone(),
            tags,
            modified: now,
        })
    }
}

/// A text for people: neither empty nor without end, and on one line.
fn named(field: &str, text: &str) -> Result<String, Error> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::invalid(field, "must not be empty"));
    }
    if text.chars().count() > LONGEST_NAME || text.chars().any(char::is_control) {
        let why = format!("needs at most {LONGEST_NAME} characters, and no control characters");
        return Err(Error::invalid(field, why));
    }
    Ok(text.to_string())
}

fn subnets(texts: &[String]) -> Result<Vec<Subnet>, Error> {
    if texts.is_empty() || texts.len() > MOST_SUBNETS {
        let why = format!("needs 1 to {MOST_SUBNETS} addresses or subnets, such as 198.51.100.0/24");
        return Err(Error::invalid("subnets", why));
    }
    let subnet = |text: &String| {
        text.parse().map_err(|e| {
            let shown = if text.len() <= LONGEST_SUBNET { format!("{text:?}") } else { "a long text".into() };
            Error::invalid("subnets", format!("{shown} is {e}"))
        })
    };
    texts.iter().map(subnet).collect()
}

fn located(location: IpLocation) -> Result<IpLocation, Error> {
    let text = |text: Option<String>| {
        let text = text.filter(|text| !text.trim().is_empty());
        text.map(|text| named("location", &text)).transpose()
    };
    for (degrees, most, what) in
        [(location.latitude, 90.0, "latitude"), (location.longitude, 180.0, "longitude")]
    {
        if degrees.is_some_and(|x| !(-most..=most).contains(&x)) {
            return Err(Error::invalid("location", format!("{what} goes from -{most} to {most}")));
        }
    }
    let country_code = text(location.country_code)?;
    if country_code
        .as_ref()
        .is_some_and(|code| code.len() != 2 || !code.bytes().all(|b| b.is_ascii_alphabetic()))
    {
        return Err(Error::invalid("location", "countryCode has two letters"));
    }
    Ok(IpLocation {
        name: text(location.name)?,
        latitude: location.latitude,
        longitude: location.longitude,
        country_code: country_code.map(|code| code.to_ascii_uppercase()),
        country_name: text(location.country_name)?,
    })
}

/// Refuses a name that another range has, and addresses that are in another range.
fn check_place(tx: &mut Tx<'_>, tenant: TenantId, range: &IpRange) -> Result<(), Error> {
    if ip_ranges::find_by_name(tx, tenant, &range.name)?.is_some_and(|id| id != range.id) {
        return Err(name_taken(range));
    }
    for subnet in range.disjoint_subnets() {
        if let Some(other) = ip_ranges::find_overlap(tx, tenant, subnet, &range.id)? {
            let (typed, original, name) = (subnet.original(), other.original, other.name);
            let why = format!("{typed} overlaps with {original} of the IP range {name:?}");
            return Err(Error::invalid("subnets", why));
        }
    }
    Ok(())
}

fn name_taken(range: &IpRange) -> Error {
    Error::invalid("name", format!("another IP range is named {:?}", range.name))
}

/// A database may find a name taken at the moment of writing.
fn raced(e: casbah_store::Error, range: &IpRange) -> Error {
    if matches!(e, casbah_store::Error::Duplicate) { name_taken(range) } else { e.into() }
}

/// What the audit trail says of a range.
fn facts(range: &IpRange) -> Value {
    let subnets: Vec<&str> = range.subnets.iter().map(Subnet::original).collect();
    let tags: Vec<&str> = range.tags.iter().map(|tag| tag.name.as_str()).collect();
    json!({
        "name": range.name,
        "category": range.category.name(),
        "subnets": subnets,
        "organization": range.organization,
        "location": range.location,
        "tags": tags,
    })
}
