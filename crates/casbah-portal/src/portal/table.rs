//! One table for all lists. On a narrow screen each row becomes a card whose cells bear their column's name.

use maud::{Markup, html};

use super::fields::Fields;
use super::text::t;

/// A column; with a key, the list can be sorted by it.
pub(crate) struct Column {
    pub(crate) title: &'static str,
    pub(crate) sort: Option<&'static str>,
    /// Numbers stand at the end of their cell.
    pub(crate) number: bool,
}

pub(crate) fn column(title: &'static str) -> Column {
    Column { title, sort: None, number: false }
}

impl Column {
    pub(crate) fn sorted_by(self, key: &'static str) -> Column {
        Column { sort: Some(key), ..self }
    }

    pub(crate) fn number(self) -> Column {
        Column { number: true, ..self }
    }
}

/// How a list is sorted: by which key, and whether the smallest comes first.
#[derive(Clone, Copy)]
pub(crate) struct Sorted<'a> {
    pub(crate) key: &'a str,
    pub(crate) ascending: bool,
}

/// A list that is not sorted by choice.
pub(crate) fn plain(caption: &str, columns: &[Column], rows: &[Vec<Markup>]) -> Markup {
    sorted(caption, columns, rows, None)
}

/// A list with what the address says of its order.
pub(crate) fn sorted(
    caption: &str,
    columns: &[Column],
    rows: &[Vec<Markup>],
    order: Option<(Sorted<'_>, &str, &Fields)>,
) -> Markup {
    html! { div .scroll { table .list {
        caption .unseen { (caption) }
        thead { tr { @for column in columns {
            @match (column.sort, order) {
                (Some(key), Some((now, path, query))) => {
                    @let is_now = now.key == key;
                    @let ascending = is_now && !now.ascending;
                    @let direction = if is_now && now.ascending { "ascending" } else { "descending" };
                    th scope="col" class=[column.number.then_some("number")] aria-sort=[is_now.then_some(direction)] {
                        a href=(query.with("sort", Some(key)).with("order", Some(if ascending { "asc" } else { "desc" }))
                            .with("until", None).with("skip", None).address(path)) {
                            (column.title)
                            @if is_now { span aria-hidden="true" { @if now.ascending { " ↑" } @else { " ↓" } } }
                        }
                    }
                }
                _ => th scope="col" class=[column.number.then_some("number")] { (column.title) },
            }
        } } }
        tbody { @for row in rows { tr data-row { @for (cell, column) in row.iter().zip(columns) {
            td data-label=(column.title) class=[column.number.then_some("number")] { (cell) }
        } } } }
    } } }
}

/// Links to the pages before and after.
pub(crate) fn pager(first: Option<&str>, next: Option<&str>) -> Markup {
    html! { @if first.is_some() || next.is_some() { nav .pager aria-label=(t("Pages")) {
        @if let Some(first) = first { a .button .second href=(first) { (t("To the beginning")) } }
        @if let Some(next) = next { a .button .second rel="next" href=(next) { (t("Next page")) } }
    } } }
}

/// What a page without rows says: what there would be, and what to do next.
pub(crate) fn empty(what: &str, action: Option<(&str, &str)>) -> Markup {
    html! { div .empty {
        p { (what) }
        @if let Some((label, href)) = action { div .buttons { a .button href=(href) { (label) } } }
    } }
}
