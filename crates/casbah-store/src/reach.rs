//! Which records belong to an app, a group or a report: how far a caller reaches becomes a condition.
//!
//! Every list, fetch, count and change of such records goes through here, so that what is out of reach is
//! absent. A new kind of record is a variant of [`Records`]; the compiler names the rest.

use casbah_model::{Bound, Guid, Reach, RecordId};

use crate::Value;
use crate::alerts::conditions::{PEOPLE, one_of};

const NEVER: &str = "1 = 0";
/// An alert with an entity `e`, of which more is to be said.
const ALERT_OF: &str = "a.id in (select e.alert from alert_entities e where e.tenant = ?1";
const SERVICE: &str = "e.kind in ('service', 'discovery_service')";
const STREAM: &str = "e.kind = 'discovery_stream'";

/// What a condition is about, under the name that its table has in the query.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Records {
    /// `alerts a`
    Alerts,
    /// `activities a`
    Activities,
    /// `streams s`
    Streams,
    /// `discovery_tasks d`
    Tasks,
    /// `entities e`
    Entities,
    /// `files f`
    Files,
}

/// The condition, after an `and`; empty when everything is in reach. `values` holds what is already
/// numbered, the tenant first.
pub(crate) fn within(reach: &Reach, records: Records, values: &mut Vec<Value>) -> String {
    let Reach::Within(bounds) = reach else { return String::new() };
    let mut any = Vec::new();
    let (mut apps, mut groups, mut reports) = (Vec::new(), Vec::new(), Vec::new());
    for bound in bounds {
        match bound {
            Bound::App { app, instance: None } => apps.push(*app),
            Bound::App { app, instance: Some(one) } => any.extend(of_instance(records, *app, *one, values)),
            Bound::Group(id) => groups.push(*id),
            Bound::Discovery => any.extend(of_discovery(records)),
            Bound::Report(id) => reports.push(id),
        }
    }
    if !apps.is_empty() {
        any.extend(of_apps(records, &apps, values));
    }
    if !groups.is_empty() {
        any.extend(of_groups(records, &groups, values));
    }
    if !reports.is_empty() {
        any.extend(of_reports(records, &reports, values));
    }
    if any.is_empty() { format!(" and {NEVER}") } else { format!(" and ({})", any.join(" or ")) }
}

/// What is about apps: an alert that names one, or an account of it.
fn of_apps(records: Records, apps: &[i64], values: &mut Vec<Value>) -> Option<String> {
    let numbers = || apps.iter().map(|app| (*app).into()).collect();
    match records {
        Records::Alerts => {
            let texts = one_of(apps.iter().map(|app| app.to_string().into()).collect(), values);
            let numbers = one_of(numbers(), values);
            Some(format!(
                "{ALERT_OF} and {SERVICE} and e.id_key in ({texts})) or {ALERT_OF} and e.saas in ({numbers}))"
            ))
        }
        Records::Activities => Some(format!("a.service in ({})", one_of(numbers(), values))),
        Records::Entities => Some(format!("e.saas in ({})", one_of(numbers(), values))),
        Records::Files => Some(format!("f.service in ({})", one_of(numbers(), values))),
        Records::Streams | Records::Tasks => None,
    }
}

/// The same of one instance of an app.
fn of_instance(records: Records, app: i64, instance: i64, values: &mut Vec<Value>) -> Option<String> {
    let mut place = |value: Value| {
        values.push(value);
        values.len()
    };
    match records {
        Records::Alerts => {
            let (number, text) = (place(app.into()), place(app.to_string().into()));
            let instance = format!("coalesce(e.inst, 0) = ?{}", place(instance.into()));
            Some(format!(
                "{ALERT_OF} and {SERVICE} and e.id_key = ?{text} and {instance}) \
                 or {ALERT_OF} and e.saas = ?{number} and {instance})"
            ))
        }
        Records::Activities => {
            Some(format!("(a.service = ?{} and a.instance = ?{})", place(app.into()), place(instance.into())))
        }
        Records::Entities => {
            Some(format!("(e.saas = ?{} and e.inst = ?{})", place(app.into()), place(instance.into())))
        }
        Records::Files => {
            Some(format!("(f.service = ?{} and f.instance = ?{})", place(app.into()), place(instance.into())))
        }
        Records::Streams | Records::Tasks => None,
    }
}

/// What is about the people in groups: they did it, or an alert names them. Who is in a group, itself or
/// through groups in it, is looked up within the question. Circles are harmless.
fn of_groups(records: Records, groups: &[Guid], values: &mut Vec<Value>) -> Option<String> {
    let columns: &[&str] = match records {
        Records::Alerts => &["e.id_key", "e.label_key"],
        Records::Activities => &["a.actor", "a.user_key"],
        Records::Entities => &["e.id_key", "e.name_key"],
        Records::Files => &["f.owner_key", "f.owner_address_key"],
        Records::Streams | Records::Tasks => return None,
    };
    let ids = one_of(groups.iter().map(|id| (*id).into()).collect(), values);
    let members = format!(
        "with recursive inside (id) as ( \
           select m.member from group_members m \
           join groups_of_people g on g.tenant = ?1 and g.id = m.group_id and g.deleted is null \
           where m.tenant = ?1 and m.group_id in ({ids}) \
           union \
           select m.member from inside i \
           join groups_of_people g on g.tenant = ?1 and g.id = i.id and g.deleted is null \
           join group_members m on m.tenant = ?1 and m.group_id = g.id \
         ) select id from inside \
         union all select u.name_key from users u join inside i on u.id = i.id where u.tenant = ?1"
    );
    // Unknown to SQL when there is no name, which counts as no.
    let theirs: Vec<String> = columns.iter().map(|column| format!("{column} in ({members})")).collect();
    let theirs = theirs.join(" or ");
    Some(match records {
        Records::Alerts => format!("{ALERT_OF} and e.kind in {PEOPLE} and ({theirs}))"),
        // Their accounts are theirs under whatever name.
        Records::Entities => format!(
            "({theirs} or e.parent in (select p.record from entities p where p.tenant = ?1 and p.of_directory = 1 \
             and p.id_key in ({members})))"
        ),
        Records::Files => format!(
            "({theirs} or exists (select 1 from entities o join entities p on p.tenant = ?1 and p.record = o.parent \
             where o.tenant = ?1 and o.saas = f.service and o.inst = f.instance and o.id_key = f.owner_key \
             and p.of_directory = 1 and p.id_key in ({members})))"
        ),
        _ => format!("({theirs})"),
    })
}

fn of_discovery(records: Records) -> Option<String> {
    match records {
        Records::Alerts => Some(format!("{ALERT_OF} and {STREAM})")),
        Records::Activities | Records::Entities | Records::Files => None,
        Records::Streams | Records::Tasks => Some("1 = 1".into()),
    }
}

/// What is about reports. A view is the sum of all continuous reports, so whoever reaches it reaches them.
fn of_reports(records: Records, reports: &[&RecordId], values: &mut Vec<Value>) -> Option<String> {
    let column = match records {
        Records::Alerts => "e.id_key",
        Records::Activities | Records::Entities | Records::Files => return None,
        Records::Streams => "s.id",
        Records::Tasks => "d.stream",
    };
    let ids = one_of(reports.iter().map(|id| (*id).into()).collect(), values);
    let theirs = format!(
        "{column} in (select r.id from streams r where r.tenant = ?1 and (r.id in ({ids}) or (r.kind = 1 and exists \
         (select 1 from streams v where v.tenant = ?1 and v.kind = 3 and v.id in ({ids})))))"
    );
    Some(match records {
        Records::Alerts => format!("{ALERT_OF} and {STREAM} and {theirs})"),
        _ => theirs,
    })
}

#[cfg(test)]
mod tests;
