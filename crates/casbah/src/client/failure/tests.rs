use super::*;

fn check(status: u16, body: &str, exit: Exit, expected: &str) {
    let failure = Failure::from_answer(status, body.as_bytes(), Some("r1"), None);
    assert_eq!((failure.exit, failure.message.as_str()), (exit, expected));
}

#[test]
fn oauth_errors_lose_their_trailing_ids_and_gain_a_remedy() {
    check(
        401,
        r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided. Trace ID: a Correlation ID: b Timestamp: c","error_codes":[7000215]}"#,
        Exit::Refused,
        "AADSTS7000215: Invalid client secret provided; if it is lost, make a new one with `casbah secret add` (request r1)",
    );
    check(
        400,
        "{\"error\":\"invalid_grant\",\"error_description\":\"AADSTS50126: Wrong name\\r\\nor password. Trace ID: a\",\"error_codes\":[50126]}",
        Exit::Refused,
        "AADSTS50126: Wrong name or password. (request r1)",
    );
    check(
        400,
        r#"{"error":"invalid_request","error_description":"AADSTS900144: scope is missing.","error_codes":[900144]}"#,
        Exit::Failed,
        "AADSTS900144: scope is missing. (request r1)",
    );
}

#[test]
fn directory_errors_show_their_message() {
    check(
        404,
        r#"{"error":{"code":"Request_ResourceNotFound","message":"Resource 'x' does not exist.","innerError":{"request-id":"r1"}}}"#,
        Exit::NotFound,
        "Resource 'x' does not exist. (request r1)",
    );
    check(
        401,
        r#"{"error":{"code":"InvalidAuthenticationToken","message":"Access token is empty."}}"#,
        Exit::Refused,
        "Access token is empty; sign in with `casbah login` (request r1)",
    );
}

#[test]
fn api_errors_show_their_first_sentence() {
    check(
        400,
        r#"{"error":true,"filters":[{"error":"zz9 is not valid"}],"errors":[{"error":"zz9 is not valid"}]}"#,
        Exit::Failed,
        "zz9 is not valid (request r1)",
    );
    check(
        403,
        r#"{"error":"Forbidden: needs Investigation.read"}"#,
        Exit::Refused,
        "Forbidden: needs Investigation.read (request r1)",
    );
    check(
        403,
        r#"{"detail":"Forbidden: needs Discovery.manage"}"#,
        Exit::Refused,
        "Forbidden: needs Discovery.manage (request r1)",
    );
}

#[test]
fn anything_else_shows_the_status_or_a_short_text() {
    check(500, "<html>oops</html>", Exit::Failed, "the server answered 500 (request r1)");
    check(500, "", Exit::Failed, "the server answered 500 (request r1)");
    check(413, "too large", Exit::Failed, "too large (request r1)");
    check(500, "a\x1b[31mb\nc", Exit::Failed, "a [31mb c (request r1)");
}

#[test]
fn a_throttled_call_says_when_to_come_back() {
    let failure = Failure::from_answer(429, br#"{"detail":"throttled"}"#, None, Some("12"));
    assert_eq!(failure, Failure::new(Exit::TryLater, "throttled; try again in 12 s"));
}
