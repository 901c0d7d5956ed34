//! The policy of a bucket: who may do something, as far as it can be told from outside.

use serde_json::Value;

/// Keys of conditions that keep a statement to an organisation, an account or a network of its own.
const OF_ONE: [&str; 9] = [
    "aws:principalaccount",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceorgid",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
];
/// The key that keeps one to addresses, of whoever.
const OF_ADDRESSES: &str = "aws:sourceip";

/// What is asked.
pub(super) struct Request<'r> {
    /// Such as `s3:GetObject`.
    pub(super) action: &'r str,
    /// The bucket, or the bucket and the key.
    pub(super) resource: &'r str,
    /// The account of the bucket.
    pub(super) account: Option<&'r str>,
}

/// Somebody who may.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Reader {
    Everybody,
    /// Whoever is in the account or the organisation of the bucket.
    Own,
    /// Some of everybody.
    Some,
    /// An account or user of another one.
    Other(String),
}

/// What a policy says to a request.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Judged {
    /// It is denied to everybody.
    pub(super) denied: bool,
    pub(super) readers: Vec<Reader>,
}

/// A policy.
#[derive(Clone, Debug, Default)]
pub(super) struct Policy {
    statements: Vec<Value>,
}

impl Policy {
    /// Statements may stand alone or in a list.
    pub(super) fn read(document: &Value) -> Policy {
        let statements = match &document["Statement"] {
            Value::Array(all) => all.clone(),
            one @ Value::Object(_) => vec![one.clone()],
            _ => Vec::new(),
        };
        Policy { statements }
    }

    pub(super) fn judge(&self, request: &Request<'_>) -> Judged {
        let mut judged = Judged::default();
        for statement in self.statements.iter().filter(|statement| is_about(statement, request)) {
            let readers = readers(statement, request.account);
            match statement["Effect"].as_str() {
                Some("Allow") => {
                    judged
                        .readers
                        .extend(readers.into_iter().map(|reader| narrowed(reader, &statement["Condition"])));
                }
                // Under a condition, it is denied to some only.
                Some("Deny") if statement["Condition"].as_object().is_none_or(serde_json::Map::is_empty) => {
                    judged.denied |= readers.contains(&Reader::Everybody);
                }
                _ => {}
            }
        }
        judged
    }
}

/// A text, or the texts of a list.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn is_about(statement: &Value, request: &Request<'_>) -> bool {
    let action = |pattern: &str| matches(&pattern.to_lowercase(), &request.action.to_lowercase());
    let resource = |pattern: &str| {
        let own = pattern.split_once(":::").map_or(pattern, |(_, own)| own);
        matches(own, request.resource)
    };
    let named = |name: &str, test: &dyn Fn(&str) -> bool| {
        let all = &statement[name];
        (!all.is_null()).then(|| texts(all).into_iter().any(test))
    };
    let one = |name: &str, test: &dyn Fn(&str) -> bool| {
        named(name, test).or_else(|| named(&format!("Not{name}"), test).map(|any| !any)).unwrap_or(false)
    };
    one("Action", &action) && one("Resource", &resource)
}

/// Whom a statement is for.
fn readers(statement: &Value, account: Option<&str>) -> Vec<Reader> {
    // All but some are nearly all.
    if !statement["NotPrincipal"].is_null() {
        return vec![Reader::Everybody];
    }
    let principal = &statement["Principal"];
    if principal.as_str() == Some("*") {
        return vec![Reader::Everybody];
    }
    let mut all = Vec::new();
    for id in texts(&principal["AWS"]) {
        let of = id.split(':').nth(4).unwrap_or(id);
        all.push(match id {
            "*" => Reader::Everybody,
            _ if Some(of) == account => Reader::Own,
            _ => Reader::Other(id.to_string()),
        });
    }
    all.extend(texts(&principal["CanonicalUser"]).into_iter().map(|id| Reader::Other(id.to_string())));
    all
}

/// Everybody under a condition may be fewer. Conditions on what anybody can say of themselves change nothing.
fn narrowed(reader: Reader, condition: &Value) -> Reader {
    let (Reader::Everybody, Value::Object(operators)) = (&reader, condition) else { return reader };
    let mut narrowed = Reader::Everybody;
    for (operator, keys) in operators {
        let operator = operator.to_lowercase();
        if operator.contains("not") || operator.ends_with("ifexists") || operator == "null" {
            continue;
        }
        for (key, values) in keys.as_object().into_iter().flatten() {
            let key = key.to_lowercase();
            let open = |value: &&str| matches!(*value, "*" | "0.0.0.0/0" | "::/0");
            if texts(values).iter().any(open) {
                continue;
            }
            if OF_ONE.contains(&key.as_str()) {
                return Reader::Own;
            }
            if key == OF_ADDRESSES {
                narrowed = Reader::Some;
            }
        }
    }
    narrowed
}

/// Whether a pattern with `*` and `?` matches a text.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where the last star stands, and how far it reaches.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(letter) if *letter == '?' || text.get(t) == Some(letter) => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((at, reached)) = star else { return false };
                star = Some((at, reached + 1));
                p = at + 1;
                t = reached + 1;
            }
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|letter| *letter == '*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn judged(statement: &Value, key: &str) -> Judged {
        let resource = format!("docs/{key}");
        let request = Request { action: "s3:GetObject", resource: &resource, account: Some("111122223333") };
        Policy::read(&json!({ "Version": "2012-10-17", "Statement": [statement] })).judge(&request)
    }

    fn allowed(more: &Value) -> Vec<Reader> {
        let mut statement = json!({ "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::docs/*" });
        statement.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        judged(&statement, "a/b.txt").readers
    }

    #[test]
    fn who_may_is_said_by_principals_actions_resources_and_conditions() {
        let everybody = vec![Reader::Everybody];
        let other = |id: &str| vec![Reader::Other(id.into())];
        for (more, expected) in [
            (json!({}), everybody.clone()),
            (json!({ "Principal": { "AWS": ["*"] } }), everybody.clone()),
            (json!({ "Principal": { "AWS": "arn:aws:iam::111122223333:role/r" } }), vec![Reader::Own]),
            (json!({ "Principal": { "AWS": "444455556666" } }), other("444455556666")),
            (
                json!({ "Principal": { "AWS": "arn:aws:iam::444455556666:root" } }),
                other("arn:aws:iam::444455556666:root"),
            ),
            (json!({ "Principal": { "CanonicalUser": "79a5" } }), other("79a5")),
            (json!({ "Principal": { "Service": "logging.s3.amazonaws.com" } }), vec![]),
            (json!({ "Action": ["s3:PutObject", "s3:Get*"] }), everybody.clone()),
            (json!({ "Action": "S3:getobject" }), everybody.clone()),
            (json!({ "Action": "s3:PutObject" }), vec![]),
            (json!({ "Action": null, "NotAction": "s3:DeleteObject" }), everybody.clone()),
            (json!({ "Action": null, "NotAction": "s3:*" }), vec![]),
            (json!({ "Resource": "arn:aws:s3:::docs/a/?.txt" }), everybody.clone()),
            (json!({ "Resource": "arn:aws:s3:::docs/c/*" }), vec![]),
            (json!({ "Resource": "arn:aws:s3:::docs" }), vec![]),
            (json!({ "Resource": null, "NotResource": "arn:aws:s3:::docs/c/*" }), everybody.clone()),
            (json!({ "Principal": null, "NotPrincipal": { "AWS": "444455556666" } }), everybody.clone()),
            (json!({ "Condition": { "StringEquals": { "aws:PrincipalOrgID": "o-1" } } }), vec![Reader::Own]),
            (
                json!({ "Condition": { "StringNotEquals": { "aws:PrincipalOrgID": "o-1" } } }),
                everybody.clone(),
            ),
            (
                json!({ "Condition": { "IpAddress": { "aws:SourceIp": ["192.0.2.0/24"] } } }),
                vec![Reader::Some],
            ),
            (json!({ "Condition": { "IpAddress": { "aws:SourceIp": ["0.0.0.0/0"] } } }), everybody.clone()),
            (
                json!({ "Condition": { "StringLike": { "aws:Referer": "https://contoso.example/*" } } }),
                everybody.clone(),
            ),
            (json!({ "Effect": "Deny" }), vec![]),
        ] {
            assert_eq!(allowed(&more), expected, "{more}");
        }
        let deny = json!({ "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*" });
        assert!(judged(&deny, "a").denied);
        let some = json!({ "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*",
            "Condition": { "Bool": { "aws:SecureTransport": "false" } } });
        assert!(!judged(&some, "a").denied);
    }

    proptest! {
        /// The patterns mean what the same patterns mean as regular expressions.
        #[test]
        fn patterns_are_globs(pattern in "[ab*?/]{0,8}", text in "[ab/]{0,8}") {
            fn slow(pattern: &[u8], text: &[u8]) -> bool {
                match pattern.split_first() {
                    None => text.is_empty(),
                    Some((b'*', rest)) => (0..=text.len()).any(|n| slow(rest, &text[n..])),
                    Some((b'?', rest)) => !text.is_empty() && slow(rest, &text[1..]),
                    Some((letter, rest)) => text.first() == Some(letter) && slow(rest, &text[1..]),
                }
            }
            prop_assert_eq!(matches(&pattern, &text), slow(pattern.as_bytes(), text.as_bytes()));
        }
    }
}
