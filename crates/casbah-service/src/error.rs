//! What can go wrong, by what the caller should do about it.

/// Knows nothing of HTTP.
#[derive(Debug)]
pub enum Error {
    /// Absent, or not visible to this caller: the two are never told apart.
    NotFound,
    /// Can never succeed as it stands; `why` is shown to the caller.
    Invalid {
        /// The faulty parameter, as the caller spells it.
        field: String,
        /// One sentence.
        why: String,
    },
    /// The caller may not do this; `needs` says what would be enough.
    Forbidden {
        /// One sentence.
        needs: String,
    },
    /// It exists already, or somebody else changed it first; the sentence is shown.
    Conflict(String),
    /// Our fault. The cause is logged once, at the edge, and never shown.
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// An [`Error::Invalid`].
    pub fn invalid(field: impl Into<String>, why: impl Into<String>) -> Error {
        Error::Invalid { field: field.into(), why: why.into() }
    }

    /// An [`Error::Internal`].
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::Internal(cause.into())
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::NotFound => f.write_str("not found"),
            Error::Invalid { field, why } => write!(f, "{field}: {why}"),
            Error::Forbidden { needs } => f.write_str(needs),
            Error::Conflict(why) => f.write_str(why),
            Error::Internal(cause) => write!(f, "internal error: {cause}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<casbah_store::Error> for Error {
    fn from(e: casbah_store::Error) -> Error {
        match e {
            casbah_store::Error::Duplicate => {
                Error::Conflict("something with that key exists already".into())
            }
            other => Error::internal(other),
        }
    }
}
