//! A map of the world, drawn here as SVG, with a table of the same places behind it. The outline is Natural Earth's
//! (public domain), made simple; where a country's name is all that is known, it stands at one of its main cities (of
//! the tz database, public domain).

use std::collections::HashMap;
use std::sync::LazyLock;

use casbah_model::{Clock, Timestamp};
use maud::{Markup, html};

use super::shown;
use super::table::{self, column};
use super::text::t;

/// Two units of the drawing for a degree; it ends at 84 degrees north and 60 degrees south.
const UNITS: f64 = 2.0;
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 288.0;
const NORTH: f64 = 84.0;

const LAND: &str = include_str!("../../assets/world.txt");

/// Latitude and longitude of each country, by its two letters.
static COUNTRIES: LazyLock<HashMap<&'static str, (f64, f64)>> = LazyLock::new(|| {
    let line = |line: &'static str| {
        let mut words = line.split(' ');
        Some((words.next()?, (words.next()?.parse().ok()?, words.next()?.parse().ok()?)))
    };
    include_str!("../../assets/countries.txt").lines().filter_map(line).collect()
});

/// Where something happened, and when.
pub(crate) struct Sight {
    /// Degrees north and east, where they are known.
    pub(crate) at: Option<(f64, f64)>,
    /// Two letters.
    pub(crate) country: Option<String>,
    /// The place, for people.
    pub(crate) name: Option<String>,
    pub(crate) address: Option<String>,
    pub(crate) when: Timestamp,
}

/// A place on the map, with what happened there.
struct Place {
    at: (f64, f64),
    name: String,
    addresses: Vec<String>,
    times: i64,
    first: Timestamp,
    last: Timestamp,
}

/// The map of sights in the order of time, and their table; nothing when no place is known.
pub(crate) fn of(clock: Clock, title: &str, sights: &[Sight]) -> Markup {
    let (places, path) = places(sights);
    if places.is_empty() {
        return html! {};
    }
    let rows: Vec<_> = (1..)
        .zip(&places)
        .map(|(n, place)| {
            vec![
                html! { (n) },
                html! { (place.name) },
                html! { (place.addresses.join(", ")) },
                html! { (shown::number(place.times)) },
                shown::time(clock, place.first),
                shown::time(clock, place.last),
            ]
        })
        .collect();
    let columns = [
        column(t("On the map")),
        column(t("Place")),
        column(t("Addresses")),
        column(t("Activities")).number(),
        column(t("First")),
        column(t("Last")),
    ];
    html! { figure .map {
        (drawing(title, &places, &path))
        figcaption { details { summary { (t("As a table")) } (table::plain(title, &columns, &rows)) } }
    } }
}

/// The places, and in which order they were seen.
fn places(sights: &[Sight]) -> (Vec<Place>, Vec<usize>) {
    let (mut places, mut path): (Vec<Place>, Vec<usize>) = (Vec::new(), Vec::new());
    for sight in sights {
        let country = sight.country.as_deref().map(str::to_uppercase);
        let known = country.as_deref().and_then(|code| COUNTRIES.get(code).copied());
        let Some(at) = sight.at.or(known) else { continue };
        let name = match (&sight.name, &country) {
            (Some(name), Some(country)) => format!("{name}, {country}"),
            (Some(name), None) => name.clone(),
            (None, Some(country)) => country.clone(),
            (None, None) => format!("{:.1}, {:.1}", at.0, at.1),
        };
        let found = places.iter().position(|place| place.name == name);
        let n = found.unwrap_or_else(|| {
            let (first, last) = (sight.when, sight.when);
            places.push(Place { at, name, addresses: Vec::new(), times: 0, first, last });
            places.len() - 1
        });
        let place = &mut places[n];
        place.times += 1;
        place.first = place.first.min(sight.when);
        place.last = place.last.max(sight.when);
        if let Some(address) = sight.address.as_ref().filter(|address| !place.addresses.contains(address)) {
            place.addresses.push(address.clone());
        }
        if path.last() != Some(&n) {
            path.push(n);
        }
    }
    (places, path)
}

/// Where degrees lie in the drawing.
fn point((north, east): (f64, f64)) -> (i64, i64) {
    let x = ((east + 180.0) * UNITS).clamp(6.0, WIDTH - 6.0);
    let y = ((NORTH - north) * UNITS).clamp(6.0, HEIGHT - 6.0);
    (x.round() as i64, y.round() as i64)
}

fn drawing(title: &str, places: &[Place], path: &[usize]) -> Markup {
    let steps = path.windows(2).filter_map(|pair| Some((places.get(pair[0])?, places.get(pair[1])?)));
    html! { svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(title) {
        @for degrees in (0..=12).map(|n| n * 60) { line .grid x1=(degrees) y1="0" x2=(degrees) y2=(HEIGHT) {} }
        @for y in [48, 108, 168, 228] { line .grid x1="0" y1=(y) x2=(WIDTH) y2=(y) {} }
        path .land d=(LAND.trim()) {}
        @for (from, to) in steps.take(50) {
            @let ((x1, y1), (x2, y2)) = (point(from.at), point(to.at));
            // A bow upwards tells there and back apart.
            path .way d={ "M" (x1) " " (y1) "Q" ((x1 + x2) / 2) " " ((y1 + y2) / 2 - (x2 - x1).abs() / 6) " " (x2) " " (y2) } {}
        }
        @for (n, place) in (1..).zip(places) {
            @let (x, y) = point(place.at);
            circle .spot cx=(x) cy=(y) r="8" { title { (place.name) ": " (shown::number(place.times)) } }
            text .count-on-map x=(x) y=(y + 4) text-anchor="middle" { (n) }
        }
    } }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sight(country: &str, at: Option<(f64, f64)>, when: i64) -> Sight {
        let country = Some(country.to_string());
        Sight { at, country, name: None, address: Some(format!("192.0.2.{when}")), when: Timestamp(when) }
    }

    #[test]
    fn places_are_counted_once_and_the_way_goes_through_them_in_order() {
        let all = [
            sight("se", None, 1),
            sight("SE", None, 2),
            sight("US", Some((40.7, -74.0)), 3),
            sight("SE", None, 4),
        ];
        let (places, path) = places(&all);
        assert_eq!(places.len(), 2);
        assert_eq!((places[0].times, places[0].last, places[0].addresses.len()), (3, Timestamp(4), 3));
        assert_eq!(path, [0, 1, 0]);
        assert_eq!(places[1].at, (40.7, -74.0));
    }

    #[test]
    fn every_country_lies_within_the_drawing_and_what_is_not_known_is_left_out() {
        assert!(COUNTRIES.len() > 200);
        for (code, at) in COUNTRIES.iter() {
            let (x, y) = point(*at);
            assert!((0..=720).contains(&x) && (0..=288).contains(&y), "{code}");
        }
        assert!(places(&[sight("XX", None, 1)]).0.is_empty());
        assert!(LAND.starts_with('M') && LAND.trim().ends_with('z'));
    }
}
