//! `POST /$batch`: up to twenty requests in one. Each is answered as if it had come alone: the token is checked
//! again, and so are permissions, sizes and everything that the trail says of it.

use axum::body::Body;
use axum::response::Response;
use casbah_service::Service;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::error::{About, GraphError};
use super::path::{self, Segment};
use super::properties::Properties;
use super::{Answer, LARGEST_BODY, Shown, dispatch, identify, respond};

/// Most requests of a batch, as in Graph.
const MOST: usize = 20;
/// Largest body of a batch, as in Graph.
const LARGEST_BATCH: usize = 4 * 1024 * 1024;
/// What clients write into addresses of a batch as it is, and no request line holds.
const AS_IT_IS: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

const DPOP: HeaderName = HeaderName::from_static("dpop");

/// One request of a batch.
struct Step {
    id: String,
    /// A request that cannot even be made is refused alone.
    request: Result<(Parts, Vec<u8>), GraphError>,
    /// Places of the requests that must have succeeded.
    after: Vec<usize>,
}

/// Whether an address is that of the batch.
pub(super) fn is_batch(uri: &Uri) -> bool {
    let path = uri.path();
    let rest = path.strip_prefix("/v1.0").or_else(|| path.strip_prefix("/beta")).unwrap_or(path);
    let segments = path::parse(rest).unwrap_or_default();
    matches!(segments.as_slice(), [Segment::Word(word)] if word.eq_ignore_ascii_case("$batch"))
}

pub(super) async fn answer(service: &Service, outer: &Parts, body: Body) -> Result<Answer, GraphError> {
    if outer.method != Method::POST {
        return Err(GraphError::wrong_method(&[&Method::POST]));
    }
    identify(service, outer, Shown::First).await?;
    let body = axum::body::to_bytes(body, LARGEST_BATCH).await;
    let body = body.map_err(|_| GraphError::too_large(LARGEST_BATCH))?;
    let mut steps = read(outer, &body)?;
    let mut answers = vec![Value::Null; steps.len()];
    for place in order(&steps)? {
        let succeeded = |place: usize| answers[place]["status"].as_u64().is_some_and(|status| status < 400);
        let failed = steps[place].after.iter().find(|before| !succeeded(**before));
        let request = match failed {
            Some(failed) => Err(GraphError::failed_dependency(&steps[*failed].id)),
            None => {
                let nothing = Err(GraphError::bad_request("The request was made already."));
                std::mem::replace(&mut steps[place].request, nothing)
            }
        };
        answers[place] = one(service, &steps[place].id, request, &outer.headers).await;
    }
    Ok(Answer::Found(json!({ "responses": answers })))
}

/// The answer to one request, as the batch shows it.
async fn one(
    service: &Service,
    id: &str,
    request: Result<(Parts, Vec<u8>), GraphError>,
    outer: &HeaderMap,
) -> Value {
    let headers = request.as_ref().map_or(outer, |(parts, _)| &parts.headers);
    let about = About::of(service, headers);
    let asked = request.as_ref().ok().map(|(parts, _)| (parts.method.clone(), parts.uri.path().to_string()));
    let result = match request {
        Err(error) => Err(error),
        Ok((_, body)) if body.len() > LARGEST_BODY => Err(GraphError::too_large(LARGEST_BODY)),
        Ok((parts, body)) => match identify(service, &parts, Shown::Again).await {
            Ok(caller) => dispatch(service, caller, &parts, &body.into()).await,
            Err(error) => Err(error),
        },
    };
    let response = respond(result, &about);
    if let Some((method, path)) = asked {
        let (status, id) = (response.status().as_u16(), about.request);
        tracing::info!(target: "casbah::access", %method, path, status, request_id = %id, "in a batch");
    }
    view(id, response).await
}

async fn view(id: &str, response: Response) -> Value {
    let (parts, body) = response.into_parts();
    let text = |value: &HeaderValue| Value::from(String::from_utf8_lossy(value.as_bytes()));
    let headers: Map<_, _> =
        parts.headers.iter().map(|(name, v)| (capitalised(name.as_str()), text(v))).collect();
    let mut shown = json!({ "id": id, "status": parts.status.as_u16(), "headers": headers });
    // Everything that answers here is at hand already.
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let is_json = parts
        .headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|v| v.as_bytes().starts_with(b"application/json"));
    if !body.is_empty() {
        // OData JSON Format 4.01, section 19.2: JSON as it is, text as a string.
        let text = || Value::from(String::from_utf8_lossy(&body));
        let json = is_json.then(|| serde_json::from_slice(&body).ok()).flatten();
        shown["body"] = json.unwrap_or_else(text);
    }
    shown
}

/// `content-type` as `Content-Type`: some clients look for that very name.
fn capitalised(name: &str) -> String {
    let word = |word: &str| {
        let mut chars = word.chars();
        chars.next().map(|c| c.to_uppercase().chain(chars).collect::<String>()).unwrap_or_default()
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

/// Reads the requests. What makes the batch as a whole impossible to carry out refuses it as a whole.
fn read(outer: &Parts, body: &[u8]) -> Result<Vec<Step>, GraphError> {
    let body =
        serde_json::from_slice(body).map_err(|_| GraphError::bad_request("The body is not valid JSON."))?;
    let mut body = Properties::of(body)?;
    let requests = body.objects("requests")?.unwrap_or_default();
    body.finish()?;
    if requests.is_empty() || requests.len() > MOST {
        return Err(GraphError::bad_request(format!("Property 'requests' must hold 1 to {MOST} requests.")));
    }
    let (mut steps, mut dependencies): (Vec<Step>, Vec<Vec<String>>) = (Vec::new(), Vec::new());
    for mut request in requests {
        let id = request.needed_text("id")?;
        if id.is_empty() || steps.iter().any(|step| step.id.eq_ignore_ascii_case(&id)) {
            return Err(GraphError::bad_request(format!(
                "The id '{id}' must be there once, and not be empty."
            )));
        }
        dependencies.push(request.texts("dependsOn")?.unwrap_or_default());
        let (method, url) = (request.needed_text("method")?, request.needed_text("url")?);
        let (headers, body) = (request.take("headers"), request.take("body"));
        request.finish()?;
        let parts = parts(outer, &method, &url, headers);
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        steps.push(Step { id, request: parts.map(|parts| (parts, body)), after: Vec::new() });
    }
    for (place, names) in dependencies.iter().enumerate() {
        for name in names {
            let before = steps.iter().position(|step| step.id.eq_ignore_ascii_case(name));
            let before = before.ok_or_else(|| {
                GraphError::bad_request(format!(
                    "'dependsOn' names '{name}', which no request has as its id."
                ))
            })?;
            steps[place].after.push(before);
        }
    }
    Ok(steps)
}

/// The request as it would have come alone, with the token of the batch.
fn parts(outer: &Parts, method: &str, url: &str, headers: Option<Value>) -> Result<Parts, GraphError> {
    let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes())
        .map_err(|_| GraphError::bad_request(format!("'{method}' is not a method.")))?;
    let mut request = Request::builder().method(method).uri(address(outer, url)?);
    let headers = match headers {
        None => Map::new(),
        Some(Value::Object(headers)) => headers,
        Some(_) => return Err(GraphError::bad_request("Property 'headers' must be an object.")),
    };
    for (name, value) in &headers {
        let wrong = || GraphError::bad_request(format!("The header '{name}' cannot be read."));
        let name: HeaderName = name.parse().map_err(|_| wrong())?;
        if [header::AUTHORIZATION, DPOP].contains(&name) {
            return Err(GraphError::bad_request(format!(
                "The header '{name}' belongs to the batch: all its requests are made by one caller."
            )));
        }
        request = request.header(name, value.as_str().ok_or_else(wrong)?);
    }
    for name in [header::AUTHORIZATION, DPOP] {
        request = outer.headers.get_all(&name).iter().fold(request, |r, value| r.header(&name, value));
    }
    let unusable = |_| GraphError::bad_request("A header of the request cannot be read.");
    Ok(request.body(()).map_err(unusable)?.into_parts().0)
}

fn address(outer: &Parts, url: &str) -> Result<Uri, GraphError> {
    let version = if outer.uri.path().starts_with("/beta") { "beta" } else { "v1.0" };
    let url = url.strip_prefix('/').unwrap_or(url);
    let is_relative =
        !url.starts_with('/') && !url.split(['/', '?']).next().unwrap_or_default().contains(':');
    let made = format!("/{version}/{}", utf8_percent_encode(url, AS_IT_IS)).parse();
    let (true, Ok(made)) = (is_relative, made) else {
        return Err(GraphError::bad_request("Property 'url' must be relative to the version, like /users."));
    };
    if is_batch(&made) {
        return Err(GraphError::bad_request("A batch cannot hold a batch."));
    }
    Ok(made)
}

/// The places in an order in which everything comes behind what it depends on.
fn order(steps: &[Step]) -> Result<Vec<usize>, GraphError> {
    let mut order: Vec<usize> = Vec::new();
    while order.len() < steps.len() {
        let is_next = |place: &usize| {
            !order.contains(place) && steps[*place].after.iter().all(|before| order.contains(before))
        };
        let next = (0..steps.len()).find(is_next);
        order.push(next.ok_or_else(|| {
            GraphError::bad_request("'dependsOn' goes in a circle: some requests would wait for each other.")
        })?);
    }
    Ok(order)
}
