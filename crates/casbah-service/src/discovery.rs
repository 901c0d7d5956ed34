//! Cloud discovery: streams, data sources, discovered apps, tags, block scripts.

mod apps;
mod block_script;
mod built_in;
mod reports;
mod streams;
mod tags;

pub use apps::{AppOrder, AppPage, AppQuery, CategoryCount, DiscoveredApp, Timeframe};
pub use block_script::BlockKind;
pub use reports::{AppReport, CategoryFigures, DayFigures, DiscoverySummary, RiskCount, UsageQuery};
pub use streams::{GLOBAL_VIEW, NewDataSource};

pub(crate) use streams::unite;
