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
    pub(super) filter: Option<Filter>,
    select: Option<Vec<String>>,
    top: Option<usize>,
    count: bool,
    /// Where the page before ended.
    pub(super) skip_token: Option<String>,
    /// The options as they came, for the link to the next page.
    raw: Vec<(String, String)>,
}

impl Query {
    pub(super) fn parse(text: &str) -> Result<Query, GraphError> {
        let mut query = Query::default();
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
                option @ ("expand" | "search" | "orderby" | "skip" | "format" | "apply") => {
                    return Err(GraphError::bad_request(format!(
                        "The query option ${option} is not supported."
                    )));
                }
                _ => {}
            }
            query.raw.push((name.into_owned(), value.into_owned()));
        }
        Ok(query)
    }

    /// How many entries a page has.
    pub(super) fn page(&self) -> usize {
        self.top.unwrap_or(USUAL_PAGE)
    }

    /// Keeps the properties that `$select` names.
    pub(super) fn select(&self, entry: Value) -> Result<Value, GraphError> {
        let (Some(select), Value::Object(mut entry)) = (&self.select, entry.clone()) else {
            return Ok(entry);
        };
        let mut kept = Map::new();
        for name in select {
            let key = entry.keys().find(|k| k.eq_ignore_ascii_case(name)).cloned();
            let (key, value) = key.and_then(|k| entry.remove_entry(&k)).ok_or_else(|| {
                GraphError::bad_request(format!("Could not find a property named '{name}'."))
            })?;
            kept.insert(key, value);
        }
        Ok(Value::Object(kept))
    }

    /// Answers a list that is at hand as a whole.
    pub(super) fn list(&self, base: &str, path: &str, entries: Vec<Value>) -> Result<Value, GraphError> {
        let mut matching = Vec::new();
        for entry in entries {
            if self
                .filter
                .as_ref()
                .map_or(Ok(true), |f| f.matches(&entry))
                .map_err(GraphError::bad_request)?
            {
                matching.push(entry);
            }
        }
        let wrong = || GraphError::bad_request("$skiptoken is not one of ours.");
        let skip: usize = self.skip_token.as_ref().map_or(Ok(0), |t| t.parse()).map_err(|_| wrong())?;
        let total = matching.len();
        let page: Vec<Value> = matching.into_iter().skip(skip).take(self.page()).collect();
        let end = skip.saturating_add(page.len());
        let next = (end < total).then(|| end.to_string());
        let count = self.count.then_some(total);
        self.answer(base, path, page, count, next.as_deref())
    }

    /// Puts a page into its envelope.
    pub(super) fn answer(
        &self,
        base: &str,
        path: &str,
        page: Vec<Value>,
        count: Option<usize>,
        next: Option<&str>,
    ) -> Result<Value, GraphError> {
        let page = page.into_iter().map(|entry| self.select(entry)).collect::<Result<Vec<_>, _>>()?;
        let mut body = json!({ "@odata.context": format!("{base}/v1.0/$metadata#{path}"), "value": page });
        if let Some(count) = count {
            body["@odata.count"] = count.into();
        }
        if let Some(next) = next {
            let kept = self.raw.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("$skiptoken"));
            let options: String = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(kept)
                .append_pair("$skiptoken", next)
                .finish();
            body["@odata.nextLink"] = format!("{base}/v1.0/{path}?{options}").into();
        }
        Ok(body)
    }
}
