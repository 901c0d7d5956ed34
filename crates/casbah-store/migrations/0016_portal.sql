-- Sessions of the portal, each within the browser session that it was signed in from: it ends with that.

create table portal_sessions (
    tenant {text} not null,
    digest {blob} not null,
    -- Public id of the browser session.
    session {text} not null,
    user_id {text} not null,
    created {int} not null,
    expires {int} not null,
    primary key (tenant, digest)
) {strict};
