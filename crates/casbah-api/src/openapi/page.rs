//! `/docs`: the description to read. No script, and nothing of another origin.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use casbah_service::Service;
use maud::{DOCTYPE, Markup, html};

use super::{documented, taken, who};
use crate::describe::{Answers, Property, Record, Shape};
use crate::table::{Access, EndpointInfo};

const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none'; base-uri 'none'; \
                      frame-ancestors 'none'";

pub(super) async fn show(State(service): State<Service>) -> Response {
    let mut response = page(&service.settings().public_url, &crate::endpoints()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The page for a server at `origin`.
pub(super) fn page(origin: &str, endpoints: &[EndpointInfo]) -> Markup {
    let mut areas: Vec<&str> = endpoints.iter().map(|endpoint| endpoint.area).collect();
    areas.dedup();
    let records = records(endpoints);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "The Cloud Apps API – Casbah" }
                link rel="icon" type="image/svg+xml" href="/assets/icon.svg";
                link rel="stylesheet" href="/assets/casbah.css";
            }
            body {
                header { img src="/assets/icon.svg" alt=""; "Casbah" }
                main .wide {
                    h1 { "The Cloud Apps API" }
                    p { (super::DESCRIPTION) }
                    p { "The address is " code { (origin.trim_end_matches('/')) } " for all tenants. The same for \
                        programs: " a href="/openapi.json" { "openapi.json" } " (OpenAPI 3.1)." }
                    nav aria-label="Contents" {
                        ul {
                            @for area in &areas { li { a href={ "#" (anchor(area)) } { (area) } } }
                            li { a href="#records" { "Records" } }
                        }
                    }
                    @for area in &areas {
                        section id=(anchor(area)) {
                            h2 { (area) }
                            @for endpoint in endpoints.iter().filter(|e| e.area == *area) { (one(endpoint)) }
                        }
                    }
                    section #records {
                        h2 { "Records" }
                        @for record in records { (of_record(record)) }
                    }
                }
                footer { "Casbah, a cloud access security broker" }
            }
        }
    }
}

fn anchor(name: &str) -> String {
    name.to_lowercase().replace(' ', "-")
}

fn one(endpoint: &EndpointInfo) -> Markup {
    let parameters = taken(endpoint);
    html! {
        article id=(endpoint.operation) {
            h3 { (endpoint.summary) }
            p { code { (endpoint.methods.join(" or ")) " " (documented(endpoint.path)) } }
            p { (who(endpoint)) }
            @if let Some(record) = endpoint.says.lines {
                p { "Takes one " (link(record)) " a line." }
            }
            @if !parameters.is_empty() { (table("Parameters", &parameters)) }
            @if !endpoint.says.filters.is_empty() {
                table {
                    caption { "Filters" }
                    thead { tr { th scope="col" { "Name" } th scope="col" { "Operators" } th scope="col" { "What" } } }
                    tbody {
                        @for field in &endpoint.says.filters {
                            tr {
                                th scope="row" { code { (field.names.join(", ")) } }
                                td { (field.operators.iter().map(|o| o.name()).collect::<Vec<_>>().join(", ")) }
                                td { (field.what) ". " code { (crate::filters::example(field)) } }
                            }
                        }
                    }
                }
            }
            @if endpoint.access != Access::SignedUrl { p { "Answers " (answers(endpoint.says.answers)) } }
        }
    }
}

fn answers(answers: Option<Answers>) -> Markup {
    html! {
        @match answers {
            Some(Answers::Page(record)) => { "a page of " (link(record)) "." },
            Some(Answers::TextOr(media_type, record)) => { (media_type) ", or a page of " (link(record)) "." },
            Some(Answers::File(record)) => { "a file: CSV, or JSON lines of " (link(record)) "." },
            Some(Answers::Json(Shape::Inline([]))) => { "an empty object." },
            Some(Answers::Json(Shape::Inline(properties))) => { "an object:" (table("Answer", properties)) },
            Some(Answers::Json(shape)) => { (kind(&shape)) "." },
            Some(Answers::Elsewhere) | None => { "as another protocol has it." },
        }
    }
}

fn of_record(record: &'static Record) -> Markup {
    html! {
        article id={ "record-" (record.name) } {
            h3 { (record.name) }
            p { (record.what) }
            (table("Properties", record.properties))
        }
    }
}

fn table(caption: &str, properties: &[Property]) -> Markup {
    html! {
        table {
            caption { (caption) }
            thead { tr { th scope="col" { "Name" } th scope="col" { "Kind" } th scope="col" { "What" } } }
            tbody { (rows("", properties)) }
        }
    }
}

/// One row for each property; those of an object within follow it, with a dot.
fn rows(before: &str, properties: &[Property]) -> Markup {
    html! {
        @for property in properties {
            tr {
                th scope="row" { code { (before) (property.name) } }
                td { (kind(&property.shape)) @if property.optional { ", may be absent" } }
                td { (property.what) }
            }
            @if let Some(inner) = inner(&property.shape) {
                (rows(&format!("{before}{}.", property.name), inner))
            }
        }
    }
}

fn inner(shape: &Shape) -> Option<&'static [Property]> {
    match shape {
        Shape::Inline(properties) => Some(properties),
        Shape::List(of) | Shape::Nullable(of) | Shape::Map(of) => inner(of),
        _ => None,
    }
}

fn kind(shape: &Shape) -> Markup {
    html! {
        @match shape {
            Shape::Text => "text",
            Shape::Id => "24 hex digits",
            Shape::Guid => "GUID",
            Shape::Url => "address",
            Shape::Integer => "whole number",
            Shape::Between(from, to) if *to < 1000 => { "whole number, " (from) " to " (to) },
            Shape::Between(from, _) => { "whole number, from " (from) },
            Shape::Number => "number",
            Shape::Flag => "true or false",
            Shape::Time => "milliseconds since 1970",
            Shape::Moment => "time (RFC 3339)",
            Shape::Word(words) => { "one of " (words.join(", ")) },
            Shape::Numbered(all) => {
                (all.iter().map(|(number, what)| format!("{number} {what}")).collect::<Vec<_>>().join(", "))
            },
            Shape::Object | Shape::Inline(_) => "object",
            Shape::Anything => "anything",
            Shape::List(of) => { "list of " (kind(of)) },
            Shape::Tuple(places) => {
                "list: " @for (at, place) in places.iter().enumerate() { @if at > 0 { ", " } (kind(place)) }
            },
            Shape::Map(of) => { "object whose values are " (kind(of)) },
            Shape::Either(kinds) => {
                @for (at, one) in kinds.iter().enumerate() { @if at > 0 { " or " } (kind(one)) }
            },
            Shape::Nullable(of) => { (kind(of)) " or null" },
            Shape::Record(record) => (link(record)),
        }
    }
}

fn link(record: &Record) -> Markup {
    html! { a href={ "#record-" (record.name) } { (record.name) } }
}

/// All records that endpoints take or answer, and those within them, by name.
fn records(endpoints: &[EndpointInfo]) -> Vec<&'static Record> {
    let mut found = Vec::new();
    for endpoint in endpoints {
        match endpoint.says.answers {
            Some(Answers::Page(record) | Answers::TextOr(_, record) | Answers::File(record)) => {
                collect_record(record, &mut found)
            }
            Some(Answers::Json(shape)) => collect(&shape, &mut found),
            Some(Answers::Elsewhere) | None => {}
        }
    }
    found.sort_unstable_by_key(|record| record.name);
    found
}

fn collect(shape: &Shape, found: &mut Vec<&'static Record>) {
    match shape {
        Shape::Record(record) => collect_record(record, found),
        Shape::List(of) | Shape::Nullable(of) | Shape::Map(of) => collect(of, found),
        Shape::Tuple(all) | Shape::Either(all) => all.iter().for_each(|one| collect(one, found)),
        Shape::Inline(properties) => properties.iter().for_each(|p| collect(&p.shape, found)),
        _ => {}
    }
}

fn collect_record(record: &'static Record, found: &mut Vec<&'static Record>) {
    if !found.iter().any(|known| known.name == record.name) {
        found.push(record);
        record.properties.iter().for_each(|p| collect(&p.shape, found));
    }
}
