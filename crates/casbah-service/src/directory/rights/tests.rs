//! The table of rights, walked.

use casbah_model::{ROLES, Role};

use super::{POWERS, Reach, Right, Standing};

fn within(roles: &[&'static str], in_role_group: bool, reach: Reach) -> bool {
    Standing { roles: roles.to_vec(), in_role_group }.within(reach)
}

#[test]
fn every_role_of_the_table_exists() {
    for (name, rights, reach) in POWERS {
        assert!(Role::find(name).is_some(), "{name}");
        assert!(!rights.is_empty());
        if let Reach::Below(names) = reach {
            assert!(names.iter().all(|name| Role::find(name).is_some()));
        }
    }
}

#[test]
fn nobody_but_a_global_administrator_reaches_the_powerful() {
    for (name, rights, reach) in POWERS.iter().filter(|(name, ..)| *name != "Global Administrator") {
        if !rights.contains(&Right::ChangeSignIn) {
            continue;
        }
        for role in ROLES.iter().filter(|role| role.name != *name) {
            assert!(!within(&[role.name], false, *reach), "{name} reaches {}", role.name);
            assert!(!within(&[name, role.name], false, *reach), "{name} reaches {}", role.name);
        }
        assert!(within(&[], false, *reach) && within(&[name], false, *reach));
        assert!(!within(&[], true, *reach), "{name} reaches those in a group that can hold roles");
    }
}

#[test]
fn only_administrators_of_roles_give_roles() {
    let mut may: Vec<&str> = POWERS
        .iter()
        .filter(|(_, rights, _)| rights.contains(&Right::AssignRoles))
        .map(|(n, ..)| *n)
        .collect();
    may.sort_unstable();
    assert_eq!(may, ["Global Administrator", "Privileged Role Administrator"]);
}
