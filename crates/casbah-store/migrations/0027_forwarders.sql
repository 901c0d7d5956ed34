-- Where records are sent as they arrive, and what still has to be sent.

create table forwarders (
    tenant {text} not null,
    id {text} not null,
    -- 1 webhook, 2 SIEM agent
    kind {int} not null,
    name {text} not null,
    outlet {text} not null,
    sealed {blob},
    -- Which alerts and activities are sent; none of them where there is nothing.
    alerts {text},
    activities {text},
    enabled {int} not null,
    created {int} not null,
    created_by {text} not null,
    modified {int} not null,
    last_sent {int},
    sent {int} not null,
    dropped {int} not null,
    last_error {text},
    last_error_at {int},
    failures {int} not null,
    retry_at {int} not null,
    lease {text},
    lease_node {text},
    lease_until {int},
    primary key (tenant, id)
) {strict};

-- One row for each record that a forwarder has not sent yet. An alert is named by its id, an activity by its
-- place in the order of time; of an alert the place is when it was raised.
create table forwarder_queue (
    tenant {text} not null,
    forwarder {text} not null,
    -- 1 alert, 2 activity
    kind {int} not null,
    place {int} not null,
    record {text} not null,
    attempts {int} not null,
    retry_at {int} not null,
    primary key (tenant, forwarder, kind, place, record)
) {strict};
create index forwarder_queue_by_record on forwarder_queue (tenant, kind, place, record);
