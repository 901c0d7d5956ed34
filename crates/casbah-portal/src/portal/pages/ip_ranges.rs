//! IP ranges: which addresses are whose.

use axum::extract::Path;
use casbah_model::filter::{IpRangeSort, Page};
use casbah_model::{Access, IpCategory, Part, RecordId};
use casbah_service::Error;
use casbah_service::ip_ranges::{IpRangeDetails, IpRangeQuery, IpTagReference};
use maud::html;

use crate::portal::form::{self, State};
use crate::portal::table::{self, column};
use crate::portal::text::t;
use crate::portal::visit::{Answer, Failed, Posted, Visit};
use crate::portal::{layout, shown};
use crate::respond::see_other;

const HERE: &str = "/portal/ip-ranges";
const PAGE: i64 = 100;

pub(crate) async fn show(visit: Visit) -> Answer {
    page(&visit, &State::default()).await
}

async fn page(visit: &Visit, state: &State) -> Answer {
    visit.check(Part::IpRanges, Access::Read)?;
    let skip = visit.query().get("skip").parse::<i64>().unwrap_or(0).clamp(0, 100_000);
    let query = IpRangeQuery {
        conditions: Vec::new(),
        sort: IpRangeSort::Name,
        ascending: true,
        page: Page { skip, limit: PAGE },
    };
    let (ranges, total) = visit.service().list_ip_ranges(visit.caller(), query).await?;
    let may = visit.may(Part::IpRanges, Access::Change);
    let rows: Vec<_> = ranges
        .iter()
        .map(|range| {
            let mut cells = vec![
                shown::name(&range.name),
                html! { (category(range.category)) },
                html! { @for subnet in &range.subnets { code { (subnet.original()) } " " } },
                html! { (range.tags.iter().map(|tag| tag.name.as_str()).collect::<Vec<_>>().join(", ")) },
                shown::time(visit.service().clock(), range.modified),
            ];
            if may {
                cells.push(form::button(
                    &format!("{HERE}/{}/delete", range.id),
                    t("Delete"),
                    "second small",
                    &[],
                ));
            }
            cells
        })
        .collect();
    let mut columns = vec![
        column(t("Name")),
        column(t("Category")),
        column(t("Addresses")),
        column(t("Tags")),
        column(t("Changed")),
    ];
    if may {
        columns.push(column(t("Action")));
    }
    let categories: Vec<_> =
        IpCategory::ALL.iter().map(|c| (c.number().to_string(), category(*c).to_string())).collect();
    let next = format!("{HERE}?skip={}", skip + PAGE);
    let body = html! {
        (state.summary())
        @if rows.is_empty() {
            (table::empty(t("No IP range is known. Say which addresses are yours, and activities and alerts say so too."), None))
        } @else { (table::plain(t("IP ranges"), &columns, &rows)) }
        (table::pager((skip > 0).then_some(HERE), (skip + PAGE < total).then_some(next.as_str())))
        @if may {
            h2 { (t("A new range")) }
            (form::form(HERE, &html! {
                (state.text("name", t("Name"), None, true))
                (state.select("category", t("Category"), &categories))
                (state.area("subnets", t("Addresses"), Some(t("One a line, with or without a mask: 192.0.2.0/24.")), 4))
                (state.text("tags", t("Tags"), Some(t("With commas between them; may be left out.")), false))
                div .buttons { button { (t("Add the range")) } }
            }))
        }
    };
    let title = t("IP ranges");
    Ok(if state.problem.is_some() { layout::refused(title, &body) } else { layout::page(title, &body) })
}

fn category(category: IpCategory) -> &'static str {
    match category {
        IpCategory::Corporate => t("Corporate"),
        IpCategory::Administrative => t("Administrative"),
        IpCategory::Risky => t("Risky"),
        IpCategory::Vpn => t("VPN"),
        IpCategory::CloudProvider => t("Cloud provider"),
        IpCategory::Other => t("Other"),
    }
}

pub(crate) async fn create(visit: Visit, Posted(fields): Posted) -> Answer {
    visit.check(Part::IpRanges, Access::Change)?;
    let tags = fields.get("tags").split(',').map(str::trim).filter(|tag| !tag.is_empty());
    let details = IpRangeDetails {
        name: Some(fields.get("name").to_string()),
        category: fields.get("category").parse().ok().and_then(IpCategory::from_number),
        subnets: Some(fields.get("subnets").split_whitespace().map(str::to_string).collect()),
        tags: tags.map(|tag| IpTagReference::Name(tag.to_string())).collect(),
        ..IpRangeDetails::default()
    };
    visit.once(&fields).await?;
    match visit.service().create_ip_range(visit.caller(), details).await {
        Ok(_) => Ok(see_other(HERE)),
        Err(Error::Invalid { field, why }) => page(&visit, &State::wrong(fields, &field, why)).await,
        Err(Error::Conflict(why)) => page(&visit, &State::wrong(fields, "name", why)).await,
        Err(other) => Err(other.into()),
    }
}

pub(crate) async fn delete(visit: Visit, Path(id): Path<String>, _: Posted) -> Answer {
    visit.check(Part::IpRanges, Access::Change)?;
    let id: RecordId = id.parse().map_err(|_| Failed::NotFound)?;
    visit.service().delete_ip_range(visit.caller(), id).await?;
    Ok(see_other(HERE))
}
