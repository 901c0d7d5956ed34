//! The catalogue of apps: the list, and the facts of one app.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use casbah_authority::Caller;
use casbah_model::Part;
use casbah_model::filter::{Condition, Operand, Test};
use casbah_service::Service;
use casbah_service::catalogue::CatalogueApp;
use serde_json::{Value, json};

use super::DISCOVERY_READ;
use crate::describe::{Record, Shape, has};
use crate::filters::Operator::{Contains, Eq, Neq};
use crate::filters::{self, Field, Kind};
use crate::paging::{self, Answer};
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::table::Area;

/// What the catalogue can be filtered by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum F {
    App,
    Name,
    Category,
    Score,
}

const FIELDS: &[Field<F>] = &[
    Field::new(&["appId"], F::App, Kind::Number, &[Eq, Neq], ("Number of the app in the catalogue", "11627")),
    Field::new(
        &["appName", "name"],
        F::Name,
        Kind::Text,
        &[Eq, Neq, Contains],
        ("Name of the app", "Dropbox"),
    ),
    Field::new(
        &["category"],
        F::Category,
        Kind::Text,
        &[Eq, Neq],
        ("Category of the app", "SAASDB_CATEGORY_CLOUD_STORAGE"),
    ),
    Field::new(
        &["score"],
        F::Score,
        Kind::Span,
        &[Eq],
        ("Risk score, 1 (highest risk) to 10; `eq` with two numbers is a range", "5"),
    ),
];

const CLAIM: Shape = Shape::Flag;
const APP: Record = Record {
    name: "CatalogueApp",
    what: "An app of the catalogue, whether anybody uses it or not.",
    properties: &[
        has("appId", Shape::Integer, "Its number."),
        has("name", Shape::Text, ""),
        has("vendor", Shape::Text, "Who offers it; empty where nobody knows."),
        has("category", Shape::Text, "`SAASDB_CATEGORY_…`"),
        has("domainList", Shape::List(&Shape::Text), "Domains by which it is known in logs."),
        has("headquarters", Shape::Nullable(&Shape::Text), "Country of the vendor, if it is known."),
        has("founded", Shape::Nullable(&Shape::Integer), "Year, if it is known."),
        has("score", Shape::Nullable(&Shape::Integer), "1 (highest risk) to 10; null without one."),
        has(
            "revised_score",
            Shape::Inline(&[has("total", Shape::Nullable(&Shape::Integer), "")]),
            "The same score.",
        ),
        has("generativeAi", Shape::Flag, "Whether it offers generative AI."),
        has(
            "claims",
            Shape::Inline(&[
                has("hipaa", CLAIM, ""),
                has("gdpr", CLAIM, ""),
                has("pciDss", CLAIM, ""),
                has("fedramp", CLAIM, ""),
                has("multiFactor", CLAIM, ""),
                has("saml", CLAIM, ""),
            ]),
            "What its vendor claims, as the catalogue has it.",
        ),
    ],
};

pub(super) fn area() -> Area {
    Area::new("App catalogue", Part::Discovery)
        .list("/api/v1/discovery/app_catalog", DISCOVERY_READ, "List the catalogue of apps", list_catalogue)
        .pages(&APP)
        .filtered(FIELDS)
        .get("/api/v1/saasdb/{app_id}", DISCOVERY_READ, "Fetch the facts of an app", fetch_catalogue_app)
        .answers(Shape::Record(&APP))
}

async fn list_catalogue(
    State(service): State<Service>,
    Extension(_): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let given = filters::given(&parameters)?;
    let conditions = filters::parse(&given, FIELDS, service.clock().now())?;
    let (page, _) = paging::page(&parameters)?;
    let catalogue = service.catalogue();
    let wanted = catalogue.apps().filter(|app| conditions.iter().all(|c| satisfies(app, c)));
    Ok(Json(paging::cut(wanted.map(view).collect(), page)))
}

async fn fetch_catalogue_app(
    State(service): State<Service>,
    Extension(_): Extension<Caller>,
    Path(id): Path<String>,
) -> Answer {
    let number = id.parse::<u32>().map_err(|_| Problem::invalid("appId", "appId must be a whole number."))?;
    let catalogue = service.catalogue();
    catalogue.app(number).map(|app| Json(view(app))).ok_or_else(Problem::not_found)
}

fn satisfies(app: &CatalogueApp, condition: &Condition<F>) -> bool {
    let equals = |operand: &Operand| match (condition.field, operand) {
        (F::App, Operand::Number(number)) => i64::from(app.id) == *number,
        (F::Name, Operand::Text(text)) => app.name.to_lowercase() == text.trim().to_lowercase(),
        (F::Category, Operand::Text(text)) => app.category.eq_ignore_ascii_case(text.trim()),
        (F::Score, Operand::Nothing) => app.score.is_none(),
        _ => false,
    };
    match &condition.test {
        Test::AnyOf(operands) => operands.iter().any(equals),
        Test::NoneOf(operands) => !operands.iter().any(equals),
        Test::Contains(texts) => {
            let name = app.name.to_lowercase();
            texts.iter().any(|text| name.contains(&text.to_lowercase()))
        }
        Test::Within(ranges) => {
            app.score.is_some_and(|score| ranges.iter().any(|r| r.contains(score.into())))
        }
        _ => false,
    }
}

fn view(app: &CatalogueApp) -> Value {
    json!({
        "appId": app.id,
        "name": app.name,
        "vendor": app.vendor,
        "category": app.category,
        "domainList": app.domains,
        "headquarters": app.headquarters,
        "founded": app.founded,
        "score": app.score,
        "claims": {
            "hipaa": app.claims.hipaa,
            "gdpr": app.claims.gdpr,
            "pciDss": app.claims.pci_dss,
            "fedramp": app.claims.fedramp,
            "multiFactor": app.claims.mfa,
            "saml": app.claims.saml,
        },
        "revised_score": { "total": app.score },
        "generativeAi": app.claims.generative_ai,
    })
}
