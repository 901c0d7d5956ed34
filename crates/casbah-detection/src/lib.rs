//! The policies: usage and activities in, findings out.
//!
//! Pure: it never knows where usage comes from, what becomes of a finding, or what time it is. A policy is
//! data, so one that a tenant has edited is evaluated by the same lines as a built-in one.

mod activity;
mod activity_policies;
mod choice;
mod discovery;
mod expiry;
mod facts;
mod file;
mod finding;
mod policies;
mod policy;
mod reports;
mod severity;
mod templates;

pub use activity::{ActivityRule, DAYS_TO_COMPARE, Journey, Shape, Sighting, burst, impossible};
pub use activity_policies::{ActivityPolicy, built_in_on_activities};
pub use choice::Choice;
pub use discovery::evaluate;
pub use expiry::{EXPIRY_STEPS, expiry_severity, expiry_step};
pub use facts::{AppFacts, DayFacts};
pub use file::FileRule;
pub use finding::{Evidence, Finding};
pub use policies::built_in;
pub use policy::{Conditions, Policy, PolicyKind, Thresholds};
pub use reports::{Arrival, Loss, SILENT_AFTER_HOURS, Silence, collector_silence, loss, silence};
pub use templates::templates;
