//! `/invitations`: inviting guests.

use casbah_service::directory::invitations::NewInvitation;
use serde_json::{Value, json};

use super::error::GraphError;
use super::properties::Properties;
use super::{Answer, Call, users};

type Answered = Result<Answer, GraphError>;

pub(super) async fn create(call: Call) -> Answered {
    let mut body = Properties::of(call.body)?;
    let new = NewInvitation {
        mail: body.needed_text("invitedUserEmailAddress")?,
        redirect_url: body.needed_text("inviteRedirectUrl")?,
        display_name: body.text("invitedUserDisplayName")?.filter(|name| !name.is_empty()),
    };
    if body.bool("sendInvitationMessage")? == Some(true) {
        return Err(GraphError::bad_request(
            "Property 'sendInvitationMessage' must be false: Casbah sends no mail. Pass inviteRedeemUrl on to the \
             guest yourself.",
        ));
    }
    body.only("invitedUserType", &"Guest".into())?;
    body.only("resetRedemption", &Value::Bool(false))?;
    // What tools send along; without a message it says nothing.
    body.take("invitedUserMessageInfo");
    body.finish()?;
    let (mail, redirect_url) = (new.mail.clone(), new.redirect_url.clone());
    let invited = call.service.invite_guest(&call.caller, new).await?;
    let base = &call.service.settings().public_url;
    Ok(Answer::Created(json!({
        "@odata.context": format!("{base}/{}/$metadata#invitations/$entity", call.query.version),
        "id": invited.user.id,
        "invitedUserDisplayName": invited.user.display_name,
        "invitedUserEmailAddress": mail,
        "invitedUserType": "Guest",
        "sendInvitationMessage": false,
        "resetRedemption": false,
        "inviteRedeemUrl": invited.redeem_url,
        "inviteRedirectUrl": redirect_url,
        "status": "PendingAcceptance",
        "invitedUserMessageInfo": null,
        "invitedUser": users::view(&invited.user),
    })))
}
