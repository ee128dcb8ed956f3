CREATE TABLE jobs (
    id VARCHAR PRIMARY KEY,
    action VARCHAR NOT NULL,
    command VARCHAR NOT NULL,
    actor VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    started TIMESTAMP NOT NULL,
    pid BIGINT NOT NULL,
    pid_started DOUBLE NOT NULL,
    ended TIMESTAMP,
    message VARCHAR NOT NULL DEFAULT '',
    exit_code INTEGER
);

CREATE TABLE stage_runs (
    job VARCHAR NOT NULL,
    address VARCHAR NOT NULL,
    outcome VARCHAR NOT NULL,
    seconds DOUBLE NOT NULL,
    moment TIMESTAMP NOT NULL
);

CREATE TABLE gate_checks (
    model VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    champion INTEGER,
    holdout VARCHAR NOT NULL,
    row_count BIGINT NOT NULL,
    results JSON NOT NULL,
    moment TIMESTAMP NOT NULL,
    job VARCHAR NOT NULL
);

CREATE TABLE promotions (
    model VARCHAR NOT NULL,
    alias VARCHAR NOT NULL,
    version INTEGER,
    previous INTEGER,
    how VARCHAR NOT NULL,
    actor VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    moment TIMESTAMP NOT NULL,
    job VARCHAR NOT NULL
);

CREATE TABLE releases (
    target VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    digest VARCHAR NOT NULL,
    commit_id VARCHAR,
    data VARCHAR,
    run_id VARCHAR NOT NULL,
    actor VARCHAR NOT NULL,
    moment TIMESTAMP NOT NULL,
    job VARCHAR NOT NULL
);

CREATE TABLE drift_checks (
    target VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    version INTEGER,
    row_count BIGINT NOT NULL,
    drifted BOOLEAN NOT NULL,
    columns VARCHAR[] NOT NULL,
    report JSON NOT NULL,
    moment TIMESTAMP NOT NULL,
    job VARCHAR NOT NULL
);

CREATE TABLE alerts (
    id VARCHAR PRIMARY KEY,
    kind VARCHAR NOT NULL,
    target VARCHAR NOT NULL,
    message VARCHAR NOT NULL,
    opened TIMESTAMP NOT NULL,
    job VARCHAR NOT NULL,
    closed TIMESTAMP
);

CREATE TABLE changes (
    job VARCHAR NOT NULL,
    command VARCHAR NOT NULL,
    undo JSON NOT NULL,
    moment TIMESTAMP NOT NULL,
    undone_by VARCHAR NOT NULL DEFAULT ''
);

CREATE TABLE audit (
    number BIGINT PRIMARY KEY,
    moment TIMESTAMP NOT NULL,
    actor VARCHAR NOT NULL,
    action VARCHAR NOT NULL,
    command VARCHAR NOT NULL,
    job VARCHAR NOT NULL,
    outcome VARCHAR NOT NULL,
    detail VARCHAR NOT NULL,
    previous VARCHAR NOT NULL,
    hash VARCHAR NOT NULL
);

CREATE TABLE notices (
    moment TIMESTAMP NOT NULL,
    text VARCHAR NOT NULL
);
