use super::*;

fn check(password: &str) -> Result<(), String> {
    let names = ["rita@contoso.example", "Rita Bergström"];
    check_new_password(&SignInSettings::default(), &names, &Secret::new(password))
}

#[test]
fn common_short_and_own_names_are_refused() {
    for bad in [
        "short",
        "password",
        "Password123!",
        "P@ssw0rd2026",
        "qwertyuiop",
        "12345678",
        "aaaaaaaaaa",
        "abcabcabc",
        "iloveyou",
        "Welcome1!",
        "bergström1",
        "contoso2026",
        "Rita@contoso.example",
    ] {
        assert!(check(bad).is_err(), "{bad}");
    }
    assert!(check(&"x y".repeat(100)).is_err(), "too long");
}

#[test]
fn good_ones_pass() {
    for good in
        ["correct horse battery staple", "kettle-orbit-seven", "Tr0ub4dor&3x", "Bergström drinks tea at noon"]
    {
        assert_eq!(check(good), Ok(()), "{good}");
    }
}

#[test]
fn the_tenant_sets_the_length_but_not_below_eight() {
    let with = |least, password: &str| {
        let settings = SignInSettings { password_min_length: least, ..SignInSettings::default() };
        check_new_password(&settings, &[], &Secret::new(password)).is_ok()
    };
    assert!(!with(14, "kettle-orbit") && with(14, "kettle-orbit-seven"));
    assert!(!with(1, "kettle") && with(1, "kettle-o"));
}

#[test]
fn the_list_is_lower_case_and_without_doubles() {
    let mut seen = std::collections::BTreeSet::new();
    for line in COMMON.lines() {
        assert!(line == line.to_lowercase() && !line.is_empty() && seen.insert(line), "{line}");
    }
}
