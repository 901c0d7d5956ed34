//! What was deleted and can be taken back.

use casbah_model::Guid;
use serde_json::Value;

use super::Session;
use super::directory::{encode, text};
use super::failure::Failure;
use super::principals::name;

impl Session {
    /// The deleted objects of a kind: `application`, `user`, `group`.
    pub fn deleted(&self, kind: &str) -> Result<Vec<Value>, Failure> {
        self.directory_all(&format!("/v1.0/directory/deletedItems/microsoft.graph.{kind}"))
    }

    /// Takes a deleted object back, named by object id, client id, or a name that only one has.
    pub fn restore(&self, kind: &str, named: &str) -> Result<Value, Failure> {
        let is_id = named.parse::<Guid>().is_ok();
        let is_meant = |object: &&Value| match is_id {
            true => ["id", "appId"].iter().any(|field| text(object, field).eq_ignore_ascii_case(named)),
            false => {
                [name(object), text(object, "displayName")].iter().any(|n| n.eq_ignore_ascii_case(named))
            }
        };
        let all = self.deleted(kind)?;
        let mut found = all.iter().filter(is_meant);
        let object = match (found.next(), found.next()) {
            (Some(only), None) => only,
            (Some(_), Some(_)) => {
                return Err(Failure::usage(format!(
                    "several deleted ones are named {named}; use the object id"
                )));
            }
            (None, _) => return Err(Failure::not_found(format!("no deleted {kind} is named {named}"))),
        };
        let path = format!("/v1.0/directory/deletedItems/{}/restore", encode(text(object, "id")));
        self.directory("POST", &path, None)
    }
}
