//! The fields of a form or of an address, several of the same name included.

use url::form_urlencoded;

/// Names and values in the order in which they came.
#[derive(Clone, Default, Debug)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    pub(crate) fn read(text: &[u8]) -> Fields {
        Fields(form_urlencoded::parse(text).into_owned().collect())
    }

    /// The first value of that name, without blanks around it; empty when there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value.trim())
    }

    /// The same, when it is there and not empty.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        Some(self.get(name)).filter(|value| !value.is_empty())
    }

    /// Every value of that name that is not empty.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(n, v)| n == name && !v.trim().is_empty()).map(|(_, value)| value.trim())
    }

    pub(crate) fn from_pairs(pairs: Vec<(String, String)>) -> Fields {
        Fields(pairs)
    }

    pub(crate) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// The same with one value for a name, or none.
    pub(crate) fn with(&self, name: &str, value: Option<&str>) -> Fields {
        let mut pairs = self.0.clone();
        pairs.retain(|(n, v)| n != name && !v.is_empty());
        pairs.extend(value.map(|value| (name.to_string(), value.to_string())));
        Fields(pairs)
    }

    /// An address with these as its query.
    pub(crate) fn address(&self, path: &str) -> String {
        if self.0.is_empty() {
            return path.to_string();
        }
        format!("{path}?{}", form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish())
    }
}
