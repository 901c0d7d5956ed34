use serde_json::{Map, Value as Json, json};

use super::rows::Row;
use super::{Asked, asked, rows};
use crate::portal::fields::Fields;
use casbah_api::lists::{List, Values};

const LISTS: &[&str] = &["alerts", "activities", "entities", "files", "governance", "subnet", "policies"];

/// What the API says of each field as an example comes back from the form as it was, with every operator.
#[test]
fn the_form_gives_back_what_was_given_for_every_field_and_operator_of_every_list() {
    for resource in LISTS {
        let list = List::find(resource).expect("a list");
        assert!(!list.fields.is_empty(), "{resource}");
        for field in &list.fields {
            let example =
                field.example.as_object().and_then(|e| e.values().next()).cloned().expect("a value");
            for (operator, _) in &field.operators {
                let value = match *operator {
                    "isset" | "isnotset" => json!(false),
                    "gte_ndays" | "lte_ndays" => json!(30),
                    "range" if field.values == Values::Time => {
                        json!([{ "start": 1_778_400_000_000_i64, "end": 1_778_400_001_500_i64 }])
                    }
                    "range" => json!([{ "start": 1, "end": 5 }]),
                    _ => example.clone(),
                };
                let mut given = Map::new();
                given.insert(field.name.to_string(), json!({ *operator: value }));
                let shown = Row::all(&list, &given);
                let mut again = Map::new();
                for row in &shown {
                    row.put(&list, &mut again).expect("a value that can be read");
                }
                assert_eq!(plain(&again), plain(&given), "{resource} {} {operator} {shown:?}", field.name);
            }
        }
    }
}

/// One value and a list of it are the same to the API, and so are a number and its name.
fn plain(given: &Map<String, Json>) -> String {
    Json::Object(given.clone()).to_string().replace(['[', ']', '"'], "")
}

#[test]
fn what_a_form_sends_leads_to_the_filters_as_the_api_takes_them() {
    let sent = "f0=severity&o0=eq&v0=1&v0=2&f1=entity.user&o1=neq&v1=%22Holt%2C+Mira%22%2C+rea&f2=text&o2=text&v2=&sort=date";
    let Asked::Elsewhere(address) = asked("alerts", "/portal/alerts", &Fields::read(sent.as_bytes())) else {
        panic!("an address")
    };
    let query = Fields::read(address.split_once('?').expect("a query").1.as_bytes());
    let filters: Json = serde_json::from_str(query.get("filters")).expect("JSON");
    assert_eq!(
        filters,
        json!({ "severity": { "eq": [1, 2] }, "entity.user": { "neq": ["Holt, Mira", "rea"] } })
    );
    assert_eq!(query.get("sort"), "date");
}

#[test]
fn a_value_that_cannot_be_read_is_said_at_its_row_and_stays() {
    let sent = "f0=date&o0=gte&v0=yesterday&f1=severity&o1=eq&v1=2";
    let Asked::Here(filters) = asked("alerts", "/portal/alerts", &Fields::read(sent.as_bytes())) else {
        panic!("a page")
    };
    assert!(filters.problem.is_some());
    let shown = filters.form("/portal/alerts", &Fields::default(), &[]).into_string();
    assert!(shown.contains("value=\"yesterday\"") && shown.contains("yesterday is no value"), "{shown}");
    let Asked::Here(filters) = asked("alerts", "/portal/alerts", &Fields::read(b"filters=%5B1%5D")) else {
        panic!("a page")
    };
    assert!(filters.problem.is_some());
}

#[test]
fn values_are_split_at_commas_that_stand_outside_quotes() {
    let split = rows::split;
    assert_eq!(split("a, b,,c"), ["a", "b", "c"]);
    assert_eq!(split("\"a, b\", \"say \"\"x\"\"\""), ["a, b", "say \"x\""]);
    assert_eq!(split("5\" disk, x"), ["5\" disk", "x"]);
}
