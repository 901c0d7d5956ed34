//! Reports: all of a stream in one look, and from an app down to users, addresses and days.

use std::collections::BTreeMap;

use casbah_authority::Caller;
use casbah_model::filter::Page;
use casbah_model::{
    Access, AppUsage, KeyedUsage, Part, RecordId, Timestamp, UsageFigures, UsageKey, UsageOrder,
};
use casbah_store::usage::{self, Narrow};

use super::apps::{AppOrder, AppQuery, DiscoveredApp, MS_OF_DAY, Timeframe, scope};
use crate::{Error, Service};

/// Which usage, of which stream, over which time; what is not named is not narrowed.
#[derive(Clone, Debug)]
pub struct UsageQuery {
    /// The stream; the global view when none is named.
    pub stream: Option<RecordId>,
    /// The days.
    pub timeframe: Timeframe,
    /// Only usage of this app.
    pub app: Option<i64>,
    /// Only what this user did; names are compared without regard to case.
    pub user: Option<String>,
    /// Only what was done from this client address.
    pub ip: Option<String>,
    /// In this order.
    pub order: UsageOrder,
    /// Lowest first.
    pub ascending: bool,
    /// This part of the list.
    pub page: Page,
}

/// The usage of one UTC day.
#[derive(Clone, Debug)]
pub struct DayFigures {
    /// Its first moment.
    pub day: Timestamp,
    /// What was used on it; none when nothing was.
    pub figures: Option<UsageFigures>,
}

/// What a category adds up to.
#[derive(Clone, Debug, Default)]
pub struct CategoryFigures {
    /// `SAASDB_CATEGORY_…`.
    pub id: String,
    /// Apps.
    pub apps: i64,
    /// Transactions, refused ones included.
    pub events: i64,
    /// Refused transactions.
    pub blocked: i64,
    /// Bytes uploaded.
    pub uploaded: i64,
    /// Bytes downloaded.
    pub downloaded: i64,
    /// Bytes of both directions.
    pub total: i64,
}

/// How many apps lie in a band of risk, and their traffic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RiskCount {
    /// Apps.
    pub apps: i64,
    /// Bytes of both directions.
    pub total: i64,
}

/// A stream in one look.
#[derive(Clone, Debug)]
pub struct DiscoverySummary {
    /// All of it; none when there is no usage.
    pub figures: Option<UsageFigures>,
    /// By category, the one with most traffic first.
    pub categories: Vec<CategoryFigures>,
    /// Score 1 to 3, 4 to 7, 8 to 10, and without a score.
    pub risk: [RiskCount; 4],
    /// How many of the apps bear each tag, by name.
    pub tags: Vec<(String, i64)>,
    /// Every day of the time frame, oldest first.
    pub days: Vec<DayFigures>,
    /// The apps with most traffic.
    pub top_apps: Vec<DiscoveredApp>,
}

/// An app in one look.
#[derive(Clone, Debug)]
pub struct AppReport {
    /// The app with its figures.
    pub app: DiscoveredApp,
    /// Every day of the time frame, oldest first.
    pub days: Vec<DayFigures>,
}

/// Apps that a summary names.
const TOP: usize = 10;

/// A day has at most this many groups, which are days.
const ALL_DAYS: Page = Page { skip: 0, limit: 200 };

impl Service {
    /// Sums usage up by user, address or day; answers how many of these there are, too.
    pub async fn list_usage(
        &self,
        caller: &Caller,
        key: UsageKey,
        query: UsageQuery,
    ) -> Result<(Vec<KeyedUsage>, i64), Error> {
        let (tenant, reach) = (caller.tenant, caller.reach(Part::Discovery, Access::Read));
        let now = self.clock.now();
        self.store
            .read(move |tx| {
                let scope = scope(tx, tenant, &reach, query.stream.as_ref(), query.timeframe, now)?;
                let order = (query.order, query.ascending);
                Ok(usage::grouped(tx, tenant, &scope, &narrow(&query), key, order, query.page)?)
            })
            .await
    }

    /// Fetches an app as it was used; absent when nobody used it in this time.
    pub async fn discovered_app(
        &self,
        caller: &Caller,
        app: i64,
        query: AppQuery,
    ) -> Result<AppReport, Error> {
        let found = self.discovered_apps(caller, &query).await?.into_iter().find(|a| a.usage.app == app);
        let found = found.ok_or(Error::NotFound)?;
        let (_, days) = self.days(caller, &query, Some(app)).await?;
        Ok(AppReport { app: found, days })
    }

    /// All of a stream in one look; order, conditions and page of the query are not used.
    pub async fn discovery_summary(
        &self,
        caller: &Caller,
        query: AppQuery,
    ) -> Result<DiscoverySummary, Error> {
        let query = AppQuery { conditions: Vec::new(), ..query };
        let mut apps = self.discovered_apps(caller, &query).await?;
        let (figures, days) = self.days(caller, &query, None).await?;
        let mut summary = DiscoverySummary {
            figures,
            categories: categories(&apps),
            risk: risk(&apps),
            tags: tags(&apps),
            days,
            top_apps: Vec::new(),
        };
        apps.sort_by(|a, b| b.usage.total.cmp(&a.usage.total).then(a.usage.app.cmp(&b.usage.app)));
        apps.truncate(TOP);
        summary.top_apps = apps;
        Ok(summary)
    }

    /// How many discovered apps bear each tag, by name.
    pub async fn count_tags(&self, caller: &Caller, query: AppQuery) -> Result<Vec<(String, i64)>, Error> {
        Ok(tags(&self.discovered_apps(caller, &query).await?))
    }

    /// The sum, and every day of the time frame.
    async fn days(
        &self,
        caller: &Caller,
        query: &AppQuery,
        app: Option<i64>,
    ) -> Result<(Option<UsageFigures>, Vec<DayFigures>), Error> {
        let (tenant, reach) = (caller.tenant, caller.reach(Part::Discovery, Access::Read));
        let (now, timeframe, stream) = (self.clock.now(), query.timeframe, query.stream.clone());
        let narrow =
            Narrow { app, user: query.user.as_ref().map(|name| name.to_lowercase()), ip: query.ip.clone() };
        self.store
            .read(move |tx| {
                let scope = scope(tx, tenant, &reach, stream.as_ref(), timeframe, now)?;
                let figures = usage::totals(tx, tenant, &scope, &narrow)?;
                let order = (UsageOrder::Key, true);
                let (used, _) = usage::grouped(tx, tenant, &scope, &narrow, UsageKey::Day, order, ALL_DAYS)?;
                let mut used: BTreeMap<i64, UsageFigures> =
                    used.into_iter().filter_map(|day| Some((day.key.parse().ok()?, day.figures))).collect();
                let today = now.0.div_euclid(MS_OF_DAY);
                let last = used.keys().last().map_or(today, |day| today.max(*day));
                let day = |number: i64| DayFigures {
                    day: Timestamp(number * MS_OF_DAY),
                    figures: used.remove(&number),
                };
                Ok((figures, (scope.from_day..=last).map(day).collect()))
            })
            .await
    }
}

fn narrow(query: &UsageQuery) -> Narrow {
    let user = query.user.as_ref().map(|name| name.to_lowercase());
    Narrow { app: query.app, user, ip: query.ip.clone() }
}

fn categories(apps: &[DiscoveredApp]) -> Vec<CategoryFigures> {
    let mut all: BTreeMap<&str, CategoryFigures> = BTreeMap::new();
    for app in apps {
        let AppUsage { events, blocked, uploaded, downloaded, total, .. } = &app.usage;
        let sum = all.entry(&app.category).or_default();
        sum.apps += 1;
        for (sum, more) in [
            (&mut sum.events, events),
            (&mut sum.blocked, blocked),
            (&mut sum.uploaded, uploaded),
            (&mut sum.downloaded, downloaded),
            (&mut sum.total, total),
        ] {
            *sum = sum.saturating_add(*more);
        }
    }
    let named = all.into_iter().map(|(id, sum)| CategoryFigures { id: id.to_string(), ..sum });
    let mut all: Vec<CategoryFigures> = named.collect();
    all.sort_by(|a, b| b.total.cmp(&a.total).then_with(|| a.id.cmp(&b.id)));
    all
}

fn risk(apps: &[DiscoveredApp]) -> [RiskCount; 4] {
    let mut bands = [RiskCount::default(); 4];
    for app in apps {
        let band = match app.score {
            Some(..=3) => 0,
            Some(4..=7) => 1,
            Some(_) => 2,
            None => 3,
        };
        bands[band].apps += 1;
        bands[band].total = bands[band].total.saturating_add(app.usage.total);
    }
    bands
}

fn tags(apps: &[DiscoveredApp]) -> Vec<(String, i64)> {
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    for tag in apps.iter().flat_map(|app| &app.tags) {
        *counts.entry(tag).or_default() += 1;
    }
    counts.into_iter().map(|(name, count)| (name.to_string(), count)).collect()
}

impl AppQuery {
    /// All of a stream, or of the global view.
    pub fn of(stream: Option<RecordId>, timeframe: Timeframe) -> AppQuery {
        AppQuery {
            stream,
            timeframe,
            user: None,
            ip: None,
            conditions: Vec::new(),
            order: AppOrder::Total,
            ascending: false,
            page: Page { skip: 0, limit: 100 },
        }
    }
}
