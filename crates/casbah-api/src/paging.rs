//! Which part of a list, and how a list is answered.

use axum::Json;
use casbah_model::RecordId;
use casbah_model::filter::Page;
use serde_json::{Map, Value, json};

use crate::parameters::Parameters;
use crate::problem::{NOT_VALID, Problem};

/// Records of a page, unless less are asked for.
const PAGE: i64 = 100;
/// The same when a list is scanned: by default, and at the most.
const SCAN_PAGE: i64 = 500;
const LONGEST_SCAN_PAGE: i64 = 5_000;

/// A JSON answer, or a problem.
pub(crate) type Answer = Result<Json<Value>, Problem>;

/// Reads `skip`, `limit` and `isScan`. Longer pages than there are get cut, not refused.
pub(crate) fn page(parameters: &Parameters) -> Result<(Page, bool), Problem> {
    let scan = parameters.flag("isScan")?.unwrap_or(false);
    let (usual, longest) = if scan { (SCAN_PAGE, LONGEST_SCAN_PAGE) } else { (PAGE, PAGE) };
    let limit = parameters.number("limit")?.unwrap_or(usual);
    let skip = parameters.number("skip")?.unwrap_or(0);
    if limit < 1 {
        return Err(Problem::invalid("limit", "limit must be at least 1."));
    }
    if skip < 0 {
        return Err(Problem::invalid("skip", "skip must not be negative."));
    }
    Ok((Page { skip, limit: limit.min(longest) }, scan))
}

/// Whether the caller goes on behind the last time it saw, as some collectors do, and not by number: it names a
/// time to begin at and no number.
pub(crate) fn follows_time(parameters: &Parameters, filters: &Map<String, Value>) -> bool {
    let date = filters.get("date").and_then(Value::as_object);
    parameters.raw("skip").is_none()
        && date.is_some_and(|date| date.contains_key("gte") || date.contains_key("gt"))
}

/// Reads `sortDirection`; true is ascending.
pub(crate) fn ascending(parameters: &Parameters) -> Result<bool, Problem> {
    match parameters.text("sortDirection")?.unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "" | "desc" => Ok(false),
        "asc" => Ok(true),
        _ => Err(Problem::invalid("sortDirection", "sortDirection must be asc or desc.")),
    }
}

/// Reads `sortField` against a table of names; the first is the default.
pub(crate) fn sort_field<F: Copy>(parameters: &Parameters, table: &[(&str, F)]) -> Result<F, Problem> {
    let name = parameters.text("sortField")?.unwrap_or_default();
    let wanted = name.trim();
    let found = table.iter().find(|(name, _)| wanted.is_empty() || *name == wanted);
    found.map(|(_, field)| *field).ok_or_else(|| {
        let names: Vec<&str> = table.iter().map(|(name, _)| *name).collect();
        Problem::invalid("sortField", format!("sortField must be one of {}.", names.join(", ")))
    })
}

/// A list, as it is answered.
pub(crate) fn answer(data: Vec<Value>, total: i64, page: Page) -> Value {
    let has_next = page.skip.saturating_add(data.len() as i64) < total;
    json!({ "data": data, "total": total, "hasNext": has_next, "max": page.limit, "moreThanTotal": false })
}

/// The part of a whole list that a page asks for, as it is answered.
pub(crate) fn cut(all: Vec<Value>, page: Page) -> Value {
    let total = all.len() as i64;
    let skip = usize::try_from(page.skip).unwrap_or(usize::MAX);
    let limit = usize::try_from(page.limit).unwrap_or(0);
    answer(all.into_iter().skip(skip).take(limit).collect(), total, page)
}

/// Among the filters of a scan by record id: behind which record the next page begins.
pub(crate) const SCAN_AFTER: &str = "scanAfter";

/// Takes that out of the filters. None when the list is not scanned; within, none for the first page.
pub(crate) fn scan_after(
    given: &mut Map<String, Value>,
    scan: bool,
) -> Result<Option<Option<RecordId>>, Problem> {
    if !scan {
        return Ok(None);
    }
    let Some(after) = given.remove(SCAN_AFTER) else { return Ok(Some(None)) };
    let text = after.get("eq").and_then(Value::as_str).unwrap_or_default();
    let wrong = "scanAfter is what the page before gave in nextQueryFilters.";
    text.parse().map(|id| Some(Some(id))).map_err(|_| Problem::coded("filters", NOT_VALID, json!({}), wrong))
}
