//! Reads the properties of a body one by one; what is left over at the end was not understood.

use casbah_model::{Guid, Timestamp};
use serde_json::{Map, Value};

use super::error::GraphError;

/// What is left of an object.
pub(super) struct Properties {
    /// Where the object stands, for messages: empty, or `web/`.
    place: String,
    map: Map<String, Value>,
}

impl Properties {
    /// The body itself.
    pub(super) fn of(body: Value) -> Result<Properties, GraphError> {
        match body {
            Value::Object(map) => Ok(Properties { place: String::new(), map }),
            _ => Err(GraphError::bad_request("The body must be a JSON object.")),
        }
    }

    /// Takes a property; null counts as absent.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.map.remove(name).filter(|v| !v.is_null())
    }

    /// Whether a property stands there, be it null.
    pub(super) fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, GraphError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(name, "a text")),
        }
    }

    /// A text that null clears: none when it does not stand there.
    pub(super) fn nullable_text(&mut self, name: &str) -> Result<Option<Option<String>>, GraphError> {
        if !self.has(name) {
            return Ok(None);
        }
        // Tools write an empty text where they mean none.
        Ok(Some(self.text(name)?.filter(|text| !text.is_empty())))
    }

    /// Object ids at the end of addresses: `…/directoryObjects/{id}`.
    pub(super) fn references(&mut self, name: &str) -> Result<Vec<Guid>, GraphError> {
        let links = self.texts(name)?.unwrap_or_default();
        links.iter().map(|link| self.reference(name, link)).collect()
    }

    fn reference(&self, name: &str, link: &str) -> Result<Guid, GraphError> {
        let id = link.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        id.parse().map_err(|_| self.wrong(name, "an address that ends in an id: …/directoryObjects/{id}"))
    }

    /// The object id at the end of an address.
    pub(super) fn needed_reference(&mut self, name: &str) -> Result<Guid, GraphError> {
        let link = self.needed_text(name)?;
        self.reference(name, &link)
    }

    /// Accepts a property that can only have one value here.
    pub(super) fn only(&mut self, name: &str, value: &Value) -> Result<(), GraphError> {
        match self.take(name) {
            Some(other) if other != *value => Err(self.wrong(name, &value.to_string())),
            _ => Ok(()),
        }
    }

    pub(super) fn ids(&mut self, name: &str) -> Result<Option<Vec<Guid>>, GraphError> {
        let Some(texts) = self.texts(name)? else { return Ok(None) };
        let ids = texts.iter().map(|t| t.parse().map_err(|_| self.wrong(name, "a list of GUIDs")));
        ids.collect::<Result<_, _>>().map(Some)
    }

    pub(super) fn needed_text(&mut self, name: &str) -> Result<String, GraphError> {
        self.text(name)?.ok_or_else(|| self.missing(name))
    }

    pub(super) fn bool(&mut self, name: &str) -> Result<Option<bool>, GraphError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(yes)) => Ok(Some(yes)),
            Some(_) => Err(self.wrong(name, "true or false")),
        }
    }

    pub(super) fn number(&mut self, name: &str) -> Result<Option<i64>, GraphError> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => value.as_i64().map(Some).ok_or_else(|| self.wrong(name, "a whole number")),
        }
    }

    pub(super) fn id(&mut self, name: &str) -> Result<Option<Guid>, GraphError> {
        let text = self.text(name)?;
        text.map(|t| t.parse().map_err(|_| self.wrong(name, "a GUID"))).transpose()
    }

    pub(super) fn needed_id(&mut self, name: &str) -> Result<Guid, GraphError> {
        self.id(name)?.ok_or_else(|| self.missing(name))
    }

    pub(super) fn time(&mut self, name: &str) -> Result<Option<Timestamp>, GraphError> {
        let text = self.text(name)?;
        text.map(|t| t.parse().map_err(|_| self.wrong(name, "a time such as 2027-01-31T00:00:00Z")))
            .transpose()
    }

    pub(super) fn texts(&mut self, name: &str) -> Result<Option<Vec<String>>, GraphError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        serde_json::from_value(value).map(Some).map_err(|_| self.wrong(name, "a list of texts"))
    }

    pub(super) fn object(&mut self, name: &str) -> Result<Option<Properties>, GraphError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(Properties { place: format!("{}{name}/", self.place), map })),
            Some(_) => Err(self.wrong(name, "an object")),
        }
    }

    pub(super) fn objects(&mut self, name: &str) -> Result<Option<Vec<Properties>>, GraphError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let Value::Array(list) = value else { return Err(self.wrong(name, "a list of objects")) };
        let place = format!("{}{name}/", self.place);
        let object = |value| match value {
            Value::Object(map) => Ok(Properties { place: place.clone(), map }),
            _ => Err(self.wrong(name, "a list of objects")),
        };
        list.into_iter().map(object).collect::<Result<_, _>>().map(Some)
    }

    /// Takes what only repeats how the thing is: some tools send the whole of it for one change.
    pub(super) fn take_unchanged(&mut self, view: &Value) {
        self.map.retain(|name, value| view.get(name) != Some(value));
    }

    /// Refuses what nobody asked for, by name. Annotations and empty values say nothing that could
    /// be lost.
    pub(super) fn finish(self) -> Result<(), GraphError> {
        for (name, value) in &self.map {
            if !is_empty(value) && !name.contains("@odata.type") && !name.starts_with("@odata.") {
                return Err(GraphError::bad_request(format!(
                    "Property '{}{name}' is not supported or cannot be set here.",
                    self.place
                )));
            }
        }
        Ok(())
    }

    fn wrong(&self, name: &str, wanted: &str) -> GraphError {
        GraphError::bad_request(format!("Property '{}{name}' must be {wanted}.", self.place))
    }

    fn missing(&self, name: &str) -> GraphError {
        GraphError::bad_request(format!("Property '{}{name}' is required but was not given.", self.place))
    }
}

/// Whether nothing is lost without it.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.values().all(is_empty),
        Value::String(text) => text.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}
