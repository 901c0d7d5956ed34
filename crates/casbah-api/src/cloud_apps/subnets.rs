//! IP address ranges, which the interface calls subnets.

mod body;
#[cfg(test)]
mod tests;

use axum::extract::{Path, State};
use axum::response::Response;
use axum::{Extension, Json};
use casbah_authority::Caller;
use casbah_model::Permission::{self, InvestigationManage, InvestigationRead, SettingsManage, SettingsRead};
use casbah_model::filter::{IpRangeField, IpRangeSort};
use casbah_model::{IpLocation, IpRange, Part, Subnet, full_address};
use casbah_service::Service;
use casbah_service::ip_ranges::IpRangeQuery;
use serde_json::{Value, json};

use super::exports::{self, Column, EVERYTHING, Wanted};
use super::{ip_tags, record_id};
use crate::describe::{Property, Record, Shape, has};
use crate::filters::Operator::{Eq, Neq};
use crate::filters::{self, Field, Kind};
use crate::paging::{self, Answer};
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::table::Area;

/// Investigators need to know addresses; those who look after the settings keep the list.
pub(super) const RANGES_READ: &[Permission] =
    &[InvestigationRead, InvestigationManage, SettingsRead, SettingsManage];
const RANGES_MANAGE: &[Permission] = &[InvestigationManage, SettingsManage];

const FIELDS: &[Field<IpRangeField>] = &[
    Field {
        names: &["category"],
        field: IpRangeField::Category,
        kind: Kind::Number,
        operators: &[Eq, Neq],
        what: "1 corporate, 2 administrative, 3 risky, 4 VPN, 5 cloud provider, 6 other",
        example: "1",
    },
    Field {
        names: &["tags"],
        field: IpRangeField::Tag,
        kind: Kind::Id,
        operators: &[Eq, Neq],
        what: "A tag of the range, by id",
        example: "000000030000000000000000",
    },
    Field {
        names: &["builtIn"],
        field: IpRangeField::BuiltIn,
        kind: Kind::Flag,
        operators: &[Eq],
        what: "Whether it came with the product; none does",
        example: "false",
    },
];

const RANGE: Record = Record {
    name: "IpRange",
    what: "Addresses about which something is known.",
    properties: &[
        has("_id", Shape::Id, ""),
        has("name", Shape::Text, ""),
        has("subnets", Shape::List(&Shape::Inline(SUBNET)), ""),
        has("location", Shape::Nullable(&Shape::Inline(LOCATION)), "Where they are."),
        has("organization", Shape::Nullable(&Shape::Text), "Whose they are."),
        has("tags", Shape::List(&Shape::Record(&ip_tags::TAG)), ""),
        has(
            "category",
            Shape::Numbered(&[
                (1, "corporate"),
                (2, "administrative"),
                (3, "risky"),
                (4, "VPN"),
                (5, "cloud provider"),
                (6, "other"),
            ]),
            "",
        ),
        has("lastModified", Shape::Number, "Milliseconds since 1970-01-01 UTC, with a fraction."),
        has("_tid", Shape::Integer, "Number of the tenant."),
    ],
};
const SUBNET: &[Property] = &[
    has("mask", Shape::Between(0, 128), "Bits of the mask, counted on 128 bits."),
    has("address", Shape::Text, "Lowest address, in the full form of IPv6."),
    has("originalString", Shape::Text, "What was typed."),
];
const LOCATION: &[Property] = &[
    has("name", Shape::Nullable(&Shape::Text), ""),
    has("latitude", Shape::Nullable(&Shape::Number), "Degrees north."),
    has("longitude", Shape::Nullable(&Shape::Number), "Degrees east."),
    has("countryCode", Shape::Nullable(&Shape::Text), "Two letters."),
    has("countryName", Shape::Nullable(&Shape::Text), ""),
];

pub(super) fn area() -> Area {
    Area::new("IP ranges", Part::IpRanges)
        .list("/api/v1/subnet", RANGES_READ, "List IP ranges", list_ip_ranges)
        .pages(&RANGE)
        .filtered(FIELDS)
        .sorted(&["name", "category", "tags"])
        .post("/api/v1/subnet/export", RANGES_READ, "Export IP ranges as a file", export_ip_ranges)
        .takes(exports::PARAMETERS)
        .filtered(FIELDS)
        .answers_file(&RANGE)
        .get("/api/v1/subnet/{id}", RANGES_READ, "Fetch an IP range", fetch_ip_range)
        .answers(Shape::Record(&RANGE))
        .post("/api/v1/subnet/create_rule", RANGES_MANAGE, "Create an IP range", create_ip_range)
        .takes(body::NEW)
        .answers(Shape::Id)
        .post("/api/v1/subnet/{id}/update_rule", RANGES_MANAGE, "Replace an IP range", update_ip_range)
        .takes(body::CHANGED)
        .answers(Shape::Record(&RANGE))
        .delete("/api/v1/subnet/{id}", RANGES_MANAGE, "Delete an IP range", delete_ip_range)
        .answers(Shape::Inline(&[]))
}

async fn list_ip_ranges(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let given = filters::given(&parameters)?;
    let conditions = filters::parse(&given, FIELDS, service.clock().now())?;
    let fields =
        [("name", IpRangeSort::Name), ("category", IpRangeSort::Category), ("tags", IpRangeSort::Tags)];
    let sort = paging::sort_field(&parameters, &fields)?;
    // A list of names begins with the first, unless somebody wants the last.
    let unsaid = parameters.text("sortDirection")?.is_none_or(|text| text.trim().is_empty());
    let ascending = unsaid || paging::ascending(&parameters)?;
    let (page, _) = paging::page(&parameters)?;
    let query = IpRangeQuery { conditions, sort, ascending, page };
    let (ranges, total) = service.list_ip_ranges(&caller, query).await?;
    let data = ranges.iter().map(|range| view(range, caller.tenant_number)).collect();
    Ok(Json(paging::answer(data, total, page)))
}

/// What a table of ranges says.
const COLUMNS: &[Column] = &[
    ("_id", "/_id"),
    ("name", "/name"),
    ("category", "/category"),
    ("subnets", "/subnets"),
    ("organization", "/organization"),
    ("location", "/location/name"),
    ("countryCode", "/location/countryCode"),
    ("tags", "/tags"),
    ("lastModified", "/lastModified"),
];

/// In the order of names, all as they were at one moment: a tenant writes its ranges by hand.
async fn export_ip_ranges(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let wanted = Wanted::read(&parameters)?;
    let given = filters::given(&parameters)?;
    let conditions = filters::parse(&given, FIELDS, service.clock().now())?;
    let (cases, reader) = (service.clone(), caller.clone());
    let next = move |()| {
        let (cases, reader, conditions) = (cases.clone(), reader.clone(), conditions.clone());
        async move {
            let query =
                IpRangeQuery { conditions, sort: IpRangeSort::Name, ascending: true, page: EVERYTHING };
            let (ranges, _) = cases.list_ip_ranges(&reader, query).await?;
            Ok((ranges.iter().map(|range| view(range, reader.tenant_number)).collect(), None))
        }
    };
    exports::answer(&service, &caller, "IP ranges", (wanted, &parameters), COLUMNS, (), next).await
}

async fn fetch_ip_range(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    id: Path<String>,
) -> Answer {
    let range = service.ip_range(&caller, record_id(id)?).await?;
    Ok(Json(view(&range, caller.tenant_number)))
}

/// Answers the bare id.
async fn create_ip_range(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let range = service.create_ip_range(&caller, body::details(&parameters)?).await?;
    Ok(Json(json!(range.id)))
}

async fn update_ip_range(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    id: Path<String>,
    parameters: Parameters,
) -> Answer {
    let range = service.change_ip_range(&caller, record_id(id)?, body::details(&parameters)?).await?;
    Ok(Json(view(&range, caller.tenant_number)))
}

async fn delete_ip_range(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    id: Path<String>,
) -> Answer {
    service.delete_ip_range(&caller, record_id(id)?).await?;
    Ok(Json(json!({})))
}

fn view(range: &IpRange, tenant_number: i64) -> Value {
    let subnet = |subnet: &Subnet| {
        json!({
            "mask": subnet.mask(),
            "address": full_address(subnet.lowest()),
            "originalString": subnet.original(),
        })
    };
    let location = |location: &IpLocation| {
        json!({
            "name": location.name,
            "latitude": location.latitude,
            "longitude": location.longitude,
            "countryCode": location.country_code,
            "countryName": location.country_name,
        })
    };
    json!({
        "_id": range.id,
        "name": range.name,
        "subnets": range.subnets.iter().map(subnet).collect::<Vec<_>>(),
        "location": range.location.as_ref().map(location),
        "organization": range.organization,
        "tags": range.tags.iter().map(|tag| ip_tags::view(tag, tenant_number)).collect::<Vec<_>>(),
        "category": range.category.number(),
        // A fraction, unlike all other times of the interface.
        "lastModified": range.modified.0 as f64,
        "_tid": tenant_number,
    })
}
