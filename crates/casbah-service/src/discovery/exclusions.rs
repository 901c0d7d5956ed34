//! What is not counted, and what belongs to no app.

use std::net::{IpAddr, Ipv6Addr};

use casbah_authority::Caller;
use casbah_model::filter::Page;
use casbah_model::{Access, Exclusion, ExclusionKind, Part, RecordId, Subnet, UnmatchedDomain, UsageRow};
use casbah_store::{audit, discovery_exclusions, usage};
use serde_json::{Value as Json, json};

use super::apps::{Timeframe, scope};
use crate::{Error, Service};

/// Exclusions that a tenant may have.
const MOST: usize = 10_000;

impl Service {
    /// Lists who and what is not counted, oldest first.
    pub async fn list_exclusions(&self, caller: &Caller) -> Result<Vec<Exclusion>, Error> {
        let tenant = caller.tenant;
        Ok(self.store.read(move |tx| discovery_exclusions::list(tx, tenant)).await?)
    }

    /// Leaves a user or an address out of what is counted from now on; what was counted stays.
    pub async fn create_exclusion(
        &self,
        caller: &Caller,
        kind: ExclusionKind,
        value: String,
        note: String,
    ) -> Result<Exclusion, Error> {
        let value = value.trim().to_lowercase();
        let sound = !value.is_empty() && value.chars().count() <= 256 && !value.chars().any(char::is_control);
        if !sound {
            return Err(Error::invalid("value", "needs 1 to 256 characters"));
        }
        if kind == ExclusionKind::IpAddress && value.parse::<Subnet>().is_err() {
            return Err(Error::invalid(
                "value",
                "must be an IPv4 or IPv6 address, or a range such as 10.0.0.0/8",
            ));
        }
        if note.chars().count() > 1_000 {
            return Err(Error::invalid("note", "has more than 1,000 characters"));
        }
        let (tenant, now) = (caller.tenant, self.clock.now());
        let id = RecordId::new(now);
        let one = Exclusion { id, kind, value, note, created: now, created_by: caller.name().to_string() };
        let record = caller.audit(now, "exclude from discovery", "exclusion", &one.id, json!({}));
        let made = one.clone();
        self.store
            .write(move |tx| {
                let all = discovery_exclusions::list(tx, tenant)?;
                if all.iter().any(|other| (other.kind, &other.value) == (one.kind, &one.value)) {
                    return Err(Error::invalid("value", format!("{} is left out already", one.value)));
                }
                if all.len() >= MOST {
                    return Err(Error::invalid("value", format!("a tenant has at most {MOST} exclusions")));
                }
                discovery_exclusions::insert(tx, tenant, &one)?;
                audit::append(tx, tenant, &record.changed(&one.id, &Json::Null, &facts(&one)))?;
                Ok(())
            })
            .await?;
        Ok(made)
    }

    /// Counts a user or an address again, from now on.
    pub async fn delete_exclusion(&self, caller: &Caller, id: RecordId) -> Result<(), Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let record = caller.audit(now, "include in discovery", "exclusion", &id, json!({}));
        self.store
            .write(move |tx| {
                let all = discovery_exclusions::list(tx, tenant)?;
                let one = all.iter().find(|one| one.id == id).ok_or(Error::NotFound)?;
                discovery_exclusions::delete(tx, tenant, &id)?;
                audit::append(tx, tenant, &record.changed(&id, &facts(one), &Json::Null))?;
                Ok(())
            })
            .await
    }

    /// Lists domains of no known app, those with most transactions first; answers how many there are, too.
    pub async fn list_unmatched(
        &self,
        caller: &Caller,
        stream: Option<RecordId>,
        timeframe: Timeframe,
        page: Page,
    ) -> Result<(Vec<UnmatchedDomain>, i64), Error> {
        let (tenant, reach) = (caller.tenant, caller.reach(Part::Discovery, Access::Read));
        let now = self.clock.now();
        self.store
            .read(move |tx| {
                let scope = scope(tx, tenant, &reach, stream.as_ref(), timeframe, now)?;
                Ok(usage::unmatched(tx, tenant, &scope, page)?)
            })
            .await
    }
}

fn facts(one: &Exclusion) -> Json {
    json!({ "kind": one.kind.number(), "value": one.value, "note": one.note })
}

/// What is left out, ready for looking up.
#[derive(Default)]
pub(crate) struct Excluded {
    users: Vec<String>,
    ranges: Vec<(Ipv6Addr, Ipv6Addr)>,
}

impl Excluded {
    pub(crate) fn of(all: Vec<Exclusion>) -> Excluded {
        let mut excluded = Excluded::default();
        for one in all {
            match one.kind {
                ExclusionKind::User => excluded.users.push(one.value),
                ExclusionKind::IpAddress => {
                    let range = one.value.parse::<Subnet>().ok();
                    excluded.ranges.extend(range.map(|range| (range.lowest(), range.highest())));
                }
            }
        }
        excluded
    }

    /// Whether a row is left out; `logged` is the name as the log has it, in lower case.
    pub(crate) fn has(&self, row: &UsageRow, logged: &str) -> bool {
        let named = |name: &str| !name.is_empty() && self.users.iter().any(|user| user == name);
        if named(logged) || named(&row.user) {
            return true;
        }
        if self.ranges.is_empty() {
            return false;
        }
        let address = match row.ip.parse::<IpAddr>() {
            Ok(IpAddr::V4(address)) => address.to_ipv6_mapped(),
            Ok(IpAddr::V6(address)) => address,
            Err(_) => return false,
        };
        self.ranges.iter().any(|(lowest, highest)| (lowest..=highest).contains(&&address))
    }
}
