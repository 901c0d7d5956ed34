use super::*;

fn check(text: &str, expected: Option<&str>) {
    let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
    let found = moment(text, now).ok().map(|at| at.seconds_text());
    assert_eq!(found.as_deref(), expected, "{text}");
}

#[test]
fn ends_of_life() {
    check("90d", Some("2027-02-21 12:00:00Z"));
    check("12h", Some("2026-11-24 00:00:00Z"));
    check("2027-01-31", Some("2027-01-31 00:00:00Z"));
    check("2027-01-31T08:00:00Z", Some("2027-01-31 08:00:00Z"));
    check("2020-01-31", None);
    check("soon", None);
    check("", None);
    check("é", None);
    check("99999999999999999999d", None);
    check("0d", None);
}
