-- An index of runs that other tools keep: whatever is lost here is read again from there.
CREATE TABLE sources (
    name VARCHAR NOT NULL,
    place VARCHAR NOT NULL,
    cursor VARCHAR,
    stamp VARCHAR NOT NULL DEFAULT '',
    synced TIMESTAMP,
    problem VARCHAR NOT NULL DEFAULT ''
);

CREATE TABLE experiments (
    source VARCHAR NOT NULL,
    experiment_id VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    lifecycle VARCHAR NOT NULL
);

-- `run` is the index's own number of a run; moments are milliseconds since the epoch.
CREATE TABLE runs (
    run INTEGER NOT NULL,
    source VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    experiment_id VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    lifecycle VARCHAR NOT NULL,
    user_id VARCHAR,
    start_time BIGINT,
    end_time BIGINT,
    artifact_uri VARCHAR
);

CREATE TABLE params (run INTEGER NOT NULL, key VARCHAR NOT NULL, value VARCHAR NOT NULL);

CREATE TABLE metrics (run INTEGER NOT NULL, key VARCHAR NOT NULL, value DOUBLE NOT NULL, step BIGINT NOT NULL, moment BIGINT);

CREATE TABLE tags (run INTEGER NOT NULL, key VARCHAR NOT NULL, value VARCHAR NOT NULL);

CREATE TABLE datasets (run INTEGER NOT NULL, name VARCHAR NOT NULL, digest VARCHAR NOT NULL, context VARCHAR NOT NULL, source VARCHAR);
