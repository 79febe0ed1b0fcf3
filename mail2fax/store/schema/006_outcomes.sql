-- What an attempt came to, precisely; what the next call does otherwise; what is remembered of numbers.

-- The line of the table of outcomes (jobs/outcomes.py): NULL while the call runs, and for attempts from before this step.
ALTER TABLE attempts ADD COLUMN diagnosis TEXT;
ALTER TABLE attempts ADD COLUMN retry TEXT;

-- The page it began with. The counts of an attempt are those of the document: pages before this one are in them.
ALTER TABLE attempts ADD COLUMN first_page INTEGER NOT NULL DEFAULT 1;

-- What the next call does otherwise than the configuration says (JSON; model/plan.py). '' is nothing.
ALTER TABLE jobs ADD COLUMN plan TEXT NOT NULL DEFAULT '';

-- What calls have taught us about a number (E.164), each until it is worth nothing any more.
CREATE TABLE numbers (
    number    TEXT NOT NULL,
    trait     TEXT NOT NULL,
    value     TEXT NOT NULL,
    learnt_at TEXT NOT NULL,
    until     TEXT NOT NULL,
    PRIMARY KEY (number, trait)
) STRICT, WITHOUT ROWID;

CREATE INDEX numbers_by_age ON numbers (until);
