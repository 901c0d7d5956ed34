//! Filters: what a caller wants to see, typed, before any database or JSON.

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::words::words;

/// A field and what it must satisfy. The conditions of a list are combined with "and".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Condition<F> {
    /// The field.
    pub field: F,
    /// What it must satisfy.
    pub test: Test,
}

/// What a field must satisfy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Test {
    /// It equals, or if it has many values holds, one of these. An empty list is satisfied by nothing.
    AnyOf(Vec<Operand>),
    /// It equals or holds none of these.
    NoneOf(Vec<Operand>),
    /// It lies in one of these ranges; a field without value lies in none.
    Within(Vec<Range>),
    /// It holds every word of one of these texts, without regard to case.
    Words(Vec<String>),
    /// It contains one of these texts, without regard to case.
    Contains(Vec<String>),
    /// It begins with one of these texts, without regard to case.
    Begins(Vec<String>),
    /// It does not satisfy that; a field without value satisfies it.
    Not(Box<Test>),
}

impl Test {
    /// Whether a field with these values satisfies it: none for a field without a value. Texts are compared
    /// without regard to case. For the lists that are not kept in a table of their own.
    pub fn holds(&self, values: &[Operand]) -> bool {
        let lower = |text: &str| text.trim().to_lowercase();
        let texts = || {
            values.iter().filter_map(|v| if let Operand::Text(text) = v { Some(lower(text)) } else { None })
        };
        let is = |wanted: &Operand| match wanted {
            Operand::Nothing => values.is_empty(),
            Operand::Text(text) => texts().any(|own| own == lower(text)),
            other => values.contains(other),
        };
        match self {
            Test::AnyOf(all) => all.iter().any(is),
            Test::NoneOf(all) => !all.iter().any(is),
            Test::Within(ranges) => values.iter().any(|value| match value {
                Operand::Number(number) => ranges.iter().any(|range| range.contains(*number)),
                _ => false,
            }),
            Test::Words(all) => all.iter().any(|text| {
                let wanted = words(text);
                let own: Vec<String> = texts().flat_map(|text| words(&text)).collect();
                let (last, rest) = match wanted.split_last() {
                    Some((last, rest)) => (last, rest),
                    None => return false,
                };
                rest.iter().all(|word| own.contains(word)) && own.iter().any(|word| word.starts_with(last))
            }),
            Test::Contains(all) => all.iter().any(|text| texts().any(|own| own.contains(&lower(text)))),
            Test::Begins(all) => all.iter().any(|text| texts().any(|own| own.starts_with(&lower(text)))),
            Test::Not(test) => !test.holds(values),
        }
    }
}

/// A value to compare with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Operand {
    /// The field has no value.
    Nothing,
    /// A whole number.
    Number(i64),
    /// A text.
    Text(String),
    /// Yes or no.
    Flag(bool),
    /// A person or account.
    Entity(EntityKey),
}

/// The address of an entity; what is missing may be anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EntityKey {
    /// Id inside the app.
    pub id: String,
    /// App.
    pub saas: Option<i64>,
    /// Instance of the app.
    pub inst: Option<i64>,
}

/// From one number to another, both included; a missing end is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// Lowest value.
    pub from: Option<i64>,
    /// Highest value.
    pub to: Option<i64>,
}

impl Range {
    /// Whether `value` lies in it.
    pub fn contains(self, value: i64) -> bool {
        self.from.is_none_or(|from| from <= value) && self.to.is_none_or(|to| value <= to)
    }
}

/// Fields of an alert that can be filtered by. Forwarders are stored with their names: what a name means stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AlertField {
    /// A person or account that it is about, by key.
    Entity,
    /// A person that it is about, by name.
    User,
    /// An address that it is about.
    Ip,
    /// An app that it is about, by number.
    Service,
    /// An instance of an app that it is about.
    Instance,
    /// The policy that raised it.
    Policy,
    /// A file that it is about.
    File,
    /// Whether it is open.
    Open,
    /// How bad.
    Severity,
    /// What became of it.
    Resolution,
    /// Whether somebody has looked at it.
    Read,
    /// When it was raised.
    Raised,
    /// When it was closed.
    Resolved,
    /// Its risk categories.
    Story,
    /// Number of its type.
    Type,
    /// Its id.
    Id,
    /// Whether a built-in policy raised it.
    BuiltIn,
    /// All its words.
    Text,
}

/// Fields of an activity that can be filtered by. Policies are stored with their names: what a name means stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ActivityField {
    /// Its id.
    Id,
    /// App, by number.
    Service,
    /// Instance of the app.
    Instance,
    /// Where it comes from, by number.
    Source,
    /// Sign-in name of the person, or name of the application.
    UserName,
    /// Domain of the sign-in name.
    UserDomain,
    /// Who did it, by key.
    Entity,
    /// The user groups of whoever did it.
    UserGroup,
    /// Its type, fine or by category.
    ActionType,
    /// Its category.
    Category,
    /// Whether it changes how things are set up.
    Admin,
    /// An object that it was done to, by id or name.
    Object,
    /// Kind of device.
    DeviceType,
    /// The user agent.
    UserAgent,
    /// Tags of the user agent.
    AgentTag,
    /// Country of the address.
    Country,
    /// Whose address it is.
    Organization,
    /// The address.
    Address,
    /// Category of the address.
    IpCategory,
    /// Tags of the address.
    IpTag,
    /// When it happened.
    At,
    /// When it was taken in.
    Created,
    /// Its place in the order of time.
    Place,
    /// All its words.
    Text,
    /// Application id of the client.
    Client,
    /// The number of an AADSTS code; no value for what worked.
    Failure,
    /// A policy that it satisfied.
    Policy,
    /// An alert that came of it.
    Alert,
    /// Something that no activity has yet: a file, an action taken.
    Absent,
    /// Something that is false for every activity yet.
    False,
}

/// Order of a list of activities; ties are broken by the order in which they happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActivityOrder {
    /// By the time at which it was taken in; else by the time at which it happened.
    pub by_created: bool,
    /// Oldest first.
    pub ascending: bool,
}

/// Fields of an entity that can be filtered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntityField {
    /// Account or user, by number.
    Kind,
    /// Whether it holds a role of administrators.
    Admin,
    /// Itself, or the person behind it, by key.
    Entity,
    /// The groups that it is in, by id.
    Group,
    /// App, by number.
    Service,
    /// Instance of the app.
    Instance,
    /// Whether it belongs to somebody else.
    External,
    /// Domain of its address.
    Domain,
    /// Organisational unit.
    Organization,
    /// Whether it can be used, by number.
    Status,
    /// Name for people.
    DisplayName,
    /// Investigation priority.
    Score,
    /// When it last did something.
    LastSeen,
}

/// What a list of entities is sorted by; ties are broken by the record id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntityOrder {
    /// When it last did something; those never seen are the earliest.
    LastSeen,
    /// Investigation priority; those without are the lowest.
    Score,
    /// Name for people.
    DisplayName,
    /// Sign-in name, address or id.
    UserName,
}

/// Fields of a file that can be filtered by. Policies are stored with their names: what a name means stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FileField {
    /// App, by number.
    Service,
    /// Instance of the app.
    Instance,
    /// Kind, by number.
    Kind,
    /// How far it is shared, by number.
    Sharing,
    /// Whether it is there, by number.
    State,
    /// Its record id, or its id in the app.
    Id,
    /// Its name.
    Name,
    /// What stands behind the last point of the name.
    Extension,
    /// Media type.
    MimeType,
    /// Whether it is a folder.
    Folder,
    /// Whether it is kept where nobody reaches it.
    Quarantined,
    /// Whether it is among the trash.
    Trashed,
    /// Whether deleted ones are wanted as well.
    AllowDeleted,
    /// The policies that it matches.
    Policy,
    /// When it was last changed.
    Modified,
    /// When it was made.
    Created,
    /// When what is known of it was last changed.
    Snapshot,
    /// Who has access, by key.
    Collaborator,
    /// Domains with access.
    Domain,
    /// Groups with access, by name or id.
    Group,
    /// Domains with access; its opposite asks for one beside those named.
    WithDomain,
    /// Who has access, by name.
    User,
    /// Its owner, by key.
    Owner,
    /// Organisational unit of the owner.
    OwnerUnit,
    /// Its owner, by name.
    OwnerName,
    /// Labels.
    Label,
    /// What a look into it found.
    ScanLabel,
    /// The folder that it is in.
    Parent,
}

/// Fields of a discovered app that can be filtered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiscoveredAppField {
    /// Catalogue number.
    App,
    /// Name.
    Name,
    /// Category.
    Category,
    /// Risk score, 1 to 10.
    Score,
    /// Number of users.
    Users,
    /// Name of a user of it.
    User,
    /// Name or id of a tag.
    Tag,
    /// Whether it is tagged as sanctioned.
    Sanctioned,
}

/// Fields of an entry of the governance log that can be filtered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskField {
    /// App that it acts on; parsing acts on none.
    App,
    /// Whether it succeeded; nothing while it is pending.
    Succeeded,
    /// Type of task.
    Type,
    /// When it was asked for.
    Created,
}

/// Fields of an IP address range that can be filtered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpRangeField {
    /// What kind of addresses they are.
    Category,
    /// Ids of its tags.
    Tag,
    /// Whether it came with the product; none does.
    BuiltIn,
}

/// Fields of a user group that can be filtered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserGroupField {
    /// Its id.
    Id,
    /// Its name.
    Name,
    /// The app whose group it is: the directory, for imported ones.
    App,
    /// Imported or built in, by number.
    Kind,
    /// Whether its group is there, by number.
    Status,
}

/// Fields of an application that holds permissions that can be filtered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppPermissionField {
    /// The app that it is an application of: the directory.
    App,
    /// Its name.
    Name,
    /// Its application id.
    ClientId,
    /// How much its permissions allow, by number.
    Severity,
    /// What was decided of it, by number.
    Status,
    /// How many people use it.
    Users,
    /// Whether the tenant registered it itself.
    Internal,
    /// Whether an administrator consented for everybody.
    AdminConsent,
    /// Names of its permissions.
    Permission,
    /// When it was last used.
    LastUsed,
    /// When it was last given something.
    LastGranted,
}

/// Which records of a list to give, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Records to pass over.
    pub skip: i64,
    /// Records to give, at the most.
    pub limit: i64,
}

/// Order of a list of alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlertOrder {
    /// By severity, then by time; else by time alone. Ties are broken by id.
    pub by_severity: bool,
    /// Lowest or oldest first.
    pub ascending: bool,
}

/// What a list of IP address ranges is sorted by; ties are broken by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpRangeSort {
    /// Name, without regard to case.
    Name,
    /// Number of the category.
    Category,
    /// Names of the tags, without regard to case.
    Tags,
}

/// `days` before `now`.
pub fn days_before(now: Timestamp, days: i64) -> i64 {
    now.0.saturating_sub(days.saturating_mul(86_400_000))
}

#[cfg(test)]
mod tests {
    use super::{Operand, Range, Test};

    #[test]
    fn a_field_with_its_values_satisfies_a_test_or_does_not() {
        let text = |t: &str| Operand::Text(t.to_string());
        let all = |t: &str| vec![t.to_string()];
        let own = [text("Sales Nordics"), Operand::Number(7)];
        let nothing = vec![Operand::Nothing];
        let yes = [
            Test::AnyOf(vec![text("x"), text(" sales nordics ")]),
            Test::AnyOf(vec![Operand::Number(7)]),
            Test::NoneOf(vec![text("Sales")]),
            Test::NoneOf(nothing.clone()),
            Test::Within(vec![Range { from: Some(8), to: None }, Range { from: None, to: Some(7) }]),
            Test::Words(all("nordics sal")),
            Test::Contains(all("NORD")),
            Test::Begins(all("sales n")),
        ];
        for test in yes {
            assert!(test.holds(&own), "{test:?}");
            assert!(!Test::Not(Box::new(test.clone())).holds(&own), "{test:?}");
        }
        let no = [
            Test::AnyOf(nothing.clone()),
            Test::AnyOf(Vec::new()),
            Test::Within(vec![Range { from: Some(8), to: None }]),
            Test::Words(all("sales south")),
            Test::Words(all("...")),
            Test::Contains(all("nordic sales")),
            Test::Begins(all("nordics")),
        ];
        for test in no {
            assert!(!test.holds(&own), "{test:?}");
        }
        assert!(
            Test::AnyOf(nothing).holds(&[]) && !Test::Within(vec![Range { from: None, to: None }]).holds(&[])
        );
    }
}
