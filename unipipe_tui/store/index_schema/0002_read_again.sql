-- Before this, a new run could be given the number of a known one: nothing that stands here can be trusted.
DELETE FROM runs;
DELETE FROM params;
DELETE FROM metrics;
DELETE FROM tags;
DELETE FROM datasets;
DELETE FROM experiments;
DELETE FROM sources;
