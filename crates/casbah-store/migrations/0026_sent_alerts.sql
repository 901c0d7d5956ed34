-- What is known of alerts that others have raised and sent in, beside what every alert has.
create table sent_alerts (
    tenant {text} not null,
    alert {text} not null,
    -- The sender's id, where that is no record id.
    external {text},
    facts {text} not null,
    primary key (tenant, alert)
) {strict};
