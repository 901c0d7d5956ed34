//! Cells.

use serde_json::json;

use super::cell;

#[test]
fn no_cell_is_a_formula() {
    for start in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "－1"] {
        let text = cell("title", Some(&json!(start)));
        assert!(text.trim_start_matches('"').starts_with('\''), "{start:?}: {text:?}");
        let list = cell("title", Some(&json!([start, "x"])));
        assert!(list.trim_start_matches('"').starts_with('\''), "{list:?}");
    }
    // A number is one.
    assert_eq!(cell("fileSize", Some(&json!(-5))), "-5");
}

#[test]
fn cells_are_quoted_where_they_must_be() {
    let check = |value, expected: &str| assert_eq!(cell("title", Some(&value)), expected);
    check(json!("plain"), "plain");
    check(json!("a,b"), "\"a,b\"");
    check(json!("a \"b\" c"), "\"a \"\"b\"\" c\"");
    check(json!("two\nlines"), "\"two\nlines\"");
    check(json!(null), "");
    check(json!([{ "label": "Box" }, { "name": "x" }]), "\"Box; x\"");
    assert_eq!(cell("timestamp", Some(&json!(1_795_435_200_000_i64))), "2026-11-23T12:00:00.000Z");
    assert_eq!(cell("title", None), "");
}
