//! The parameters of a request, each at most once.

use casbah_model::Secret;
use url::form_urlencoded;

use crate::codes;
use crate::error::OAuthError;

/// Parameters by name. They hold secrets, so they cannot be printed.
#[derive(Clone, Default)]
pub struct Form {
    fields: Vec<(String, Secret)>,
}

impl Form {
    /// Reads `application/x-www-form-urlencoded` text: a body or a query.
    pub fn parse(text: &[u8]) -> Form {
        let pairs = form_urlencoded::parse(text);
        Form { fields: pairs.map(|(name, value)| (name.into_owned(), Secret::new(value))).collect() }
    }

    /// Adds parameters that this form lacks.
    pub fn or(mut self, other: Form) -> Form {
        for (name, value) in other.fields {
            if self.field(&name).is_none() {
                self.fields.push((name, value));
            }
        }
        self
    }

    /// Every parameter as it came.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value))
    }

    fn field(&self, name: &str) -> Option<&Secret> {
        self.fields.iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// The parameter, unless it is absent or empty (RFC 6749, section 3.1: the same thing).
    pub fn get(&self, name: &str) -> Option<&str> {
        self.field(name).map(Secret::expose).filter(|value| !value.is_empty())
    }

    pub(crate) fn secret(&self, name: &str) -> Option<Secret> {
        self.field(name).filter(|value| !value.expose().is_empty()).cloned()
    }

    pub(crate) fn required(&self, name: &str) -> Result<&str, OAuthError> {
        self.get(name).ok_or_else(|| OAuthError::missing(name))
    }

    pub(crate) fn is_repeated(&self, name: &str) -> bool {
        self.fields.iter().filter(|(n, _)| n == name).count() > 1
    }

    /// RFC 6749, section 3.1: parameters must not be included more than once.
    pub(crate) fn check_unrepeated(&self) -> Result<(), OAuthError> {
        match self.fields.iter().find(|(name, _)| self.is_repeated(name)) {
            None => Ok(()),
            Some((name, _)) => {
                let text = format!("The parameter {name} is repeated. Send each parameter once.");
                Err(OAuthError::new(codes::MALFORMED, text))
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// All parameters in one canonical text, for the proof that a page belongs to a request.
    pub(crate) fn canonical(&self) -> String {
        let mut fields: Vec<(&str, &str)> =
            self.fields.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
        fields.sort_unstable();
        form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Form {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Form {
        let fields = pairs.into_iter().map(|(name, value)| (name.into(), Secret::new(value)));
        Form { fields: fields.collect() }
    }
}

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.fields.iter().map(|(name, _)| name)).finish()
    }
}
