-- Releases on their way. The document is the whole of one, so that whoever finds it half done can go on.
CREATE TABLE rollouts (
    id VARCHAR PRIMARY KEY,
    target VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    document JSON NOT NULL,
    started TIMESTAMP NOT NULL,
    updated TIMESTAMP NOT NULL
);

-- What a target answered with from when on, and what happened to a rollout: one row for every move.
CREATE TABLE rollout_moves (
    rollout VARCHAR NOT NULL,
    target VARCHAR NOT NULL,
    place INTEGER NOT NULL,
    state VARCHAR NOT NULL,
    stands BOOLEAN NOT NULL,
    traffic JSON,
    why VARCHAR NOT NULL,
    evidence JSON,
    actor VARCHAR NOT NULL,
    job VARCHAR NOT NULL,
    moment TIMESTAMP NOT NULL
);

ALTER TABLE releases ADD COLUMN id VARCHAR DEFAULT '';
ALTER TABLE releases ADD COLUMN strategy VARCHAR DEFAULT 'rolling';
ALTER TABLE releases ADD COLUMN image VARCHAR;
ALTER TABLE releases ADD COLUMN goes_back BOOLEAN DEFAULT false;
