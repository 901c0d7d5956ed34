//! `$filter`: the forms that tools send.
//!
//! ```text
//! or   = and *( "or" and )          and  = term *( "and" term )
//! term = "(" or ")" | "not" term | name op value | name "in" "(" value *( "," value ) ")"
//!      | test "(" name "," text ")" | name ( "/any(" | "/all(" ) [ x ":" or ] ")"
//! op   = "eq" | "ne" | "gt" | "ge" | "lt" | "le"
//! test = "startswith" | "endswith" | "contains"
//! ```
//! Inside `any` and `all` names begin with the variable: `x` is the element, `x/id` a property of it.

use casbah_model::Timestamp;
use serde_json::Value;

/// Deepest nesting; nobody writes more, and it bounds the stack.
const DEEPEST: usize = 20;
/// Most values of an `in`.
const LONGEST_LIST: usize = 200;

/// A condition on an entry. A name is a property, `web/homePageUrl` one of an object in it, and the empty
/// name the entry itself.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Filter {
    Or(Vec<Filter>),
    And(Vec<Filter>),
    Not(Box<Filter>),
    /// Name, value.
    Equal(String, Value),
    /// Name, lower-case start.
    StartsWith(String, String),
    /// Name, lower-case end.
    EndsWith(String, String),
    /// Name, lower-case part.
    Contains(String, String),
    /// Name, whether it must be greater (or else less), whether it may be equal, value.
    Beyond(String, bool, bool, Value),
    /// A list that has an element which fulfils this.
    Any(String, Box<Filter>),
    /// A list whose elements all fulfil this.
    All(String, Box<Filter>),
}

impl Filter {
    pub(super) fn parse(text: &str) -> Result<Filter, String> {
        let tokens = tokens(text)?;
        let mut parser = Parser { tokens: &tokens, at: 0, variable: None };
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

    /// Decides what is about properties that all entries have the same, and keeps the rest; none when
    /// nothing is left to ask.
    pub(super) fn without_constants(self, constants: &Value) -> Option<Filter> {
        match self {
            Filter::And(all) => {
                let mut kept: Vec<Filter> =
                    all.into_iter().filter_map(|f| f.without_constants(constants)).collect();
                match kept.len() {
                    0 => None,
                    1 => kept.pop(),
                    _ => Some(Filter::And(kept)),
                }
            }
            filter => match filter.matches(constants) {
                Ok(true) => None,
                // Never true: one of no conditions.
                Ok(false) => Some(Filter::Or(Vec::new())),
                Err(_) => Some(filter),
            },
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
            Filter::Equal(name, wanted) => equal(property(entry, name)?, wanted),
            Filter::StartsWith(name, start) => text(entry, name)?.is_some_and(|have| have.starts_with(start)),
            Filter::EndsWith(name, end) => text(entry, name)?.is_some_and(|have| have.ends_with(end)),
            Filter::Contains(name, part) => text(entry, name)?.is_some_and(|have| have.contains(part)),
            Filter::Beyond(name, greater, or_equal, wanted) => {
                let have = property(entry, name)?;
                match order(have, wanted) {
                    Some(std::cmp::Ordering::Equal) => *or_equal,
                    Some(std::cmp::Ordering::Greater) => *greater,
                    Some(std::cmp::Ordering::Less) => !*greater,
                    None => false,
                }
            }
            Filter::Any(name, condition) => {
                let mut result = false;
                for element in list(entry, name)? {
                    result |= condition.matches(element)?;
                }
                result
            }
            Filter::All(name, condition) => {
                let mut result = true;
                for element in list(entry, name)? {
                    result &= condition.matches(element)?;
                }
                result
            }
        })
    }

    /// Refuses names that an entry of this shape does not have, so that a mistake shows also where there
    /// is nothing to compare with.
    pub(super) fn check_names(&self, shape: &Value) -> Result<(), String> {
        match self {
            Filter::Or(all) | Filter::And(all) => all.iter().try_for_each(|f| f.check_names(shape)),
            Filter::Not(inner) => inner.check_names(shape),
            Filter::Equal(name, _)
            | Filter::StartsWith(name, _)
            | Filter::EndsWith(name, _)
            | Filter::Contains(name, _)
            | Filter::Beyond(name, ..)
            | Filter::Any(name, _)
            | Filter::All(name, _) => property(shape, name).map(drop),
        }
    }
}

/// The directory compares text without regard to case.
fn same(left: &str, right: &str) -> bool {
    left.to_lowercase() == right.to_lowercase()
}

fn equal(have: &Value, want: &Value) -> bool {
    match (have, want) {
        // The same moment is written in several ways.
        (Value::String(have), Value::String(want)) => {
            same(have, want) || time(have).is_some_and(|at| time(want) == Some(at))
        }
        (have, want) => have == want,
    }
}

fn order(have: &Value, want: &Value) -> Option<std::cmp::Ordering> {
    match (have, want) {
        (Value::String(have), Value::String(want)) => match (time(have), time(want)) {
            (Some(have), Some(want)) => Some(have.cmp(&want)),
            _ => Some(have.to_lowercase().cmp(&want.to_lowercase())),
        },
        (have, want) => have.as_i64()?.partial_cmp(&want.as_i64()?),
    }
}

fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

fn text(entry: &Value, name: &str) -> Result<Option<String>, String> {
    Ok(property(entry, name)?.as_str().map(str::to_lowercase))
}

fn list<'a>(entry: &'a Value, name: &str) -> Result<&'a [Value], String> {
    Ok(property(entry, name)?.as_array().map(Vec::as_slice).unwrap_or_default())
}

/// A property, also of an object in the entry; of an absent object all are null.
fn property<'a>(entry: &'a Value, name: &str) -> Result<&'a Value, String> {
    let mut at = entry;
    for part in name.split('/').filter(|part| !part.is_empty()) {
        if at.is_null() {
            return Ok(at);
        }
        let found = at.as_object().and_then(|o| o.iter().find(|(key, _)| key.eq_ignore_ascii_case(part)));
        at = found
            .map(|(_, value)| value)
            .ok_or_else(|| format!("$filter: there is no property named '{name}'."))?;
    }
    Ok(at)
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
                // Only a time has colons in it; elsewhere one ends the variable of `any`.
                let more = if c.is_ascii_digit() { "_-./@:+" } else { "_-./@" };
                while let Some(c) = chars.next_if(|c| c.is_ascii_alphanumeric() || more.contains(*c)) {
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
    /// The variable of the `any` or `all` that is being read.
    variable: Option<String>,
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
        let Some(Token::Word(word)) = self.next() else { return Err(invalid()) };
        let test = match word.to_ascii_lowercase().as_str() {
            "startswith" => Some(Filter::StartsWith as fn(String, String) -> Filter),
            "endswith" => Some(Filter::EndsWith as fn(String, String) -> Filter),
            "contains" => Some(Filter::Contains as fn(String, String) -> Filter),
            _ => None,
        };
        if let Some(test) = test
            && self.mark('(')
        {
            let Some(Token::Word(name)) = self.next() else { return Err(invalid()) };
            let name = self.name(&name)?;
            self.need(',')?;
            let Some(Token::Text(text)) = self.next() else { return Err(invalid()) };
            self.need(')')?;
            return Ok(test(name, text.to_lowercase()));
        }
        if let Some(list) = word.strip_suffix("/any") {
            return self.quantified(list, Filter::Any, depth);
        }
        if let Some(list) = word.strip_suffix("/all") {
            return self.quantified(list, Filter::All, depth);
        }
        let name = self.name(&word)?;
        let Some(Token::Word(operator)) = self.next() else { return Err(invalid()) };
        Ok(match operator.to_ascii_lowercase().as_str() {
            "eq" => Filter::Equal(name, self.value()?),
            "ne" => Filter::Not(Box::new(Filter::Equal(name, self.value()?))),
            "gt" => Filter::Beyond(name, true, false, self.value()?),
            "ge" => Filter::Beyond(name, true, true, self.value()?),
            "lt" => Filter::Beyond(name, false, false, self.value()?),
            "le" => Filter::Beyond(name, false, true, self.value()?),
            "in" => {
                self.need('(')?;
                let mut any = vec![Filter::Equal(name.clone(), self.value()?)];
                while self.mark(',') {
                    any.push(Filter::Equal(name.clone(), self.value()?));
                    if any.len() > LONGEST_LIST {
                        return Err(format!("$filter: 'in' takes at most {LONGEST_LIST} values."));
                    }
                }
                self.need(')')?;
                Filter::Or(any)
            }
            _ => return Err(invalid()),
        })
    }

    fn value(&mut self) -> Result<Value, String> {
        Ok(match self.next() {
            Some(Token::Text(text)) => Value::String(text),
            Some(Token::Word(word)) => match word.to_ascii_lowercase().as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "null" => Value::Null,
                // A GUID needs no quotes, and a time may have none.
                other if other.parse::<casbah_model::Guid>().is_ok() => Value::String(other.to_string()),
                _ if time(&word).is_some() => Value::String(word),
                other => Value::Number(other.parse::<i64>().map_err(|_| invalid())?.into()),
            },
            _ => return Err(invalid()),
        })
    }

    /// `(x:x eq 'value')`, or `()` for a list that is not empty.
    fn quantified(
        &mut self,
        list: &str,
        kind: fn(String, Box<Filter>) -> Filter,
        depth: usize,
    ) -> Result<Filter, String> {
        let list = self.name(list)?;
        self.need('(')?;
        if self.mark(')') {
            return Ok(kind(list, Box::new(Filter::And(Vec::new()))));
        }
        let Some(Token::Word(variable)) = self.next() else { return Err(invalid()) };
        self.need(':')?;
        let outer = self.variable.replace(variable);
        let inner = self.or(depth + 1)?;
        self.variable = outer;
        self.need(')')?;
        Ok(kind(list, Box::new(inner)))
    }

    /// A name; inside `any` and `all` without the variable in front.
    fn name(&self, word: &str) -> Result<String, String> {
        let Some(variable) = &self.variable else { return Ok(word.to_string()) };
        match word.split_once('/') {
            None if word == variable => Ok(String::new()),
            Some((first, rest)) if first == variable => Ok(rest.to_string()),
            _ => Err(format!("$filter: names inside the parentheses begin with {variable}.")),
        }
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
