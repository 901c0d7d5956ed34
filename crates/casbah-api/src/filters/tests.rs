use casbah_model::Timestamp;
use casbah_model::filter::{Condition, EntityKey, Operand, Range, Test};
use serde_json::{Value, json};

use super::Operator::{Eq, Gt, Gte, GteNdays, Lt, Lte, LteNdays, Neq, Range as InRange, Text};
use super::{Field, Kind, parse};

#[derive(Clone, Copy, PartialEq, Debug)]
struct At(&'static str);

const TABLE: &[Field<At>] = &[
    Field {
        names: &["number"],
        field: At("number"),
        kind: Kind::Number,
        operators: &[Eq, Neq, Gt, Lt],
        what: "",
        example: "",
    },
    Field { names: &["flag"], field: At("flag"), kind: Kind::Flag, operators: &[Eq], what: "", example: "" },
    Field {
        names: &["name", "oldName"],
        field: At("name"),
        kind: Kind::Text,
        operators: &[Eq, Neq],
        what: "",
        example: "",
    },
    Field { names: &["id"], field: At("id"), kind: Kind::Id, operators: &[Eq], what: "", example: "" },
    Field {
        names: &["source"],
        field: At("source"),
        kind: Kind::Either("built-in", "policy"),
        operators: &[Eq],
        what: "",
        example: "",
    },
    Field {
        names: &["entity"],
        field: At("entity"),
        kind: Kind::Entity,
        operators: &[Eq],
        what: "",
        example: "",
    },
    Field {
        names: &["score"],
        field: At("score"),
        kind: Kind::Span,
        operators: &[Eq],
        what: "",
        example: "",
    },
    Field {
        names: &["text"],
        field: At("text"),
        kind: Kind::Text,
        operators: &[Text],
        what: "",
        example: "",
    },
    Field {
        names: &["date"],
        field: At("date"),
        kind: Kind::Time,
        operators: &[Gte, Lte, InRange, GteNdays, LteNdays],
        what: "",
        example: "",
    },
];

const DAY: i64 = 86_400_000;
const NOW: Timestamp = Timestamp(100 * DAY);

fn read(filters: Value) -> Result<Vec<Condition<At>>, String> {
    let Value::Object(filters) = filters else { panic!("an object") };
    parse(&filters, TABLE, NOW).map_err(|problem| format!("{problem:?}"))
}

fn check(filters: Value, expected: &[(&'static str, Test)]) {
    let expected: Vec<Condition<At>> =
        expected.iter().map(|(name, test)| Condition { field: At(name), test: test.clone() }).collect();
    assert_eq!(read(filters.clone()), Ok(expected), "{filters}");
}

fn numbers(list: &[i64]) -> Vec<Operand> {
    list.iter().map(|n| Operand::Number(*n)).collect()
}

#[test]
fn scalars_lists_and_texts_mean_the_same() {
    for two in [json!(2), json!([2]), json!("2"), json!(["2"]), json!(2.0)] {
        check(json!({ "number": { "eq": two } }), &[("number", Test::AnyOf(numbers(&[2])))]);
    }
    for yes in [json!(true), json!("true"), json!(["True"]), json!([true])] {
        check(json!({ "flag": { "eq": yes } }), &[("flag", Test::AnyOf(vec![Operand::Flag(true)]))]);
    }
    check(json!({ "oldName": { "neq": 5 } }), &[("name", Test::NoneOf(vec![Operand::Text("5".into())]))]);
}

#[test]
fn empty_values_are_no_constraint() {
    for nothing in [json!({}), json!([]), json!(null), json!({ "eq": [] }), json!({ "neq": [] })] {
        check(json!({ "number": nothing }), &[]);
    }
    check(json!({ "date": { "gte": null, "lte": [] } }), &[]);
}

#[test]
fn null_is_no_value() {
    for null in [json!(null), json!([null]), json!("null")] {
        check(json!({ "number": { "eq": &null } }), &[("number", Test::AnyOf(vec![Operand::Nothing]))]);
        check(json!({ "flag": { "eq": &null } }), &[("flag", Test::AnyOf(vec![Operand::Nothing]))]);
    }
    check(json!({ "name": { "eq": "null" } }), &[("name", Test::AnyOf(vec![Operand::Text("null".into())]))]);
}

#[test]
fn times() {
    let range = |from: Option<i64>, to: Option<i64>| Test::Within(vec![Range { from, to }]);
    check(json!({ "date": { "gte": 5 } }), &[("date", range(Some(5), None))]);
    check(json!({ "date": { "gte": "1.7934912e12" } }), &[("date", range(Some(1_793_491_200_000), None))]);
    check(json!({ "date": { "lte": [5.75] } }), &[("date", range(None, Some(5)))]);
    check(json!({ "date": { "gte_ndays": "30" } }), &[("date", range(Some(70 * DAY), None))]);
    check(json!({ "date": { "lte_ndays": 30 } }), &[("date", range(None, Some(70 * DAY)))]);
    check(json!({ "date": { "gte_ndays": "0.5" } }), &[("date", range(Some(100 * DAY - DAY / 2), None))]);
    check(json!({ "date": { "range": { "start": 1, "end": null } } }), &[("date", range(Some(1), None))]);
    let two = Test::Within(vec![Range { from: Some(1), to: Some(2) }, Range { from: None, to: Some(9) }]);
    check(json!({ "date": { "range": [{ "start": 1, "end": "2" }, { "end": 9 }] } }), &[("date", two)]);
    let both = [("date", range(Some(70 * DAY), None)), ("date", range(None, Some(7)))];
    check(json!({ "date": { "gte_ndays": 30, "lte": 7 } }), &both);
    check(
        json!({ "number": { "gt": 5, "lt": 9 } }),
        &[("number", range(Some(6), None)), ("number", range(None, Some(8)))],
    );
    assert!(read(json!({ "date": { "gte_ndays": i64::MAX, "lte_ndays": i64::MIN } })).is_ok(), "no overflow");
}

#[test]
fn words_ids_keys_and_spans() {
    check(json!({ "text": { "text": "mira" } }), &[("text", Test::Words(vec!["mira".into()]))]);
    check(json!({ "source": { "eq": "Built-In" } }), &[("source", Test::AnyOf(vec![Operand::Flag(true)]))]);
    check(
        json!({ "score": { "eq": [1, "5"] } }),
        &[("score", Test::Within(vec![Range { from: Some(1), to: Some(5) }]))],
    );
    let id = Operand::Text("6a1f0c2b9d3e4f5a6b7c8d90".into());
    check(json!({ "id": { "eq": "6A1F0C2B9D3E4F5A6B7C8D90" } }), &[("id", Test::AnyOf(vec![id]))]);
    let key = |inst| Operand::Entity(EntityKey { id: "5d0a".into(), saas: Some(11161), inst });
    check(
        json!({ "entity": { "eq": [{ "inst": "0", "saas": 11161, "id": "5d0a" }, "{\"id\":\"5d0a\",\"saas\":\"11161\"}"] } }),
        &[("entity", Test::AnyOf(vec![key(Some(0)), key(None)]))],
    );
}

#[test]
fn refusals_name_the_fault_and_what_is_allowed() {
    let check = |filters: Value, words: &[&str]| {
        let why = read(filters.clone()).expect_err("refused");
        assert!(why.contains("\"filters\"") && why.contains("400"), "{why}");
        for word in words {
            assert!(why.contains(word), "{filters}: {why} lacks {word}");
        }
    };
    check(json!({ "severities": { "eq": 1 } }), &["severities", "number", "flag", "date"]);
    check(json!({ "flag": { "neq": true } }), &["flag", "neq", "eq"]);
    check(json!({ "number": 5 }), &["number", "eq"]);
    check(json!({ "number": { "eq": "five" } }), &["number", "eq", "whole numbers"]);
    check(json!({ "number": { "eq": [1, { "a": 1 }] } }), &["whole numbers"]);
    check(json!({ "number": { "eq": 1.5 } }), &["whole numbers"]);
    check(json!({ "flag": { "eq": "yes" } }), &["true or false"]);
    check(json!({ "id": { "eq": ["zz9"] } }), &["24 hex digits", "zz9"]);
    check(json!({ "source": { "eq": "other" } }), &["built-in", "policy"]);
    check(json!({ "date": { "gte": [1, 2] } }), &["one number"]);
    check(json!({ "date": { "range": [1] } }), &["start"]);
    check(json!({ "entity": { "eq": { "saas": 1 } } }), &["entity keys"]);
    check(json!({ "text": { "text": [[]] } }), &["texts"]);
    check(json!({ "number": { "eq": vec![1; 10_001] } }), &["10000"]);
}
