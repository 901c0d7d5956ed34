//! Discovered apps: what the catalogue knows of an app, beside how much it was used.

use casbah_authority::Caller;
use casbah_discovery::catalogue::{ScorePart, breakdown};
use casbah_discovery::{App, Catalogue, Claims};
use casbah_model::filter::{Condition, DiscoveredAppField, Operand, Page, Test};
use casbah_model::{
    Access, AppTag, AppUsage, CustomApp, Part, Reach, RecordId, StreamKind, TenantId, Timestamp,
};
use casbah_store::usage::{self, Narrow, Scope};
use casbah_store::{Tx, app_tags, custom_apps, discovery_settings, streams};

use super::built_in::VERDICTS;
use crate::{Error, Service};

/// The last so many UTC days, today included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timeframe(i64);

impl Timeframe {
    /// How many days it has.
    pub fn days(self) -> i64 {
        self.0
    }

    /// The lengths that exist.
    pub const DAYS: [i64; 3] = [7, 30, 90];

    /// A time frame of that many days.
    pub fn of_days(days: i64) -> Option<Timeframe> {
        Timeframe::DAYS.contains(&days).then_some(Timeframe(days))
    }
}

/// What to sort discovered apps by. Ties are broken by number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AppOrder {
    /// Name, without regard to case.
    Name,
    /// Risk score; apps without one come first in ascending order.
    Score,
    /// Number of users.
    Users,
    /// Number of client addresses.
    Ips,
    /// Last use.
    LastUsed,
    /// Bytes uploaded.
    Uploaded,
    /// Bytes downloaded.
    Downloaded,
    /// Bytes of both directions.
    Total,
    /// Transactions.
    Events,
}

/// Which discovered apps, of which stream, over which time.
#[derive(Clone, Debug)]
pub struct AppQuery {
    /// The stream; the global view when none is named.
    pub stream: Option<RecordId>,
    /// The days.
    pub timeframe: Timeframe,
    /// Only what this user did.
    pub user: Option<String>,
    /// Only what was done from this client address.
    pub ip: Option<String>,
    /// All of these hold.
    pub conditions: Vec<Condition<DiscoveredAppField>>,
    /// In this order.
    pub order: AppOrder,
    /// Lowest first.
    pub ascending: bool,
    /// This part of the list.
    pub page: Page,
}

/// An app seen in traffic.
#[derive(Clone, Debug)]
pub struct DiscoveredApp {
    /// How much it was used.
    pub usage: AppUsage,
    /// Its name.
    pub name: String,
    /// Its category.
    pub category: String,
    /// Its risk score, 1 to 10, if anybody has looked at it.
    pub score: Option<i64>,
    /// Its domains.
    pub domains: Vec<String>,
    /// Names of its tags.
    pub tags: Vec<String>,
}

/// What the catalogue knows of an app beside name and category.
#[derive(Clone, Debug)]
pub struct AppFacts {
    /// Who runs it.
    pub vendor: String,
    /// Year.
    pub founded: Option<u16>,
    /// Country, two letters.
    pub headquarters: Option<String>,
    /// What the vendor claims.
    pub claims: Claims,
}

/// How the score of an app comes about, and what the tenant says instead.
#[derive(Clone, Debug)]
pub struct AppAssessment {
    /// Who runs it; empty when that is not known.
    pub vendor: String,
    /// Year.
    pub founded: Option<u16>,
    /// Country, two letters.
    pub headquarters: Option<String>,
    /// The computed score, group by group; empty for an app of the tenant's own, whose score is said.
    pub breakdown: Vec<ScorePart>,
    /// The score that the tenant says instead of the computed one.
    pub said: Option<i64>,
    /// The tenant's notes.
    pub notes: String,
}

/// A part of a list of discovered apps.
#[derive(Debug)]
pub struct AppPage {
    /// The apps.
    pub apps: Vec<DiscoveredApp>,
    /// How many there are, over all pages.
    pub total: i64,
}

/// How many discovered apps a category has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CategoryCount {
    /// Category.
    pub id: String,
    /// Apps.
    pub apps: i64,
}

pub(super) const MS_OF_DAY: i64 = 86_400_000;

impl Service {
    /// Lists discovered apps.
    pub async fn list_discovered_apps(&self, caller: &Caller, query: AppQuery) -> Result<AppPage, Error> {
        let mut apps = self.discovered_apps(caller, &query).await?;
        sort(&mut apps, query.order, query.ascending);
        let total = apps.len() as i64;
        let skip = usize::try_from(query.page.skip).unwrap_or(usize::MAX);
        let limit = usize::try_from(query.page.limit).unwrap_or(0);
        Ok(AppPage { apps: apps.into_iter().skip(skip).take(limit).collect(), total })
    }

    /// All discovered apps that satisfy the conditions, in no order; page and order of the query are not used.
    pub async fn all_discovered_apps(
        &self,
        caller: &Caller,
        query: AppQuery,
    ) -> Result<Vec<DiscoveredApp>, Error> {
        self.discovered_apps(caller, &query).await
    }

    /// What the catalogue for all tenants knows of an app.
    pub fn app_facts(&self, app: i64) -> Option<AppFacts> {
        let catalogue = self.catalogue();
        let known = catalogue.app(u32::try_from(app).ok()?)?;
        Some(AppFacts {
            vendor: known.vendor.clone(),
            founded: known.founded,
            headquarters: known.headquarters.clone(),
            claims: known.claims,
        })
    }

    /// How the score of an app comes about for this tenant; absent when the catalogue does not know the app.
    pub async fn app_assessment(&self, caller: &Caller, app: i64) -> Result<AppAssessment, Error> {
        let tenant = caller.tenant;
        let catalogue = self.catalogue_of(tenant).await?;
        let known = u32::try_from(app).ok().and_then(|id| catalogue.app(id)).ok_or(Error::NotFound)?;
        let (said, settings) = self
            .store
            .read(move |tx| {
                Ok::<_, Error>((custom_apps::overrides(tx, tenant)?, discovery_settings::find(tx, tenant)?))
            })
            .await?;
        let said = said.into_iter().find(|one| one.app == app);
        Ok(AppAssessment {
            vendor: known.vendor.clone(),
            founded: known.founded,
            headquarters: known.headquarters.clone(),
            breakdown: if CustomApp::IDS.contains(&app) {
                Vec::new()
            } else {
                breakdown(&known.claims, known.founded, &settings.weights)
            },
            said: said.as_ref().and_then(|one| one.score),
            notes: said.map(|one| one.notes).unwrap_or_default(),
        })
    }

    /// Counts discovered apps by category, the largest first or last; `order` of the query is not used.
    pub async fn count_categories(
        &self,
        caller: &Caller,
        query: AppQuery,
    ) -> Result<Vec<CategoryCount>, Error> {
        let mut counts: Vec<CategoryCount> = Vec::new();
        for app in self.discovered_apps(caller, &query).await? {
            match counts.iter_mut().find(|c| c.id == app.category) {
                Some(count) => count.apps += 1,
                None => counts.push(CategoryCount { id: app.category, apps: 1 }),
            }
        }
        counts.sort_by(|a, b| a.apps.cmp(&b.apps).then_with(|| b.id.cmp(&a.id)));
        if !query.ascending {
            counts.reverse();
        }
        let skip = usize::try_from(query.page.skip).unwrap_or(usize::MAX);
        let limit = usize::try_from(query.page.limit).unwrap_or(0);
        Ok(counts.into_iter().skip(skip).take(limit).collect())
    }

    /// All discovered apps that satisfy the conditions, by number.
    pub(super) async fn discovered_apps(
        &self,
        caller: &Caller,
        query: &AppQuery,
    ) -> Result<Vec<DiscoveredApp>, Error> {
        let (tenant, reach) = (caller.tenant, caller.reach(Part::Discovery, Access::Read));
        self.prepare_tenant(tenant).await?;
        let (wanted, timeframe, conditions) =
            (query.stream.clone(), query.timeframe, query.conditions.clone());
        let (now, catalogue) = (self.clock.now(), self.catalogue_of(tenant).await?);
        let narrow =
            Narrow { app: None, user: query.user.as_ref().map(|n| n.to_lowercase()), ip: query.ip.clone() };
        self.store
            .read(move |tx| {
                let scope = scope(tx, tenant, &reach, wanted.as_ref(), timeframe, now)?;
                let tags = app_tags::list(tx, tenant)?;
                let used = usage::by_app(tx, tenant, &scope, &narrow)?;
                let mut apps: Vec<DiscoveredApp> =
                    used.into_iter().map(|usage| describe(usage, &tags, &catalogue)).collect();
                for condition in &conditions {
                    let condition = with_tag_names(condition, &tags);
                    let of_users = apps_of_users(tx, tenant, &scope, &condition)?;
                    apps.retain(|app| satisfies(app, &condition, &of_users));
                }
                Ok(apps)
            })
            .await
    }
}

/// Where the figures come from: one stream, or for a view all continuous ones; within reach.
pub(super) fn scope(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    reach: &Reach,
    wanted: Option<&RecordId>,
    timeframe: Timeframe,
    now: Timestamp,
) -> Result<Scope, Error> {
    let today = now.0.div_euclid(MS_OF_DAY);
    let stream = match wanted {
        None => None,
        Some(id) => {
            let stream = streams::find(tx, tenant, reach, id)?;
            let stream =
                stream.ok_or_else(|| Error::invalid("streamId", format!("no stream has the id {id}")))?;
            (stream.kind != StreamKind::View).then_some(stream.id)
        }
    };
    // Devices whose clock is ahead write of tomorrow; their traffic counts as today's.
    Ok(Scope { reach: reach.clone(), stream, from_day: today - (timeframe.0 - 1), to_day: today + 2 })
}

fn describe(usage: AppUsage, tags: &[AppTag], catalogue: &Catalogue) -> DiscoveredApp {
    let known: Option<&App> = u32::try_from(usage.app).ok().and_then(|id| catalogue.app(id));
    let tags = tags.iter().filter(|t| t.apps.contains(&usage.app)).map(|t| t.name.clone()).collect();
    match known {
        Some(app) => DiscoveredApp {
            name: app.name.clone(),
            category: app.category.clone(),
            score: app.score.map(i64::from),
            domains: app.domains.clone(),
            tags,
            usage,
        },
        // A newer catalogue may have dropped an app that was seen under an older one.
        None => DiscoveredApp {
            name: format!("App {}", usage.app),
            category: "SAASDB_CATEGORY_UNCLASSIFIED".into(),
            score: None,
            domains: Vec::new(),
            tags,
            usage,
        },
    }
}

/// Tags go by name here; clients also filter by the ids of the list of tags.
fn with_tag_names(
    condition: &Condition<DiscoveredAppField>,
    tags: &[AppTag],
) -> Condition<DiscoveredAppField> {
    let mut condition = condition.clone();
    if condition.field == DiscoveredAppField::Tag
        && let Test::AnyOf(operands) | Test::NoneOf(operands) = &mut condition.test
    {
        for operand in operands {
            let Operand::Text(id) = operand else { continue };
            if let Some(tag) = tags.iter().find(|tag| tag.id.as_str().eq_ignore_ascii_case(id)) {
                *id = tag.name.clone();
            }
        }
    }
    condition
}

/// The apps of the users that a condition names; empty for conditions on other fields.
fn apps_of_users(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    scope: &Scope,
    condition: &Condition<DiscoveredAppField>,
) -> Result<Vec<i64>, Error> {
    let mut apps = Vec::new();
    let (Test::AnyOf(operands) | Test::NoneOf(operands)) = &condition.test else { return Ok(apps) };
    if condition.field == DiscoveredAppField::User {
        for operand in operands {
            let name = match operand {
                Operand::Text(name) => name,
                Operand::Entity(key) => &key.id,
                _ => continue,
            };
            apps.extend(usage::apps_of_user(tx, tenant, scope, &name.to_lowercase())?);
        }
    }
    Ok(apps)
}

fn satisfies(app: &DiscoveredApp, condition: &Condition<DiscoveredAppField>, of_users: &[i64]) -> bool {
    let same = |text: &str, operand: &Operand| matches!(operand, Operand::Text(t) if t.to_lowercase() == text.to_lowercase());
    let equals = |operand: &Operand| match condition.field {
        DiscoveredAppField::App => *operand == Operand::Number(app.usage.app),
        DiscoveredAppField::Name => same(&app.name, operand),
        DiscoveredAppField::Category => same(&app.category, operand),
        DiscoveredAppField::Score => {
            app.score.map_or(*operand == Operand::Nothing, |score| *operand == Operand::Number(score))
        }
        DiscoveredAppField::Users => *operand == Operand::Number(app.usage.users),
        DiscoveredAppField::User => of_users.contains(&app.usage.app),
        DiscoveredAppField::Tag => {
            (*operand == Operand::Nothing && app.tags.is_empty())
                || app.tags.iter().any(|tag| same(tag, operand))
        }
        DiscoveredAppField::Sanctioned => {
            *operand == Operand::Flag(app.tags.iter().any(|tag| tag == VERDICTS[0]))
        }
    };
    match &condition.test {
        Test::AnyOf(operands) => operands.iter().any(equals),
        Test::NoneOf(operands) => !operands.iter().any(equals),
        Test::Within(ranges) => {
            let value = match condition.field {
                DiscoveredAppField::Score => app.score,
                DiscoveredAppField::Users => Some(app.usage.users),
                _ => None,
            };
            value.is_some_and(|v| ranges.iter().any(|r| r.contains(v)))
        }
        Test::Contains(texts) | Test::Words(texts) => {
            let name = app.name.to_lowercase();
            texts.iter().any(|text| name.contains(&text.to_lowercase()))
        }
        // No field of a discovered app has these operators.
        Test::Begins(_) | Test::Not(_) => false,
    }
}

fn sort(apps: &mut [DiscoveredApp], order: AppOrder, ascending: bool) {
    apps.sort_by(|a, b| {
        let (u, v) = (&a.usage, &b.usage);
        match order {
            AppOrder::Name => a.name.to_lowercase().cmp(&b.name.to_lowercase()),
            AppOrder::Score => a.score.cmp(&b.score),
            AppOrder::Users => u.users.cmp(&v.users),
            AppOrder::Ips => u.ips.cmp(&v.ips),
            AppOrder::LastUsed => u.last.cmp(&v.last),
            AppOrder::Uploaded => u.uploaded.cmp(&v.uploaded),
            AppOrder::Downloaded => u.downloaded.cmp(&v.downloaded),
            AppOrder::Total => u.total.cmp(&v.total),
            AppOrder::Events => u.events.cmp(&v.events),
        }
        .then_with(|| u.app.cmp(&v.app))
    });
    if !ascending {
        apps.reverse();
    }
}
