-- Jobs of which nothing came, such as a round of a watch that found nothing new: not listed, and forgotten after a while.
ALTER TABLE jobs ADD COLUMN quiet BOOLEAN DEFAULT false;
