//! Which directory role may do what to whom, in one table.
//!
//! After Microsoft's pages *Who can reset passwords* and *Who can perform sensitive actions*: an administrator
//! reaches people without a role and holders of the same role, never somebody more powerful, for whoever can
//! set a password can become its owner.

use casbah_authority::{Caller, Principal};
use casbah_model::{Guid, TenantId};
use casbah_store::{Tx, groups, owners, users};

use crate::Error;

/// Applications that hold this may also change people who hold roles: it lets them take a role anyway.
const ROLE_PERMISSION: &str = "RoleManagement.ReadWrite.Directory";

/// What can be done to people, groups and roles.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Right {
    /// Make people.
    CreateUser,
    /// Change names.
    ChangeUser,
    /// What decides who somebody is: password and other factors, state, sign-in name, address, deletion.
    ChangeSignIn,
    /// End sign-ins.
    SignOut,
    /// Make, change and delete groups, and say who is in them.
    ManageGroups,
    /// The same with groups that can hold roles.
    ManageRoleGroups,
    /// Give and take roles.
    AssignRoles,
}

use Right::{AssignRoles, ChangeSignIn, ChangeUser, CreateUser, ManageGroups, ManageRoleGroups, SignOut};

/// Whom a role reaches.
#[derive(Clone, Copy, Debug)]
enum Reach {
    Everybody,
    /// People who hold no role but these, and are in no group that can hold roles.
    Below(&'static [&'static str]),
}

/// Role, what it may do, and to whom.
const POWERS: &[(&str, &[Right], Reach)] = &[
    (
        "Global Administrator",
        &[CreateUser, ChangeUser, ChangeSignIn, SignOut, ManageGroups, ManageRoleGroups, AssignRoles],
        Reach::Everybody,
    ),
    (
        "User Administrator",
        &[CreateUser, ChangeUser, ChangeSignIn, SignOut, ManageGroups],
        Reach::Below(&["User Administrator"]),
    ),
    (
        "Authentication Administrator",
        &[ChangeUser, ChangeSignIn, SignOut],
        Reach::Below(&["Authentication Administrator"]),
    ),
    ("Privileged Role Administrator", &[AssignRoles, ManageRoleGroups], Reach::Everybody),
];

/// Checks that the caller may do something, to somebody if it is about a person. The permission of the
/// application was checked before; this is about the person behind it, and about whom it is done to.
///
/// # Errors
/// [`Error::Forbidden`], which names who could.
pub(crate) fn check(
    tx: &mut Tx<'_>,
    caller: &Caller,
    right: Right,
    target: Option<Guid>,
) -> Result<(), Error> {
    // Names are nobody's secret: administrators may correct those of the more powerful, too.
    let target = target.filter(|_| right != ChangeUser);
    let standing = match target {
        Some(id) => Standing::of(tx, caller.tenant, id)?,
        None => Standing::default(),
    };
    let enough = match &caller.principal {
        Principal::System => true,
        Principal::Application { .. } => {
            let bounded = !standing.is_plain() || matches!(right, ManageRoleGroups | AssignRoles);
            !bounded || caller.directory_permissions.iter().any(|p| p.eq_ignore_ascii_case(ROLE_PERMISSION))
        }
        Principal::User { roles, .. } => POWERS.iter().any(|(name, rights, reach)| {
            roles.iter().any(|role| role.name == *name) && rights.contains(&right) && standing.within(*reach)
        }),
    };
    if enough { Ok(()) } else { Err(refusal(caller, right, &standing)) }
}

/// Whether the caller may do something to groups without owning them.
pub(crate) fn manages_groups(tx: &mut Tx<'_>, caller: &Caller, right: Right) -> Result<bool, Error> {
    match check(tx, caller, right, None) {
        Ok(()) => Ok(true),
        Err(Error::Forbidden { .. }) => Ok(false),
        Err(e) => Err(e),
    }
}

fn refusal(caller: &Caller, right: Right, standing: &Standing) -> Error {
    let needs = match caller.principal {
        Principal::Application { .. } => {
            format!("Changing what decides over directory roles needs {ROLE_PERMISSION}.")
        }
        _ => {
            let names: Vec<&str> = POWERS
                .iter()
                .filter(|(_, rights, reach)| rights.contains(&right) && standing.within(*reach))
                .map(|(name, ..)| *name)
                .collect();
            format!(
                "Insufficient privileges to complete the operation: the user must hold one of the roles {}.",
                names.join(", ")
            )
        }
    };
    Error::Forbidden { needs }
}

/// How powerful somebody is.
#[derive(Default, Debug)]
struct Standing {
    roles: Vec<&'static str>,
    /// In a group that can hold roles, or an owner of one.
    in_role_group: bool,
}

impl Standing {
    fn of(tx: &mut Tx<'_>, tenant: TenantId, id: Guid) -> Result<Standing, Error> {
        let roles = users::roles(tx, tenant, id)?.iter().map(|role| role.name).collect();
        let mut near = groups::direct_of_member(tx, tenant, id)?;
        near.extend(owners::owned_by(tx, tenant, id)?);
        let mut in_role_group = false;
        for group in near {
            let group = groups::find(tx, tenant, group)?;
            in_role_group |= group.is_some_and(|group| group.details.is_assignable_to_role);
        }
        Ok(Standing { roles, in_role_group })
    }

    fn is_plain(&self) -> bool {
        self.roles.is_empty() && !self.in_role_group
    }

    fn within(&self, reach: Reach) -> bool {
        match reach {
            Reach::Everybody => true,
            Reach::Below(allowed) => {
                !self.in_role_group && self.roles.iter().all(|role| allowed.contains(role))
            }
        }
    }
}

/// Does something that may take away the last person who can administer the directory, and refuses it then.
pub(crate) fn keeping_an_administrator<T>(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    change: impl FnOnce(&mut Tx<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let administrator = casbah_model::ROLES.iter().find(|role| role.administers_directory);
    let Some(role) = administrator else { return change(tx) };
    let before = users::count_enabled_with_role(tx, tenant, role.template)?;
    let result = change(tx)?;
    if before > 0 && users::count_enabled_with_role(tx, tenant, role.template)? == 0 {
        return Err(Error::Conflict(format!(
            "nobody would be left who can sign in as {}; make another first.",
            role.name
        )));
    }
    Ok(result)
}

#[cfg(test)]
mod tests;
