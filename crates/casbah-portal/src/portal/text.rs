//! What pages say, in the reader's language. English stands in the source; `text/sv.json` has the Swedish
//! for each sentence, and a test finds those that it lacks.

use std::collections::HashMap;
use std::sync::LazyLock;

use http::{HeaderMap, header};

use super::visit;

/// A language of the portal.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Language {
    #[default]
    English,
    Swedish,
}

impl Language {
    pub(crate) const ALL: [Language; 2] = [Language::English, Language::Swedish];

    /// As in `lang` and `Accept-Language`.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Swedish => "sv",
        }
    }

    /// Its name in itself.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Language::English => "English",
            Language::Swedish => "Svenska",
        }
    }

    pub(crate) fn find(tag: &str) -> Option<Language> {
        Language::ALL.into_iter().find(|language| language.tag() == tag)
    }

    /// What a browser would rather read (RFC 9110, section 12.5.4).
    pub(crate) fn of(headers: &HeaderMap) -> Language {
        let list = headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let mut best = (0.0, Language::English);
        for entry in list.split(',') {
            let (tag, weight) = entry.split_once(';').unwrap_or((entry, ""));
            let weight = weight.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>).unwrap_or(0.0);
            let primary = tag.trim().split('-').next().unwrap_or_default().to_ascii_lowercase();
            if let Some(language) = Language::find(&primary)
                && weight > best.0
            {
                best = (weight, language);
            }
        }
        best.1
    }
}

static SWEDISH: LazyLock<HashMap<String, String>> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../text/sv.json")).unwrap_or_default());

/// A sentence in the reader's language.
pub(crate) fn t(english: &'static str) -> &'static str {
    match visit::language() {
        Language::English => english,
        Language::Swedish => SWEDISH.get(english).map_or(english, String::as_str),
    }
}

/// A sentence with blanks: `{name}` is replaced by the value of that name.
pub(crate) fn filled(english: &'static str, values: &[(&str, &dyn std::fmt::Display)]) -> String {
    let mut rest = t(english);
    let mut whole = String::with_capacity(rest.len() + 16);
    // In one pass, so that a value with braces in it stays what it is.
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { break };
        whole.push_str(before);
        match values.iter().find(|(n, _)| *n == name) {
            Some((_, value)) => whole.push_str(&value.to_string()),
            None => whole.push_str(&format!("{{{name}}}")),
        }
        rest = after;
    }
    whole + rest
}

/// A number of things: the first sentence for one, the second for any other number, which is its `{n}`.
pub(crate) fn counted(one: &'static str, many: &'static str, n: i64) -> String {
    filled(if n == 1 { one } else { many }, &[("n", &n)])
}

#[cfg(test)]
mod tests;
