use serde_json::json;

use super::*;

fn check(
    path: &str,
    method: Option<&str>,
    data: Option<&str>,
    fields: &[&str],
) -> (String, String, Option<Value>) {
    let arguments = ApiArgs {
        path: path.to_string(),
        method: method.map(str::to_string),
        data: data.map(str::to_string),
        fields: fields.iter().map(ToString::to_string).collect(),
        include: false,
        as_app: false,
    };
    let call = Call::new(&arguments).unwrap();
    (call.method, call.path, call.body)
}

#[test]
fn a_short_path_is_one_of_the_api() {
    assert_eq!(check("alerts/", None, None, &[]), ("GET".into(), "/api/v1/alerts/".into(), None));
    assert_eq!(check("/alerts/", None, None, &[]).1, "/api/v1/alerts/");
    assert_eq!(check("/cas/api/v1/alerts/", None, None, &[]).1, "/cas/api/v1/alerts/");
    assert_eq!(check("/v1.0/users", None, None, &[]).1, "/v1.0/users");
}

#[test]
fn fields_go_where_the_method_wants_them() {
    let (method, path, body) = check("/alerts/", None, None, &["limit=3", "sortField=date"]);
    assert_eq!(
        (method.as_str(), path.as_str(), body),
        ("GET", "/api/v1/alerts/?limit=3&sortField=date", None)
    );
    let (method, _, body) = check("/alerts/", Some("post"), None, &["limit:=3", "a=b=c"]);
    assert_eq!((method.as_str(), body), ("POST", Some(json!({"limit": 3, "a": "b=c"}))));
    let (method, _, body) = check("/alerts/", None, Some(r#"{"skip": 1}"#), &["limit:=3"]);
    assert_eq!((method.as_str(), body), ("POST", Some(json!({"skip": 1, "limit": 3}))));
}

#[test]
fn what_cannot_be_sent_is_refused() {
    assert!(parse_field("novalue").is_err());
    assert!(parse_field("x:={").is_err());
    assert!(read_data("{").is_err());
}
