//! `/users` and `/me`

use casbah_authority::{Principal, Visitor};
use casbah_model::{Guid, Secret, User};
use casbah_service::directory::Property;
use casbah_service::directory::users::{NewUser, UserChange};
use serde_json::{Value, json};

use super::error::GraphError;
use super::path::Key;
use super::properties::Properties;
use super::search::{self, Field, Kind};
use super::{Answer, Call};

type Answered = Result<Answer, GraphError>;

const FIELDS: &[Field] = &[
    Field { name: "id", property: Property::Id, kind: Kind::Id },
    Field { name: "userPrincipalName", property: Property::Name, kind: Kind::Text },
    Field { name: "displayName", property: Property::DisplayName, kind: Kind::Text },
    Field { name: "mail", property: Property::Mail, kind: Kind::Text },
    Field { name: "mailNickname", property: Property::Nickname, kind: Kind::Text },
    Field { name: "givenName", property: Property::GivenName, kind: Kind::Text },
    Field { name: "surname", property: Property::Surname, kind: Kind::Text },
    Field { name: "accountEnabled", property: Property::Enabled, kind: Kind::Flag },
    Field { name: "userType", property: Property::Guest, kind: Kind::UserType },
    Field { name: "createdDateTime", property: Property::Created, kind: Kind::Time },
];

pub(super) async fn list(call: Call) -> Answered {
    let wanted = search::search(&call.query, FIELDS, Property::Name)?;
    let by = wanted.order.by;
    let count = match call.query.count {
        true => Some(call.service.count_users(&call.caller, wanted.clone()).await?),
        false => None,
    };
    let mut found = call.service.search_users(&call.caller, wanted).await?;
    let more = found.len() > call.query.page();
    found.truncate(call.query.page());
    let next = found.last().filter(|_| more).map(|last| search::skip_token(last.id, &key_of(last, by)));
    let mut page = Vec::with_capacity(found.len());
    for user in &found {
        page.push(with_identities(&call, user).await?);
    }
    let base = &call.service.settings().public_url;
    let count = count.and_then(|n| usize::try_from(n).ok());
    call.query.envelope(base, "users", page, count, next.as_deref()).map(Answer::Found)
}

/// `/users/$count`
pub(super) async fn count(call: Call) -> Answered {
    let wanted = search::search(&call.query, FIELDS, Property::Name)?;
    Ok(Answer::Text(call.service.count_users(&call.caller, wanted).await?.to_string()))
}

/// What the list is in order by, as the database compares it.
fn key_of(user: &User, by: Property) -> String {
    let text = match by {
        Property::DisplayName => &user.display_name,
        Property::Mail => user.mail.as_deref().unwrap_or_default(),
        Property::Nickname => user.mail_nickname(),
        _ => &user.user_principal_name,
    };
    text.trim().to_lowercase()
}

pub(super) async fn create(call: Call) -> Answered {
    let mut body = Properties::of(call.body)?;
    let user_principal_name = body.needed_text("userPrincipalName")?;
    let profile = password_profile(&mut body)?;
    let new = NewUser {
        id: None,
        display_name: body.needed_text("displayName")?,
        given_name: body.text("givenName")?,
        surname: body.text("surname")?,
        mail: body.text("mail")?,
        mail_nickname: body
            .text("mailNickname")?
            .filter(|nickname| !nickname.eq_ignore_ascii_case(nickname_of(&user_principal_name))),
        guest: user_type(&mut body)?.unwrap_or(false),
        enabled: body.bool("accountEnabled")?.unwrap_or(true),
        must_change_password: profile.must_change.unwrap_or(false),
        password: profile.password,
        user_principal_name,
    };
    body.finish()?;
    let user = call.service.create_user(&call.caller, new).await?;
    Ok(Answer::Created(view(&user)))
}

pub(super) async fn fetch(call: Call) -> Answered {
    let user = call.service.fetch_user(&call.caller, key(&call.keys[0])?).await?;
    let shown = with_identities(&call, &user).await?;
    call.query.select(with_elsewhere(&call, shown)).map(Answer::Found)
}

pub(super) async fn change(call: Call) -> Answered {
    let mut body = Properties::of(call.body)?;
    let profile = password_profile(&mut body)?;
    let change = UserChange {
        user_principal_name: body.text("userPrincipalName")?,
        display_name: body.text("displayName")?,
        given_name: clearable(&mut body, "givenName")?,
        surname: clearable(&mut body, "surname")?,
        mail: clearable(&mut body, "mail")?,
        mail_nickname: body.text("mailNickname")?,
        guest: user_type(&mut body)?,
        enabled: body.bool("accountEnabled")?,
        password: profile.password,
        must_change_password: profile.must_change,
    };
    // There is no address list from which to leave somebody out; Terraform says so of everybody.
    if body.bool("showInAddressList")? == Some(false) {
        return Err(GraphError::bad_request(
            "Property 'showInAddressList' cannot be false: there is no such list.",
        ));
    }
    body.finish()?;
    call.service.change_user(&call.caller, key(&call.keys[0])?, change).await?;
    Ok(Answer::Done)
}

pub(super) async fn delete(call: Call) -> Answered {
    call.service.delete_user(&call.caller, key(&call.keys[0])?).await?;
    Ok(Answer::Done)
}

pub(super) async fn revoke(call: Call) -> Answered {
    call.service.revoke_sessions(&call.caller, key(&call.keys[0])?).await?;
    Ok(Answer::Found(json!({ "@odata.context": context(&call, "Edm.Boolean"), "value": true })))
}

pub(super) async fn revoke_mine(call: Call) -> Answered {
    call.service.revoke_sessions(&call.caller, &me_of(&call)?.to_string()).await?;
    Ok(Answer::Found(json!({ "@odata.context": context(&call, "Edm.Boolean"), "value": true })))
}

pub(super) async fn me(call: Call) -> Answered {
    let user = call.service.fetch_user(&call.caller, &me_of(&call)?.to_string()).await?;
    let shown = with_identities(&call, &user).await?;
    call.query.select(with_elsewhere(&call, shown)).map(Answer::Found)
}

/// With `identities`, which Graph too shows only to who selects them.
async fn with_identities(call: &Call, user: &User) -> Result<Value, GraphError> {
    let mut shown = view(user);
    if call.query.selects("identities") {
        let name = &user.user_principal_name;
        let domain = name.rsplit_once('@').map(|(_, domain)| domain);
        let mut all = vec![json!({
            "signInType": "userPrincipalName", "issuer": domain, "issuerAssignedId": name,
        })];
        for (issuer, subject) in call.service.identities_of_user(&call.caller, &user.id.to_string()).await? {
            all.push(json!({ "signInType": "federated", "issuer": issuer, "issuerAssignedId": subject }));
        }
        shown["identities"] = all.into();
    }
    Ok(shown)
}

/// `/me/changePassword`: whoever knows the present password may choose another. `/users/{id}/changePassword` is
/// not documented: others' passwords are set through `passwordProfile`.
pub(super) async fn change_password(call: Call) -> Answered {
    me_of(&call)?;
    let mut body = Properties::of(call.body)?;
    let present = Secret::new(body.needed_text("currentPassword")?);
    let new = Secret::new(body.needed_text("newPassword")?);
    body.finish()?;
    let authority = call.service.authority();
    authority.change_password_of_caller(&call.caller, present, new, &Visitor::default()).await?;
    Ok(Answer::Done)
}

/// The object id of the person who calls.
pub(super) fn me_of(call: &Call) -> Result<Guid, GraphError> {
    match call.caller.principal {
        Principal::User { id, .. } => Ok(id),
        _ => Err(GraphError::bad_request("/me needs a token that was issued for a signed-in user.")),
    }
}

pub(super) fn key(key: &Key) -> Result<&str, GraphError> {
    match key {
        Key::Id(id) => Ok(id),
        Key::Alternate(name, value) if name.eq_ignore_ascii_case("userPrincipalName") => Ok(value),
        Key::Alternate(name, _) => {
            Err(GraphError::bad_request(format!("'{name}' is not a key here; use userPrincipalName='…'.")))
        }
    }
}

pub(super) fn context(call: &Call, what: &str) -> String {
    format!("{}/{}/$metadata#{what}", call.service.settings().public_url, call.query.version)
}

#[derive(Default)]
struct PasswordProfile {
    password: Option<Secret>,
    must_change: Option<bool>,
}

fn password_profile(body: &mut Properties) -> Result<PasswordProfile, GraphError> {
    let Some(mut profile) = body.object("passwordProfile")? else { return Ok(PasswordProfile::default()) };
    let password = profile.text("password")?.map(Secret::new);
    let must_change = profile.bool("forceChangePasswordNextSignIn")?;
    if profile.bool("forceChangePasswordNextSignInWithMfa")? == Some(true) {
        return Err(GraphError::bad_request(
            "Property 'passwordProfile/forceChangePasswordNextSignInWithMfa' must be false: whether a second \
             factor is asked for is decided by the tenant's settings.",
        ));
    }
    profile.finish()?;
    Ok(PasswordProfile { password, must_change })
}

/// A text that null takes away.
fn clearable(body: &mut Properties, name: &str) -> Result<Option<Option<String>>, GraphError> {
    let given = body.has(name);
    let text = body.text(name)?;
    Ok(given.then(|| text.filter(|text| !text.is_empty())))
}

fn user_type(body: &mut Properties) -> Result<Option<bool>, GraphError> {
    match body.text("userType")?.as_deref() {
        None => Ok(None),
        Some("Member") => Ok(Some(false)),
        Some("Guest") => Ok(Some(true)),
        Some(_) => Err(GraphError::bad_request("Property 'userType' must be Member or Guest.")),
    }
}

fn nickname_of(user_principal_name: &str) -> &str {
    user_principal_name.split('@').next().unwrap_or_default().trim()
}

/// Adds what people have elsewhere and not here, where it is asked for by name: Terraform reads all of it.
fn with_elsewhere(call: &Call, mut entry: Value) -> Value {
    let elsewhere = json!({
        "ageGroup": null, "city": null, "companyName": null, "consentProvidedForMinor": null, "country": null,
        "department": null, "employeeHireDate": null, "employeeId": null, "employeeOrgData": null,
        "employeeType": null, "faxNumber": null, "otherMails": [], "passwordPolicies": null, "postalCode": null,
        "showInAddressList": true, "state": null, "streetAddress": null, "usageLocation": null,
    });
    if let (Value::Object(entry), Value::Object(elsewhere)) = (&mut entry, elsewhere) {
        entry.extend(elsewhere.into_iter().filter(|(name, _)| call.query.selects(name)));
    }
    entry
}

pub(super) fn view(user: &User) -> Value {
    let invitation = user.details.invitation.as_ref();
    json!({
        "id": user.id,
        "userPrincipalName": user.user_principal_name,
        "displayName": user.display_name,
        "givenName": user.given_name,
        "surname": user.surname,
        "mail": user.mail,
        "mailNickname": user.mail_nickname(),
        "accountEnabled": user.enabled,
        "userType": if user.details.guest { "Guest" } else { "Member" },
        "createdDateTime": user.created.iso(),
        "creationType": invitation.map(|_| "Invitation"),
        "externalUserState": invitation.map(casbah_model::Invitation::state),
        "externalUserStateChangeDateTime": invitation.map(|invitation| invitation.changed.iso()),
        "lastPasswordChangeDateTime": user.details.password_changed.map(|at| at.iso()),
        "signInSessionsValidFromDateTime": user.sessions_valid_from.iso(),
        // Tools of Microsoft read these; there is nothing behind them here.
        "businessPhones": [],
        "jobTitle": null,
        "mobilePhone": null,
        "officeLocation": null,
        "preferredLanguage": null,
        "onPremisesImmutableId": null,
        "onPremisesSyncEnabled": null,
    })
}
