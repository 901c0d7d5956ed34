//! Some values and not others.

use serde::{Deserialize, Serialize};

/// A choice among values, without regard to case. Empty, it admits everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, from = "Stored")]
pub struct Choice {
    /// One of these must be among the values; empty is no demand.
    pub any: Vec<String>,
    /// None of these may be.
    pub none: Vec<String>,
}

/// How choices are and were stored: once, they were a list of what is wanted.
#[derive(Deserialize)]
#[serde(untagged)]
enum Stored {
    List(Vec<String>),
    Both {
        #[serde(default)]
        any: Vec<String>,
        #[serde(default)]
        none: Vec<String>,
    },
}

impl From<Stored> for Choice {
    fn from(stored: Stored) -> Choice {
        match stored {
            Stored::List(any) => Choice { any, none: Vec::new() },
            Stored::Both { any, none } => Choice { any, none },
        }
    }
}

impl Choice {
    /// One of these.
    pub fn of<'a>(any: impl IntoIterator<Item = &'a str>) -> Choice {
        Choice { any: any.into_iter().map(str::to_owned).collect(), none: Vec::new() }
    }

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.any.is_empty() && self.none.is_empty()
    }

    /// Everything that is named, wanted or not.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.any.iter().chain(&self.none).map(String::as_str)
    }

    /// Whether something with these values is chosen.
    pub fn admits<'a>(&self, values: impl IntoIterator<Item = &'a str>) -> bool {
        let has = |list: &[String], value: &str| {
            list.iter().any(|one| one == value || one.to_lowercase() == value.to_lowercase())
        };
        let mut wanted = self.any.is_empty();
        for value in values {
            if has(&self.none, value) {
                return false;
            }
            wanted = wanted || has(&self.any, value);
        }
        wanted
    }
}
