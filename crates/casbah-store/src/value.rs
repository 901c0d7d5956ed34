//! The five kinds of value that both databases share, and rows of them.

use casbah_model::{Guid, RecordId, TenantId, Timestamp};

use crate::{Error, Result};

/// A value in a statement or a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A whole number; times are milliseconds, yes and no are 1 and 0.
    Int(i64),
    /// A fraction.
    Real(f64),
    /// Text; lists and objects are JSON text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// A row of a result.
#[derive(Clone, Debug)]
pub struct Row(pub(crate) Vec<Value>);

impl Row {
    /// Reads the columns one after the other, in the order in which the query names them.
    pub fn read(self) -> Reader {
        Reader { values: self.0.into_iter(), column: 0 }
    }
}

impl Row {
    /// Reads the first column by itself, and the rest as `read` does.
    pub(crate) fn split_first<T: FromValue, U>(mut self, read: fn(Row) -> Result<U>) -> Result<(U, T)> {
        if self.0.is_empty() {
            return Err(Error::Shape("no column 1".to_string()));
        }
        let first =
            T::from_value(self.0.remove(0)).map_err(|why| Error::Shape(format!("column 1: {why}")))?;
        Ok((read(self)?, first))
    }
}

/// Takes a row's values from left to right.
pub struct Reader {
    values: std::vec::IntoIter<Value>,
    column: usize,
}

impl Reader {
    /// The next column.
    ///
    /// # Errors
    /// [`Error::Shape`] when it is missing or of another type: never read as "absent".
    pub fn take<T: FromValue>(&mut self) -> Result<T> {
        self.column += 1;
        let value = self.values.next().ok_or_else(|| Error::Shape(format!("no column {}", self.column)))?;
        T::from_value(value).map_err(|why| Error::Shape(format!("column {}: {why}", self.column)))
    }

    /// The next column, JSON text, as what it describes.
    pub fn take_json<T: serde::de::DeserializeOwned>(&mut self) -> Result<T> {
        let text: String = self.take()?;
        serde_json::from_str(&text).map_err(|e| Error::Shape(format!("column {}: {e}", self.column)))
    }
}

/// A type that a column can be read as.
pub trait FromValue: Sized {
    /// Converts; the error is the private cause.
    fn from_value(value: Value) -> Result<Self, String>;
}

impl FromValue for i64 {
    fn from_value(value: Value) -> Result<i64, String> {
        match value {
            Value::Int(n) => Ok(n),
            other => Err(format!("{} instead of a number", kind(&other))),
        }
    }
}

impl FromValue for f64 {
    fn from_value(value: Value) -> Result<f64, String> {
        match value {
            Value::Real(x) => Ok(x),
            other => Err(format!("{} instead of a fraction", kind(&other))),
        }
    }
}

impl FromValue for bool {
    fn from_value(value: Value) -> Result<bool, String> {
        i64::from_value(value).map(|n| n != 0)
    }
}

impl FromValue for String {
    fn from_value(value: Value) -> Result<String, String> {
        match value {
            Value::Text(text) => Ok(text),
            other => Err(format!("{} instead of text", kind(&other))),
        }
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: Value) -> Result<Vec<u8>, String> {
        match value {
            Value::Bytes(bytes) => Ok(bytes),
            other => Err(format!("{} instead of bytes", kind(&other))),
        }
    }
}

impl FromValue for Timestamp {
    fn from_value(value: Value) -> Result<Timestamp, String> {
        i64::from_value(value).map(Timestamp)
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Result<Option<T>, String> {
        match value {
            Value::Null => Ok(None),
            other => T::from_value(other).map(Some),
        }
    }
}

macro_rules! parsed_text {
    ($($name:ty),*) => {$(
        impl FromValue for $name {
            fn from_value(value: Value) -> Result<$name, String> {
                String::from_value(value)?.parse().map_err(|_| concat!("not a ", stringify!($name)).to_string())
            }
        }

        impl From<$name> for Value {
            fn from(id: $name) -> Value {
                Value::Text(id.to_string())
            }
        }

        impl From<&$name> for Value {
            fn from(id: &$name) -> Value {
                Value::Text(id.to_string())
            }
        }
    )*};
}

parsed_text!(Guid, TenantId, RecordId);

impl From<i64> for Value {
    fn from(n: i64) -> Value {
        Value::Int(n)
    }
}

impl From<bool> for Value {
    fn from(yes: bool) -> Value {
        Value::Int(i64::from(yes))
    }
}

impl From<f64> for Value {
    fn from(x: f64) -> Value {
        Value::Real(x)
    }
}

impl From<Timestamp> for Value {
    fn from(at: Timestamp) -> Value {
        Value::Int(at.0)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_string())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text)
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Value {
        Value::Text(text.clone())
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Value {
        Value::Bytes(bytes.to_vec())
    }
}

impl From<&Vec<u8>> for Value {
    fn from(bytes: &Vec<u8>) -> Value {
        Value::Bytes(bytes.clone())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

impl Value {
    /// Anything that serialises, as JSON text.
    pub fn json<T: serde::Serialize + ?Sized>(value: &T) -> Value {
        // Serialising our own types to text fails only for maps with keys that are not text; we have none.
        Value::Text(serde_json::to_string(value).unwrap_or_default())
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Int(_) => "a number",
        Value::Real(_) => "a fraction",
        Value::Text(_) => "text",
        Value::Bytes(_) => "bytes",
    }
}
