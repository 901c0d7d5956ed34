//! Adds records up. What it holds grows with distinct users, addresses, destinations and days.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use crate::catalogue::{AppId, Catalogue, registrable_domain};
use crate::numbers::{NumberMap, NumberSet, Numbers, places};
use crate::options::DAY_MS;
use crate::record::{Destination, Record};
use crate::report::{DestinationRow, TrafficKind, UnmatchedRow, UsageRow};

/// Stands for "no user" among user numbers.
const NOBODY: u32 = u32::MAX;

/// Sums over some records.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    pub(crate) events: u64,
    pub(crate) blocked: u64,
    pub(crate) up: u64,
    pub(crate) down: u64,
    pub(crate) total: u64,
    pub(crate) first_ms: i64,
    pub(crate) last_ms: i64,
}

impl Figures {
    const NONE: Self =
        Self { events: 0, blocked: 0, up: 0, down: 0, total: 0, first_ms: i64::MAX, last_ms: i64::MIN };

    fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.blocked += other.blocked;
        // A log may claim any number; a wrapped sum would be a lie, a full one is at least a bound.
        self.up = self.up.saturating_add(other.up);
        self.down = self.down.saturating_add(other.down);
        self.total = self.total.saturating_add(other.total);
        self.first_ms = self.first_ms.min(other.first_ms);
        self.last_ms = self.last_ms.max(other.last_ms);
    }
}

impl From<&Record<'_>> for Figures {
    fn from(record: &Record<'_>) -> Self {
        Self {
            events: 1,
            blocked: u64::from(record.blocked),
            up: record.up.unwrap_or(0),
            down: record.down.unwrap_or(0),
            total: record.bytes(),
            first_ms: record.time_ms,
            last_ms: record.time_ms,
        }
    }
}

/// Day, app, user, client.
type UsageKey = (u32, AppId, u32, u32);

struct DestinationEntry {
    name: String,
    app: Option<AppId>,
    /// Whether the path can change the app.
    paths_matter: bool,
    users: u64,
    clients: u64,
    figures: Figures,
    /// Events and bytes that belong to no app.
    unmatched: (u64, u64),
}

pub(crate) struct Tally<'c> {
    catalogue: &'c Catalogue,
    limit: usize,
    pub(crate) all: Figures,
    pub(crate) unattributed: u64,
    kinds: [bool; 3],
    /// Numbered by the lower-case name; the spelling first met is kept for showing, with its place in the file.
    users: Numbers<String>,
    spellings: Vec<(u64, Arc<str>)>,
    clients: Numbers<IpAddr>,
    /// Hosts and addresses share the numbers of `destinations`.
    hosts: HashMap<String, u32>,
    addresses: HashMap<IpAddr, u32>,
    destinations: Vec<DestinationEntry>,
    destination_users: NumberSet<(u32, u32)>,
    destination_clients: NumberSet<(u32, u32)>,
    usage: NumberMap<UsageKey, Figures>,
    lower: String,
}

impl<'c> Tally<'c> {
    pub(crate) fn new(catalogue: &'c Catalogue, limit: usize) -> Self {
        Self {
            catalogue,
            limit,
            all: Figures::NONE,
            unattributed: 0,
            kinds: [false; 3],
            users: Numbers::new(limit),
            spellings: Vec::new(),
            clients: Numbers::new(limit),
            hosts: HashMap::new(),
            addresses: HashMap::new(),
            destinations: Vec::new(),
            destination_users: NumberSet::default(),
            destination_clients: NumberSet::default(),
            usage: NumberMap::default(),
            lower: String::new(),
        }
    }

    /// Adds records, the first of which is the `place`-th of the file.
    pub(crate) fn add_all(&mut self, records: &[Record<'_>], place: u64) {
        for (record, place) in records.iter().zip(place..) {
            self.add(record, place);
        }
    }

    fn add(&mut self, record: &Record<'_>, place: u64) {
        let figures = Figures::from(record);
        self.all.add(&figures);
        let (up, down) = (record.up.is_some(), record.down.is_some());
        for (seen, now) in self.kinds.iter_mut().zip([record.total.is_some() || up || down, down, up]) {
            *seen |= now;
        }
        if self.attribute(record, &figures, place).is_none() {
            self.unattributed += 1;
        }
    }

    /// `None` where a limit is reached.
    fn attribute(&mut self, record: &Record<'_>, figures: &Figures, place: u64) -> Option<()> {
        let user = match &record.user {
            Some(name) => self.user(name, place)?,
            None => NOBODY,
        };
        let client = self.clients.number(&record.client)?;
        let destination = self.destination(&record.destination)?;
        let room =
            self.destination_users.len().max(self.destination_clients.len()) < self.limit.saturating_mul(4);
        let entry = &mut self.destinations[destination as usize];
        entry.figures.add(figures);
        if room {
            if user != NOBODY && self.destination_users.insert((destination, user)) {
                entry.users += 1;
            }
            if self.destination_clients.insert((destination, client)) {
                entry.clients += 1;
            }
        }
        let app = match (&record.path, &record.destination, entry.app) {
            (Some(path), Destination::Host(host), _) if entry.paths_matter => {
                self.catalogue.match_host(host, Some(path))
            }
            (_, Destination::Ip(_), None) => {
                record.application.as_ref().and_then(|name| self.catalogue.match_application(name))
            }
            (_, _, app) => app,
        };
        let Some(app) = app else {
            entry.unmatched.0 += figures.events;
            entry.unmatched.1 = entry.unmatched.1.saturating_add(figures.total);
            return room.then_some(());
        };
        // The parser lets only times near now through.
        let day = u32::try_from(record.time_ms.div_euclid(DAY_MS)).unwrap_or(0);
        (self.add_usage((day, app, user, client), figures) && room).then_some(())
    }

    fn user(&mut self, name: &str, place: u64) -> Option<u32> {
        let number = if name.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase()) {
            self.users.number(name)?
        } else {
            if name.is_ascii() {
                self.lower.clear();
                self.lower.push_str(name);
                self.lower.make_ascii_lowercase();
            } else {
                // As everybody else writes names in lower case, or one of them could be stored as two:
                // a final sigma depends on where it stands.
                self.lower = name.to_lowercase();
            }
            self.users.number(self.lower.as_str())?
        };
        if number as usize == self.spellings.len() {
            self.spellings.push((place, name.into()));
        }
        Some(number)
    }

    /// Adds what another tally of the same file has. Where a limit was reached, more is not attributed.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.all.add(&other.all);
        self.unattributed += other.unattributed;
        for (seen, also) in self.kinds.iter_mut().zip(other.kinds) {
            *seen |= also;
        }
        let users: Vec<Option<u32>> =
            other.spellings.iter().map(|(place, name)| self.user(name, *place)).collect();
        for ((place, name), number) in other.spellings.into_iter().zip(&users) {
            let known = number.and_then(|number| self.spellings.get_mut(number as usize));
            if let Some(known) = known.filter(|known| known.0 > place) {
                *known = (place, name);
            }
        }
        let clients = other.clients.in_order();
        let clients: Vec<Option<u32>> = clients.into_iter().map(|ip| self.clients.number(ip)).collect();
        let mut destinations = vec![None; other.destinations.len()];
        let hosts = other.hosts.into_iter().map(|(host, number)| (Destination::Host(host.into()), number));
        let addresses = other.addresses.into_iter().map(|(ip, number)| (Destination::Ip(ip), number));
        for (destination, number) in hosts.chain(addresses) {
            destinations[number as usize] = self.destination(&destination);
        }
        for (entry, number) in other.destinations.iter().zip(&destinations) {
            let Some(number) = number else {
                self.unattributed += entry.figures.events;
                continue;
            };
            let known = &mut self.destinations[*number as usize];
            known.figures.add(&entry.figures);
            known.unmatched.0 += entry.unmatched.0;
            known.unmatched.1 = known.unmatched.1.saturating_add(entry.unmatched.1);
        }
        let number = |known: &[Option<u32>], theirs: u32| known.get(theirs as usize).copied().flatten();
        for (destination, user) in other.destination_users {
            let pair = number(&destinations, destination).zip(number(&users, user));
            if let Some(pair) = pair.filter(|pair| self.destination_users.insert(*pair)) {
                self.destinations[pair.0 as usize].users += 1;
            }
        }
        for (destination, client) in other.destination_clients {
            let pair = number(&destinations, destination).zip(number(&clients, client));
            if let Some(pair) = pair.filter(|pair| self.destination_clients.insert(*pair)) {
                self.destinations[pair.0 as usize].clients += 1;
            }
        }
        for ((day, app, user, client), figures) in other.usage {
            let user = if user == NOBODY { Some(NOBODY) } else { number(&users, user) };
            let key = user.zip(number(&clients, client)).map(|(user, client)| (day, app, user, client));
            if key.is_none_or(|key| !self.add_usage(key, &figures)) {
                self.unattributed += figures.events;
            }
        }
    }

    /// False where a limit is reached.
    fn add_usage(&mut self, key: UsageKey, figures: &Figures) -> bool {
        let rows = self.usage.len();
        match self.usage.entry(key) {
            Entry::Occupied(mut row) => row.get_mut().add(figures),
            Entry::Vacant(_) if rows >= self.limit => return false,
            Entry::Vacant(row) => {
                row.insert(*figures);
            }
        }
        true
    }

    fn destination(&mut self, destination: &Destination<'_>) -> Option<u32> {
        let known = match destination {
            Destination::Host(host) => self.hosts.get(&**host),
            Destination::Ip(ip) => self.addresses.get(ip),
        };
        if let Some(number) = known {
            return Some(*number);
        }
        let number = u32::try_from(self.destinations.len()).ok()?;
        if self.destinations.len() >= self.limit {
            return None;
        }
        let (name, (app, paths_matter)) = match destination {
            Destination::Host(host) => {
                self.hosts.insert(host.to_string(), number);
                (host.to_string(), self.catalogue.match_host_only(host))
            }
            Destination::Ip(ip) => {
                self.addresses.insert(*ip, number);
                (ip.to_string(), (self.catalogue.match_ip(*ip), false))
            }
        };
        let entry = DestinationEntry {
            name,
            app,
            paths_matter,
            users: 0,
            clients: 0,
            figures: Figures::NONE,
            unmatched: (0, 0),
        };
        self.destinations.push(entry);
        Some(number)
    }

    pub(crate) fn user_count(&self) -> u64 {
        self.spellings.len() as u64
    }

    pub(crate) fn client_count(&self) -> u64 {
        self.clients.len() as u64
    }

    pub(crate) fn destination_count(&self) -> u64 {
        self.destinations.len() as u64
    }

    pub(crate) fn has_matches(&self) -> bool {
        !self.usage.is_empty()
    }

    /// Whether any destination has a name.
    pub(crate) fn has_hosts(&self) -> bool {
        !self.hosts.is_empty()
    }

    pub(crate) fn traffic_kinds(&self) -> Vec<TrafficKind> {
        let all = [TrafficKind::Total, TrafficKind::Downloaded, TrafficKind::Uploaded];
        all.into_iter().zip(self.kinds).filter_map(|(kind, seen)| seen.then_some(kind)).collect()
    }

    pub(crate) fn destination_rows(&self) -> Vec<DestinationRow> {
        let row = |entry: &DestinationEntry| DestinationRow {
            dest: entry.name.clone(),
            app_id: entry.app,
            transactions: entry.figures.events,
            users: entry.users,
            client_ips: entry.clients,
            bytes_up: entry.figures.up,
            bytes_down: entry.figures.down,
            bytes_total: entry.figures.total,
            blocked: entry.figures.blocked,
        };
        let mut rows: Vec<_> = self.destinations.iter().map(row).collect();
        rows.sort_by(|a, b| a.dest.cmp(&b.dest));
        rows
    }

    pub(crate) fn usage_rows(&self) -> Vec<UsageRow> {
        let clients = self.clients.in_order();
        let names: Vec<&str> = self.spellings.iter().map(|(_, name)| &**name).collect();
        let (user_places, client_places) = (places(&names), places(&clients));
        let mut rows: Vec<(&UsageKey, &Figures)> = self.usage.iter().collect();
        rows.sort_unstable_by_key(|((day, app, user, client), _)| {
            // Nobody comes first, as `None` does.
            let user = user_places.get(*user as usize).copied();
            (*day, *app, user, client_places[*client as usize])
        });
        let row = |((day, app, user, client), figures): (&UsageKey, &Figures)| UsageRow {
            day: *day,
            app: *app,
            user: self.spellings.get(*user as usize).map(|(_, name)| name.clone()),
            client_ip: *clients[*client as usize],
            events: figures.events,
            blocked: figures.blocked,
            up: figures.up,
            down: figures.down,
            total: figures.total,
            first_ms: figures.first_ms,
            last_ms: figures.last_ms,
        };
        rows.into_iter().map(row).collect()
    }

    pub(crate) fn unmatched_rows(&self) -> Vec<UnmatchedRow> {
        let mut by_domain: BTreeMap<&str, UnmatchedRow> = BTreeMap::new();
        for entry in self.destinations.iter().filter(|entry| entry.unmatched.0 > 0) {
            // The list knows nothing of addresses and would cut them in two.
            let is_address = entry.name.parse::<IpAddr>().is_ok();
            let domain = if is_address { &entry.name } else { registrable_domain(&entry.name) };
            let row = by_domain.entry(domain).or_insert_with(|| UnmatchedRow {
                domain: domain.to_owned(),
                events: 0,
                total: 0,
                first_ms: i64::MAX,
                last_ms: i64::MIN,
            });
            row.events += entry.unmatched.0;
            row.total = row.total.saturating_add(entry.unmatched.1);
            row.first_ms = row.first_ms.min(entry.figures.first_ms);
            row.last_ms = row.last_ms.max(entry.figures.last_ms);
        }
        by_domain.into_values().collect()
    }
}
