//! OData query options, and lists that obey them.

use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::error::GraphError;
use super::filter::Filter;

/// Most entries of a page, as in Graph.
const LARGEST_PAGE: usize = 999;
const USUAL_PAGE: usize = 100;

/// The options of a request.
#[derive(Debug, Default)]
pub(super) struct Query {
    /// `v1.0` or `beta`, as the request was addressed; links go on in the same version.
    pub(super) version: &'static str,
    pub(super) filter: Option<Filter>,
    /// `$orderby`: a property, and whether the order is descending.
    pub(super) order: Option<(String, bool)>,
    /// `$search`: each is a property and what one of its words begins with, in lower case.
    pub(super) search: Vec<(String, String)>,
    /// `$expand`, in lower case.
    pub(super) expand: Vec<String>,
    pub(super) count: bool,
    /// Where the page before ended.
    pub(super) skip_token: Option<String>,
    /// `Prefer: create-if-missing`
    pub(super) create_if_missing: bool,
    select: Option<Vec<String>>,
    top: Option<usize>,
    /// `$skip`, of lists that are at hand as a whole.
    skip: Option<usize>,
    /// The options as they came, for the link to the next page.
    raw: Vec<(String, String)>,
}

impl Query {
    pub(super) fn parse(text: &str) -> Result<Query, GraphError> {
        let mut query = Query { version: "v1.0", ..Query::default() };
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            // The dollar is optional in OData 4.01.
            match name.to_ascii_lowercase().trim_start_matches('$') {
                "filter" => query.filter = Some(Filter::parse(&value).map_err(GraphError::bad_request)?),
                "select" => {
                    query.select = Some(value.split(',').map(|s| s.trim().to_string()).collect());
                }
                "top" => {
                    let top = value.parse().ok().filter(|n| (1..=LARGEST_PAGE).contains(n));
                    query.top = Some(top.ok_or_else(|| {
                        GraphError::bad_request(format!("$top must be a number from 1 to {LARGEST_PAGE}."))
                    })?);
                }
                "count" => query.count = value.eq_ignore_ascii_case("true"),
                "skiptoken" => query.skip_token = Some(value.to_string()),
                "orderby" => query.order = Some(order(&value)?),
                "search" => query.search = search(&value)?,
                "expand" => {
                    query.expand = value.split(',').map(|s| s.trim().to_ascii_lowercase()).collect();
                }
                "format" if is_json(&value) => {}
                "skip" => {
                    let skip =
                        value.parse().map_err(|_| GraphError::bad_request("$skip must be a number."))?;
                    query.skip = Some(skip);
                }
                option @ ("format" | "apply") => return Err(unsupported(option)),
                _ => {}
            }
            query.raw.push((name.into_owned(), value.into_owned()));
        }
        Ok(query)
    }

    /// Whether `$select` names a property.
    pub(super) fn selects(&self, name: &str) -> bool {
        self.select.iter().flatten().any(|selected| selected.eq_ignore_ascii_case(name))
    }

    /// Takes what the `Prefer` header says about pages, `odata.maxpagesize=50`, and about what is not there,
    /// `create-if-missing`.
    pub(super) fn prefer(&mut self, header: &str) {
        let mut words = header.split([',', ';']).map(str::trim);
        self.create_if_missing |= words.any(|word| word.eq_ignore_ascii_case("create-if-missing"));
        let sizes = header.split([',', ';']).filter_map(|p| p.trim().split_once('='));
        let size = sizes
            .filter(|(name, _)| {
                let name = name.trim().to_ascii_lowercase();
                name == "odata.maxpagesize" || name == "maxpagesize"
            })
            .find_map(|(_, size)| size.trim().parse::<usize>().ok());
        if let Some(size) = size.filter(|size| *size > 0) {
            self.top = Some(self.top.map_or(size, |top| top.min(size)).min(LARGEST_PAGE));
        }
    }

    /// How many entries a page has.
    pub(super) fn page(&self) -> usize {
        self.top.unwrap_or(USUAL_PAGE)
    }

    /// Refuses names in `$filter`, `$select` and `$orderby` that entries of this shape do not have.
    pub(super) fn check(&self, shape: &Value) -> Result<(), GraphError> {
        if let Some(filter) = &self.filter {
            filter.check_names(shape).map_err(GraphError::bad_request)?;
        }
        let names = self.select.iter().flatten().chain(self.order.iter().map(|(name, _)| name));
        for name in names.chain(self.search.iter().map(|(name, _)| name)) {
            if !shape.as_object().is_some_and(|o| o.keys().any(|key| key.eq_ignore_ascii_case(name))) {
                return Err(no_property(name));
            }
        }
        Ok(())
    }

    /// Refuses the options that only lists have whose handlers say so.
    fn check_plain(&self) -> Result<(), GraphError> {
        let used = [
            ("orderby", self.order.is_some()),
            ("search", !self.search.is_empty()),
            ("expand", !self.expand.is_empty()),
        ];
        used.iter().find(|(_, used)| *used).map_or(Ok(()), |(option, _)| Err(unsupported(option)))
    }

    /// One entry with the properties that `$select` names, where nothing can be expanded.
    pub(super) fn select(&self, entry: Value) -> Result<Value, GraphError> {
        if !self.expand.is_empty() {
            return Err(unsupported("expand"));
        }
        self.keep(entry)
    }

    /// Whether `$expand` is there; only these can be.
    pub(super) fn expands(&self, known: &[&str]) -> Result<bool, GraphError> {
        match self.expand.iter().find(|name| !known.contains(&name.as_str())) {
            Some(other) => Err(GraphError::bad_request(format!("$expand={other} is not supported here."))),
            None => Ok(!self.expand.is_empty()),
        }
    }

    /// Keeps the properties that `$select` names.
    pub(super) fn keep(&self, entry: Value) -> Result<Value, GraphError> {
        let (Some(select), Value::Object(mut entry)) = (&self.select, entry.clone()) else {
            return Ok(entry);
        };
        let mut kept = Map::new();
        for name in select.iter().chain(&self.expand) {
            if kept.keys().any(|key: &String| key.eq_ignore_ascii_case(name)) {
                continue;
            }
            let key = entry.keys().find(|k| k.eq_ignore_ascii_case(name)).cloned();
            let (key, value) = key.and_then(|k| entry.remove_entry(&k)).ok_or_else(|| no_property(name))?;
            kept.insert(key, value);
        }
        kept.extend(entry.into_iter().filter(|(key, _)| key == "@odata.type"));
        Ok(Value::Object(kept))
    }

    /// Answers a list that is at hand as a whole: filters, searches, sorts, counts, cuts the page.
    pub(super) fn list(&self, base: &str, path: &str, entries: Vec<Value>) -> Result<Value, GraphError> {
        self.list_without(base, path, entries, &[])
    }

    /// The same where some properties serve filters only, and are shown when `$select` names them.
    pub(super) fn list_without(
        &self,
        base: &str,
        path: &str,
        entries: Vec<Value>,
        hidden: &[&str],
    ) -> Result<Value, GraphError> {
        if !self.expand.is_empty() {
            return Err(unsupported("expand"));
        }
        if let Some(first) = entries.first() {
            self.check(first)?;
        }
        let mut matching = Vec::new();
        for entry in entries {
            if self.matches(&entry)? {
                matching.push(entry);
            }
        }
        if let Some((name, descending)) = &self.order {
            let key = |entry: &Value| {
                let found = entry.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
                found.map(|(_, value)| value.as_str().map_or_else(|| value.to_string(), str::to_lowercase))
            };
            matching.sort_by_cached_key(key);
            if *descending {
                matching.reverse();
            }
        }
        let wrong = || GraphError::bad_request("$skiptoken is not one of ours.");
        let skip: usize = self.skip_token.as_ref().map_or(Ok(0), |t| t.parse()).map_err(|_| wrong())?;
        let skip = skip.saturating_add(self.skip.filter(|_| self.skip_token.is_none()).unwrap_or(0));
        let total = matching.len();
        let mut page: Vec<Value> = matching.into_iter().skip(skip).take(self.page()).collect();
        for entry in page.iter_mut().filter_map(Value::as_object_mut) {
            entry.retain(|name, _| !hidden.contains(&name.as_str()) || self.selects(name));
        }
        let end = skip.saturating_add(page.len());
        let next = (end < total).then(|| end.to_string());
        let count = self.count.then_some(total);
        self.body(base, path, page, count, next.as_deref())
    }

    /// Whether an entry fulfils `$filter` and `$search`.
    pub(super) fn matches(&self, entry: &Value) -> Result<bool, GraphError> {
        let filter = self.filter.as_ref().map_or(Ok(true), |f| f.matches(entry));
        let mut result = filter.map_err(GraphError::bad_request)?;
        for (name, start) in &self.search {
            let found = entry.as_object().and_then(|o| o.iter().find(|(k, _)| k.eq_ignore_ascii_case(name)));
            let (_, value) = found.ok_or_else(|| no_property(name))?;
            let text = value.as_str().unwrap_or_default().to_lowercase();
            let mut words = text.split(|c: char| !c.is_alphanumeric());
            result &= text.starts_with(start) || words.any(|word| word.starts_with(start));
        }
        Ok(result)
    }

    /// Puts a page into its envelope, of a list that knows only `$filter`, `$select` and `$top`.
    pub(super) fn answer(
        &self,
        base: &str,
        path: &str,
        page: Vec<Value>,
        count: Option<usize>,
        next: Option<&str>,
    ) -> Result<Value, GraphError> {
        self.check_plain()?;
        self.envelope(base, path, page, count, next)
    }

    /// Puts a page into its envelope; the list has obeyed the other options, where nothing can be expanded.
    pub(super) fn envelope(
        &self,
        base: &str,
        path: &str,
        page: Vec<Value>,
        count: Option<usize>,
        next: Option<&str>,
    ) -> Result<Value, GraphError> {
        if !self.expand.is_empty() {
            return Err(unsupported("expand"));
        }
        self.expanded(base, path, page, count, next)
    }

    /// The same of a list that has looked at `$expand`.
    pub(super) fn expanded(
        &self,
        base: &str,
        path: &str,
        page: Vec<Value>,
        count: Option<usize>,
        next: Option<&str>,
    ) -> Result<Value, GraphError> {
        if self.skip.is_some() {
            return Err(unsupported("skip"));
        }
        self.body(base, path, page, count, next)
    }

    fn body(
        &self,
        base: &str,
        path: &str,
        page: Vec<Value>,
        count: Option<usize>,
        next: Option<&str>,
    ) -> Result<Value, GraphError> {
        let version = self.version;
        let page = page.into_iter().map(|entry| self.keep(entry)).collect::<Result<Vec<_>, _>>()?;
        let mut body =
            json!({ "@odata.context": format!("{base}/{version}/$metadata#{path}"), "value": page });
        if let Some(count) = count {
            body["@odata.count"] = count.into();
        }
        if let Some(next) = next {
            let is_token = |name: &str| name.trim_start_matches('$').eq_ignore_ascii_case("skiptoken");
            let kept = self.raw.iter().filter(|(name, _)| !is_token(name));
            let options: String = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(kept)
                .append_pair("$skiptoken", next)
                .finish();
            body["@odata.nextLink"] = format!("{base}/{version}/{path}?{options}").into();
        }
        Ok(body)
    }
}

/// `displayName`, `displayName asc`, `displayName desc`.
fn order(text: &str) -> Result<(String, bool), GraphError> {
    let mut words = text.split_whitespace();
    let name = words.next().filter(|name| !name.contains(','));
    let descending = match words.next().map(str::to_ascii_lowercase).as_deref() {
        None | Some("asc") => false,
        Some("desc") => true,
        Some(_) => return Err(unsupported("orderby")),
    };
    match (name, words.next()) {
        (Some(name), None) => Ok((name.to_string(), descending)),
        _ => Err(GraphError::bad_request("$orderby takes one property, then asc or desc.")),
    }
}

/// `"displayName:start"`, several joined by AND.
fn search(text: &str) -> Result<Vec<(String, String)>, GraphError> {
    let wrong = || {
        GraphError::bad_request("$search takes \"property:words\" in double quotes, several joined by AND.")
    };
    let mut found = Vec::new();
    let mut rest = text.trim();
    loop {
        let (clause, after) =
            rest.strip_prefix('"').and_then(|rest| rest.split_once('"')).ok_or_else(wrong)?;
        let (name, words) = clause.split_once(':').ok_or_else(wrong)?;
        let words: Vec<String> = words
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect();
        if words.is_empty() {
            return Err(wrong());
        }
        found.extend(words.into_iter().map(|word| (name.trim().to_string(), word)));
        rest = match after.trim() {
            "" => return Ok(found),
            after => after.strip_prefix("AND").ok_or_else(wrong)?.trim(),
        };
    }
}

fn is_json(format: &str) -> bool {
    format.eq_ignore_ascii_case("json") || format.to_ascii_lowercase().starts_with("application/json")
}

fn unsupported(option: &str) -> GraphError {
    GraphError::bad_request(format!("The query option ${option} is not supported here."))
}

fn no_property(name: &str) -> GraphError {
    GraphError::bad_request(format!("Could not find a property named '{name}'."))
}
