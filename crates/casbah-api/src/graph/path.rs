//! OData paths: `/applications/{id}/addPassword` and `/applications(appId='…')/addPassword`.

use percent_encoding::percent_decode_str;

/// A part of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    /// A word, which can be a collection, an action, or a plain key.
    Word(String),
    /// A key in parentheses: the property's name, empty for `('…')`, and the value.
    Keyed(String, String),
}

/// A key of one thing in a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// The usual one.
    Id(String),
    /// An alternate one: property, value.
    Alternate(String, String),
}

impl Key {
    /// The value, whichever property it is of.
    pub(super) fn text(&self) -> &str {
        match self {
            Key::Id(text) | Key::Alternate(_, text) => text,
        }
    }
}

/// Splits a path; none when it is malformed.
pub(super) fn parse(path: &str) -> Option<Vec<Segment>> {
    let mut segments = Vec::new();
    for raw in path.split('/').filter(|s| !s.is_empty()) {
        let text = percent_decode_str(raw).decode_utf8().ok()?.into_owned();
        match text.split_once('(') {
            Some((name, key)) if !name.is_empty() && key.ends_with(')') => {
                let key = &key[..key.len() - 1];
                segments.push(Segment::Word(name.trim().to_string()));
                let (property, value) = match key.split_once('=') {
                    Some((property, value)) if !property.contains('\'') => (property.trim(), value.trim()),
                    _ => ("", key),
                };
                let quoted = value.strip_prefix('\'').and_then(|v| v.strip_suffix('\''));
                let value = quoted.unwrap_or(value).replace("''", "'");
                segments.push(Segment::Keyed(property.to_string(), value));
            }
            _ => segments.push(Segment::Word(text)),
        }
    }
    Some(segments)
}

/// Functions may be called by their full names.
fn unqualified(word: &str) -> &str {
    const NAMESPACE: &str = "microsoft.graph.security.";
    match word.split_at_checked(NAMESPACE.len()) {
        Some((start, name)) if start.eq_ignore_ascii_case(NAMESPACE) => name,
        _ => word,
    }
}

/// Matches a path against a pattern of the table, whose `{…}` stand for keys.
pub(super) fn matches(pattern: &str, segments: &[Segment]) -> Option<Vec<Key>> {
    let mut pattern = pattern.split('/').filter(|s| !s.is_empty());
    let mut keys = Vec::new();
    for segment in segments {
        let wanted = pattern.next()?;
        match (wanted.starts_with('{'), segment) {
            (true, Segment::Word(word)) => keys.push(Key::Id(word.clone())),
            (true, Segment::Keyed(property, value)) if property.is_empty() => {
                keys.push(Key::Id(value.clone()))
            }
            (true, Segment::Keyed(property, value)) => {
                keys.push(Key::Alternate(property.clone(), value.clone()));
            }
            (false, Segment::Word(word)) if unqualified(word).eq_ignore_ascii_case(wanted) => {}
            (false, _) => return None,
        }
    }
    pattern.next().is_none().then_some(keys)
}
