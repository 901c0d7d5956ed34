//! Cloud discovery: streams, data sources, discovered apps, tags, block scripts, and what a tenant
//! tells it: apps and parsers of its own, what is left out, how names are hidden, who sends and fetches.

mod apps;
mod block_lists;
mod block_script;
mod built_in;
mod choices;
mod collectors;
mod custom_apps;
mod exclusions;
mod names;
mod parsers;
mod reports;
mod streams;
mod tags;
mod tailored;

pub use apps::{
    AppAssessment, AppFacts, AppOrder, AppPage, AppQuery, CategoryCount, DiscoveredApp, Timeframe,
};
pub use block_lists::NewBlockList;
pub use block_script::BlockKind;
pub use casbah_discovery::catalogue::ScorePart;
pub use names::ResolvedName;
pub use parsers::Tried;
pub use reports::{AppReport, CategoryFigures, DayFigures, DiscoverySummary, RiskCount, UsageQuery};
pub use streams::{GLOBAL_VIEW, NewDataSource};

pub(crate) use built_in::VERDICTS;
pub(crate) use exclusions::Excluded;
pub(crate) use names::{Directory, NameCipher};
pub(crate) use parsers::{CUSTOM, CUSTOM_LOG_TYPE, plan_of};
pub(crate) use streams::unite;
pub(crate) use tags::put_tag;
pub(crate) use tailored::Tailored;
