//! The parameters of a call, in whichever of six ways they arrive.
//!
//! | way | told by |
//! |---|---|
//! | JSON body, also with GET | label, or a first character `{` |
//! | JSON body labelled as a form, or not at all | first character `{` |
//! | form body | anything else |
//! | multipart body | label |
//! | query string | always read; the body wins |
//! | nothing, an empty body, `{}` | all defaults |
//!
//! Keys that nobody asks for are ignored, and so are keys with null.

#[cfg(test)]
mod tests;

use std::error::Error as _;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{HeaderMap, header};
use http_body_util::LengthLimitError;
use serde_json::{Map, Value};

use crate::incoming;
use crate::problem::Problem;

/// Largest body that is read; a filter with ten thousand ids has a quarter of it.
const LIMIT: usize = 2 * 1024 * 1024;

/// What a caller asks for; every value as it came.
#[derive(Debug, Default)]
pub(crate) struct Parameters(Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for Parameters {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Parameters, Problem> {
        let (parts, body) = request.into_parts();
        let mut all = pairs(parts.uri.query().unwrap_or_default().as_bytes());
        let bytes = to_bytes(body, LIMIT).await.map_err(|e| {
            if e.source().is_some_and(|cause| cause.is::<LengthLimitError>()) {
                Problem::too_large()
            } else if incoming::is_stalled(&e) {
                Problem::too_slow()
            } else {
                Problem::invalid("body", "The body broke off.")
            }
        })?;
        all.extend(body_of(&parts.headers, bytes).await?);
        Ok(Parameters(all))
    }
}

async fn body_of(headers: &HeaderMap, bytes: Bytes) -> Result<Map<String, Value>, Problem> {
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes).trim_ascii();
    if text.is_empty() {
        return Ok(Map::new());
    }
    let label = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let label = label.to_ascii_lowercase();
    if label.starts_with("multipart/form-data") {
        return multipart(headers, bytes).await;
    }
    let kind = label.split(';').next().unwrap_or_default().trim();
    if text.first() == Some(&b'{') || kind == "application/json" || kind.ends_with("+json") {
        return json(text);
    }
    Ok(pairs(text))
}

/// A key given twice has its last value: so says the map that it is read into.
fn json(text: &[u8]) -> Result<Map<String, Value>, Problem> {
    match serde_json::from_slice(text) {
        Ok(Value::Object(all)) => Ok(all),
        Ok(Value::Null) => Ok(Map::new()),
        Ok(_) => Err(Problem::invalid("body", "The body must be a JSON object.")),
        Err(e) => {
            let place = format!("line {}, column {}", e.line(), e.column());
            Err(Problem::invalid("body", format!("The body is not valid JSON: {}, at {place}.", reason(&e))))
        }
    }
}

/// What is wrong, without what the body says.
fn reason(e: &serde_json::Error) -> &'static str {
    if e.is_eof() { "it ends too early" } else { "a character does not belong there" }
}

fn pairs(text: &[u8]) -> Map<String, Value> {
    let pairs = url::form_urlencoded::parse(text);
    pairs.map(|(key, value)| (key.into_owned(), Value::String(value.into_owned()))).collect()
}

async fn multipart(headers: &HeaderMap, bytes: Bytes) -> Result<Map<String, Value>, Problem> {
    let unreadable = || Problem::invalid("body", "The multipart body cannot be read.");
    let mut request = Request::new(Body::from(bytes));
    *request.headers_mut() = headers.clone();
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| unreadable())?;
    let mut all = Map::new();
    while let Some(field) = form.next_field().await.map_err(|_| unreadable())? {
        let Some(name) = field.name().map(String::from) else { continue };
        let value = field.text().await.map_err(|_| unreadable())?;
        all.insert(name, Value::String(value));
    }
    Ok(all)
}

impl Parameters {
    /// A parameter as it came; null is as good as absent.
    pub(crate) fn raw(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text; numbers are taken as they are written.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, Problem> {
        match self.raw(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(Problem::invalid(name, format!("{name} must be a text."))),
        }
    }

    /// A text that is not empty.
    pub(crate) fn required_text(&self, name: &str) -> Result<String, Problem> {
        let text = self.text(name)?.filter(|text| !text.trim().is_empty());
        text.ok_or_else(|| Problem::invalid(name, format!("{name} is missing.")))
    }

    /// A whole number, also as text; an empty text is as good as absent.
    pub(crate) fn number(&self, name: &str) -> Result<Option<i64>, Problem> {
        match self.raw(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
            Some(value) => match whole_number(value) {
                Some(number) => Ok(Some(number)),
                None => Err(Problem::invalid(name, format!("{name} must be a whole number."))),
            },
        }
    }

    /// Yes or no, also as text in any case; an empty text is as good as absent.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Problem> {
        match self.raw(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
            Some(value) => match yes_or_no(value) {
                Some(yes) => Ok(Some(yes)),
                None => Err(Problem::invalid(name, format!("{name} must be true or false."))),
            },
        }
    }
}

/// A whole number, however it is written: `5`, `5.0`, `"5"`, `"1.7e12"`.
pub(crate) fn whole_number(value: &Value) -> Option<i64> {
    /// Beyond this a double skips numbers.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let from_double = |x: f64| (x.fract() == 0.0 && x.abs() <= EXACT).then_some(x as i64);
    match value {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(from_double)),
        Value::String(text) => {
            let text = text.trim();
            text.parse().ok().or_else(|| text.parse().ok().and_then(from_double))
        }
        _ => None,
    }
}

/// Yes or no, however it is written.
pub(crate) fn yes_or_no(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(yes) => Some(*yes),
        Value::String(text) if text.trim().eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.trim().eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}
