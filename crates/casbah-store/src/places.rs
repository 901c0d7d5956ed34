//! Where an address is and whose it is: by the tenant's own ranges, and by what the operator's databases of
//! addresses say.

use std::net::IpAddr;
use std::sync::Arc;

use casbah_model::{Activity, Place, TenantId};

use crate::{Result, Tx, ip_ranges};

/// Something that knows addresses. It must answer at once, from memory: it is asked within transactions.
pub trait Places: Send + Sync {
    /// What it knows of an address.
    fn place(&self, address: IpAddr) -> Place;
}

tokio::task_local! {
    static PLACES: Option<Arc<dyn Places>>;
}

/// Runs a transaction in which that is known of addresses.
pub(crate) fn with<T>(places: Option<Arc<dyn Places>>, work: impl FnOnce() -> T) -> T {
    PLACES.sync_scope(places, work)
}

/// Completes an activity by its address. What the tenant says goes before what the activity itself says, and
/// that before what a database of addresses says.
pub fn complete(tx: &mut Tx<'_>, tenant: TenantId, activity: &mut Activity) -> Result<()> {
    let Some(address) = activity.address.as_ref().and_then(|a| a.parse::<IpAddr>().ok()) else {
        return Ok(());
    };
    if let Some(range) = ip_ranges::holding(tx, tenant, address)? {
        activity.ip_category = range.category.number();
        activity.facts.ip_tags = range.tags.iter().map(|tag| tag.id.to_string()).collect();
        if let Some(organization) = range.organization {
            activity.organization = Some(organization);
        }
        if let Some(location) = range.location {
            activity.country = location.country_code.clone().or(activity.country.take());
            activity.facts.location = Some(location);
        }
    }
    if activity.country.is_some() && activity.organization.is_some() && activity.facts.location.is_some() {
        return Ok(());
    }
    let place = PLACES.try_with(Clone::clone).ok().flatten().map(|places| places.place(address));
    let Some(place) = place else { return Ok(()) };
    if activity.organization.is_none() {
        activity.organization = place.organization;
    }
    if let Some(location) = place.location {
        // A city of one country must not stand beside another country.
        let same = activity.country.is_none() || activity.country == location.country_code;
        if activity.country.is_none() {
            activity.country.clone_from(&location.country_code);
        }
        if same
            && activity.facts.location.as_ref().is_none_or(|own| own.name.is_none() && own.latitude.is_none())
        {
            activity.facts.location = Some(location);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use casbah_model::{ActivityFacts, IpCategory, IpLocation, IpRange, RecordId, Timestamp};

    use super::*;
    use crate::tests::{NOW, stores, tenant};

    struct Oslo;

    impl Places for Oslo {
        fn place(&self, address: IpAddr) -> Place {
            if !address.to_string().starts_with("198.51.100.") {
                return Place::default();
            }
            let location = IpLocation {
                name: Some("Oslo".into()),
                country_code: Some("NO".into()),
                ..IpLocation::default()
            };
            Place { location: Some(location), organization: Some("Fjord Net".into()) }
        }
    }

    fn from(address: &str, country: Option<&str>) -> Activity {
        Activity {
            seq: Activity::place(NOW, 1),
            id: "one".into(),
            created: NOW,
            source: 2,
            service: 11_161,
            instance: 0,
            action: "view file".into(),
            category: "EVENT_CATEGORY_VIEW".into(),
            action_type: "EVENT_VIEW".into(),
            actor_kind: "user".into(),
            actor: None,
            user_name: None,
            client: None,
            address: Some(address.into()),
            ip_category: 0,
            country: country.map(String::from),
            organization: None,
            device_type: None,
            admin: false,
            failure: None,
            facts: ActivityFacts::default(),
        }
    }

    /// The tenant, then the sender, then the database of addresses.
    #[tokio::test]
    async fn who_knows_best_is_heard_first() {
        for store in stores().await {
            store.set_places(Arc::new(Oslo));
            let home = tenant(&store, 10_000_001).await;
            let found = store
                .write(move |tx| {
                    let range = IpRange {
                        id: RecordId::new(Timestamp(1)),
                        name: "Office".into(),
                        category: IpCategory::Corporate,
                        subnets: vec!["198.51.100.128/25".parse().expect("a subnet")],
                        organization: Some("Contoso".into()),
                        location: None,
                        tags: Vec::new(),
                        modified: NOW,
                    };
                    ip_ranges::insert(tx, home, &range)?;
                    let mut all = Vec::new();
                    for (address, country) in [
                        ("198.51.100.7", None),
                        ("198.51.100.7", Some("DE")),
                        ("198.51.100.200", None),
                        ("203.0.113.1", None),
                        ("no address", None),
                    ] {
                        let mut activity = from(address, country);
                        complete(tx, home, &mut activity)?;
                        let city = activity.facts.location.and_then(|l| l.name).unwrap_or_default();
                        let (country, owner) = (activity.country, activity.organization);
                        all.push(format!(
                            "{} {city} {} {}",
                            country.unwrap_or_default(),
                            owner.unwrap_or_default(),
                            activity.ip_category
                        ));
                    }
                    Ok::<_, crate::Error>(all)
                })
                .await
                .expect("it runs");
            let expected = ["NO Oslo Fjord Net 0", "DE  Fjord Net 0", "NO Oslo Contoso 1", "   0", "   0"];
            assert_eq!(found, expected.map(|line| line.to_string()));
        }
    }
}
