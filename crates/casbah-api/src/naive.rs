//! Filters of a list against a naive evaluation of what the list itself returns: random filters, which hold of a record
//! or do not by what stands in it.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};

use crate::testing::World;

/// The values of a record in a field.
type Holds = Box<dyn Fn(&Value) -> Vec<Value>>;

/// A field of a list: how it is asked for, and what a record holds of it.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) operators: &'static [&'static str],
    /// Values to ask for; some that no record has.
    pub(crate) samples: Vec<Value>,
    /// What a record holds, texts in lower case; nothing where it has no value.
    pub(crate) of: Holds,
}

impl Field {
    pub(crate) fn new(
        name: &'static str,
        operators: &'static [&'static str],
        samples: impl IntoIterator<Item = Value>,
        of: impl Fn(&Value) -> Vec<Value> + 'static,
    ) -> Field {
        Field { name, operators, samples: samples.into_iter().collect(), of: Box::new(of) }
    }
}

/// What stands at a pointer, a list as its items; null is nothing.
pub(crate) fn at(pointer: &'static str) -> impl Fn(&Value) -> Vec<Value> {
    move |record| match record.pointer(pointer) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(all)) => all.iter().map(lower).collect(),
        Some(one) => vec![lower(one)],
    }
}

pub(crate) fn lower(value: &Value) -> Value {
    match value {
        Value::String(text) => json!(text.to_lowercase()),
        other => other.clone(),
    }
}

/// One condition, as JSON and as chosen.
struct Chosen<'f> {
    field: &'f Field,
    operator: &'static str,
    value: Value,
}

impl Chosen<'_> {
    fn holds(&self, record: &Value) -> bool {
        let own = (self.field.of)(record);
        let list = || self.value.as_array().cloned().unwrap_or_else(|| vec![self.value.clone()]);
        let is = |wanted: &Value| match wanted {
            Value::Null => own.is_empty(),
            other => own.contains(&lower(other)),
        };
        let number = |value: &Value| value.as_i64();
        let compared = |holds: &dyn Fn(i64, i64) -> bool| {
            own.iter()
                .filter_map(number)
                .any(|own| number(&self.value).is_some_and(|wanted| holds(own, wanted)))
        };
        let within = |from: &Value, to: &Value| {
            own.iter().filter_map(number).any(|own| {
                number(from).is_none_or(|from| own >= from) && number(to).is_none_or(|to| own <= to)
            })
        };
        match self.operator {
            "eq" => list().iter().any(is),
            "neq" => !list().iter().any(is),
            "deq" => own.iter().any(|own| !list().iter().any(|wanted| lower(wanted) == *own)),
            "contains" => list().iter().any(|piece| {
                let piece = lower(piece);
                let piece = piece.as_str().unwrap_or_default();
                own.iter().any(|own| own.as_str().is_some_and(|own| own.contains(piece)))
            }),
            "gt" => compared(&|own, wanted| own > wanted),
            "gte" => compared(&|own, wanted| own >= wanted),
            "lt" => compared(&|own, wanted| own < wanted),
            "lte" => compared(&|own, wanted| own <= wanted),
            "range" => within(&self.value["start"], &self.value["end"]),
            // `eq` of two numbers, where that is a range.
            "span" => within(&self.value[0], &self.value[1]),
            "isset" => !own.is_empty(),
            "isnotset" => own.is_empty(),
            other => panic!("{other}"),
        }
    }
}

/// What to ask: places in the list of fields, each with draws for the operator and the values.
fn drawn(fields: usize) -> impl Strategy<Value = Vec<(usize, usize, Vec<usize>)>> {
    let one = (0..fields, any::<usize>(), prop::collection::vec(any::<usize>(), 2..4));
    prop::collection::vec(one, 1..4)
}

fn chosen<'f>(field: &'f Field, operator: usize, draws: &[usize]) -> Chosen<'f> {
    let operator = field.operators[operator % field.operators.len()];
    let sample = |draw: usize| field.samples[draw % field.samples.len()].clone();
    let value = match operator {
        "eq" | "neq" | "deq" | "contains" => {
            Value::Array(draws[1..].iter().map(|draw| sample(*draw)).collect())
        }
        "range" => json!({ "start": sample(draws[0]), "end": sample(draws[1]) }),
        "span" => json!([sample(draws[0]), sample(draws[1])]),
        "isset" | "isnotset" => json!(true),
        _ => sample(draws[0]),
    };
    Chosen { field, operator, value }
}

/// Asks `cases` times, and compares with the records that the list returns for `body`.
pub(crate) async fn check(world: &World, path: &str, body: &Value, id: &str, fields: &[Field], cases: usize) {
    let all = world.post(path, body.clone()).await.ok();
    let all = all["data"].as_array().expect("a list").clone();
    assert!(all.len() >= 10 && all.len() < 100, "{path} has {}", all.len());
    let mut runner = TestRunner::deterministic();
    let (mut some, mut seen) = (0, vec![0; fields.len()]);
    for _ in 0..cases {
        let draws = drawn(fields.len()).new_tree(&mut runner).expect("a case").current();
        let mut filters: Map<String, Value> = body["filters"].as_object().cloned().unwrap_or_default();
        let mut conditions = Vec::new();
        for (place, operator, draws) in &draws {
            let one = chosen(&fields[*place], *operator, draws);
            if filters.contains_key(one.field.name) {
                continue;
            }
            let operator = if one.operator == "span" { "eq" } else { one.operator };
            filters.insert(one.field.name.into(), json!({ operator: one.value }));
            seen[*place] += 1;
            conditions.push(one);
        }
        let mut asked = body.clone();
        asked["filters"] = Value::Object(filters);
        let answer = world.post(path, asked.clone()).await.ok();
        let ids = |records: &[&Value]| {
            let mut ids: Vec<String> = records.iter().map(|record| record[id].to_string()).collect();
            ids.sort();
            ids
        };
        let expected: Vec<&Value> =
            all.iter().filter(|record| conditions.iter().all(|one| one.holds(record))).collect();
        let found: Vec<&Value> = answer["data"].as_array().expect("a list").iter().collect();
        assert_eq!(ids(&found), ids(&expected), "{}", asked["filters"]);
        assert_eq!(answer["total"], expected.len(), "{}", asked["filters"]);
        some += usize::from(!expected.is_empty() && expected.len() < all.len());
    }
    assert!(some > cases / 10, "only {some} of {cases} told records apart");
    assert!(seen.iter().all(|times| *times > 0), "every field is asked for: {seen:?}");
}
