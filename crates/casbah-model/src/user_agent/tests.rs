use proptest::prelude::*;

use super::{NATIVE_CLIENT, OUTDATED_BROWSER, OUTDATED_SYSTEM, ROBOT, parse};
use crate::Timestamp;

/// 2026-11-23.
const NOW: Timestamp = Timestamp(1_795_435_200_000);

#[test]
fn browsers_programs_and_robots_are_told_apart() {
    let check = |agent: &str, name: &str, version: &str, system: &str, device: &str, tags: &[&str]| {
        let found = parse(agent, NOW);
        let shown = found.system.as_ref().map(|s| format!("{} {}", s.family, s.name)).unwrap_or_default();
        assert_eq!(
            (found.name.as_str(), found.version.as_str(), shown.as_str(), found.device_type, &found.tags[..]),
            (name, version, system, device, tags),
            "{agent}"
        );
    };
    let windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)";
    check(
        &format!("{windows} AppleWebKit/537.36 (KHTML, like Gecko) Chrome/158.0.0.0 Safari/537.36"),
        "Chrome",
        "158.0.0.0",
        "WINDOWS Windows 10",
        "DESKTOP",
        &[],
    );
    check(
        &format!("{windows} AppleWebKit/537.36 (KHTML, like Gecko) Chrome/90.0.1.2 Safari/537.36"),
        "Chrome",
        "90.0.1.2",
        "WINDOWS Windows 10",
        "DESKTOP",
        &[OUTDATED_BROWSER],
    );
    check(
        "Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko",
        "Internet Explorer",
        "11.0",
        "WINDOWS Windows 7",
        "DESKTOP",
        &[OUTDATED_BROWSER, OUTDATED_SYSTEM],
    );
    check(
        "Mozilla/5.0 (X11; Linux x86_64; rv:155.0) Gecko/20100101 Firefox/155.0",
        "Firefox",
        "155.0",
        "LINUX Linux",
        "DESKTOP",
        &[],
    );
    check(
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
         Version/18.0 Mobile/15E148 Safari/604.1",
        "Safari",
        "18.0",
        "IOS iOS",
        "MOBILE",
        &[],
    );
    check(
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Googlebot",
        "",
        "",
        "OTHER",
        &[ROBOT],
    );
    check("python-requests/2.32.3", "python-requests", "2.32.3", "", "OTHER", &[NATIVE_CLIENT]);
    check(
        "azsdk-net-Identity/1.13.1 (.NET 8.0)",
        "azsdk-net-Identity",
        "1.13.1",
        "",
        "OTHER",
        &[NATIVE_CLIENT],
    );
    check("", "", "", "", "OTHER", &[NATIVE_CLIENT]);
}

/// What was new when it was used was not outdated, however long ago.
#[test]
fn a_browser_is_outdated_by_the_time_of_its_use() {
    let agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36";
    assert!(parse(agent, Timestamp(1_704_067_200_000)).tags.is_empty());
    assert_eq!(parse(agent, NOW).tags, [OUTDATED_BROWSER]);
}

proptest! {
    #[test]
    fn nothing_that_is_sent_is_too_much(agent in ".{0,200}", at in any::<i64>()) {
        parse(&agent, Timestamp(at.clamp(0, 4_000_000_000_000)));
        parse(&format!("Mozilla/5.0 ({agent}) Chrome/{agent}"), NOW);
    }
}
