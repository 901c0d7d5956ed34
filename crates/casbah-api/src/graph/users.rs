//! `/users` and `/me`

use casbah_authority::Principal;
use casbah_model::{Guid, Role, Secret, User};
use casbah_service::directory::users::{NewUser, UserChange};
use casbah_service::directory::{Condition, Order, Property, Search};
use serde_json::{Value, json};

use super::error::GraphError;
use super::path::Key;
use super::properties::Properties;
use super::{Answer, Call};

type Answered = Result<Answer, GraphError>;

/// How many are read at a time to find those that a filter lets through.
const BATCH: i64 = 500;

pub(super) async fn list(call: Call) -> Answered {
    let filter = call.query.filter.as_ref();
    let mut page: Vec<Value> = Vec::new();
    let (mut last, mut next) = (call.query.skip_token.clone(), None);
    if let Some(key) = filter.and_then(|f| f.fixes("userPrincipalName").or_else(|| f.fixes("id"))) {
        // One name needs no search through all.
        match call.service.fetch_user(&call.caller, key).await {
            Ok(user) => page.extend(matching(&call, &user)?),
            Err(casbah_service::Error::NotFound) => {}
            Err(e) => return Err(e.into()),
        }
    } else {
        'pages: loop {
            let wanted = Search {
                condition: Condition::All(Vec::new()),
                order: Order { by: Property::Name, descending: false },
                after: last.clone().map(|name| (name.to_lowercase(), Guid::from_u128(u128::MAX))),
                limit: BATCH,
            };
            let batch = call.service.search_users(&call.caller, wanted).await?;
            let whole = batch.len() as i64 == BATCH;
            for user in batch {
                if let Some(entry) = matching(&call, &user)? {
                    if page.len() == call.query.page() {
                        next = last;
                        break 'pages;
                    }
                    page.push(entry);
                }
                last = Some(user.user_principal_name);
            }
            if !whole {
                break;
            }
        }
    }
    let base = &call.service.settings().public_url;
    call.query.answer(base, "users", page, None, next.as_deref()).map(Answer::Found)
}

fn matching(call: &Call, user: &User) -> Result<Option<Value>, GraphError> {
    let entry = view(user);
    let matches = call.query.filter.as_ref().map_or(Ok(true), |f| f.matches(&entry));
    Ok(matches.map_err(GraphError::bad_request)?.then_some(entry))
}

pub(super) async fn create(call: Call) -> Answered {
    let mut body = Properties::of(call.body)?;
    let new = NewUser {
        id: None,
        user_principal_name: body.needed_text("userPrincipalName")?,
        display_name: body.needed_text("displayName")?,
        given_name: body.text("givenName")?,
        surname: body.text("surname")?,
        mail: body.text("mail")?,
        enabled: body.bool("accountEnabled")?.unwrap_or(true),
        password: password(&mut body)?,
    };
    // Graph demands it; here it is never anything but the first part of the name.
    if let Some(nickname) = body.text("mailNickname")?
        && !nickname.eq_ignore_ascii_case(nickname_of(&new.user_principal_name))
    {
        return Err(GraphError::bad_request(
            "Property 'mailNickname' must be the part of userPrincipalName before the @.",
        ));
    }
    body.finish()?;
    let user = call.service.create_user(&call.caller, new).await?;
    Ok(Answer::Created(view(&user)))
}

pub(super) async fn fetch(call: Call) -> Answered {
    let user = call.service.fetch_user(&call.caller, key(&call.keys[0])?).await?;
    call.query.select(view(&user)).map(Answer::Found)
}

pub(super) async fn change(call: Call) -> Answered {
    let mut body = Properties::of(call.body)?;
    let change = UserChange {
        display_name: body.text("displayName")?,
        given_name: body.text("givenName")?,
        surname: body.text("surname")?,
        mail: body.text("mail")?,
        enabled: body.bool("accountEnabled")?,
        password: password(&mut body)?,
    };
    body.finish()?;
    call.service.change_user(&call.caller, key(&call.keys[0])?, change).await?;
    Ok(Answer::Done)
}

pub(super) async fn list_roles(call: Call) -> Answered {
    let key = key(&call.keys[0])?;
    let roles = call.service.list_roles_of_user(&call.caller, key).await?;
    let entries = roles.iter().map(|role| role_view(role)).collect();
    let base = &call.service.settings().public_url;
    call.query.list(base, &format!("users/{key}/memberOf"), entries).map(Answer::Found)
}

pub(super) async fn me(call: Call) -> Answered {
    let Principal::User { id, .. } = call.caller.principal else {
        return Err(GraphError::bad_request("/me needs a token that was issued for a signed-in user."));
    };
    let user = call.service.fetch_user(&call.caller, &id.to_string()).await?;
    call.query.select(view(&user)).map(Answer::Found)
}

fn key(key: &Key) -> Result<&str, GraphError> {
    match key {
        Key::Id(id) => Ok(id),
        Key::Alternate(name, _) => Err(GraphError::bad_request(format!("'{name}' is not a key here."))),
    }
}

fn password(body: &mut Properties) -> Result<Option<Secret>, GraphError> {
    let Some(mut profile) = body.object("passwordProfile")? else { return Ok(None) };
    let password = profile.text("password")?.map(Secret::new);
    for name in ["forceChangePasswordNextSignIn", "forceChangePasswordNextSignInWithMfa"] {
        if profile.bool(name)? == Some(true) {
            return Err(GraphError::bad_request(format!("Property 'passwordProfile/{name}' must be false.")));
        }
    }
    profile.finish()?;
    Ok(password)
}

fn nickname_of(user_principal_name: &str) -> &str {
    user_principal_name.split('@').next().unwrap_or_default().trim()
}

fn view(user: &User) -> Value {
    json!({
        "id": user.id,
        "userPrincipalName": user.user_principal_name,
        "displayName": user.display_name,
        "givenName": user.given_name,
        "surname": user.surname,
        "mail": user.mail,
        "mailNickname": nickname_of(&user.user_principal_name),
        "accountEnabled": user.enabled,
        "userType": "Member",
        "createdDateTime": user.created.iso(),
    })
}

/// A directory role. Roles need no activation here, so the id is that of the template.
pub(super) fn role_view(role: &Role) -> Value {
    json!({
        "@odata.type": "#microsoft.graph.directoryRole",
        "id": role.template,
        "displayName": role.name,
        "roleTemplateId": role.template,
    })
}
