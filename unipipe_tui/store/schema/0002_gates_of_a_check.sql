-- Which gates a version was judged at, each as a sentence: a check counts only for the gates of its day.
ALTER TABLE gate_checks ADD COLUMN gates VARCHAR[] DEFAULT [];
