//! The table of endpoints: one row is route, permission and description at once, so that none of
//! them can be forgotten.

#[cfg(test)]
mod tests;

use axum::Router;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use casbah_authority::Caller;
use casbah_model::Permission;
use casbah_service::Service;

use crate::caller;
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
    /// What it does, in a few words.
    pub summary: &'static str,
    /// The handler's name, which is the operation id.
    pub operation: &'static str,
}

/// A part of the API.
pub(crate) struct Area {
    name: &'static str,
    rows: Vec<Row>,
    bound: Option<Bound>,
}

/// What the roles of a person must allow beside the permissions: none when they do, otherwise the refusal.
/// The flag says whether the call changes something.
pub(crate) type Bound = fn(&Caller, bool) -> Option<Problem>;

struct Row {
    methods: &'static [&'static str],
    path: &'static str,
    access: Access,
    summary: &'static str,
    operation: &'static str,
    route: MethodRouter<Service>,
}

impl Area {
    pub(crate) fn new(name: &'static str) -> Area {
        Area { name, rows: Vec::new(), bound: None }
    }

    /// Asks this of every caller as well.
    pub(crate) fn bound(self, bound: Bound) -> Area {
        Area { bound: Some(bound), ..self }
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
        self.rows.push(Row { methods, path, access, summary, operation, route: on(filter, handler) });
        self
    }

    pub(crate) fn into_router(self, service: &Service) -> Router<Service> {
        self.rows.into_iter().fold(Router::new(), |router, row| {
            let changes = !row.operation.starts_with("list") && row.methods != ["GET"];
            let bound = self.bound.map(|bound| (bound, changes));
            let guard = from_fn_with_state((service.clone(), row.access, bound), guard);
            router.route(row.path, row.route.route_layer(guard))
        })
    }

    pub(crate) fn endpoints(&self) -> Vec<EndpointInfo> {
        let info = |row: &Row| EndpointInfo {
            area: self.name,
            methods: row.methods,
            path: row.path,
            access: row.access,
            summary: row.summary,
            operation: row.operation,
        };
        self.rows.iter().map(info).collect()
    }
}

/// What the guard of a row knows: whether and how callers are bounded by their roles comes last.
type Guarded = (Service, Access, Option<(Bound, bool)>);

/// Lets a request through to its handler when the row allows, with its caller beside it.
async fn guard(
    State((service, access, bound)): State<Guarded>,
    mut request: Request,
    next: Next,
) -> Response {
    let Access::AnyOf(any_of) = access else { return next.run(request).await };
    let target = Target::new(request.method(), request.uri(), request.extensions());
    #[cfg(test)]
    let known = match request.extensions().get::<casbah_authority::Caller>() {
        Some(caller) => Ok(caller.clone()),
        None => caller::identify(&service, &target, request.headers()).await,
    };
    #[cfg(not(test))]
    let known = caller::identify(&service, &target, request.headers()).await;
    let caller = match known {
        Ok(caller) => caller,
        Err(problem) => return problem.into_response(),
    };
    let legacy = caller.legacy;
    // The first that is held suffices; rows name the lesser permission first.
    let used = any_of.iter().find(|p| caller.permissions.contains(**p));
    let refusal = match used {
        Some(_) => bound.and_then(|(bound, changes)| bound(&caller, changes)),
        None => Some(Problem::forbidden(any_of)),
    };
    if let (Some(used), None) = (used, &refusal) {
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
