//! The table of endpoints: one row is route, permission and description at once, so that none of
//! them can be forgotten.

#[cfg(test)]
mod matrix;
#[cfg(test)]
mod tests;

use axum::Router;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use casbah_authority::Caller;
use casbah_model::{ADMINISTRATOR_ROLES, Access as Right, Part, Permission, ROLES};
use casbah_service::Service;

use crate::caller;
use crate::describe::{Answers, Property, Record, Shape};
use crate::filters::{Field, FilterInfo};
use crate::presented::Target;
use crate::problem::Problem;

/// Who may call an endpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Holders of at least one of these permissions.
    AnyOf(&'static [Permission]),
    /// Whoever has the signed address.
    SignedUrl,
}

/// Who calls from within this process: a page that a person sees asks as that person. Nothing that comes over the
/// network can be one.
#[derive(Clone, Debug)]
pub struct InPerson(pub Caller);

/// One endpoint, described.
#[derive(Clone, Debug)]
pub struct EndpointInfo {
    /// The part of the API that it belongs to.
    pub area: &'static str,
    /// Methods, in upper case.
    pub methods: &'static [&'static str],
    /// Path in its uniform spelling (see [`crate::normalise`]), parameters in braces.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// What the roles of a person must allow beside it.
    pub needs: Option<(Part, Right)>,
    /// What it does, in a few words.
    pub summary: &'static str,
    /// The handler's name, which is the operation id.
    pub operation: &'static str,
    /// What it takes and answers.
    pub(crate) says: Says,
}

/// What an endpoint takes and what it answers, for `/openapi.json` and `/api/v1/filters`.
#[derive(Clone, Debug)]
pub(crate) struct Says {
    /// What stands in its path as `{id}`.
    pub(crate) id: Shape,
    /// Parameters of its own.
    pub(crate) takes: &'static [Property],
    /// What `filters` may hold; empty when it takes none.
    pub(crate) filters: Vec<FilterInfo>,
    /// What `sortField` may be, the default first; empty when there is one order only.
    pub(crate) sorts: &'static [&'static str],
    /// Whether it takes `skip` and `limit`.
    pub(crate) paged: bool,
    /// Whether it takes `isScan`.
    pub(crate) scanned: bool,
    /// Records that are sent one a line.
    pub(crate) lines: Option<&'static Record>,
    /// What it answers; a test sees to it that every row says it.
    pub(crate) answers: Option<Answers>,
}

impl Default for Says {
    fn default() -> Says {
        Says {
            id: Shape::Id,
            takes: &[],
            filters: Vec::new(),
            sorts: &[],
            paged: false,
            scanned: false,
            lines: None,
            answers: None,
        }
    }
}

/// A part of the API.
pub(crate) struct Area {
    name: &'static str,
    /// What it is about, for the roles of people; none when whoever may do anything may call.
    part: Option<Part>,
    rows: Vec<Row>,
}

struct Row {
    methods: &'static [&'static str],
    path: &'static str,
    access: Access,
    summary: &'static str,
    operation: &'static str,
    route: MethodRouter<Service>,
    says: Says,
}

impl Area {
    pub(crate) fn new(name: &'static str, part: Part) -> Area {
        Area { name, part: Some(part), rows: Vec::new() }
    }

    /// A part that no role of a person closes.
    pub(crate) fn for_everyone(name: &'static str) -> Area {
        Area { name, part: None, rows: Vec::new() }
    }

    /// Reads something.
    pub(crate) fn get<H: Handler<T, Service>, T: 'static>(
        self,
        path: &'static str,
        any_of: &'static [Permission],
        summary: &'static str,
        handler: H,
    ) -> Area {
        self.row((&["GET"], MethodFilter::GET), path, Access::AnyOf(any_of), summary, handler)
    }

    /// Does something.
    pub(crate) fn post<H: Handler<T, Service>, T: 'static>(
        self,
        path: &'static str,
        any_of: &'static [Permission],
        summary: &'static str,
        handler: H,
    ) -> Area {
        self.row((&["POST"], MethodFilter::POST), path, Access::AnyOf(any_of), summary, handler)
    }

    /// Replaces what something says.
    pub(crate) fn put<H: Handler<T, Service>, T: 'static>(
        self,
        path: &'static str,
        any_of: &'static [Permission],
        summary: &'static str,
        handler: H,
    ) -> Area {
        self.row((&["PUT"], MethodFilter::PUT), path, Access::AnyOf(any_of), summary, handler)
    }

    /// Removes something.
    pub(crate) fn delete<H: Handler<T, Service>, T: 'static>(
        self,
        path: &'static str,
        any_of: &'static [Permission],
        summary: &'static str,
        handler: H,
    ) -> Area {
        self.row((&["DELETE"], MethodFilter::DELETE), path, Access::AnyOf(any_of), summary, handler)
    }

    /// A list, which is asked for by GET or by POST alike.
    pub(crate) fn list<H: Handler<T, Service>, T: 'static>(
        self,
        path: &'static str,
        any_of: &'static [Permission],
        summary: &'static str,
        handler: H,
    ) -> Area {
        let both = MethodFilter::GET.or(MethodFilter::POST);
        self.row((&["GET", "POST"], both), path, Access::AnyOf(any_of), summary, handler)
    }

    /// What a signed address gives a right to.
    pub(crate) fn signed<H: Handler<T, Service>, T: 'static>(
        self,
        methods: (&'static [&'static str], MethodFilter),
        path: &'static str,
        summary: &'static str,
        handler: H,
    ) -> Area {
        self.row(methods, path, Access::SignedUrl, summary, handler)
    }

    fn row<H: Handler<T, Service>, T: 'static>(
        mut self,
        (methods, filter): (&'static [&'static str], MethodFilter),
        path: &'static str,
        access: Access,
        summary: &'static str,
        handler: H,
    ) -> Area {
        let operation = std::any::type_name::<H>().rsplit("::").next().unwrap_or_default();
        let (route, says) = (on(filter, handler), Says::default());
        self.rows.push(Row { methods, path, access, summary, operation, route, says });
        self
    }

    /// The last row answers a page of such records, chosen by `skip` and `limit`.
    pub(crate) fn pages(self, record: &'static Record) -> Area {
        self.says(|says| (says.answers, says.paged) = (Some(Answers::Page(record)), true))
    }

    /// The last row answers a page of such records, which nothing chooses.
    pub(crate) fn answers_page(self, record: &'static Record) -> Area {
        self.says(|says| says.answers = Some(Answers::Page(record)))
    }

    /// The last row answers this.
    pub(crate) fn answers(self, shape: Shape) -> Area {
        self.says(|says| says.answers = Some(Answers::Json(shape)))
    }

    /// The last row answers a text of this media type, or without the parameter that asks for it a page.
    pub(crate) fn answers_text_or(self, media_type: &'static str, record: &'static Record) -> Area {
        self.says(|says| (says.answers, says.paged) = (Some(Answers::TextOr(media_type, record)), true))
    }

    /// The last row answers a file of such records.
    pub(crate) fn answers_file(self, record: &'static Record) -> Area {
        self.says(|says| says.answers = Some(Answers::File(record)))
    }

    /// The last row speaks another protocol, which is described elsewhere.
    pub(crate) fn described_elsewhere(self) -> Area {
        self.says(|says| says.answers = Some(Answers::Elsewhere))
    }

    /// The last row takes these parameters.
    pub(crate) fn takes(self, parameters: &'static [Property]) -> Area {
        self.says(|says| says.takes = parameters)
    }

    /// The last row takes `filters` on these fields.
    pub(crate) fn filtered<F>(self, fields: &[Field<F>]) -> Area {
        self.says(|says| says.filters = fields.iter().map(Field::info).collect())
    }

    /// The last row takes `sortField`, one of these, and `sortDirection`; the first is the default.
    pub(crate) fn sorted(self, fields: &'static [&'static str]) -> Area {
        self.says(|says| says.sorts = fields)
    }

    /// The last row takes `isScan`.
    pub(crate) fn scanned(self) -> Area {
        self.says(|says| says.scanned = true)
    }

    /// The last row takes `skip` and `limit`, though what it answers is no page.
    pub(crate) fn paged(self) -> Area {
        self.says(|says| says.paged = true)
    }

    /// The last row takes such records, one a line.
    pub(crate) fn takes_lines(self, record: &'static Record) -> Area {
        self.says(|says| says.lines = Some(record))
    }

    /// What `{id}` is in the path of the last row; without this, 24 hex digits.
    pub(crate) fn at(self, id: Shape) -> Area {
        self.says(|says| says.id = id)
    }

    fn says(mut self, say: impl FnOnce(&mut Says)) -> Area {
        if let Some(row) = self.rows.last_mut() {
            say(&mut row.says);
        }
        self
    }

    pub(crate) fn into_router(self, service: &Service) -> Router<Service> {
        self.rows.into_iter().fold(Router::new(), |router, row| {
            let needs = self.part.and_then(|part| row.needs(part));
            let guard = from_fn_with_state((service.clone(), row.access, needs), guard);
            router.route(row.path, row.route.route_layer(guard))
        })
    }

    pub(crate) fn endpoints(&self) -> Vec<EndpointInfo> {
        let info = |row: &Row| EndpointInfo {
            area: self.name,
            methods: row.methods,
            path: row.path,
            access: row.access,
            needs: self.part.and_then(|part| row.needs(part)),
            summary: row.summary,
            operation: row.operation,
            says: row.says.clone(),
        };
        self.rows.iter().map(info).collect()
    }
}

impl Row {
    /// What it asks of the roles of people: to change something where every permission that opens it does.
    fn needs(&self, part: Part) -> Option<(Part, Right)> {
        let Access::AnyOf(any_of) = self.access else { return None };
        let changes = any_of.iter().all(|permission| permission.implied().is_some());
        Some((part, if changes { Right::Change } else { Right::Read }))
    }
}

/// What the guard of a row knows.
type Guarded = (Service, Access, Option<(Part, Right)>);

/// Lets a request through to its handler when the row allows, with its caller beside it.
async fn guard(
    State((service, access, needs)): State<Guarded>,
    mut request: Request,
    next: Next,
) -> Response {
    let Access::AnyOf(any_of) = access else { return next.run(request).await };
    let target = Target::new(request.method(), request.uri(), request.extensions());
    let person = request.extensions().get::<InPerson>().map(|person| person.0.clone());
    let in_person = person.is_some();
    #[cfg(test)]
    let person = person.or_else(|| request.extensions().get::<Caller>().cloned());
    let known = match person {
        Some(caller) => Ok(caller),
        None => caller::identify(&service, &target, request.headers()).await,
    };
    let caller = match known {
        Ok(caller) => caller,
        Err(problem) => return problem.into_response(),
    };
    if !in_person && let Err(wait) = service.pass(caller.tenant).await {
        return Problem::throttled(wait).into_response();
    }
    let legacy = caller.legacy;
    // The first that is held suffices; rows name the lesser permission first.
    let used = any_of.iter().find(|p| caller.permissions.contains(**p));
    let refusal = match used {
        Some(_) => needs.and_then(|(part, right)| closed(&caller, part, right)),
        None => Some(Problem::forbidden(any_of)),
    };
    // What people do on pages says nothing of what an application needs.
    if let (Some(used), None, false) = (used, &refusal, in_person) {
        service.note_permission_use(&caller, casbah_authority::seed::CLOUD_APPS, used.value());
    }
    let mut response = match refusal {
        None => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Some(problem) => problem.into_response(),
    };
    if legacy {
        caller::deprecate(&service, response.headers_mut());
    }
    response
}

/// The refusal of a person whose roles do not open a part; none when they do.
fn closed(caller: &Caller, part: Part, right: Right) -> Option<Problem> {
    if caller.entitlements.access(part) >= right {
        return None;
    }
    let of_directory = ROLES.iter().map(|role| (role.name, role.rights));
    let own = ADMINISTRATOR_ROLES.iter().map(|role| (role.name, role.rights));
    let enough = of_directory.chain(own).filter(|(_, rights)| rights.access(part) >= right);
    let mut enough: Vec<&str> = enough.map(|(name, _)| name).collect();
    enough.sort_unstable_by_key(|name| name.to_lowercase());
    enough.dedup_by(|a, b| a.eq_ignore_ascii_case(b));
    let verb = if right == Right::Change { "change" } else { "read" };
    let why = format!("To {verb} {} a person needs one of the roles {}.", part.name(), enough.join(", "));
    Some(Problem::role(&why))
}
