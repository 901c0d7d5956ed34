//! `$filter`: the forms that tools send.
//!
//! ```text
//! or   = and *( "or" and )          and  = term *( "and" term )
//! term = "(" or ")" | "not" term | name "eq" value | name "ne" value
//!      | "startswith(" name "," text ")" | name "/any(" x ":" x "eq" text ")"
//! ```

use serde_json::Value;

/// Deepest nesting; nobody writes more, and it bounds the stack.
const DEEPEST: usize = 20;

/// A condition on an entry.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Filter {
    Or(Vec<Filter>),
    And(Vec<Filter>),
    Not(Box<Filter>),
    /// Name, value.
    Equal(String, Value),
    /// Name, lower-case start.
    StartsWith(String, String),
    /// A list that has this element.
    Any(String, String),
}

impl Filter {
    pub(super) fn parse(text: &str) -> Result<Filter, String> {
        let tokens = tokens(text)?;
        let mut parser = Parser { tokens: &tokens, at: 0 };
        let filter = parser.or(0)?;
        if parser.at < tokens.len() {
            return Err(invalid());
        }
        Ok(filter)
    }

    /// The value of an equation that must hold for `name`.
    pub(super) fn fixes(&self, name: &str) -> Option<&str> {
        match self {
            Filter::Equal(n, Value::String(value)) if n.eq_ignore_ascii_case(name) => Some(value),
            Filter::And(all) => all.iter().find_map(|f| f.fixes(name)),
            _ => None,
        }
    }

    /// Whether an entry fulfils the condition.
    ///
    /// # Errors
    /// Names a property that the entry does not have.
    pub(super) fn matches(&self, entry: &Value) -> Result<bool, String> {
        Ok(match self {
            Filter::Or(any) => {
                let mut result = false;
                for f in any {
                    result |= f.matches(entry)?;
                }
                result
            }
            Filter::And(all) => {
                let mut result = true;
                for f in all {
                    result &= f.matches(entry)?;
                }
                result
            }
            Filter::Not(inner) => !inner.matches(entry)?,
            Filter::Equal(name, wanted) => match (property(entry, name)?, wanted) {
                (Value::String(have), Value::String(want)) => same(have, want),
                (have, want) => have == want,
            },
            Filter::StartsWith(name, start) => {
                property(entry, name)?.as_str().is_some_and(|have| have.to_lowercase().starts_with(start))
            }
            Filter::Any(name, wanted) => {
                let list = property(entry, name)?.as_array();
                list.is_some_and(|l| l.iter().any(|e| e.as_str().is_some_and(|have| same(have, wanted))))
            }
        })
    }
}

/// The directory compares text without regard to case.
fn same(left: &str, right: &str) -> bool {
    left.to_lowercase() == right.to_lowercase()
}

fn property<'a>(entry: &'a Value, name: &str) -> Result<&'a Value, String> {
    let found = entry.as_object().and_then(|o| o.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)));
    found.map(|(_, value)| value).ok_or_else(|| format!("$filter: there is no property named '{name}'."))
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Mark(char),
}

fn invalid() -> String {
    "$filter is not valid or uses a form that is not supported.".to_string()
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' => {}
            '(' | ')' | ',' | ':' => tokens.push(Token::Mark(c)),
            '\'' => {
                let mut value = String::new();
                loop {
                    match chars.next() {
                        // A doubled quote is one quote of the text.
                        Some('\'') if chars.peek() == Some(&'\'') => {
                            chars.next();
                            value.push('\'');
                        }
                        Some('\'') => break,
                        Some(other) => value.push(other),
                        None => return Err("$filter: a text does not end; close it with '.".to_string()),
                    }
                }
                tokens.push(Token::Text(value));
            }
            c if c.is_ascii_alphanumeric() || "_-./@".contains(c) => {
                let mut word = String::from(c);
                while let Some(c) = chars.next_if(|c| c.is_ascii_alphanumeric() || "_-./@".contains(*c)) {
                    word.push(c);
                }
                tokens.push(Token::Word(word));
            }
            _ => return Err(invalid()),
        }
    }
    Ok(tokens)
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl Parser<'_> {
    fn or(&mut self, depth: usize) -> Result<Filter, String> {
        let mut any = vec![self.and(depth)?];
        while self.word("or") {
            any.push(self.and(depth)?);
        }
        Ok(if any.len() == 1 { any.remove(0) } else { Filter::Or(any) })
    }

    fn and(&mut self, depth: usize) -> Result<Filter, String> {
        let mut all = vec![self.term(depth)?];
        while self.word("and") {
            all.push(self.term(depth)?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Filter::And(all) })
    }

    fn term(&mut self, depth: usize) -> Result<Filter, String> {
        if depth > DEEPEST {
            return Err("$filter is nested too deeply.".to_string());
        }
        if self.mark('(') {
            let inner = self.or(depth + 1)?;
            self.need(')')?;
            return Ok(inner);
        }
        if self.word("not") {
            return Ok(Filter::Not(Box::new(self.term(depth + 1)?)));
        }
        let Some(Token::Word(name)) = self.next() else { return Err(invalid()) };
        if name.eq_ignore_ascii_case("startswith") && self.mark('(') {
            let Some(Token::Word(name)) = self.next() else { return Err(invalid()) };
            self.need(',')?;
            let Some(Token::Text(start)) = self.next() else { return Err(invalid()) };
            self.need(')')?;
            return Ok(Filter::StartsWith(name, start.to_lowercase()));
        }
        if let Some(list) = name.strip_suffix("/any") {
            return self.any(list.to_string());
        }
        let negated = if self.word("eq") {
            false
        } else if self.word("ne") {
            true
        } else {
            return Err(invalid());
        };
        let value = match self.next() {
            Some(Token::Text(text)) => Value::String(text),
            Some(Token::Word(word)) => match word.to_ascii_lowercase().as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "null" => Value::Null,
                // A GUID needs no quotes.
                other if other.parse::<casbah_model::Guid>().is_ok() => Value::String(other.to_string()),
                _ => return Err(invalid()),
            },
            _ => return Err(invalid()),
        };
        let equal = Filter::Equal(name, value);
        Ok(if negated { Filter::Not(Box::new(equal)) } else { equal })
    }

    /// `(x:x eq 'value')`
    fn any(&mut self, list: String) -> Result<Filter, String> {
        self.need('(')?;
        let Some(Token::Word(variable)) = self.next() else { return Err(invalid()) };
        self.need(':')?;
        if !self.word(&variable) || !self.word("eq") {
            return Err(invalid());
        }
        let Some(Token::Text(value)) = self.next() else { return Err(invalid()) };
        self.need(')')?;
        Ok(Filter::Any(list, value))
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn word(&mut self, wanted: &str) -> bool {
        let found =
            matches!(self.tokens.get(self.at), Some(Token::Word(word)) if word.eq_ignore_ascii_case(wanted));
        self.at += usize::from(found);
        found
    }

    fn mark(&mut self, wanted: char) -> bool {
        let found = self.tokens.get(self.at) == Some(&Token::Mark(wanted));
        self.at += usize::from(found);
        found
    }

    fn need(&mut self, wanted: char) -> Result<(), String> {
        if self.mark(wanted) { Ok(()) } else { Err(invalid()) }
    }
}
