//! What is wrong with a catalogue file, all of it at once.

use std::collections::BTreeMap;

use serde::Serialize;

use super::entries::{Entry, entries};
use super::pattern::{self, Pattern};
use super::tree::Tree;
use super::{App, AppId, CATALOGUE_YEAR};

/// One fault of a catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// Of the file.
    pub line: u64,
    /// The app, as far as the line could be read.
    pub app: Option<AppId>,
    /// Its name.
    pub name: String,
    /// Whether the catalogue cannot be used with it.
    pub error: bool,
    /// The kind.
    pub kind: FaultKind,
    /// What is wrong, in a sentence.
    pub text: String,
}

/// The kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum FaultKind {
    /// A line that is no app.
    Malformed,
    /// Two apps claim one id, pattern, range or name.
    Clash,
    /// A pattern that cannot be.
    Pattern,
    /// A pattern that never decides anything: the app gets the same hosts without it.
    DeadPattern,
    /// Something that should be there is not.
    MissingField,
    /// Something that is there makes no sense.
    OddField,
}

/// What follows `SAASDB_CATEGORY_`. `SUPLLY` is spelt so.
pub(super) const CATEGORIES: &[&str] = &[
    "ACCOUNTING_AND_FINANCE",
    "ADVERTISING",
    "ALL",
    "BUSINESS_INTELLIGENCE",
    "BUSINESS_MANAGEMENT",
    "CLOUD_COMPUTING_PLATFORM",
    "CLOUD_STORAGE",
    "CODE_HOSTING",
    "COLLABORATION",
    "COMMUNICATIONS",
    "CONSUMER",
    "CONTENT_MANAGEMENT",
    "CONTENT_SHARING",
    "CRM",
    "CUSTOMER_SUPPORT",
    "DATA_ANALYTICS",
    "DEVELOPMENT_TOOLS",
    "ECOMMERCE",
    "EDUCATION",
    "FORUMS",
    "GENERATIVE_AI",
    "HEALTH",
    "HOSTING_SERVICES",
    "HUMAN_RESOURCE_MANAGEMENT",
    "INTERNET_OF_THINGS",
    "IT_SERVICES",
    "MARKETING",
    "MEDIA",
    "NEWS_AND_ENTERTAINMENT",
    "ONLINE_MEETINGS",
    "OPERATIONS_MANAGEMENT",
    "PERSONAL_INSTANT_MESSAGING",
    "PRODUCT_DESIGN",
    "PRODUCTIVITY",
    "PROJECT_MANAGEMENT",
    "PROPERTY_MANAGEMENT",
    "SALES",
    "SECURITY",
    "SOCIAL_NETWORK",
    "SUPLLY_CHAIN_AND_LOGISTICS",
    "TIME_TRACKING",
    "TRANSPORTATION_AND_TRAVEL",
    "UNCLASSIFIED",
    "VENDOR_MANAGEMENT_SYSTEM",
    "WEB_ANALYTICS",
    "WEBMAIL",
    "WEBSITE_MONITORING",
];

/// Ids that a catalogue may use; from 90000 on they are for apps that a tenant defines.
const IDS: std::ops::Range<AppId> = 10_000..90_000;
/// No app of today is older, nor its vendor.
const FIRST_YEAR: u16 = 1500;

/// Everything that is wrong with a catalogue file, in either form, in the order of its lines. A catalogue
/// without errors can be used; warnings are for whoever keeps it.
pub fn check_catalogue(text: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut apps = Vec::new();
    for entry in entries(text) {
        match entry {
            Ok(entry) => apps.push(entry),
            Err((line, text)) => faults.push(Fault {
                line,
                app: None,
                name: String::new(),
                error: true,
                kind: FaultKind::Malformed,
                text,
            }),
        }
    }
    if apps.is_empty() && faults.is_empty() {
        let text = "there is no app in it".to_owned();
        faults.push(Fault {
            line: 1,
            app: None,
            name: String::new(),
            error: true,
            kind: FaultKind::Malformed,
            text,
        });
    }
    for entry in &apps {
        fields(entry, &mut faults);
    }
    clashes(&apps, &mut faults);
    let patterns = patterns(&apps, &mut faults);
    dead_patterns(&patterns, &mut faults);
    faults.sort_by_key(|fault| fault.line);
    faults
}

fn fault(entry: &Entry, error: bool, kind: FaultKind, text: String) -> Fault {
    Fault { line: entry.line, app: Some(entry.app.id), name: entry.app.name.clone(), error, kind, text }
}

fn fields(entry: &Entry, faults: &mut Vec<Fault>) {
    let App { id, name, vendor, category, domains, ip_ranges, headquarters, founded, .. } = &entry.app;
    let mut missing = Vec::new();
    if vendor.is_empty() {
        missing.push("vendor");
    }
    if headquarters.is_none() {
        missing.push("headquarters");
    }
    if founded.is_none() {
        missing.push("founded");
    }
    if name.trim().is_empty() {
        missing.push("name");
    }
    if domains.is_empty() && ip_ranges.is_empty() {
        missing.push("patterns: nothing can ever match it");
    }
    let mut odd = entry.odd.clone();
    if !IDS.contains(id) {
        odd.push(format!("the id {id} is not between {} and {}", IDS.start, IDS.end - 1));
    }
    let known = category.strip_prefix("SAASDB_CATEGORY_").is_some_and(|end| CATEGORIES.contains(&end));
    if !known && category != "SAASDB_SUBCATEGORY_INSURANCE_AND_INVESTMENTS" {
        odd.push(format!("{category} is no category"));
    }
    if let Some(country) =
        headquarters.as_ref().filter(|c| c.len() != 2 || !c.bytes().all(|b| b.is_ascii_uppercase()))
    {
        odd.push(format!("{country} is no country in two letters"));
    }
    if let Some(year) = founded.filter(|year| !(FIRST_YEAR..=CATALOGUE_YEAR).contains(year)) {
        odd.push(format!("{year} is no year in which a vendor was founded"));
    }
    let missing = missing.iter().map(|field| (FaultKind::MissingField, format!("it has no {field}")));
    let odd = odd.into_iter().map(|text| (FaultKind::OddField, text));
    faults.extend(missing.chain(odd).map(|(kind, text)| fault(entry, false, kind, text)));
}

fn clashes(apps: &[Entry], faults: &mut Vec<Fault>) {
    let mut ids: BTreeMap<AppId, &Entry> = BTreeMap::new();
    let mut names: BTreeMap<String, &Entry> = BTreeMap::new();
    let mut ranges: BTreeMap<String, &Entry> = BTreeMap::new();
    for entry in apps {
        if let Some(first) = ids.get(&entry.app.id) {
            let text = format!("{} has the same id, in line {}", first.app.name, first.line);
            faults.push(fault(entry, true, FaultKind::Clash, text));
            continue;
        }
        ids.insert(entry.app.id, entry);
        if let Some(first) = names.insert(entry.app.name.to_lowercase(), entry) {
            let text = format!("app {} has the same name, in line {}", first.app.id, first.line);
            faults.push(fault(entry, false, FaultKind::Clash, text));
        }
        for range in &entry.app.ip_ranges {
            if let Some(first) = ranges.insert(range.trunc().to_string(), entry) {
                let text = format!("{range} belongs to {} too, in line {}", first.app.name, first.line);
                faults.push(fault(entry, true, FaultKind::Clash, text));
            }
        }
    }
}

type Known<'e> = (&'e Entry, &'e str, Pattern);

fn patterns<'e>(apps: &'e [Entry], faults: &mut Vec<Fault>) -> Vec<Known<'e>> {
    let mut known: Vec<Known<'e>> = Vec::new();
    let mut first: BTreeMap<(Vec<String>, bool, String), usize> = BTreeMap::new();
    for entry in apps {
        for text in &entry.app.domains {
            let pattern = match pattern::parse(text) {
                Ok(pattern) => pattern,
                Err(why) => {
                    faults.push(fault(entry, true, FaultKind::Pattern, format!("{text:?}: {why}")));
                    continue;
                }
            };
            let key = (pattern.labels.clone(), pattern.exact, pattern.path.clone());
            if let Some(first) = first.get(&key).and_then(|at| known.get(*at)) {
                let text = format!("{text} belongs to {} too, in line {}", first.0.app.name, first.0.line);
                faults.push(fault(entry, true, FaultKind::Clash, text));
                continue;
            }
            first.insert(key, known.len());
            known.push((entry, text, pattern));
        }
    }
    known
}

/// For each pattern, asks a tree of all the others about a host that it takes.
fn dead_patterns(patterns: &[Known<'_>], faults: &mut Vec<Fault>) {
    for (at, (entry, text, pattern)) in patterns.iter().enumerate() {
        // Only what the same app claims above it can make it superfluous.
        if !patterns
            .iter()
            .enumerate()
            .any(|(other, known)| other != at && covers(&known.2, pattern, known.0, entry))
        {
            continue;
        }
        let mut tree = Tree::default();
        for (_, (entry, _, other)) in patterns.iter().enumerate().filter(|(other, _)| *other != at) {
            tree.insert(other, entry.app.id);
        }
        let labels = pattern.labels.iter().rev().map(|label| label.replace('*', "x"));
        let host = labels.collect::<Vec<_>>().join(".");
        let path = Some(pattern.path.as_str()).filter(|path| !path.is_empty());
        if tree.find(&host, path).app == Some(entry.app.id) {
            let text = format!("{text} decides nothing: the app has these hosts by another pattern");
            faults.push(fault(entry, false, FaultKind::DeadPattern, text));
        }
    }
}

/// Whether one pattern of the same app may take what another takes.
fn covers(above: &Pattern, below: &Pattern, of: &Entry, by: &Entry) -> bool {
    of.app.id == by.app.id
        && above.labels.len() <= below.labels.len()
        && above.labels.first() == below.labels.first()
}
