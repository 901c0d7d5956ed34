//! The key of an entity, as paths and records carry it.

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use casbah_model::EntityAddress;
use serde_json::{Map, Value, json};

use crate::parameters::whole_number;
use crate::problem::{NOT_VALID, Problem};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const BASE64: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::STANDARD, LENIENT);

/// Reads the base64 of a path, in either alphabet, with or without its padding.
pub(super) fn read(text: &str) -> Result<EntityAddress, Problem> {
    let wrong = || {
        let why =
            "The key must be the base64 of JSON such as {\"id\": \"...\", \"saas\": 11161, \"inst\": 0}.";
        Problem::coded("id", NOT_VALID, json!({}), why)
    };
    // A plus sign may have become a blank on the way.
    let text = text.trim_matches(|c: char| c.is_ascii_whitespace() && c != ' ');
    let plain = text.replace('-', "+").replace('_', "/").replace(' ', "+");
    // Padding that was escaped twice is still padding.
    let plain = plain.replace("%3D", "=").replace("%3d", "=");
    let bytes = BASE64.decode(plain.as_bytes()).map_err(|_| wrong())?;
    let key: Map<String, Value> = serde_json::from_slice(&bytes).map_err(|_| wrong())?;
    of_object(&key).ok_or_else(wrong)
}

/// The address in an object with `id`, `saas` and, unless it is 0, `inst`.
pub(super) fn of_object(key: &Map<String, Value>) -> Option<EntityAddress> {
    let id = match key.get("id")? {
        Value::String(text) => text.trim().to_string(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let saas = whole_number(key.get("saas")?)?;
    let inst = match key.get("inst") {
        None | Some(Value::Null) => 0,
        Some(inst) => whole_number(inst)?,
    };
    (!id.is_empty()).then_some(EntityAddress { id, saas, inst })
}

/// The key as JSON text, the field `username`.
pub(in crate::cloud_apps) fn as_text(address: &EntityAddress) -> String {
    format!("{{\"id\": {}, \"saas\": {}, \"inst\": {}}}", json!(address.id), address.saas, address.inst)
}
