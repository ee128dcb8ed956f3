-- Who took note of an alert, when and why; and the columns that it is about, as JSON: another one asks for attention again.
ALTER TABLE alerts ADD COLUMN columns VARCHAR DEFAULT '[]';
ALTER TABLE alerts ADD COLUMN acknowledged TIMESTAMP;
ALTER TABLE alerts ADD COLUMN acknowledged_by VARCHAR DEFAULT '';
ALTER TABLE alerts ADD COLUMN reason VARCHAR DEFAULT '';
