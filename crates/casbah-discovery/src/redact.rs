//! A refused line, fit to be shown: it may be anybody's secret, and a terminal may run it.
//!
//! People's names, query strings and secrets are masked as far as they can be told: by the cell in which
//! this format or any other has its user, by keys (`user=`, `password=`), and by their looks. What moves the
//! cursor or turns the direction of writing is escaped.

use std::sync::LazyLock;

use crate::formats::FORMATS;
use crate::options::Options;
use crate::parser::{Outcome, Parser};
use crate::plan::Plan;

const MASK: &str = "***";
/// Characters of an example.
const SHOWN: usize = 300;
/// Bytes of a line that are looked at.
const LOOKED_AT: usize = 2048;

/// Keys whose value is a person or a secret, as part of a longer key too (`src_user`, `sessionToken`).
const PRIVATE_KEYS: &[&str] = &[
    "user",
    "usr",
    "login",
    "account",
    "mail",
    "passw",
    "pwd",
    "secret",
    "token",
    "key",
    "auth",
    "cookie",
    "session",
    "signature",
    "sig",
    "credential",
    "fname",
    "principal",
];
/// Words behind which a person or a secret stands.
const PRIVATE_WORDS: &[&str] = &["user", "username", "login", "for", "bearer", "basic", "token", "password"];

/// The example of a line. `user` is the part of it where its own format has a person.
pub(crate) fn redact(line: &[u8], user: &[u8], options: &Options) -> String {
    let line = &line[..line.len().min(LOOKED_AT)];
    let mut text = String::from_utf8_lossy(line).into_owned();
    let mut short = Vec::new();
    for name in std::iter::once(user).chain(users_of_others(line, options)) {
        let name = String::from_utf8_lossy(name);
        let name = name.trim_matches(|c: char| c.is_whitespace() || c == '"' || c == '-');
        match name.chars().count() {
            _ if name.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_punctuation()) => {}
            // Elsewhere in the line it is the same person; so short a piece would be chance.
            0..=2 => short.push(name.to_owned()),
            _ => text = text.replace(name, MASK),
        }
    }
    let mut scanner = Scanner { rest: &text, out: String::with_capacity(text.len()), short: &short };
    scanner.run();
    escape(&scanner.out)
}

/// A line of another format may name a person too.
fn users_of_others<'l>(line: &'l [u8], options: &Options) -> Vec<&'l [u8]> {
    static PLANS: LazyLock<Vec<Plan>> =
        LazyLock::new(|| FORMATS.iter().map(|format| format.plan()).collect());
    let fits = |parser: &mut Parser<'_>| matches!(parser.read(line), Outcome::Record(_) | Outcome::TooOld);
    let parsers = PLANS.iter().map(|plan| Parser::new(plan, options));
    parsers.filter_map(|mut parser| fits(&mut parser).then(|| parser.user_cell(line))).collect()
}

/// What the next word is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Anything,
    /// A person or a secret, for this word.
    PrivateWord,
    /// The same, up to the next key.
    PrivateValue,
}

struct Scanner<'t> {
    rest: &'t str,
    out: String,
    /// Names that are masked only where they are a whole word.
    short: &'t [String],
}

impl<'t> Scanner<'t> {
    fn run(&mut self) {
        let mut next = Next::Anything;
        while !self.rest.is_empty() {
            let word = self.take(|c| !separates(c));
            let (key, value) = match word.split_once(['=', ':']) {
                Some((key, value)) if is_key(key) && !value.starts_with("//") => (Some(key), value),
                _ => (None, word),
            };
            if let Some(key) = key {
                next = if is_private(key) { Next::PrivateValue } else { Next::Anything };
                self.out.push_str(&word[..=key.len()]);
            }
            match next {
                _ if value.is_empty() => {}
                Next::Anything => self.word(value),
                Next::PrivateWord | Next::PrivateValue => self.out.push_str(MASK),
            }
            let between = self.take(separates);
            self.out.push_str(between);
            next = match between {
                _ if next == Next::PrivateValue && value.is_empty() && between.ends_with('"') => {
                    self.quoted()
                }
                // Values with blanks go on to the next key.
                " " if next == Next::PrivateValue => next,
                " " if PRIVATE_WORDS.iter().any(|known| word.eq_ignore_ascii_case(known)) => {
                    Next::PrivateWord
                }
                // `"user":"…"` of JSON.
                "\"" if is_private(word) => self.json_value(),
                _ => Next::Anything,
            };
        }
    }

    fn take(&mut self, wanted: impl Fn(char) -> bool) -> &'t str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn quoted(&mut self) -> Next {
        if !self.take(|c| c != '"').is_empty() {
            self.out.push_str(MASK);
        }
        Next::Anything
    }

    fn json_value(&mut self) -> Next {
        for start in [":\"", ": \""] {
            if let Some(rest) = self.rest.strip_prefix(start) {
                self.rest = rest;
                self.out.push_str(start);
                return self.quoted();
            }
        }
        Next::Anything
    }

    /// A word by its looks.
    fn word(&mut self, word: &str) {
        let end = word.find(['?', '#']).unwrap_or(word.len());
        let (head, query) = word.split_at(end);
        let lower = head.to_ascii_lowercase();
        let person = head.contains('\\') || lower.contains("%5c") || lower.contains("%40");
        let short = self.short.iter().any(|name| name == head);
        match (head.split_once("://"), head.rsplit_once('@')) {
            (Some((scheme, _)), Some((_, host))) => {
                self.out.push_str(&format!("{scheme}://{MASK}@"));
                self.segments(host);
            }
            (None, Some(_)) => self.out.push_str(MASK),
            _ if person || short => self.out.push_str(MASK),
            _ => self.segments(head),
        }
        if let Some(mark) = query.chars().next() {
            self.out.push(mark);
            if query.len() > 1 {
                self.out.push_str(MASK);
            }
        }
    }

    fn segments(&mut self, path: &str) {
        for (number, segment) in path.split('/').enumerate() {
            if number > 0 {
                self.out.push('/');
            }
            self.out.push_str(if is_secret(segment) { MASK } else { segment });
        }
    }
}

fn separates(c: char) -> bool {
    c.is_whitespace() || ",;|\"'()<>[]{}".contains(c)
}

fn is_key(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic())
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
}

fn is_private(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    PRIVATE_KEYS.iter().any(|known| key.contains(known))
}

/// Long, and letters and digits mixed: a token, a key, a session.
fn is_secret(word: &str) -> bool {
    let count = |wanted: fn(&u8) -> bool| word.bytes().filter(wanted).count();
    let plain = word.bytes().all(|b| b.is_ascii_alphanumeric() || b"+_-=~".contains(&b));
    let mixed = count(u8::is_ascii_digit) >= 2 && count(u8::is_ascii_alphabetic) >= 2;
    word.len() >= 20 && (word.starts_with("eyJ") || (plain && mixed))
}

/// Controls and marks that turn the direction of writing, as `\u{1b}`; cut where it gets long.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (number, c) in text.chars().enumerate() {
        if number == SHOWN {
            out.push('…');
            break;
        }
        let unseen = matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}');
        if c.is_control() || unseen {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, user: &str, expected: &str) {
        let options = Options::at(1_795_435_200_000);
        assert_eq!(redact(line.as_bytes(), user.as_bytes(), &options), expected);
    }

    #[test]
    fn people_are_masked() {
        check(
            "1 x TCP_MISS/200 GET https://a.example/p amal.haddad -",
            "amal.haddad",
            "1 x TCP_MISS/200 GET https://a.example/p *** -",
        );
        check("a al b", "al", "a *** b");
        check("user=\"Amal Haddad\" act=ok", "", "user=\"***\" act=ok");
        check("suser=Amal Haddad act=ok", "", "suser=*** *** act=ok");
        check("{\"user\":\"amal\",\"n\":1}", "", "{\"user\":\"***\",\"n\":1}");
        check("CONTOSO\\amal and amal@contoso.com", "", "*** and ***");
        check("login failed for amal at noon", "", "login *** for *** at noon");
        check("ftp://amal:pw@host.example/x", "", "ftp://***@host.example/x");
    }

    #[test]
    fn a_line_of_another_format_hides_its_person_too() {
        let line =
            "1795000000.030 1 10.0.0.1 TCP_MISS/200 5 GET https://dropbox.com/x zuleika HIER_DIRECT/- -";
        check(
            line,
            "",
            "1795000000.030 1 10.0.0.1 TCP_MISS/200 5 GET https://dropbox.com/x *** HIER_DIRECT/- -",
        );
    }

    #[test]
    fn secrets_are_masked() {
        check("GET https://a.example/p?token=abc#x 5", "", "GET https://a.example/p?*** 5");
        check("GET a.example/p/0a1b2c3d4e5f6a7b8c9d0e1f/q 5", "", "GET a.example/p/***/q 5");
        check("Authorization: Bearer abc", "", "Authorization: *** ***");
        check("pwd=x;sessionid=y;n=1", "", "pwd=***;sessionid=***;n=1");
        check("x eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln y", "", "x *** y");
    }

    #[test]
    fn terminals_are_safe() {
        check("a\u{1b}[31mb\tc\u{202e}d", "", "a\\u{1b}[31mb\\tc\\u{202e}d");
        check(&"x".repeat(1000), "", &format!("{}…", "x".repeat(300)));
    }
}
