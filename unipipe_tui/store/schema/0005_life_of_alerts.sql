-- What an alert is about, how bad it is, how often it was found, with what evidence, and until when somebody set it aside.
ALTER TABLE alerts ADD COLUMN subject VARCHAR DEFAULT '';
ALTER TABLE alerts ADD COLUMN severity VARCHAR DEFAULT 'warning';
ALTER TABLE alerts ADD COLUMN times BIGINT DEFAULT 1;
ALTER TABLE alerts ADD COLUMN renewed TIMESTAMP;
ALTER TABLE alerts ADD COLUMN evidence VARCHAR DEFAULT '{}';
ALTER TABLE alerts ADD COLUMN command VARCHAR DEFAULT '';
ALTER TABLE alerts ADD COLUMN runbook VARCHAR DEFAULT '';
ALTER TABLE alerts ADD COLUMN snoozed_until TIMESTAMP;
ALTER TABLE alerts ADD COLUMN closed_by VARCHAR DEFAULT '';

-- What sinks are told: written in the transaction that changes the alert, so that neither is there without the other.
CREATE TABLE alert_events (
    id VARCHAR PRIMARY KEY,
    alert VARCHAR NOT NULL,
    turn VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    severity VARCHAR NOT NULL,
    text VARCHAR NOT NULL,
    document VARCHAR NOT NULL,
    moment TIMESTAMP NOT NULL,
    job VARCHAR NOT NULL
);

-- One row for each sink that an event is for, until it took it and after.
CREATE TABLE deliveries (
    event VARCHAR NOT NULL,
    sink VARCHAR NOT NULL,
    place BIGINT NOT NULL,
    state VARCHAR NOT NULL,
    attempts INTEGER NOT NULL,
    due TIMESTAMP NOT NULL,
    moment TIMESTAMP NOT NULL,
    problem VARCHAR NOT NULL
);

-- The counters of a target's variants when they were judged last: what was added since is judged next.
CREATE TABLE judged_measures (
    target VARCHAR PRIMARY KEY,
    document VARCHAR NOT NULL,
    moment TIMESTAMP NOT NULL
);
