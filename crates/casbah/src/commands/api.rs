//! `casbah api PATH`: one call with the caller's token, and the answer as it came.

use std::io::Read;
use std::path::Path;

use clap::Args;
use serde_json::Value;

use super::on_terminal;
use crate::cli::Remote;
use crate::client::Acting;
use crate::client::failure::Failure;
use crate::client::http::Answer;
use crate::client::oauth::Audience;
use crate::output::{Format, Output, line, note, plain, pretty, write, write_raw};

/// Arguments of `casbah api`.
#[derive(Args, Clone, Debug)]
pub struct ApiArgs {
    /// /alerts/ (short for /api/v1/alerts/), /api/…, /cas/api/…, or /v1.0/… for the directory
    path: String,
    /// HTTP method [default: GET, or POST where there is something to send]
    #[arg(short = 'X', long, value_name = "METHOD")]
    method: Option<String>,
    /// JSON to send: itself, @FILE, or - for standard input
    #[arg(short, long, value_name = "JSON")]
    data: Option<String>,
    /// A parameter: in the query of a GET, else in the body. NAME:=JSON gives a value that is not text
    #[arg(short = 'F', long = "field", value_name = "NAME=VALUE")]
    fields: Vec<String>,
    /// Show status and headers too
    #[arg(short, long)]
    include: bool,
    /// Act as the application of the environment; the same as --as app
    #[arg(long)]
    as_app: bool,
}

/// Sends the call.
pub fn run(remote: &Remote<ApiArgs>) -> Result<(), Failure> {
    let mut remote = remote.clone();
    if remote.arguments.as_app {
        remote.connection.acting = Some(Acting::App);
    }
    let (session, output) = remote.open()?;
    let call = Call::new(&remote.arguments)?;
    let answer = session.call(call.audience, &call.method, &call.path, call.body.as_ref())?;
    if remote.arguments.include {
        let mut head = format!("HTTP {}\n", answer.status);
        for (name, value) in &answer.headers {
            head.push_str(&format!("{name}: {value}\n"));
        }
        write(&format!("{head}\n"))?;
    }
    show(&output, &answer)?;
    if let Some(date) = answer.header("sunset") {
        note(&format!("This way of signing in is deprecated and ends on {date}."));
    }
    if answer.ok() { Ok(()) } else { Err(answer.failure()) }
}

struct Call {
    audience: Audience,
    method: String,
    path: String,
    body: Option<Value>,
}

impl Call {
    fn new(arguments: &ApiArgs) -> Result<Call, Failure> {
        let mut path = whole_path(&arguments.path);
        let data = arguments.data.as_deref().map(read_data).transpose()?;
        let fields =
            arguments.fields.iter().map(|field| parse_field(field)).collect::<Result<Vec<_>, _>>()?;
        let sends = data.is_some() || !fields.is_empty();
        let method = match &arguments.method {
            Some(method) => method.to_ascii_uppercase(),
            None if data.is_some() => "POST".to_string(),
            None => "GET".to_string(),
        };
        let body = match (data, method.as_str()) {
            (None, "GET" | "DELETE") => {
                let mut query = url::form_urlencoded::Serializer::new(String::new());
                for (name, value) in &fields {
                    query.append_pair(name, value.as_str().unwrap_or(&value.to_string()));
                }
                if sends {
                    let separator = if path.contains('?') { '&' } else { '?' };
                    path = format!("{path}{separator}{}", query.finish());
                }
                None
            }
            (None, _) if fields.is_empty() => None,
            (None, _) => Some(Value::Object(fields.into_iter().collect())),
            (Some(Value::Object(mut object)), _) => {
                object.extend(fields);
                Some(Value::Object(object))
            }
            (Some(other), _) if fields.is_empty() => Some(other),
            (Some(_), _) => return Err(Failure::usage("--field needs --data to be a JSON object")),
        };
        let directory = ["/v1.0/", "/beta/"].iter().any(|prefix| path.contains(prefix));
        let audience = if directory && !path.contains("/api/") { Audience::Directory } else { Audience::Api };
        Ok(Call { audience, method, path, body })
    }
}

/// The short form leaves `/api/v1` out.
fn whole_path(path: &str) -> String {
    let whole = ["/api/", "/cas/api/", "/v1.0/", "/beta/"].iter().any(|prefix| path.starts_with(prefix));
    match path {
        _ if whole || path.contains("://") => path.to_string(),
        _ if path.starts_with('/') => format!("/api/v1{path}"),
        _ => format!("/api/v1/{path}"),
    }
}

fn read_data(text: &str) -> Result<Value, Failure> {
    let text = match text.strip_prefix('@') {
        Some(file) => std::fs::read_to_string(file).map_err(|e| Failure::file(Path::new(file), &e))?,
        None if text == "-" => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text)?;
            text
        }
        None => text.to_string(),
    };
    serde_json::from_str(&text).map_err(|e| Failure::usage(format!("--data is not JSON: {e}")))
}

fn parse_field(field: &str) -> Result<(String, Value), Failure> {
    let wrong = || Failure::usage(format!("--field {field:?} is not NAME=VALUE"));
    let (name, value) = field.split_once('=').ok_or_else(wrong)?;
    match name.strip_suffix(':') {
        Some(name) => {
            let value = serde_json::from_str(value);
            Ok((
                name.to_string(),
                value.map_err(|e| Failure::usage(format!("--field {name}: not JSON: {e}")))?,
            ))
        }
        None => Ok((name.to_string(), Value::String(value.to_string()))),
    }
}

/// People see JSON laid out, programs see the bytes; jsonl takes a list apart.
fn show(output: &Output, answer: &Answer) -> Result<(), Failure> {
    match (serde_json::from_slice::<Value>(&answer.body), output.format()) {
        (Ok(value), Some(Format::Jsonl)) => {
            let list = ["data", "value"].iter().find_map(|name| value.get(name)).unwrap_or(&value);
            let records = list.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
            write(&records.iter().map(|record| line(record) + "\n").collect::<String>())
        }
        (Ok(_), Some(Format::Csv)) => {
            Err(Failure::usage("an answer of any shape has no columns; use --output json or jsonl"))
        }
        (Ok(value), _) if on_terminal() || output.format().is_some() => {
            write(&format!("{}\n", pretty(&value)))
        }
        (Err(_), _) if on_terminal() => {
            let text = String::from_utf8_lossy(&answer.body);
            write(&text.lines().map(|line| plain(line) + "\n").collect::<String>())
        }
        _ => write_raw(&answer.body),
    }
}

#[cfg(test)]
mod tests;
