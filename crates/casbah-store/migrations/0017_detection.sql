-- Policies look at activities as they arrive.

-- Activities that no policy has looked at yet. They are noted in the transaction that stores them, and
-- forgotten in the one that raises the alerts: nothing is missed and nothing is found twice.
create table arrived_activities (
    tenant {text} not null,
    seq {int} not null,
    primary key (tenant, seq)
) {strict};

-- Which activities satisfied which policy, for whom, and which alert came of it.
create table activity_matches (
    tenant {text} not null,
    policy {text} not null,
    seq {int} not null,
    subject {text} not null,
    alert {text},
    primary key (tenant, policy, seq)
) {strict};
create index activity_matches_by_activity on activity_matches (tenant, seq);
create index activity_matches_by_subject on activity_matches (tenant, policy, subject, seq);
create index activity_matches_by_alert on activity_matches (tenant, alert, seq) where alert is not null;
