//! Apps that somebody adds to the catalogue.

use casbah_model::CustomApp;
use ipnet::IpNet;

use super::check::CATEGORIES;
use super::{App, AppId, Catalogue, CatalogueError, Claims};

/// Whether it is a category of apps, `SAASDB_CATEGORY_…`.
pub fn is_category(text: &str) -> bool {
    text.strip_prefix("SAASDB_CATEGORY_").is_some_and(|end| CATEGORIES.contains(&end))
}

/// An app of the catalogue from what somebody wrote.
///
/// # Errors
/// The field to change, as [`CustomApp`] spells it on the wire, and what is wrong with it.
pub fn own_app(own: &CustomApp) -> Result<App, (&'static str, String)> {
    let name = own.name.trim();
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err(("name", "needs 1 to 100 characters".into()));
    }
    if !is_category(&own.category) {
        return Err((
            "category",
            format!("{:?} is not a category, such as SAASDB_CATEGORY_CRM", own.category),
        ));
    }
    if own.domains.is_empty() && own.ip_ranges.is_empty() {
        return Err(("domains", "give at least one domain or one range of addresses".into()));
    }
    if own.domains.len() + own.ip_ranges.len() > 1_000 {
        return Err(("domains", "at most 1,000 domains and ranges".into()));
    }
    if own.score.is_some_and(|score| !(1..=10).contains(&score)) {
        return Err(("score", "must be 1 to 10".into()));
    }
    let mut ranges = Vec::new();
    for text in &own.ip_ranges {
        let address = || text.trim().parse::<std::net::IpAddr>().map(IpNet::from);
        let range = text.trim().parse::<IpNet>().or_else(|_| address());
        ranges.push(range.map_err(|_| ("ipRanges", format!("{text:?} is not an address or a range")))?);
    }
    let app = App {
        id: AppId::try_from(own.id).unwrap_or_default(),
        name: name.to_owned(),
        vendor: String::new(),
        category: own.category.clone(),
        domains: own.domains.iter().map(|domain| domain.trim().to_ascii_lowercase()).collect(),
        ip_ranges: ranges,
        firewall_names: Vec::new(),
        headquarters: None,
        founded: None,
        score: own.score.and_then(|score| u8::try_from(score).ok()),
        claims: Claims::default(),
    };
    match Catalogue::new(vec![app.clone()]) {
        Ok(_) => Ok(app),
        Err(CatalogueError::DuplicatePattern(pattern)) => Err(("domains", format!("{pattern} stands twice"))),
        Err(error) => Err(("domains", error.to_string())),
    }
}
