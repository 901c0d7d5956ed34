//! A record as a sender writes it: what is there must be of its kind, what Casbah derives may be absent, and
//! keys that are not known are passed over.

use casbah_model::Timestamp;
use serde_json::{Map, Value};

use crate::json_lines::Refusal;

/// Longest names, ids and other single words, in characters.
pub(crate) const WORD: usize = 512;
/// Longest sentences, in characters.
const SENTENCE: usize = 4096;
/// Most values that are kept of a list, such as objects or tags.
pub(crate) const MOST: usize = 50;

/// A record, asked for what it should hold.
#[derive(Clone, Copy)]
pub(crate) struct Record<'r>(pub(crate) &'r Map<String, Value>);

impl Record<'_> {
    /// The value at a path with dots; null and an empty text are absent.
    pub(crate) fn get(&self, path: &str) -> Option<&Value> {
        let mut keys = path.split('.');
        let mut value = self.0.get(keys.next()?)?;
        for key in keys {
            value = value.get(key)?;
        }
        Some(value).filter(|v| !v.is_null() && v.as_str().is_none_or(|text| !text.trim().is_empty()))
    }

    /// The first of several paths that holds something.
    pub(crate) fn first<T>(
        &self,
        paths: &[&str],
        read: impl Fn(&Self, &str) -> Result<Option<T>, Refusal>,
    ) -> Result<Option<T>, Refusal> {
        for path in paths {
            if let Some(found) = read(self, path)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// A text or a number, without control characters.
    pub(crate) fn word(&self, path: &str) -> Result<Option<String>, Refusal> {
        let text = match self.get(path) {
            None => return Ok(None),
            Some(Value::String(text)) => text.trim().to_string(),
            Some(Value::Number(number)) => number.to_string(),
            Some(_) => return Err(Refusal::new(path, "This must be text.")),
        };
        if text.chars().count() > WORD || text.chars().any(char::is_control) {
            let why = format!("This must have at most {WORD} characters and no control characters.");
            return Err(Refusal::new(path, why));
        }
        Ok(Some(text))
    }

    /// A longer text; its tail is cut off.
    pub(crate) fn sentence(&self, path: &str) -> Result<Option<String>, Refusal> {
        match self.get(path) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.chars().take(SENTENCE).collect())),
            Some(_) => Err(Refusal::new(path, "This must be text.")),
        }
    }

    pub(crate) fn words(&self, path: &str) -> Result<Vec<String>, Refusal> {
        let Some(list) = self.get(path) else { return Ok(Vec::new()) };
        let wrong = || Refusal::new(path, "This must be a list of texts.");
        let list = list.as_array().ok_or_else(wrong)?.iter().take(MOST);
        list.map(|item| item.as_str().map(str::to_string).ok_or_else(wrong)).collect()
    }

    /// A whole number, also as text.
    pub(crate) fn number(&self, path: &str) -> Result<Option<i64>, Refusal> {
        let number = match self.get(path) {
            None => return Ok(None),
            Some(Value::Number(number)) => number.as_i64(),
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(_) => None,
        };
        number.map(Some).ok_or_else(|| Refusal::new(path, "This must be a whole number."))
    }

    pub(crate) fn flag(&self, path: &str) -> Result<Option<bool>, Refusal> {
        match self.get(path) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(Refusal::new(path, "This must be true or false.")),
        }
    }

    /// Milliseconds since 1970, or a time in the form of RFC 3339.
    pub(crate) fn time(&self, path: &str) -> Result<Option<Timestamp>, Refusal> {
        let at = match self.get(path) {
            None => return Ok(None),
            #[allow(
                clippy::cast_possible_truncation,
                reason = "a float saturates, and the bounds are checked"
            )]
            Some(Value::Number(number)) => {
                number.as_i64().or_else(|| number.as_f64().map(|f| f as i64)).map(Timestamp)
            }
            Some(Value::String(text)) => {
                text.trim().parse().ok().map(Timestamp).or_else(|| text.trim().parse().ok())
            }
            Some(_) => None,
        };
        let why = "This must be milliseconds since 1970, or a time such as 2026-11-23T12:00:00Z.";
        at.map(Some).ok_or_else(|| Refusal::new(path, why))
    }

    pub(crate) fn country(&self, path: &str) -> Result<Option<String>, Refusal> {
        let Some(code) = self.word(path)? else { return Ok(None) };
        if code.len() == 2 && code.chars().all(|c| c.is_ascii_alphabetic()) {
            return Ok(Some(code.to_ascii_uppercase()));
        }
        Err(Refusal::new(path, "A country is written in two letters."))
    }

    pub(crate) fn degrees(&self, path: &str, most: f64) -> Result<Option<f64>, Refusal> {
        let Some(value) = self.get(path) else { return Ok(None) };
        let degrees = value.as_f64().filter(|degrees| degrees.abs() <= most);
        degrees
            .map(Some)
            .ok_or_else(|| Refusal::new(path, format!("This must be degrees, -{most} to {most}.")))
    }

    pub(crate) fn object(&self, path: &str) -> Result<Value, Refusal> {
        match self.get(path) {
            None => Ok(Value::Null),
            Some(object @ Value::Object(_)) => Ok(object.clone()),
            Some(_) => Err(Refusal::new(path, "This must be an object.")),
        }
    }
}
