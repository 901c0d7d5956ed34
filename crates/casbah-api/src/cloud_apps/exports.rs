//! Whole lists as a file: CSV for people, JSON lines for programs, Parquet for analysis, with gzip when asked. The answer is written while the
//! list is read, so its length does not matter; one that breaks off ends the connection before its end, and so does
//! not look whole.

mod parquet;
#[cfg(test)]
mod tests;

use std::io::Write;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use casbah_authority::Caller;
use casbah_model::Timestamp;
use casbah_model::filter::Page;
use casbah_service::{Error, Service};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream::try_unfold;
use serde_json::{Value, json};

use crate::describe::{Property, Shape, may_have};
use crate::parameters::Parameters;
use crate::problem::Problem;

/// A column of the CSV: its name, and where in the record it stands (a JSON pointer).
pub(super) type Column = (&'static str, &'static str);

/// What says how the file is wanted, for the description of an endpoint.
pub(super) const FORMAT: Property = may_have(
    "format",
    Shape::Word(&["csv", "jsonl", "parquet"]),
    "How the file is written; csv unless said otherwise.",
);
pub(super) const COMPRESSION: Property = may_have(
    "compression",
    Shape::Word(&["none", "gzip"]),
    "How it is packed; not at all unless said otherwise. Of Parquet the columns are.",
);
pub(super) const PARAMETERS: &[Property] = &[FORMAT, COMPRESSION];
/// The same for a list that can be taken in either order of time.
pub(super) const PARAMETERS_OF_TIME: &[Property] = &[
    FORMAT,
    COMPRESSION,
    may_have(
        "sortDirection",
        Shape::Word(&["asc", "desc"]),
        "The newest first (desc), unless said otherwise.",
    ),
];

/// A page that holds all of a list that is short by its nature.
pub(super) const EVERYTHING: Page = Page { skip: 0, limit: 1_000_000 };

/// Columns whose numbers are milliseconds; in CSV they are written as people write times.
const TIMES: [&str; 6] = ["timestamp", "created", "finished", "lastModified", "createdDate", "modifiedDate"];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Format {
    Csv,
    JsonLines,
    Parquet,
}

/// How the file is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    format: Format,
    gzip: bool,
}

impl Wanted {
    /// Reads `format` and `compression`.
    pub(super) fn read(parameters: &Parameters) -> Result<Wanted, Problem> {
        let word = |name| parameters.text(name).map(|text| text.unwrap_or_default().trim().to_lowercase());
        let format = match word("format")?.as_str() {
            "" | "csv" => Format::Csv,
            "jsonl" => Format::JsonLines,
            "parquet" => Format::Parquet,
            _ => return Err(Problem::invalid("format", "format must be csv, jsonl or parquet.")),
        };
        let gzip = match word("compression")?.as_str() {
            "" | "none" => false,
            "gzip" => true,
            _ => return Err(Problem::invalid("compression", "compression must be none or gzip.")),
        };
        Ok(Wanted { format, gzip })
    }

    fn suffix(self) -> &'static str {
        match self.format {
            Format::Csv => "csv",
            Format::JsonLines => "jsonl",
            Format::Parquet => "parquet",
        }
    }
}

/// The answer: the records that `next` gives, each time with the place at which it goes on; none at the end. What was
/// asked for is written into the audit trail first.
pub(super) async fn answer<S, F>(
    service: &Service,
    caller: &Caller,
    list: &'static str,
    (wanted, parameters): (Wanted, &Parameters),
    columns: &'static [Column],
    start: S,
    next: impl Fn(S) -> F + Send + 'static,
) -> Result<Response, Problem>
where
    S: Send + 'static,
    F: Future<Output = Result<(Vec<Value>, Option<S>), Error>> + Send,
{
    let filters = parameters.raw("filters").cloned().unwrap_or_else(|| json!({}));
    let facts = json!({ "format": wanted.suffix(), "filters": filters });
    service.begin_export(caller, list, facts).await?;
    let mut encoder = Encoder::new(wanted, columns)?;
    let head = encoder.head();
    let first = State { place: Some(start), encoder: Some(encoder), next, list };
    let rest = try_unfold((Some(head), first), |(head, mut state)| async move {
        if let Some(head) = head {
            return Ok(Some((head, (None, state))));
        }
        let Some(mut encoder) = state.encoder.take() else { return Ok(None) };
        let Some(place) = state.place.take() else { return Ok(Some((encoder.end()?, (None, state)))) };
        let (records, place) = (state.next)(place).await.inspect_err(|cause| {
            tracing::error!(error = %cause, list = state.list, "an export broke off");
        })?;
        let bytes = encoder.write(&records)?;
        state.place = place;
        state.encoder = Some(encoder);
        Ok::<_, Error>(Some((bytes, (None, state))))
    });
    let kind = match (wanted.gzip, wanted.format) {
        (_, Format::Parquet) => "application/vnd.apache.parquet",
        (true, _) => "application/gzip",
        (false, Format::Csv) => "text/csv; charset=utf-8",
        (false, Format::JsonLines) => "application/x-ndjson",
    };
    let day: String = service.clock().now().iso().chars().take(10).collect();
    // Parquet is packed within.
    let packed = if wanted.gzip && wanted.format != Format::Parquet { ".gz" } else { "" };
    let name = format!("{}-{day}.{}{packed}", list.replace(' ', "-"), wanted.suffix());
    let mut response = Body::from_stream(rest).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

/// Where an answer is.
struct State<S, N> {
    /// Where the list goes on; none when all of it was read.
    place: Option<S>,
    /// None when the end was written.
    encoder: Option<Encoder>,
    next: N,
    list: &'static str,
}

/// Makes bytes of records.
struct Encoder {
    form: Form,
    columns: &'static [Column],
    gzip: Option<GzEncoder<Vec<u8>>>,
}

enum Form {
    Csv,
    JsonLines,
    Parquet(Box<parquet::Table>),
}

impl Encoder {
    fn new(wanted: Wanted, columns: &'static [Column]) -> Result<Encoder, Error> {
        let packs = wanted.gzip && wanted.format != Format::Parquet;
        let form = match wanted.format {
            Format::Csv => Form::Csv,
            Format::JsonLines => Form::JsonLines,
            Format::Parquet => {
                let table = parquet::Table::new(columns, wanted.gzip);
                Form::Parquet(Box::new(table.map_err(|e| Error::internal(e.to_string()))?))
            }
        };
        let gzip = packs.then(|| GzEncoder::new(Vec::new(), Compression::default()));
        Ok(Encoder { form, columns, gzip })
    }

    /// What stands before the first record.
    fn head(&mut self) -> Bytes {
        let names = self.columns.iter().map(|(name, _)| quoted(name)).collect::<Vec<_>>().join(",");
        let head = if matches!(self.form, Form::Csv) { format!("{names}\r\n") } else { String::new() };
        self.packed(head.into_bytes())
    }

    fn write(&mut self, records: &[Value]) -> Result<Bytes, Error> {
        let mut text = String::new();
        for record in records {
            match &mut self.form {
                Form::Parquet(table) => {
                    let bytes = table.write(records).map_err(|e| Error::internal(e.to_string()))?;
                    return Ok(bytes.into());
                }
                Form::JsonLines => {
                    text.push_str(&record.to_string());
                    text.push('\n');
                }
                Form::Csv => {
                    let cells = self.columns.iter().map(|(name, place)| cell(name, record.pointer(place)));
                    text.push_str(&cells.collect::<Vec<_>>().join(","));
                    text.push_str("\r\n");
                }
            }
        }
        Ok(self.packed(text.into_bytes()))
    }

    fn packed(&mut self, plain: Vec<u8>) -> Bytes {
        let Some(gzip) = &mut self.gzip else { return plain.into() };
        // Writing into memory does not fail.
        let _ = gzip.write_all(&plain);
        std::mem::take(gzip.get_mut()).into()
    }

    fn end(self) -> Result<Bytes, Error> {
        if let Form::Parquet(table) = self.form {
            return Ok(table.end().map_err(|e| Error::internal(e.to_string()))?.into());
        }
        Ok(self.gzip.and_then(|gzip| gzip.finish().ok()).unwrap_or_default().into())
    }
}

/// A cell (RFC 4180). A text that a spreadsheet would take for a formula gets an apostrophe before it (OWASP, CSV
/// injection): records hold what strangers wrote.
fn cell(name: &str, value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::Number(number)) if TIMES.contains(&name) => {
            let whole = number.as_i64().or_else(|| number.as_f64().map(|ms| ms as i64));
            whole.map_or_else(|| number.to_string(), |ms| Timestamp(ms).iso())
        }
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Bool(yes)) => yes.to_string(),
        Some(other) => {
            let text = words(other);
            let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
            quoted(&if formula { format!("'{text}") } else { text })
        }
    }
}

fn quoted(text: &str) -> String {
    if text.contains(['"', ',', ';', '\r', '\n', '\t']) || text.starts_with(' ') || text.ends_with(' ') {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_string()
    }
}

/// A text for people: of a list its items, of an object what it is called.
fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(words).collect::<Vec<_>>().join("; "),
        Value::Object(object) => {
            let called = ["originalString", "label", "name", "title"]
                .iter()
                .find_map(|key| object.get(*key)?.as_str());
            called.map_or_else(|| value.to_string(), str::to_string)
        }
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
