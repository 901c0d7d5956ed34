//! What the words of a user agent say about browser, system and device.

use crate::Timestamp;

/// Tag of what is no browser: the app's own program, or a library.
pub const NATIVE_CLIENT: &str = "000000000000000000000000";
/// Tag of a browser that was more than a year old when it was used.
pub const OUTDATED_BROWSER: &str = "000000010000000000000000";
/// Tag of a system that its maker no longer looked after.
pub const OUTDATED_SYSTEM: &str = "000000020000000000000000";
/// Tag of a robot.
pub const ROBOT: &str = "0000002b0000000000000000";

/// A user agent, taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UserAgent {
    /// Browser or program, such as `Firefox`.
    pub name: String,
    /// Its version, such as `130.0`; empty when it does not say.
    pub version: String,
    /// Whether it is a browser.
    pub is_browser: bool,
    /// The system, if it says.
    pub system: Option<System>,
    /// DESKTOP, MOBILE, TABLET or OTHER.
    pub device_type: &'static str,
    /// Ids of its tags, such as [`ROBOT`].
    pub tags: Vec<&'static str>,
}

/// An operating system.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct System {
    /// Such as `WINDOWS`.
    pub family: &'static str,
    /// Such as `Windows 10`.
    pub name: String,
    /// Such as `10.0`; empty when it does not say.
    pub version: String,
}

/// Families of systems by what the library calls them.
const FAMILIES: [(&str, &str, &str); 9] = [
    ("Windows Phone", "WINDOWS_PHONE", "Windows Phone"),
    ("Windows", "WINDOWS", ""),
    ("Mac", "MAC_OS", "macOS"),
    ("iPhone", "IOS", "iOS"),
    ("iPad", "IOS", "iOS"),
    ("iOS", "IOS", "iOS"),
    ("Android", "ANDROID", "Android"),
    ("ChromeOS", "CHROME_OS", "ChromeOS"),
    ("Linux", "LINUX", "Linux"),
];

/// Browsers whose makers number them every four weeks: the version that was new at a moment, in milliseconds.
const EVERY_FOUR_WEEKS: [(&str, i64, i64); 4] = [
    ("Chrome", 100, 1_648_512_000_000),
    ("Edge", 100, 1_648_771_200_000),
    ("Firefox", 100, 1_651_536_000_000),
    ("Opera", 86, 1_648_771_200_000),
];
const FOUR_WEEKS: i64 = 28 * 24 * 60 * 60 * 1000;
/// So many versions of four weeks are a year.
const VERSIONS_OF_A_YEAR: i64 = 13;

/// Takes apart a user agent that was sent at that time.
pub fn parse(user_agent: &str, at: Timestamp) -> UserAgent {
    let found = woothee::parser::Parser::new().parse(user_agent);
    let known = |text: &str| Some(text.to_string()).filter(|text| text != woothee::woothee::VALUE_UNKNOWN);
    // A program writes `name/1.2.3 (more)`.
    let first = user_agent.split_whitespace().next().unwrap_or_default();
    let (own_name, own_version) = first.split_once('/').unwrap_or((first, ""));
    let own = || (own_name.to_string(), numbers(own_version));
    let Some(found) = found else {
        let (name, version) = own();
        return UserAgent {
            name,
            version,
            is_browser: false,
            system: None,
            device_type: device_type(user_agent),
            tags: vec![NATIVE_CLIENT],
        };
    };
    let is_robot = found.category == "crawler";
    let is_browser = found.browser_type == "browser" && user_agent.starts_with("Mozilla/");
    let (name, version) = match known(found.name) {
        Some(name) if is_browser || is_robot => (name, known(found.version).unwrap_or_default()),
        _ => own(),
    };
    let system =
        FAMILIES.iter().find(|(mark, ..)| found.os.starts_with(mark)).map(|(_, family, name)| System {
            family,
            name: if name.is_empty() { found.os.to_string() } else { (*name).to_string() },
            version: known(&found.os_version).unwrap_or_default(),
        });
    let mut tags = Vec::new();
    if is_robot {
        tags.push(ROBOT);
    } else if !is_browser {
        tags.push(NATIVE_CLIENT);
    } else if is_old_browser(&name, &version, at) {
        tags.push(OUTDATED_BROWSER);
    }
    if system.as_ref().is_some_and(is_old_system) {
        tags.push(OUTDATED_SYSTEM);
    }
    UserAgent { name, version, is_browser, system, device_type: device_type(user_agent), tags }
}

fn is_old_browser(name: &str, version: &str, at: Timestamp) -> bool {
    if name == "Internet Explorer" {
        return true;
    }
    let major = version.split('.').next().and_then(|text| text.parse::<i64>().ok());
    let line = EVERY_FOUR_WEEKS.iter().find(|(known, ..)| *known == name);
    match (line, major) {
        (Some((_, number, since)), Some(major)) => {
            let new = number + (at.0 - since).max(0) / FOUR_WEEKS;
            major < new - VERSIONS_OF_A_YEAR
        }
        _ => false,
    }
}

/// Windows before 10, which calls itself NT 10 to this day.
fn is_old_system(system: &System) -> bool {
    let number = system.version.trim_start_matches("NT ").split('.').next();
    system.family == "WINDOWS" && number.and_then(|text| text.parse::<i64>().ok()).is_some_and(|n| n < 10)
}

fn numbers(text: &str) -> String {
    text.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect()
}

/// DESKTOP, MOBILE, TABLET or OTHER, by the words of a user agent.
pub fn device_type(user_agent: &str) -> &'static str {
    let has = |word: &str| user_agent.contains(word);
    let tablet = has("iPad") || has("Tablet") || (has("Android") && !has("Mobile"));
    if tablet {
        "TABLET"
    } else if has("iPhone") || has("Mobile") || has("Windows Phone") {
        "MOBILE"
    } else if has("Windows NT") || has("Macintosh") || has("X11") || has("CrOS") {
        "DESKTOP"
    } else {
        "OTHER"
    }
}

#[cfg(test)]
mod tests;
