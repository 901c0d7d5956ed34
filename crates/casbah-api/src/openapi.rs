//! `/openapi.json`, made from the table of endpoints, and `/docs`, the same to read.
//!
//! Nothing of it is written by hand but what the OAuth protocol needs to be said: paths, permissions, parameters,
//! filters and answers are those of the rows.

mod accepted;
mod page;
#[cfg(test)]
pub(crate) mod tests;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use casbah_authority::seed::CLOUD_APPS;
use casbah_model::Permission;
use casbah_service::Service;
use serde_json::{Map, Value, json};

use crate::describe::{Answers, Named, Property, Shape, has, may_have, page as page_schema};
use crate::table::{Access, EndpointInfo};
use accepted::Place;

/// Who may read the description: everybody.
pub(crate) fn router() -> Router<Service> {
    Router::new().route("/openapi.json", get(show_document)).route("/docs", get(page::show))
}

async fn show_document(State(service): State<Service>) -> Response {
    let document = document(&service.settings().public_url, &crate::endpoints());
    let mut response = Json(document).into_response();
    // It holds nothing of a tenant, so pages of other origins may show it.
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    response
}

/// The document for a server at `origin`.
pub(crate) fn document(origin: &str, endpoints: &[EndpointInfo]) -> Value {
    let origin = origin.trim_end_matches('/');
    let mut named = Named::default();
    named.0.insert("Problem", problem(&mut Named::default()));
    let mut paths = Map::new();
    for endpoint in endpoints {
        let path = paths.entry(documented(endpoint.path)).or_insert_with(|| json!({}));
        for method in endpoint.methods {
            path[method.to_ascii_lowercase()] = operation(endpoint, method, &mut named);
        }
    }
    let mut areas: Vec<&str> = endpoints.iter().map(|endpoint| endpoint.area).collect();
    areas.dedup();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Casbah: the Cloud Apps API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": { "name": "Apache 2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": origin, "description": "For all tenants: the token says which one is meant." }],
        "tags": areas.iter().map(|area| json!({ "name": area })).collect::<Vec<_>>(),
        "paths": paths,
        "components": { "schemas": named.0, "securitySchemes": security_schemes(origin) },
    })
}

const DESCRIPTION: &str = "Alerts, activities, discovery and settings of a tenant, in the shapes of the API of \
    Microsoft Defender for Cloud Apps. Every path is also served below /cas/api, and with and without its final \
    slash. Parameters may arrive as a JSON body, as a form or in the query string; numbers and booleans may be \
    text; keys that are not known and keys with null are ignored.";

/// The path as the documentation of the API spells it.
fn documented(path: &str) -> String {
    if path.starts_with("/api/") { format!("{path}/") } else { path.to_string() }
}

fn operation(endpoint: &EndpointInfo, method: &str, named: &mut Named) -> Value {
    let says = &endpoint.says;
    let place = if matches!(method, "POST" | "PUT" | "PATCH") { Place::Body } else { Place::Query };
    let mut parameters = path_parameters(endpoint);
    let taken = taken(endpoint);
    let id = match (endpoint.methods.len() > 1, method) {
        (true, "POST") => format!("{}_by_post", endpoint.operation),
        _ => endpoint.operation.to_string(),
    };
    let mut operation = json!({
        "operationId": id,
        "tags": [endpoint.area],
        "summary": endpoint.summary,
        "description": who(endpoint),
        "responses": responses(endpoint, named),
        "security": security(endpoint),
        "x-permissions": permissions(endpoint),
    });
    accepted::value_schemas(&says.filters, named);
    if place == Place::Query {
        parameters.extend(taken.iter().map(in_query));
        if !says.filters.is_empty() {
            // JSON text, as clients write it into the query.
            parameters.push(json!({
                "name": "filters",
                "in": "query",
                "required": false,
                "description": "Fields, each with operators and values; all of them must hold.",
                "content": { "application/json": { "schema": accepted::filters(&says.filters) } },
            }));
        }
    } else if let Some(record) = says.lines {
        Shape::Record(record).schema(named);
        operation["requestBody"] = json!({
            "required": false,
            "description": format!(
                "One JSON object a line, in the form of {}; what Casbah derives may be left out. gzip is taken.",
                record.name
            ),
            "content": { "application/x-ndjson": { "schema": {} } },
        });
    } else if !taken.is_empty() || !says.filters.is_empty() {
        let required: Vec<&str> = taken.iter().filter(|p| !p.optional).map(|p| p.name).collect();
        let all = taken.iter().map(|p| (p.name.to_string(), accepted::parameter(p, Place::Body)));
        let mut schema = json!({ "type": "object", "properties": all.collect::<Map<_, _>>() });
        if required.is_empty() {
            // As good as no body.
            schema["type"] = json!(["object", "null"]);
        }
        if !says.filters.is_empty() {
            schema["properties"]["filters"] = accepted::filters(&says.filters);
        }
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        operation["requestBody"] = json!({ "required": !required.is_empty(), "content": { "application/json": { "schema": schema } } });
    }
    if !parameters.is_empty() {
        operation["parameters"] = json!(parameters);
    }
    operation
}

/// The parameters of an endpoint besides its path and its filters.
fn taken(endpoint: &EndpointInfo) -> Vec<Property> {
    let says = &endpoint.says;
    let mut all = says.takes.to_vec();
    if says.paged {
        all.push(may_have("skip", Shape::Between(0, i64::MAX), "Records to pass over; 0 by default."));
        all.push(may_have(
            "limit",
            Shape::Between(1, i64::MAX),
            "Records of a page; 100 by default. Larger values are accepted and cut down to `max`.",
        ));
    }
    if !says.sorts.is_empty() {
        all.push(may_have(
            "sortField",
            Shape::Word(says.sorts),
            "What the list is sorted by; by default the first.",
        ));
        all.push(may_have("sortDirection", Shape::Word(&["asc", "desc"]), ""));
    }
    if says.scanned {
        let what =
            "Whether the list is followed by `nextQueryFilters` instead of `skip`; pages are then larger.";
        all.push(may_have("isScan", Shape::Flag, what));
    }
    all
}

fn in_query(property: &Property) -> Value {
    json!({
        "name": property.name,
        "in": "query",
        "required": !property.optional,
        "description": property.what,
        "schema": accepted::parameter(&Property { what: "", ..*property }, Place::Query),
    })
}

fn path_parameters(endpoint: &EndpointInfo) -> Vec<Value> {
    let names = endpoint.path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let parameter = |name: &str| {
        let (shape, what) = match name {
            "id" => (endpoint.says.id, "Which record."),
            "app_id" => (Shape::Between(0, 999_999_999), "Which app, by number."),
            "typed_id" => (Shape::Id, "Which record."),
            "key" => (Shape::Text, "Which entity: the base64 of `{\"id\": …, \"saas\": …, \"inst\": …}`."),
            _ => (Shape::Text, "A part of the signed address."),
        };
        let schema = match shape {
            Shape::Id => json!({ "type": "string", "pattern": "^[0-9a-f]{24}$" }),
            // Not a name that follows in the same place of another path.
            Shape::Text => json!({ "type": "string", "minLength": 1 }),
            other => other.schema(&mut Named::default()),
        };
        json!({ "name": name, "in": "path", "required": true, "description": what, "schema": schema })
    };
    names.map(parameter).collect()
}

/// Who may call it, in a sentence.
fn who(endpoint: &EndpointInfo) -> String {
    match endpoint.access {
        Access::SignedUrl => "Whoever has the signed address; no credentials.".to_string(),
        Access::AnyOf(any_of) => {
            let names: Vec<&str> = any_of.iter().map(|permission| permission.title()).collect();
            let roles = match endpoint.needs {
                Some((part, _)) => format!(" The roles of a person must open {}.", part.name()),
                None => String::new(),
            };
            format!("Needs one of the permissions {}.{roles}", names.join(", "))
        }
    }
}

fn permissions(endpoint: &EndpointInfo) -> Vec<&'static str> {
    match endpoint.access {
        Access::SignedUrl => Vec::new(),
        Access::AnyOf(any_of) => any_of.iter().map(|permission| permission.value()).collect(),
    }
}

fn scope(permission: Permission) -> String {
    format!("{CLOUD_APPS}/{}", permission.value())
}

/// One of these suffices.
fn security(endpoint: &EndpointInfo) -> Vec<Value> {
    let Access::AnyOf(any_of) = endpoint.access else { return Vec::new() };
    let mut all = vec![json!({ "application": [format!("{CLOUD_APPS}/.default")] })];
    all.extend(any_of.iter().map(|permission| json!({ "user": [scope(*permission)] })));
    all.push(json!({ "legacyToken": [] }));
    all
}

fn security_schemes(origin: &str) -> Value {
    let scopes: Map<String, Value> = Permission::ALL.iter().map(|p| (scope(*p), json!(p.title()))).collect();
    json!({
        "application": {
            "type": "oauth2",
            "description": "An application acting as itself. TENANT in the address stands for the id or a domain of \
                            the tenant; x-permissions of an operation says which app roles are enough.",
            "flows": { "clientCredentials": {
                "tokenUrl": format!("{origin}/TENANT/oauth2/v2.0/token"),
                "scopes": { (format!("{CLOUD_APPS}/.default")): "Everything that the application was given" },
            } },
        },
        "user": {
            "type": "oauth2",
            "description": "An application acting for a person, within that person's roles.",
            "flows": { "authorizationCode": {
                "authorizationUrl": format!("{origin}/organizations/oauth2/v2.0/authorize"),
                "tokenUrl": format!("{origin}/organizations/oauth2/v2.0/token"),
                "refreshUrl": format!("{origin}/organizations/oauth2/v2.0/token"),
                "scopes": scopes,
            } },
        },
        "legacyToken": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "The word Token, a blank and a legacy API token. Deprecated.",
        },
    })
}

fn responses(endpoint: &EndpointInfo, named: &mut Named) -> Value {
    let refusal = |what: &str| {
        json!({
            "description": what,
            "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
        })
    };
    let json_body = |schema: Value| json!({ "application/json": { "schema": schema } });
    let (content, what) = match endpoint.says.answers {
        Some(Answers::Json(shape)) => (json_body(shape.schema(named)), "What was asked for."),
        Some(Answers::Page(record)) => (json_body(page_schema(record, named)), "A page of the list."),
        Some(Answers::TextOr(media_type, record)) => {
            let mut content = json_body(page_schema(record, named));
            content[media_type] = json!({ "schema": { "type": "string" } });
            (content, "The text, or a page of the list.")
        }
        Some(Answers::File(record)) => {
            let schema = Shape::Record(record).schema(named);
            let text = json!({ "schema": { "type": "string" } });
            let packed = json!({ "schema": { "type": "string", "format": "binary" } });
            let lines = json!({
                "application/x-ndjson": { "schema": schema },
                "text/csv": text,
                "application/vnd.apache.parquet": packed,
                "application/gzip": packed,
            });
            (lines, "The file: in JSON lines, one such record a line.")
        }
        Some(Answers::Elsewhere) | None => {
            return json!({ "default": { "description": "As Azure Blob Storage answers." } });
        }
    };
    let mut all = json!({
        "200": { "description": what, "content": content },
        "400": refusal("A parameter is not valid; the answer names it."),
        "401": refusal("No credentials, or not valid ones."),
        "403": refusal("The permissions or the roles of the caller do not suffice; the answer says which would."),
        "408": refusal("The body did not arrive in time."),
        "413": refusal("The body is too large."),
        "415": refusal("A body of a kind that is not read here."),
        "500": refusal("Something went wrong on the side of the server; the answer has the id of the request."),
    });
    if matches!(endpoint.access, Access::AnyOf(_)) {
        all["429"] = refusal(
            "The tenant has called too often; `Retry-After` says in how many seconds there is room again.",
        );
        all["429"]["headers"] = json!({
            "Retry-After": { "description": "Seconds.", "schema": { "type": "integer", "minimum": 1 } },
        });
    }
    if endpoint.path.contains('{') {
        all["404"] = refusal("There is no such record, or the caller does not see it.");
    }
    if !endpoint.says.takes.is_empty() && all["404"].is_null() {
        all["404"] = refusal("Something that the call names does not exist.");
    }
    if endpoint.methods != ["GET"] && endpoint.methods != ["GET", "POST"] {
        all["404"] = refusal("Something that the call names does not exist.");
        all["409"] = refusal("It is in the way of something that exists.");
    }
    if matches!(endpoint.says.answers, Some(Answers::TextOr(..))) {
        all["304"] = json!({ "description": "The caller has it already." });
    }
    all
}

fn problem(named: &mut Named) -> Value {
    const ONE: &[Property] = &[has("error", Shape::Text, "What is wrong.")];
    const PROBLEM: &[Property] = &[
        has("error", Shape::Flag, "True."),
        has("errors", Shape::List(&Shape::Inline(ONE)), ""),
        has("detail", Shape::Text, "What is wrong, and what would be right."),
        has("requestId", Shape::Text, "Id of the request, which the log of the server has too."),
    ];
    let mut schema = crate::describe::object(PROBLEM, named);
    // A faulty parameter has a list under its name.
    schema["description"] = json!(
        "Why something was refused. Beside this there is a list under the name of the faulty parameter, \
         `[{\"error\", \"errorMessageCode\", \"errorMessageParams\"}]`."
    );
    schema
}
