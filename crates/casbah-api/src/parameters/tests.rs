use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::Parameters;

async fn read(method: &str, query: &str, label: Option<&str>, body: &str) -> Result<Value, String> {
    let mut request = Request::builder().method(method).uri(format!("/api/v1/alerts{query}"));
    if let Some(label) = label {
        request = request.header(CONTENT_TYPE, label);
    }
    let request = request.body(Body::from(body.to_string())).expect("a request");
    let read = Parameters::from_request(request, &()).await;
    read.map(|p| Value::Object(p.0)).map_err(|problem| format!("{problem:?}"))
}

async fn check(method: &str, query: &str, label: Option<&str>, body: &str, expected: Value) {
    assert_eq!(read(method, query, label, body).await, Ok(expected), "{method} {query} {label:?} {body}");
}

const JSON: Option<&str> = Some("application/json");
const FORM: Option<&str> = Some("application/x-www-form-urlencoded");

#[tokio::test]
async fn all_ways_mean_the_same() {
    let body = r#" {"limit": 5, "filters": {"severity": {"eq": 2}}}"#;
    let expected = json!({ "limit": 5, "filters": { "severity": { "eq": 2 } } });
    for label in [JSON, FORM, None, Some("text/plain"), Some("application/json; charset=utf-8")] {
        for method in ["GET", "POST"] {
            check(method, "", label, body, expected.clone()).await;
        }
    }
    let as_text = json!({ "limit": "5", "filters": "{\"severity\": {\"eq\": 2}}" });
    let form = "limit=5&filters=%7B%22severity%22%3A+%7B%22eq%22%3A+2%7D%7D";
    check("POST", "", FORM, form, as_text.clone()).await;
    check("POST", "", None, form, as_text.clone()).await;
    check("GET", &format!("?{form}"), None, "", as_text.clone()).await;
    let multipart = "--XX\r\nContent-Disposition: form-data; name=\"limit\"\r\n\r\n5\r\n--XX\r\n\
        Content-Disposition: form-data; name=\"filters\"\r\n\r\n{\"severity\": {\"eq\": 2}}\r\n--XX--\r\n";
    check("POST", "", Some("multipart/form-data; boundary=XX"), multipart, as_text).await;
}

#[tokio::test]
async fn nothing_is_all_defaults() {
    for label in [JSON, FORM, None] {
        for body in ["", "  \r\n", "{}", "\u{FEFF}", "\u{FEFF}{}"] {
            check("POST", "", label, body, json!({})).await;
        }
    }
    check("POST", "", JSON, "null", json!({})).await;
}

#[tokio::test]
async fn the_last_one_wins() {
    check("POST", "", JSON, r#"{"a":1,"a":2}"#, json!({ "a": 2 })).await;
    check("POST", "", FORM, "a=1&a=2", json!({ "a": "2" })).await;
    check("GET", "?a=1&b=1", JSON, r#"{"a":2}"#, json!({ "a": 2, "b": "1" })).await;
}

#[tokio::test]
async fn malformed_bodies_are_refused() {
    for (label, body) in [
        (JSON, "{"),
        (JSON, r#"{"a":1,}"#),
        (JSON, "a=1"),
        (JSON, "[1]"),
        (FORM, "{\"a\""),
        (Some("multipart/form-data; boundary=XX"), "--YY"),
        (Some("multipart/form-data"), "a=1"),
    ] {
        let refused = read("POST", "", label, body).await.expect_err(body);
        assert!(refused.contains("400") && refused.contains("body"), "{refused}");
    }
    let deep = "{\"a\":".to_string() + &"[".repeat(100_000);
    assert!(read("POST", "", JSON, &deep).await.is_err(), "deep nesting is refused, not followed");
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(super::LIMIT));
    assert!(read("POST", "", JSON, &large).await.expect_err("large").contains("413"));
}

#[test]
fn values_may_be_text() {
    let all =
        json!({ "n": "100", "f": 3.0, "e": "", "t": "True", "b": false, "x": "1.5", "z": null, "l": [1] });
    let Value::Object(all) = all else { panic!("an object") };
    let all = Parameters(all);
    let number = |name| all.number(name).map_err(|_| ());
    assert_eq!(number("n"), Ok(Some(100)));
    assert_eq!(number("f"), Ok(Some(3)));
    assert_eq!((number("e"), number("z"), number("absent")), (Ok(None), Ok(None), Ok(None)));
    assert_eq!((number("x"), number("l"), number("t")), (Err(()), Err(()), Err(())));
    let flag = |name| all.flag(name).map_err(|_| ());
    assert_eq!(
        (flag("t"), flag("b"), flag("e"), flag("n")),
        (Ok(Some(true)), Ok(Some(false)), Ok(None), Err(()))
    );
    assert!(all.required_text("absent").is_err() && all.required_text("e").is_err());
}
