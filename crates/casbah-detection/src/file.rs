//! Policies on files: which ones match.

use casbah_model::Timestamp;
use casbah_model::filter::{Condition, FileField, Range, Test};
use serde::{Deserialize, Serialize};

/// What a policy on files looks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileRule {
    /// A file matches when all of these hold.
    pub all: Vec<Condition<FileField>>,
    /// These must hold too; their bounds move with the clock.
    #[serde(default)]
    pub moving: Vec<Condition<FileField>>,
    /// The moment for which the moving bounds were told.
    #[serde(default)]
    pub told: Timestamp,
    /// Whether the files that are found at once come in one alert; else each has its own.
    #[serde(default)]
    pub together: bool,
}

impl FileRule {
    /// All conditions as they are at `now`.
    pub fn at(&self, now: Timestamp) -> Vec<Condition<FileField>> {
        let later = now.0.saturating_sub(self.told.0);
        let moved = |bound: Option<i64>| bound.map(|bound| bound.saturating_add(later));
        let moving = self.moving.iter().map(|condition| {
            let test = match &condition.test {
                Test::Within(ranges) => {
                    let ranges = ranges.iter().map(|r| Range { from: moved(r.from), to: moved(r.to) });
                    Test::Within(ranges.collect())
                }
                other => other.clone(),
            };
            Condition { field: condition.field, test }
        });
        self.all.iter().cloned().chain(moving).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_in_days_move_with_the_clock_and_others_stay() {
        let within = |from| Test::Within(vec![Range { from: Some(from), to: None }]);
        let condition = |field, from| Condition { field, test: within(from) };
        let rule = FileRule {
            all: vec![condition(FileField::Created, 1_000)],
            moving: vec![condition(FileField::Modified, 2_000)],
            told: Timestamp(5_000),
            together: false,
        };
        let later = rule.at(Timestamp(5_300));
        assert_eq!(later, [condition(FileField::Created, 1_000), condition(FileField::Modified, 2_300)]);
        let stored = serde_json::to_string(&rule).unwrap();
        assert_eq!(serde_json::from_str::<FileRule>(&stored).unwrap(), rule);
    }
}
