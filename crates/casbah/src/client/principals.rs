//! Whatever can be in a group, hold a role or own something, by the names that people use.

use casbah_model::Guid;
use serde_json::Value;

use super::Session;
use super::directory::{encode, text};
use super::failure::{Exit, Failure};

/// A kind of object, as Graph names it, and the list in which it stands.
pub type Kind = (&'static str, &'static str);

pub const USER: Kind = ("user", "users");
pub const GROUP: Kind = ("group", "groups");
pub const SERVICE_PRINCIPAL: Kind = ("servicePrincipal", "servicePrincipals");

impl Session {
    /// An object of one of these kinds: by sign-in name, object id, client id, or a name that only one has.
    pub fn principal(&self, named: &str, kinds: &[Kind]) -> Result<Value, Failure> {
        if named.contains('@') && kinds.contains(&USER) {
            return self.user(named);
        }
        if named.parse::<Guid>().is_ok() {
            return self.principal_by_id(named, kinds);
        }
        let mut found = Vec::new();
        for kind in kinds {
            let same_name = self.directory_find(kind.1, "displayName", named)?;
            found.extend(same_name.into_iter().map(|object| typed(object, kind.0)));
        }
        match (found.pop(), found.is_empty()) {
            (Some(only), true) => Ok(only),
            (Some(_), false) => Err(Failure::usage(format!("several are named {named}; use the object id"))),
            (None, _) => Err(absent(named, kinds)),
        }
    }

    fn principal_by_id(&self, id: &str, kinds: &[Kind]) -> Result<Value, Failure> {
        for kind in kinds {
            match self.directory("GET", &format!("/v1.0/{}/{}", kind.1, encode(id)), None) {
                Ok(object) => return Ok(typed(object, kind.0)),
                Err(failure) if failure.exit == Exit::NotFound => {}
                Err(failure) => return Err(failure),
            }
        }
        let by_client = if kinds.contains(&SERVICE_PRINCIPAL) { self.service_principal(id)? } else { None };
        by_client.map(|object| typed(object, SERVICE_PRINCIPAL.0)).ok_or_else(|| absent(id, kinds))
    }

    /// The body that refers to an object.
    pub fn reference(&self, object: &Value) -> Value {
        let id = text(object, "id");
        serde_json::json!({ "@odata.id": format!("{}/v1.0/directoryObjects/{id}", self.server.url) })
    }
}

/// What people call an object.
pub fn name(object: &Value) -> &str {
    match text(object, "userPrincipalName") {
        "" => text(object, "displayName"),
        name => name,
    }
}

/// Notes the kind of each object in words: `user`, `group`, `application`.
pub fn with_kinds(mut objects: Vec<Value>) -> Vec<Value> {
    for object in &mut objects {
        let kind = match text(object, "@odata.type").trim_start_matches("#microsoft.graph.") {
            "servicePrincipal" => "application",
            "directoryRole" => "role",
            kind => kind,
        };
        object["kind"] = kind.to_string().into();
    }
    objects
}

fn typed(mut object: Value, kind: &str) -> Value {
    object["@odata.type"] = format!("#microsoft.graph.{kind}").into();
    object
}

fn absent(named: &str, kinds: &[Kind]) -> Failure {
    let words: Vec<&str> = kinds
        .iter()
        .map(|kind| match *kind {
            USER => "person",
            GROUP => "group",
            _ => "application",
        })
        .collect();
    Failure::not_found(format!("there is no {} {named}", words.join(" or ")))
}
