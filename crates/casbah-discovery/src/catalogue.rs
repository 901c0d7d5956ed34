//! The known apps: who they are, how risky they look, and which traffic is theirs.

mod application;
mod check;
mod entries;
mod own;
mod pattern;
mod score;
mod tree;

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

use ipnet::IpNet;
use serde::Serialize;

pub use check::{Fault, FaultKind, check_catalogue};
pub use entries::BUILT_IN;
pub use own::{is_category, own_app};
pub use pattern::{PatternError, fixed_suffix, is_public_suffix, registrable_domain};
pub use score::{CATALOGUE_YEAR, ScorePart, breakdown, score, score_with};
use tree::Tree;

/// The number of an app: five digits. Those of Microsoft where public, ours from 40000, custom apps from 90000.
pub type AppId = u32;

/// What a vendor claims about an app in public. Not checked item by item; false means that no claim is known,
/// never that the app is known to lack it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)] // The names of the standards say it.
pub struct Claims {
    pub soc2: bool,
    pub iso27001: bool,
    pub hipaa: bool,
    pub gdpr: bool,
    pub pci_dss: bool,
    pub fedramp: bool,
    pub mfa: bool,
    pub saml: bool,
    /// Not a quality but a trait: the app offers generative AI.
    pub generative_ai: bool,
}

impl Claims {
    /// The names of all claims, as the API has them.
    pub const NAMES: [&'static str; 9] =
        ["soc2", "iso27001", "hipaa", "gdpr", "pciDss", "fedramp", "mfa", "saml", "generativeAi"];

    /// The names of those that are made.
    pub fn made(&self) -> impl Iterator<Item = &'static str> {
        let Claims { soc2, iso27001, hipaa, gdpr, pci_dss, fedramp, mfa, saml, generative_ai } = *self;
        let made = [soc2, iso27001, hipaa, gdpr, pci_dss, fedramp, mfa, saml, generative_ai];
        Claims::NAMES.into_iter().zip(made).filter(|(_, made)| *made).map(|(name, _)| name)
    }
}

/// One known app.
#[derive(Clone, Debug)]
pub struct App {
    /// Never changes, never reused.
    pub id: AppId,
    /// As shown.
    pub name: String,
    /// Who runs it.
    pub vendor: String,
    /// `SAASDB_CATEGORY_…`.
    pub category: String,
    /// Patterns of the hosts that are this app; the grammar is in [`Catalogue::parse`].
    pub domains: Vec<String>,
    /// Address ranges that belong to this app alone.
    pub ip_ranges: Vec<IpNet>,
    /// What firewalls call it (Palo Alto App-ID), beside the names that are known anyway.
    pub firewall_names: Vec<String>,
    /// Country, ISO 3166 two letters.
    pub headquarters: Option<String>,
    /// Year.
    pub founded: Option<u16>,
    /// 1 (most risk) to 10 (least); `None` while nobody has looked at the app. See [`score`].
    pub score: Option<u8>,
    /// What the vendor claims.
    pub claims: Claims,
}

static SHARED: LazyLock<Arc<Catalogue>> = LazyLock::new(|| {
    Arc::new(Catalogue::parse(entries::BUILT_IN).expect("the catalogue is a constant, which a test reads"))
});

/// All known apps, ready for look-up.
pub struct Catalogue {
    /// By id.
    apps: Vec<App>,
    hosts: Tree,
    /// Longest prefix first.
    ranges: Vec<(IpNet, AppId)>,
    /// Apps of somebody's own, whose hosts and addresses are looked through before all others.
    own: Option<Box<Self>>,
    /// The firewall's names for applications.
    applications: HashMap<String, AppId>,
}

/// Why a catalogue is refused as a whole: a wrong entry would silently take another app's traffic.
#[derive(Debug)]
pub enum CatalogueError {
    /// Not a catalogue file.
    Malformed(String),
    /// An id stands twice.
    DuplicateId(AppId),
    /// Two apps claim one pattern.
    DuplicatePattern(String),
    /// A pattern that cannot be.
    Pattern(String, PatternError),
}

impl fmt::Display for CatalogueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(why) => write!(f, "the catalogue cannot be read: {why}"),
            Self::DuplicateId(id) => write!(f, "two apps have the id {id}"),
            Self::DuplicatePattern(pattern) => write!(f, "two apps claim {pattern}"),
            Self::Pattern(pattern, why) => write!(f, "{pattern}: {why}"),
        }
    }
}

impl std::error::Error for CatalogueError {}

impl Catalogue {
    /// The catalogue that ships with us.
    pub fn built_in() -> &'static Self {
        &SHARED
    }

    /// The same, to be held together with others.
    pub fn shared() -> Arc<Self> {
        SHARED.clone()
    }

    /// Reads a catalogue, as CSV in the columns of `catalogue/seed.csv` or as JSON lines. Patterns (in CSV
    /// separated by `|`): `example.com` is that host and every host below; `*` stands for characters inside one label;
    /// `host/path` wants the path to start so, up to a `/`; `=host` is that host only; CIDR is an address range.
    /// What is odd but harmless is left out; [`check_catalogue`] tells it.
    pub fn parse(text: &str) -> Result<Self, CatalogueError> {
        let entries = entries::entries(text).into_iter().map(|entry| match entry {
            Ok(entry) => Ok(entry.app),
            Err((line, why)) => Err(CatalogueError::Malformed(format!("line {line}: {why}"))),
        });
        let apps = entries.collect::<Result<Vec<App>, _>>()?;
        if apps.is_empty() {
            return Err(CatalogueError::Malformed("there is no app in it".to_owned()));
        }
        Self::new(apps)
    }

    /// A catalogue of these apps.
    pub fn new(mut apps: Vec<App>) -> Result<Self, CatalogueError> {
        apps.sort_by_key(|app| app.id);
        if let Some(pair) = apps.windows(2).find(|pair| pair[0].id == pair[1].id) {
            return Err(CatalogueError::DuplicateId(pair[0].id));
        }
        let mut hosts = Tree::default();
        let mut ranges = Vec::new();
        for app in &apps {
            for text in &app.domains {
                let pattern =
                    pattern::parse(text).map_err(|why| CatalogueError::Pattern(text.clone(), why))?;
                if !hosts.insert(&pattern, app.id) {
                    return Err(CatalogueError::DuplicatePattern(text.clone()));
                }
            }
            ranges.extend(app.ip_ranges.iter().map(|range| (range.trunc(), app.id)));
        }
        ranges.sort_by_key(|(range, _)| (u8::MAX - range.prefix_len(), *range));
        if let Some(pair) = ranges.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(CatalogueError::DuplicatePattern(pair[0].0.to_string()));
        }
        let applications = application::resolve(&apps);
        Ok(Self { apps, hosts, ranges, own: None, applications })
    }

    /// This catalogue with apps of somebody's own, which are looked for first, and with the scores that `score`
    /// gives: it sees each app of this catalogue, not the added ones.
    ///
    /// # Errors
    /// When two of the added apps clash, one has an id of this catalogue, or a pattern cannot be.
    pub fn tailored(
        &self,
        own: Vec<App>,
        score: impl Fn(&App) -> Option<u8>,
    ) -> Result<Self, CatalogueError> {
        let scored = self.apps.iter().map(|app| App { score: score(app), ..app.clone() });
        let mut all = Self::new(scored.collect())?;
        if !own.is_empty() {
            if let Some(taken) = own.iter().find(|app| self.app(app.id).is_some()) {
                return Err(CatalogueError::DuplicateId(taken.id));
            }
            all.apps.extend(own.iter().cloned());
            all.apps.sort_by_key(|app| app.id);
            all.own = Some(Box::new(Self::new(own)?));
        }
        Ok(all)
    }

    /// All apps, by id.
    pub fn apps(&self) -> impl ExactSizeIterator<Item = &App> {
        self.apps.iter()
    }

    /// The app of an id.
    pub fn app(&self, id: AppId) -> Option<&App> {
        self.apps.binary_search_by_key(&id, |app| app.id).ok().map(|at| &self.apps[at])
    }

    /// The app a host belongs to: the deepest pattern wins; at one depth a path, then `=`, then a literal label
    /// before a wildcard. `host` is lower case without final dot, `path` starts with `/`.
    pub fn match_host(&self, host: &str, path: Option<&str>) -> Option<AppId> {
        let own = self.own.as_ref().and_then(|own| own.match_host(host, path));
        own.or_else(|| self.hosts.find(host, path).app)
    }

    /// As [`Catalogue::match_host`] without a path, and whether a path could change the answer.
    pub(crate) fn match_host_only(&self, host: &str) -> (Option<AppId>, bool) {
        let found = self.hosts.find(host, None);
        match self.own.as_ref().map(|own| own.hosts.find(host, None)) {
            Some(own) => (own.app.or(found.app), own.paths_matter || found.paths_matter),
            None => (found.app, found.paths_matter),
        }
    }

    /// The app that owns an address.
    pub fn match_ip(&self, ip: IpAddr) -> Option<AppId> {
        let own = self.own.as_ref().and_then(|own| own.match_ip(ip));
        own.or_else(|| self.ranges.iter().find(|(range, _)| range.contains(&ip)).map(|(_, app)| *app))
    }

    /// The app a firewall means by its own name for it (Palo Alto App-ID). Less sure than a host: for
    /// traffic of which only the address is known.
    pub fn match_application(&self, name: &str) -> Option<AppId> {
        application::find(&self.applications, name)
    }
}
