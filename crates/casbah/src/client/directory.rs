//! The directory through its public interface: applications, their service principals, what they
//! may do, and people.

use casbah_model::{Guid, Permission};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::Session;
use super::failure::Failure;
use super::oauth::Audience;

/// A permission of a resource, looked up by name.
#[derive(Clone, Debug)]
pub struct Grantable {
    /// Application id of the resource.
    pub resource_app_id: String,
    /// Object id of the resource's service principal.
    pub resource_id: String,
    /// Name of the resource.
    pub resource_name: String,
    /// Id of the app role or scope.
    pub id: String,
    /// Its value in tokens.
    pub value: String,
    /// Whether it is delegated.
    pub delegated: bool,
}

/// A text field of a record; empty when absent.
pub fn text<'v>(record: &'v Value, name: &str) -> &'v str {
    record.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A list field of a record; empty when absent.
pub fn items<'v>(record: &'v Value, name: &str) -> &'v [Value] {
    record.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

impl Session {
    /// All records of a list, over all its pages.
    pub fn directory_all(&self, path: &str) -> Result<Vec<Value>, Failure> {
        let mut records = Vec::new();
        let mut next = path.to_string();
        loop {
            let mut page = self.directory("GET", &next, None)?;
            let Some(Value::Array(found)) = page.get_mut("value").map(Value::take) else {
                return Err(Failure::shape("list"));
            };
            records.extend(found);
            match page.get("@odata.nextLink").and_then(Value::as_str) {
                Some(link) if link != next => next = link.to_string(),
                _ => return Ok(records),
            }
        }
    }

    /// The records whose field has a value.
    pub fn directory_find(&self, list: &str, field: &str, value: &str) -> Result<Vec<Value>, Failure> {
        let filter = format!("{field} eq '{}'", value.replace('\'', "''"));
        self.directory_all(&format!("/v1.0/{list}?$filter={}", encode(&filter)))
    }

    /// An application by client id, object id or name.
    pub fn application(&self, named: &str) -> Result<Value, Failure> {
        let mut found = if named.parse::<Guid>().is_ok() {
            let by_client = self.directory_find("applications", "appId", named)?;
            if by_client.is_empty() { self.directory_find("applications", "id", named)? } else { by_client }
        } else {
            self.directory_find("applications", "displayName", named)?
        };
        match (found.pop(), found.is_empty()) {
            (Some(only), true) => Ok(only),
            (Some(_), false) => Err(Failure::usage(format!(
                "several applications are named {named}; use the client id (`casbah app list`)"
            ))),
            (None, _) => {
                Err(Failure::not_found(format!("there is no application {named}; see `casbah app list`")))
            }
        }
    }

    /// The service principal of an application, if it has one.
    pub fn service_principal(&self, app_id: &str) -> Result<Option<Value>, Failure> {
        Ok(self.directory_find("servicePrincipals", "appId", app_id)?.pop())
    }

    /// The service principal of an application, made if need be.
    pub fn ensure_service_principal(&self, app_id: &str) -> Result<Value, Failure> {
        match self.service_principal(app_id)? {
            Some(principal) => Ok(principal),
            None => self.directory("POST", "/v1.0/servicePrincipals", Some(&json!({ "appId": app_id }))),
        }
    }

    /// The resource of the Cloud Apps API.
    pub fn resource(&self, audience: Audience) -> Result<Value, Failure> {
        let missing = || Failure::not_found("the tenant has no such resource; is it fully set up?");
        self.service_principal(audience.app_id())?.ok_or_else(missing)
    }

    /// A permission by name: one of the API's six, or one of the directory's own.
    pub fn grantable(&self, name: &str, delegated: bool) -> Result<Grantable, Failure> {
        let audience = if Permission::find(name).is_some() { Audience::Api } else { Audience::Directory };
        grantable_on(&self.resource(audience)?, name, delegated).ok_or_else(|| {
            let known: Vec<_> = Permission::ALL.iter().map(|p| p.title()).collect();
            Failure::usage(format!("{name} is not a permission; the API's are {}", known.join(", ")))
        })
    }

    /// A permission by name of an application that exposes an API of its own.
    pub fn grantable_of(&self, api: &str, name: &str, delegated: bool) -> Result<Grantable, Failure> {
        let application = self.application(api)?;
        let principal = self.service_principal(text(&application, "appId"))?;
        let principal = principal
            .ok_or_else(|| Failure::usage(format!("{api} is not exposed; see `casbah app expose`")))?;
        grantable_on(&principal, name, delegated).ok_or_else(|| {
            let kind = if delegated { "scope" } else { "app role" };
            Failure::usage(format!("{api} has no {kind} {name}; add it with `casbah app expose`"))
        })
    }

    /// Assigns an app role to a client's service principal; having it already is fine.
    pub fn assign_role(&self, client: &str, role: &Grantable) -> Result<(), Failure> {
        let has = self.assignments(client)?;
        if has.iter().any(|a| text(a, "appRoleId") == role.id && text(a, "resourceId") == role.resource_id) {
            return Ok(());
        }
        let body = json!({ "principalId": client, "resourceId": role.resource_id, "appRoleId": role.id });
        let path = format!("/v1.0/servicePrincipals/{}/appRoleAssignedTo", role.resource_id);
        self.directory("POST", &path, Some(&body)).map(|_| ())
    }

    /// The app roles that a client's service principal holds.
    pub fn assignments(&self, client: &str) -> Result<Vec<Value>, Failure> {
        self.directory_all(&format!("/v1.0/servicePrincipals/{client}/appRoleAssignments"))
    }

    /// The delegated grants of a client's service principal.
    pub fn grants(&self, client: &str) -> Result<Vec<Value>, Failure> {
        self.directory_find("oauth2PermissionGrants", "clientId", client)
    }

    /// Consents for everybody in the tenant to delegated scopes of one resource, beside those there are.
    pub fn grant_scopes(&self, client: &str, resource: &str, scopes: &[String]) -> Result<(), Failure> {
        let existing = self
            .grants(client)?
            .into_iter()
            .find(|g| text(g, "resourceId") == resource && text(g, "consentType") == "AllPrincipals");
        let Some(grant) = existing else {
            let body = json!({ "clientId": client, "consentType": "AllPrincipals", "principalId": null,
                "resourceId": resource, "scope": scopes.join(" ") });
            return self.directory("POST", "/v1.0/oauth2PermissionGrants", Some(&body)).map(|_| ());
        };
        let mut all: Vec<_> = text(&grant, "scope").split_whitespace().map(str::to_string).collect();
        for scope in scopes {
            if !all.iter().any(|have| have.eq_ignore_ascii_case(scope)) {
                all.push(scope.clone());
            }
        }
        self.set_scopes(&grant, &all)
    }

    /// Changes the scopes of a grant; none left removes it.
    pub fn set_scopes(&self, grant: &Value, scopes: &[String]) -> Result<(), Failure> {
        let path = format!("/v1.0/oauth2PermissionGrants/{}", encode(text(grant, "id")));
        let answer = if scopes.is_empty() {
            self.directory("DELETE", &path, None)
        } else {
            self.directory("PATCH", &path, Some(&json!({ "scope": scopes.join(" ") })))
        };
        answer.map(|_| ())
    }

    /// A person by sign-in name or object id.
    pub fn user(&self, named: &str) -> Result<Value, Failure> {
        self.directory("GET", &format!("/v1.0/users/{}", encode(named)), None)
    }
}

fn grantable_on(resource: &Value, name: &str, delegated: bool) -> Option<Grantable> {
    let list = if delegated { "oauth2PermissionScopes" } else { "appRoles" };
    let found = items(resource, list).iter().find(|p| text(p, "value").eq_ignore_ascii_case(name))?;
    Some(Grantable {
        resource_app_id: text(resource, "appId").to_string(),
        resource_id: text(resource, "id").to_string(),
        resource_name: text(resource, "displayName").to_string(),
        id: text(found, "id").to_string(),
        value: text(found, "value").to_string(),
        delegated,
    })
}

/// A value as part of a path or query.
pub fn encode(value: &str) -> String {
    utf8_percent_encode(value, NON_ALPHANUMERIC).to_string()
}
