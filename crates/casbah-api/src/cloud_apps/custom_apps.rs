//! What a tenant tells the catalogue: apps of its own, scores and notes, weights of the score.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use casbah_authority::Caller;
use casbah_model::{AppOverride, CustomApp, Importance, Part, SCORE_FACTORS, ScoreWeights};
use casbah_service::Service;
use serde_json::{Value, json};

use super::discovery_shapes::{
    APP_OVERRIDE, CUSTOM_APP, NEW_CUSTOM_APP, NEW_OVERRIDE, NEW_WEIGHTS, NOTHING, WEIGHTS as WEIGHTS_SHAPE,
};
use super::{DISCOVERY_MANAGE, DISCOVERY_READ};
use crate::describe::Shape;
use crate::paging::{self, Answer};
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::table::Area;

const APPS: &str = "/api/v1/discovery/custom_apps";
const APP: &str = "/api/v1/discovery/custom_apps/{app_id}";
const WEIGHTS: &str = "/api/v1/discovery/weights";

pub(super) fn area() -> Area {
    Area::new("Custom apps", Part::DiscoverySettings)
        .get(APPS, DISCOVERY_READ, "List custom apps", list_custom_apps)
        .pages(&CUSTOM_APP)
        .post(APPS, DISCOVERY_MANAGE, "Add an app to the catalogue", create_custom_app)
        .takes(NEW_CUSTOM_APP)
        .answers(Shape::Record(&CUSTOM_APP))
        .post(APP, DISCOVERY_MANAGE, "Change a custom app", change_custom_app)
        .takes(NEW_CUSTOM_APP)
        .answers(Shape::Record(&CUSTOM_APP))
        .delete(APP, DISCOVERY_MANAGE, "Remove a custom app", delete_custom_app)
        .answers(NOTHING)
        .get(WEIGHTS, DISCOVERY_READ, "Fetch the weights of the risk score", fetch_weights)
        .answers(Shape::Record(&WEIGHTS_SHAPE))
        .post(WEIGHTS, DISCOVERY_MANAGE, "Set the weights of the risk score", set_weights)
        .takes(NEW_WEIGHTS)
        .answers(Shape::Record(&WEIGHTS_SHAPE))
        .get(
            "/api/v1/discovery/app_overrides",
            DISCOVERY_READ,
            "List own scores and notes of apps",
            list_app_overrides,
        )
        .pages(&APP_OVERRIDE)
}

/// What may be said of an app by whoever may tag it.
pub(super) fn overrides() -> Area {
    Area::new("App overrides", Part::AppTags)
        .post(
            "/api/v1/discovery/discovery_app/{app_id}/override",
            DISCOVERY_MANAGE,
            "Set an own score and notes of an app",
            override_app,
        )
        .takes(NEW_OVERRIDE)
        .answers(NOTHING)
}

async fn list_custom_apps(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let (page, _) = paging::page(&parameters)?;
    let all = service.list_custom_apps(&caller).await?;
    Ok(Json(paging::cut(all.iter().map(view).collect(), page)))
}

fn view(app: &CustomApp) -> Value {
    json!({
        "appId": app.id,
        "name": app.name,
        "description": app.description,
        "category": app.category,
        "domains": app.domains,
        "ipRanges": app.ip_ranges,
        "hostingPlatform": app.hosting_platform,
        "subscriptionId": app.subscription_id,
        "businessUnit": app.business_unit,
        "score": app.score,
        "notes": app.notes,
    })
}

async fn create_custom_app(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    Ok(Json(view(&service.create_custom_app(&caller, body(&parameters)?).await?)))
}

async fn change_custom_app(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    Path(app): Path<String>,
    parameters: Parameters,
) -> Answer {
    Ok(Json(view(&service.change_custom_app(&caller, app_id(&app)?, body(&parameters)?).await?)))
}

async fn delete_custom_app(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    Path(app): Path<String>,
) -> Answer {
    service.delete_custom_app(&caller, app_id(&app)?).await?;
    Ok(Json(json!({})))
}

fn body(parameters: &Parameters) -> Result<CustomApp, Problem> {
    let text = |name: &str| Ok::<_, Problem>(parameters.text(name)?.unwrap_or_default().trim().to_string());
    Ok(CustomApp {
        id: 0,
        name: parameters.required_text("name")?,
        description: text("description")?,
        category: parameters.required_text("category")?,
        domains: texts(parameters, "domains")?,
        ip_ranges: texts(parameters, "ipRanges")?,
        hosting_platform: text("hostingPlatform")?,
        subscription_id: text("subscriptionId")?,
        business_unit: text("businessUnit")?,
        score: parameters.number("score")?,
        notes: text("notes")?,
    })
}

/// A list of texts; none when it is not there.
pub(super) fn texts(parameters: &Parameters, name: &str) -> Result<Vec<String>, Problem> {
    let wrong = || Problem::invalid(name, format!("{name} must be a list of texts."));
    match parameters.raw(name) {
        None => Ok(Vec::new()),
        Some(Value::String(one)) if one.trim().is_empty() => Ok(Vec::new()),
        Some(Value::String(one)) => Ok(vec![one.clone()]),
        Some(Value::Array(all)) => {
            all.iter().map(|one| one.as_str().map(String::from).ok_or_else(wrong)).collect()
        }
        Some(_) => Err(wrong()),
    }
}

fn app_id(text: &str) -> Result<i64, Problem> {
    text.parse().map_err(|_| Problem::invalid("appId", "The id of an app is a number."))
}

async fn list_app_overrides(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let (page, _) = paging::page(&parameters)?;
    let one = |one: &AppOverride| json!({ "appId": one.app, "score": one.score, "notes": one.notes, "modified": one.modified });
    let all = service.list_app_overrides(&caller).await?;
    Ok(Json(paging::cut(all.iter().map(one).collect(), page)))
}

async fn override_app(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    Path(app): Path<String>,
    parameters: Parameters,
) -> Answer {
    let notes = parameters.text("notes")?.unwrap_or_default();
    service.override_app(&caller, app_id(&app)?, parameters.number("score")?, notes).await?;
    Ok(Json(json!({})))
}

async fn fetch_weights(State(service): State<Service>, Extension(caller): Extension<Caller>) -> Answer {
    Ok(Json(weights_view(&service.discovery_settings(&caller).await?.weights)))
}

async fn set_weights(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let weights = ScoreWeights {
        groups: importances(&parameters, "groups")?,
        factors: importances(&parameters, "factors")?,
        exclude_unknown: parameters.flag("excludeUnknown")?.unwrap_or(false),
    };
    service.set_score_weights(&caller, weights.clone()).await?;
    Ok(Json(weights_view(&weights)))
}

fn importances(parameters: &Parameters, name: &str) -> Result<BTreeMap<String, Importance>, Problem> {
    let all = match parameters.raw(name) {
        None => return Ok(BTreeMap::new()),
        Some(Value::Object(all)) => all,
        Some(_) => return Err(Problem::invalid(name, format!("{name} must be an object."))),
    };
    let one = |(key, value): (&String, &Value)| {
        let found = value.as_str().and_then(Importance::find);
        let found = found.ok_or_else(|| {
            let names = Importance::ALL.map(Importance::name).join(", ");
            Problem::invalid(name, format!("{name}.{key} must be one of {names}."))
        })?;
        Ok((key.clone(), found))
    };
    all.iter().map(one).collect()
}

/// `fields` is what clients read; the rest is what `POST` takes.
fn weights_view(weights: &ScoreWeights) -> Value {
    let groups: BTreeMap<&str, &str> =
        SCORE_FACTORS.iter().map(|(group, _)| (*group, weights.group(group).name())).collect();
    let factors = SCORE_FACTORS.iter().flat_map(|(_, factors)| factors.iter());
    let factors: BTreeMap<&str, &str> = factors.map(|name| (*name, weights.factor(name).name())).collect();
    let mut fields = Vec::new();
    for (group, names) in SCORE_FACTORS {
        for name in *names {
            fields.push(json!({
                "name": name,
                "category": group,
                "importance": weights.factor(name).name(),
                "weight": weights.factor(name).factor(),
            }));
        }
    }
    json!({
        "fields": fields,
        "groups": groups,
        "factors": factors,
        "excludeUnknown": weights.exclude_unknown,
    })
}
