//! Who works there, and from where. Everybody is invented; addresses are those set aside for documentation.

use super::world;

/// Somebody with an account.
pub struct Person {
    pub given: &'static str,
    pub family: &'static str,
    /// Number of the office in [`OFFICES`].
    pub office: usize,
    /// Whether they look after Cloud Apps.
    pub administrator: bool,
    /// The domain of another company, for guests.
    guest_of: Option<&'static str>,
}

const fn person(given: &'static str, family: &'static str, office: usize) -> Person {
    Person { given, family, office, administrator: false, guest_of: None }
}

const fn guest(given: &'static str, family: &'static str, domain: &'static str) -> Person {
    Person { given, family, office: 0, administrator: false, guest_of: Some(domain) }
}

/// The first are those whose names stand in the logs of the proxies, too.
pub const PEOPLE: &[Person] = &[
    Person { administrator: true, ..person("Anna", "Berg", 0) },
    person("Bilal", "Berg", 0),
    person("Chiara", "Berg", 2),
    person("David", "Berg", 0),
    person("Elin", "Berg", 1),
    person("Farid", "Berg", 0),
    person("Grace", "Costa", 2),
    person("Hugo", "Costa", 2),
    Person { administrator: true, ..person("Ines", "Costa", 2) },
    person("Jonas", "Costa", 0),
    person("Keiko", "Costa", 1),
    person("Lars", "Costa", 1),
    person("Anna", "Duarte", 2),
    person("David", "Duarte", 0),
    person("Grace", "Duarte", 0),
    person("Ines", "Duarte", 1),
    person("Lars", "Duarte", 0),
    guest("Mira", "Holt", "lagoon.example"),
    guest("Noor", "Visser", "lagoon.example"),
    guest("Otto", "Kranz", "fabrikam.example"),
];

impl Person {
    /// Name to sign in with.
    pub fn name(&self) -> String {
        format!("{}@{}", self.nickname(), self.guest_of.unwrap_or(world::DOMAIN))
    }

    pub fn nickname(&self) -> String {
        format!("{}.{}", self.given.to_lowercase(), self.family.to_lowercase())
    }

    pub fn display_name(&self) -> String {
        format!("{} {}", self.given, self.family)
    }

    pub fn is_guest(&self) -> bool {
        self.guest_of.is_some()
    }
}

/// A place that people are at.
pub struct Place {
    pub city: &'static str,
    pub country: &'static str,
    pub latitude: f64,
    pub longitude: f64,
    /// Its addresses, in CIDR form; empty where nobody has told Casbah of them.
    pub range: &'static str,
    /// What its addresses begin with.
    network: &'static str,
}

impl Place {
    /// What the range of the office is called.
    pub fn range_name(&self) -> String {
        format!("{} office", self.city)
    }

    /// One of its addresses.
    pub fn address(&self, number: u64) -> String {
        format!("{}{number}", self.network)
    }
}

pub const OFFICES: [Place; 3] = [
    Place {
        city: "Stockholm",
        country: "SE",
        latitude: 59.33,
        longitude: 18.07,
        range: "192.0.2.0/24",
        network: "192.0.2.",
    },
    Place {
        city: "Oslo",
        country: "NO",
        latitude: 59.91,
        longitude: 10.75,
        range: "198.51.100.0/24",
        network: "198.51.100.",
    },
    Place {
        city: "Lisbon",
        country: "PT",
        latitude: 38.72,
        longitude: -9.14,
        range: "203.0.113.0/25",
        network: "203.0.113.",
    },
];

/// Where people are when they are on their way.
pub const ELSEWHERE: [Place; 5] = [
    Place {
        city: "Berlin",
        country: "DE",
        latitude: 52.52,
        longitude: 13.4,
        range: "",
        network: "2001:db8:49::",
    },
    Place {
        city: "London",
        country: "GB",
        latitude: 51.51,
        longitude: -0.13,
        range: "",
        network: "2001:db8:44::",
    },
    Place {
        city: "Boston",
        country: "US",
        latitude: 42.36,
        longitude: -71.06,
        range: "",
        network: "2001:db8:1::",
    },
    Place {
        city: "São Paulo",
        country: "BR",
        latitude: -23.55,
        longitude: -46.63,
        range: "",
        network: "2001:db8:55::",
    },
    Place {
        city: "Osaka",
        country: "JP",
        latitude: 34.69,
        longitude: 135.5,
        range: "",
        network: "2001:db8:81::",
    },
];

/// Addresses that nobody should come from, and nobody knows where they are.
pub const ATTACKERS: Place = Place {
    city: "",
    country: "",
    latitude: 0.0,
    longitude: 0.0,
    range: "203.0.113.224/27",
    network: "203.0.113.",
};

/// What people work with.
pub const AGENTS: [&str; 5] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (Linux; Android 15; Tablet) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36",
];
