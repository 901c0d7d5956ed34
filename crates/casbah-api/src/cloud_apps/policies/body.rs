//! What a caller says of a policy. Clients also send whole records as they got them.

use casbah_model::{Severity, Timestamp};
use casbah_service::policies::{NEW_SERVICE, PolicyDetails, Rule};

use super::{apps, rules};
use crate::describe::{Property, Shape, may_have};
use crate::parameters::{Parameters, whole_number};
use crate::problem::Problem;

const SEVERITIES: [(&str, Severity); 4] = [
    ("low", Severity::Low),
    ("medium", Severity::Medium),
    ("high", Severity::High),
    ("informational", Severity::Informational),
];

const NAME: &str = "Its name, which no other policy has.";
const TYPE: &str = "Its type, which never changes, such as NEW_SERVICE.";
const DESCRIPTION: Property = may_have("description", Shape::Text, "What it is for.");
const SEVERITY: Property = may_have(
    "severity",
    Shape::Either(&[Shape::Between(0, 3), Shape::Word(&["low", "medium", "high", "informational"])]),
    "0 low, 1 medium, 2 high, 3 informational, or these words.",
);
const ENABLED: Property = may_have("enabled", Shape::Flag, "");
const STORY: Property = may_have("story", Shape::Integer, "Risk category, by number.");
const LIMIT: Property = may_have("dailyAlertLimit", Shape::Integer, "Most alerts of a day; 0 for no limit.");
const REPETITION: Property = may_have("repetition", rules::REPETITION_SHAPE, rules::REPETITION_SAYS);
const TOGETHER: Property = may_have("aggregateAlerts", Shape::Flag, rules::TOGETHER_SAYS);
const ACTIONS: Property = may_have("actions", apps::ACTIONS, apps::ACTIONS_SAY);
const FILTERS: &str = "What it looks for, as filters in the words of its type.";

/// What makes a policy: name, type and filters, unless a template has them.
pub(super) const NEW: &[Property] = &[
    may_have("name", Shape::Text, NAME),
    may_have("type", Shape::Text, TYPE),
    may_have("filters", Shape::Object, FILTERS),
    DESCRIPTION,
    SEVERITY,
    ENABLED,
    STORY,
    LIMIT,
    REPETITION,
    TOGETHER,
    apps::ONLY_NEW_SAYS,
    ACTIONS,
    may_have("template", Shape::Text, "Id of a template; what is left out is as it says."),
];

/// What changes a policy: what is left out stays as it is.
pub(super) const CHANGED: &[Property] = &[
    may_have("name", Shape::Text, NAME),
    may_have("type", Shape::Text, TYPE),
    may_have("filters", Shape::Object, FILTERS),
    DESCRIPTION,
    SEVERITY,
    ENABLED,
    STORY,
    LIMIT,
    REPETITION,
    TOGETHER,
    apps::ONLY_NEW_SAYS,
    ACTIONS,
    may_have("travel", rules::TRAVEL_SHAPE, rules::TRAVEL_SAYS),
    may_have("firstInDays", Shape::Between(1, 180), rules::FIRST_SAYS),
];

/// Reads the parameters of a policy of that type, which looks for `present` so far.
pub(super) fn details(
    parameters: &Parameters,
    policy_type: &str,
    present: Option<&Rule>,
    now: Timestamp,
) -> Result<PolicyDetails, Problem> {
    if policy_type != NEW_SERVICE {
        no_actions(parameters)?;
    }
    Ok(PolicyDetails {
        policy_type: parameters.text("type")?.or(parameters.text("policyType")?),
        name: parameters.text("name")?,
        description: parameters.text("description")?,
        severity: severity(parameters)?,
        enabled: enabled(parameters)?,
        story: parameters.number("story")?,
        // Null is as good as absent, so the word for "no limit" is 0.
        daily_limit: parameters
            .number("dailyAlertLimit")?
            .map(|limit| Some(limit).filter(|limit| *limit != 0)),
        rule: rules::read(parameters, policy_type, present, now)?,
    })
}

fn severity(parameters: &Parameters) -> Result<Option<Severity>, Problem> {
    let Some(value) = parameters.raw("severity") else { return Ok(None) };
    let named = |text: &str| {
        SEVERITIES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text.trim())).map(|(_, one)| *one)
    };
    let found =
        whole_number(value).and_then(Severity::from_number).or_else(|| value.as_str().and_then(named));
    found.map(Some).ok_or_else(|| {
        let text = "severity must be one of 0 (low), 1 (medium), 2 (high), 3 (informational).";
        Problem::invalid("severity", text)
    })
}

/// A record says it in two ways.
fn enabled(parameters: &Parameters) -> Result<Option<bool>, Problem> {
    let (enabled, disabled) = (parameters.flag("enabled")?, parameters.flag("disabled")?);
    if let (Some(enabled), Some(disabled)) = (enabled, disabled)
        && enabled == disabled
    {
        let text = "enabled and disabled contradict each other; one of them is enough.";
        return Err(Problem::invalid("enabled", text));
    }
    Ok(enabled.or(disabled.map(|disabled| !disabled)))
}

/// These policies raise alerts and do nothing else; what would not be done is not taken in.
fn no_actions(parameters: &Parameters) -> Result<(), Problem> {
    let nothing = match parameters.raw("actions") {
        None => true,
        Some(value) => {
            value.as_array().is_some_and(Vec::is_empty)
                || value.as_object().is_some_and(serde_json::Map::is_empty)
                || value.as_str().is_some_and(|text| matches!(text.trim(), "" | "[]" | "{}"))
        }
    };
    if nothing {
        return Ok(());
    }
    Err(Problem::invalid("actions", "actions must be empty: a policy raises alerts and does nothing else."))
}
