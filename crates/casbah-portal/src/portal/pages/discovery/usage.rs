//! Users and client addresses: lists of them, and one of them with its apps and days.

use casbah_model::filter::Page;
use casbah_model::{Access, KeyedUsage, Part, UsageKey, UsageOrder};
use casbah_service::discovery::{AppOrder, DayFigures, DiscoveredApp, UsageQuery};
use maud::{Markup, html};

use super::{asked, chooser, kept, score, tabs};
use crate::portal::chart::{self, Bar};
use crate::portal::fields::Fields;
use crate::portal::table::{self, Sorted, column};
use crate::portal::text::{filled, t};
use crate::portal::visit::{Answer, Failed, Visit};
use crate::portal::{layout, shown};

const PAGE: i64 = 50;
/// Rows of a list that stands on a page of something else.
const TOP: i64 = 10;
/// So far can be leafed through; filters lead further.
const FURTHEST: i64 = 100_000;
/// Apps of a user or an address that are shown.
const MOST_APPS: i64 = 100;

const ORDERS: &[(&str, UsageOrder)] = &[
    ("name", UsageOrder::Key),
    ("apps", UsageOrder::Apps),
    ("others", UsageOrder::Users),
    ("uploaded", UsageOrder::Uploaded),
    ("downloaded", UsageOrder::Downloaded),
    ("total", UsageOrder::Total),
    ("events", UsageOrder::Events),
    ("last", UsageOrder::Last),
];

/// What usage is told by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    User,
    Address,
}

impl By {
    fn key(self) -> UsageKey {
        match self {
            By::User => UsageKey::User,
            By::Address => UsageKey::Ip,
        }
    }

    /// Its name in addresses.
    fn field(self) -> &'static str {
        match self {
            By::User => "user",
            By::Address => "ip",
        }
    }

    fn path(self) -> &'static str {
        match self {
            By::User => "/portal/discovery/users",
            By::Address => "/portal/discovery/addresses",
        }
    }

    fn many(self) -> &'static str {
        match self {
            By::User => t("Users"),
            By::Address => t("Addresses"),
        }
    }

    fn one(self) -> &'static str {
        match self {
            By::User => t("User"),
            By::Address => t("Address"),
        }
    }

    fn other(self) -> By {
        match self {
            By::User => By::Address,
            By::Address => By::User,
        }
    }

    /// The page of one of them, over the same report and time.
    fn address(self, name: &str, query: &Fields) -> String {
        kept(query).with(self.field(), Some(name)).address(&format!("{}/one", self.path()))
    }
}

/// What a form keeps of an address beside what it asks for itself.
pub(super) fn carried(query: &Fields) -> Markup {
    html! { @for name in ["user", "ip", "app"] { @if let Some(value) = query.given(name) {
        input type="hidden" name=(name) value=(value);
    } } }
}

/// What the figures are narrowed to, each with the way to do without it.
pub(super) fn only(path: &str, query: &Fields) -> Markup {
    html! { @for by in [By::User, By::Address] { @if let Some(name) = query.given(by.field()) {
        p .notice {
            (by.one()) ": " a href=(by.address(name, query)) { (shown::name(name)) } ". "
            a href=(query.with(by.field(), None).address(path)) { (t("Show the figures of all")) }
        }
    } } }
}

fn wanted(
    query: &Fields,
    app: Option<i64>,
    order: UsageOrder,
    ascending: bool,
    page: Page,
) -> Result<UsageQuery, Failed> {
    let asked = asked(query, AppOrder::Total, false, page)?;
    Ok(UsageQuery {
        stream: asked.stream,
        timeframe: asked.timeframe,
        app,
        user: asked.user,
        ip: asked.ip,
        order,
        ascending,
        page,
    })
}

fn columns(by: By) -> Vec<table::Column> {
    vec![
        column(by.one()).sorted_by("name"),
        column(t("Apps")).sorted_by("apps").number(),
        match by {
            By::User => column(t("Addresses")).number(),
            By::Address => column(t("Users")).sorted_by("others").number(),
        },
        column(t("Uploaded")).sorted_by("uploaded").number(),
        column(t("Downloaded")).sorted_by("downloaded").number(),
        column(t("Traffic")).sorted_by("total").number(),
        column(t("Transactions")).sorted_by("events").number(),
        column(t("Last seen")).sorted_by("last"),
    ]
}

/// A row; within an app its name leads to the days of that app.
fn row(visit: &Visit, by: By, query: &Fields, app: Option<i64>, usage: &KeyedUsage) -> Vec<Markup> {
    let of = &usage.figures;
    let days = app.map(|app| {
        kept(query).with(by.field(), Some(&usage.key)).address(&format!("/portal/discovery/apps/{app}"))
    });
    vec![
        html! {
            a href=(by.address(&usage.key, query)) { (shown::name(&usage.key)) }
            @if let Some(days) = days { " " a .aside href=(days) { (t("with this app, day by day")) } }
        },
        html! { (shown::number(of.apps)) },
        html! { (shown::number(match by { By::User => of.ips, By::Address => of.users })) },
        html! { (shown::bytes(of.uploaded)) },
        html! { (shown::bytes(of.downloaded)) },
        html! { (shown::bytes(of.total)) },
        html! { (shown::number(of.events)) },
        shown::time(visit.service().clock(), of.last),
    ]
}

/// The list of all of them.
pub(crate) async fn users(visit: Visit) -> Answer {
    list(&visit, By::User).await
}

pub(crate) async fn addresses(visit: Visit) -> Answer {
    list(&visit, By::Address).await
}

async fn list(visit: &Visit, by: By) -> Answer {
    visit.check(Part::Discovery, Access::Read)?;
    let query = visit.query();
    let (key, order) = ORDERS.iter().find(|(key, _)| *key == query.get("sort")).copied().unwrap_or(ORDERS[5]);
    let ascending = query.get("order") == "asc";
    let skip = query.get("skip").parse::<i64>().unwrap_or(0).clamp(0, FURTHEST);
    let app = query.given("app").map(str::parse::<i64>).transpose();
    let app = app.map_err(|_| Failed::invalid("app", t("The id of an app is a number.")))?;
    let asked = wanted(&query, app, order, ascending, Page { skip, limit: PAGE })?;
    let (found, total) = visit.service().list_usage(visit.caller(), by.key(), asked).await?;
    let rows: Vec<_> = found.iter().map(|usage| row(visit, by, &query, app, usage)).collect();
    let path = by.path();
    let place = |to: Option<i64>| query.with("skip", to.map(|n| n.to_string()).as_deref()).address(path);
    let next = (skip + PAGE < total && skip + PAGE <= FURTHEST).then(|| place(Some(skip + PAGE)));
    let search = html! {
        div {
            label for="name" { (by.one()) }
            input #name type="text" name=(by.field()) value=(query.get(by.field()));
        }
        @for name in [by.other().field(), "app"] { @if let Some(value) = query.given(name) {
            input type="hidden" name=(name) value=(value);
        } }
    };
    let body = html! {
        (tabs(visit, path))
        (chooser(visit, path, &query, &search).await?)
        @if let Some(app) = app {
            p .notice {
                (t("Of one app only.")) " "
                a href=(kept(&query).address(&format!("/portal/discovery/apps/{app}"))) { (t("To the app")) } " "
                a href=(query.with("app", None).address(path)) { (t("Show the figures of all")) }
            }
        }
        (only(path, &query.with(by.field(), None)))
        @if rows.is_empty() { (nothing(visit, by, &query)) } @else {
            p .count { (shown::number(total)) " " (t("in all")) }
            (table::sorted(by.many(), &columns(by), &rows, Some((Sorted { key, ascending }, path, &query))))
        }
        (table::pager((skip > 0).then(|| place(None)).as_deref(), next.as_deref()))
    };
    Ok(layout::page(by.many(), &body))
}

fn nothing(visit: &Visit, by: By, query: &Fields) -> Markup {
    let narrowed = ["user", "ip", "app", "stream", "days"].iter().any(|name| query.given(name).is_some());
    if narrowed {
        return table::empty(t("Nothing was seen that fits."), Some((t("Show all"), by.path())));
    }
    let upload =
        visit.may(Part::Uploads, Access::Change).then_some((t("Upload a log"), "/portal/discovery/upload"));
    table::empty(
        match by {
            By::User => t("No user was seen. Logs of proxies name users when people have to sign in there."),
            By::Address => t("No address was seen. Upload a log of your proxy or firewall."),
        },
        upload,
    )
}

/// Those with most traffic, as a part of a page.
pub(super) async fn top(visit: &Visit, by: By, query: &Fields, app: Option<i64>) -> Result<Markup, Failed> {
    let asked = wanted(query, app, UsageOrder::Total, false, Page { skip: 0, limit: TOP })?;
    let (found, total) = visit.service().list_usage(visit.caller(), by.key(), asked).await?;
    let rows: Vec<_> = found.iter().map(|usage| row(visit, by, query, app, usage)).collect();
    let mut columns = columns(by);
    // On this page the order is that of the traffic.
    for column in &mut columns {
        column.sort = None;
    }
    let all =
        query.with("app", app.map(|app| app.to_string()).as_deref()).with("skip", None).address(by.path());
    let title = match by {
        By::User => t("Users with most traffic"),
        By::Address => t("Addresses with most traffic"),
    };
    Ok(html! {
        h2 { (title) }
        @if rows.is_empty() {
            p .quiet { @match by {
                By::User => (t("The logs name no users.")),
                By::Address => (t("The logs name no addresses.")),
            } }
        } @else {
            (table::plain(title, &columns, &rows))
            @if total > TOP { p { a href=(all) { (filled("All {n}", &[("n", &shown::number(total))])) } } }
        }
    })
}

/// Traffic by day as a chart with its table.
pub(super) fn days(days: &[DayFigures]) -> Markup {
    let bars: Vec<Bar> = days
        .iter()
        .map(|day| {
            let total = day.figures.as_ref().map_or(0, |figures| figures.total);
            Bar {
                label: day.day.seconds_text().chars().take(10).skip(5).collect(),
                value: total,
                shown: shown::bytes(total),
            }
        })
        .collect();
    chart::columns(t("Traffic by day"), t("Day"), &bars)
}

/// One of them. Names are free text, so they stand in the query.
pub(crate) async fn user(visit: Visit) -> Answer {
    one(&visit, By::User).await
}

pub(crate) async fn address(visit: Visit) -> Answer {
    one(&visit, By::Address).await
}

async fn one(visit: &Visit, by: By) -> Answer {
    visit.check(Part::Discovery, Access::Read)?;
    let query = visit.query();
    let name = query.given(by.field()).ok_or(Failed::NotFound)?.to_string();
    let here = format!("{}/one", by.path());
    let asked = asked(&query, AppOrder::Total, false, Page { skip: 0, limit: MOST_APPS })?;
    let summary = visit.service().discovery_summary(visit.caller(), asked.clone()).await?;
    let apps = visit.service().list_discovered_apps(visit.caller(), asked).await?;
    let clock = visit.service().clock();
    let others = top(visit, by.other(), &query, None).await?;
    let body = html! {
        (tabs(visit, by.path()))
        (chooser(visit, &here, &query, &carried(&query)).await?)
        (only(&here, &query.with(by.field(), None)))
        @match &summary.figures {
            None => (table::empty(t("Nothing was seen of it in this time. Try a longer time, or another report."), Some((t("Show all"), by.path())))),
            Some(figures) => {
                ul .figures {
                    li { strong { (shown::number(figures.apps)) } " " (t("apps")) }
                    li { strong { (shown::bytes(figures.uploaded)) } " " (t("uploaded")) }
                    li { strong { (shown::bytes(figures.downloaded)) } " " (t("downloaded")) }
                    li { strong { (shown::number(figures.events)) } " " (t("transactions")) }
                    li { strong { (shown::number(figures.blocked)) } " " (t("blocked")) }
                }
                dl {
                    dt { (t("First seen")) } dd { (shown::time(clock, figures.first)) }
                    dt { (t("Last seen")) } dd { (shown::time(clock, figures.last)) }
                }
                h2 { (t("Traffic by day")) }
                (days(&summary.days))
                h2 { (t("Apps")) }
                (of_apps(visit, by, &name, &query, &apps.apps))
                @if apps.total > MOST_APPS { p .quiet { (filled("The {n} with most traffic are shown.", &[("n", &MOST_APPS)])) } }
                (others)
            }
        }
    };
    Ok(layout::page(&crate::names::shown(&name), &body))
}

fn of_apps(visit: &Visit, by: By, name: &str, query: &Fields, apps: &[DiscoveredApp]) -> Markup {
    let columns = [
        column(t("App")),
        column(t("Score")),
        column(t("Tags")),
        column(t("Uploaded")).number(),
        column(t("Downloaded")).number(),
        column(t("Traffic")).number(),
        column(t("Last used")),
    ];
    let rows: Vec<_> = apps
        .iter()
        .map(|app| {
            let days = kept(query).with(by.field(), Some(name));
            vec![
                html! { a href=(days.address(&format!("/portal/discovery/apps/{}", app.usage.app))) { (shown::name(&app.name)) } },
                score(app.score),
                html! { (app.tags.join(", ")) },
                html! { (shown::bytes(app.usage.uploaded)) },
                html! { (shown::bytes(app.usage.downloaded)) },
                html! { (shown::bytes(app.usage.total)) },
                shown::time(visit.service().clock(), app.usage.last),
            ]
        })
        .collect();
    table::plain(t("Apps"), &columns, &rows)
}
