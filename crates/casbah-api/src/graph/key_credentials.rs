//! Certificates of an application, `keyCredentials`: in its body, and by `addKey` and `removeKey`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use casbah_model::{ApplicationCertificate, Secret, Timestamp};
use casbah_service::directory::certificates::{CertificateEntry, NewCertificate};
use serde_json::{Value, json};

use super::applications::key;
use super::error::GraphError;
use super::properties::Properties;
use super::{Answer, Call};

type Answered = Result<Answer, GraphError>;

/// `POST /applications/{key}/addKey`: rolls a key, proved by another one.
pub(super) async fn add(call: Call) -> Answered {
    let key = key(&call.keys[0])?;
    let mut body = Properties::of(call.body)?;
    let credential = body.object("keyCredential")?.ok_or_else(|| missing("keyCredential"))?;
    let new = read(credential)?;
    let proof = Secret::new(body.needed_text("proof")?);
    body.finish()?;
    let added = call.service.add_certificate(&call.caller, key, new, Some(proof)).await?;
    Ok(Answer::Found(view(&added, false)))
}

/// `POST /applications/{key}/removeKey`
pub(super) async fn remove(call: Call) -> Answered {
    let key = key(&call.keys[0])?;
    let mut body = Properties::of(call.body)?;
    let key_id = body.needed_id("keyId")?;
    let proof = Secret::new(body.needed_text("proof")?);
    body.finish()?;
    call.service.remove_certificate(&call.caller, key, key_id, Some(proof)).await?;
    Ok(Answer::Done)
}

/// The `keyCredentials` of a body; none when the body does not name them.
pub(super) fn of_body(
    body: &mut Properties,
    now: Timestamp,
) -> Result<Option<Vec<CertificateEntry>>, GraphError> {
    let Some(credentials) = body.objects("keyCredentials")? else { return Ok(None) };
    let entries = credentials.into_iter().map(|one| Ok(read(one)?.check(now)?));
    entries.collect::<Result<Vec<_>, GraphError>>().map(Some)
}

/// A key credential as clients write it; what only the server writes is left aside.
fn read(mut credential: Properties) -> Result<NewCertificate, GraphError> {
    for (name, only) in [("type", "AsymmetricX509Cert"), ("usage", "Verify")] {
        if credential.text(name)?.is_some_and(|value| value != only) {
            return Err(GraphError::bad_request(format!(
                "Property '{name}' of a key credential must be {only}."
            )));
        }
    }
    let new = NewCertificate {
        key_id: credential.id("keyId")?,
        content: credential.text("key")?.map(String::into_bytes),
        display_name: credential.text("displayName")?,
        custom_key_identifier: bytes(credential.text("customKeyIdentifier")?)?,
        starts: credential.time("startDateTime")?,
        ends: credential.time("endDateTime")?,
    };
    for name in ["casbah.lastUsedDateTime", "casbah.lastUsedAddress"] {
        credential.take(name);
    }
    credential.finish()?;
    Ok(new)
}

/// `Edm.Binary`: base64, with or without padding.
fn bytes(text: Option<String>) -> Result<Option<Vec<u8>>, GraphError> {
    let Some(text) = text else { return Ok(None) };
    let plain: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let engine = base64::engine::GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        base64::engine::GeneralPurposeConfig::new()
            .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
    );
    let decoded = engine.decode(plain.replace('-', "+").replace('_', "/"));
    decoded
        .map(Some)
        .map_err(|_| GraphError::bad_request("Property 'customKeyIdentifier' must be bytes in base64."))
}

/// A key credential; with its `key` only where `$select` asks for it, as in Graph.
pub(super) fn view(certificate: &ApplicationCertificate, with_key: bool) -> Value {
    json!({
        "keyId": certificate.key_id,
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
        "displayName": certificate.display_name,
        "startDateTime": certificate.starts.iso(),
        "endDateTime": certificate.ends.iso(),
        "customKeyIdentifier": STANDARD.encode(&certificate.custom_key_identifier),
        "key": with_key.then(|| STANDARD.encode(&certificate.der)),
        "casbah.lastUsedDateTime": certificate.last_used.map(Timestamp::iso),
        "casbah.lastUsedAddress": certificate.last_address,
    })
}

fn missing(name: &str) -> GraphError {
    GraphError::bad_request(format!("Property '{name}' is required but was not given."))
}
