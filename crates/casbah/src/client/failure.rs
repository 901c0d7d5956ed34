//! Why a command did not do what was asked: one line that says what to do next, and an exit code.

use std::fmt;
use std::io;

use serde_json::Value;

/// The documented exit codes; see `docs/command-line.md`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// 0: the reader of our output went away, which is its good right (`casbah … | head`).
    Closed = 0,
    /// 1: it was tried and failed.
    Failed = 1,
    /// 2: the command line makes no sense as it stands.
    Usage = 2,
    /// 3: nobody is signed in, or the sign-in has ended.
    NotSignedIn = 3,
    /// 4: the server refused: wrong credentials, or a permission is missing.
    Refused = 4,
    /// 5: there is no such thing.
    NotFound = 5,
    /// 6: the server cannot be reached or is not trusted.
    Unreachable = 6,
    /// 7: too many requests, or the server is not ready: later it may work.
    TryLater = 7,
}

/// A failed command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// What the process exits with.
    pub exit: Exit,
    /// One line for people.
    pub message: String,
}

impl Failure {
    /// A failure with an exit code of its own.
    pub fn new(exit: Exit, message: impl Into<String>) -> Failure {
        Failure { exit, message: message.into() }
    }

    /// It was tried and failed.
    pub fn failed(message: impl Into<String>) -> Failure {
        Failure::new(Exit::Failed, message)
    }

    /// The command line makes no sense as it stands.
    pub fn usage(message: impl Into<String>) -> Failure {
        Failure::new(Exit::Usage, message)
    }

    /// There is no such thing.
    pub fn not_found(message: impl Into<String>) -> Failure {
        Failure::new(Exit::NotFound, message)
    }

    /// The answer is not what this command knows how to read.
    pub fn shape(what: &str) -> Failure {
        Failure::failed(format!("the server's answer has no {what}; is --url a Casbah of the same version?"))
    }

    /// A file could not be read or written.
    pub fn file(path: &std::path::Path, error: &io::Error) -> Failure {
        Failure::failed(format!("{}: {error}", path.display()))
    }

    /// Reads an error answer in any of the three dialects: OAuth, directory (Graph), Cloud Apps API.
    pub fn from_answer(
        status: u16,
        body: &[u8],
        request_id: Option<&str>,
        retry_after: Option<&str>,
    ) -> Failure {
        let json: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        let said = oauth(&json).or_else(|| graph(&json)).or_else(|| api(&json)).or_else(|| text(body));
        let exit = match (status, &said) {
            // The token endpoint answers 400 for a wrong password and for a spent refresh token.
            (400, Some(said)) if said.refuses => Exit::Refused,
            (401 | 403, _) => Exit::Refused,
            (404, _) => Exit::NotFound,
            (408 | 429 | 502 | 503 | 504, _) => Exit::TryLater,
            _ => Exit::Failed,
        };
        let mut message = match said {
            Some(Said { text, hint, .. }) => match hint {
                Some(hint) => format!("{}; {hint}", text.trim_end_matches('.')),
                None => text,
            },
            None => format!("the server answered {status}"),
        };
        if exit == Exit::TryLater {
            match retry_after {
                Some(seconds) => message.push_str(&format!("; try again in {seconds} s")),
                None => message.push_str("; try again later"),
            }
        }
        if let Some(id) = request_id {
            message.push_str(&format!(" (request {id})"));
        }
        Failure { exit, message: one_line(&message) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        let exit = if error.kind() == io::ErrorKind::BrokenPipe { Exit::Closed } else { Exit::Failed };
        Failure::new(exit, error.to_string())
    }
}

struct Said {
    text: String,
    hint: Option<&'static str>,
    refuses: bool,
}

/// RFC 6749, section 5.2, with Microsoft's numbered descriptions.
fn oauth(json: &Value) -> Option<Said> {
    let error = json.get("error")?.as_str()?;
    let description = json.get("error_description")?.as_str()?;
    // The ids at the end repeat what the request id says.
    let text = description.split(" Trace ID:").next().unwrap_or(description).trim();
    let hint = match json.pointer("/error_codes/0").and_then(Value::as_i64) {
        Some(7_000_215) => Some("if it is lost, make a new one with `casbah secret add`"),
        Some(7_000_222) => Some("make a new one with `casbah secret add`"),
        Some(700_016) => Some("check the client id and the tenant, or register it with `casbah app create`"),
        Some(90_002) => Some("check --tenant"),
        Some(65_001) => Some("an administrator can consent with `casbah consent grant`"),
        Some(70_043 | 70_082 | 50_173 | 700_082 | 700_084) => Some("sign in again with `casbah login`"),
        _ => None,
    };
    let refuses =
        matches!(error, "invalid_grant" | "invalid_client" | "unauthorized_client" | "access_denied");
    Some(Said { text: text.to_string(), hint, refuses })
}

fn graph(json: &Value) -> Option<Said> {
    let error = json.get("error")?.as_object()?;
    let text = error.get("message")?.as_str()?;
    let hint = match error.get("code").and_then(Value::as_str) {
        Some("InvalidAuthenticationToken") => Some("sign in with `casbah login`"),
        _ => None,
    };
    Some(Said { text: text.to_string(), hint, refuses: false })
}

fn api(json: &Value) -> Option<Said> {
    let first = json.pointer("/errors/0/error").and_then(Value::as_str);
    let detail = || json.get("detail").or_else(|| json.get("message")).and_then(Value::as_str);
    let text = first.or_else(detail).or_else(|| json.get("error").and_then(Value::as_str))?;
    Some(Said { text: text.to_string(), hint: None, refuses: false })
}

/// A short plain answer is worth showing; a page of markup is not.
fn text(body: &[u8]) -> Option<Said> {
    let text = std::str::from_utf8(body).ok()?.trim();
    let short = !text.is_empty() && text.len() <= 300 && !text.starts_with(['<', '{', '[']);
    short.then(|| Said { text: text.to_string(), hint: None, refuses: false })
}

fn one_line(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
