-- Which question a judge answered, and why an answer is unscored; whether a judge's verdicts
-- count; and the batches that a provider works on.

ALTER TABLE verdicts ADD COLUMN request TEXT NOT NULL DEFAULT '';
ALTER TABLE verdicts ADD COLUMN problem TEXT;
CREATE INDEX verdicts_of_request ON verdicts (request);
-- In the order of the view below, with all that it is read for: nothing is sorted or looked up.
CREATE INDEX verdicts_of_judge
    ON verdicts (judge, model, prompt_hash, pair_id, "order", time DESC, repeat DESC, id DESC,
                 winner, certainty, problem);

-- The newest answer of a judge on file, for each order. Where the provider failed or nothing was
-- sent, nothing was answered: asking again may help.
CREATE VIEW standing_verdicts AS
SELECT pair_id, judge, model, prompt_hash, "order", winner, certainty, problem FROM (
    SELECT pair_id, judge, model, prompt_hash, "order", winner, certainty, problem,
           row_number() OVER (
               PARTITION BY judge, model, prompt_hash, pair_id, "order"
               ORDER BY time DESC, repeat DESC, id DESC) AS place
    FROM verdicts
    WHERE problem IS NULL OR problem NOT IN ('errored', 'canceled', 'expired', 'blocked'))
WHERE place = 1;

-- Each calibration of a judge, and what it came to: open, or shut. The newest one of a judge,
-- model and prompt counts.
CREATE TABLE gates (
    id          TEXT PRIMARY KEY,
    judge       TEXT NOT NULL,
    model       TEXT NOT NULL,
    prompt_hash TEXT NOT NULL,
    is_open     INTEGER NOT NULL CHECK (is_open IN (0, 1)),
    weight      REAL NOT NULL CHECK (weight BETWEEN 0 AND 1),
    certainties TEXT NOT NULL CHECK (json_valid(certainties)),
    choices     TEXT NOT NULL,
    report      TEXT NOT NULL CHECK (json_valid(report)),
    time        TEXT NOT NULL
);

CREATE TRIGGER gates_are_never_changed BEFORE UPDATE ON gates
BEGIN SELECT RAISE(ABORT, 'gates are append-only: calibrate again'); END;
CREATE TRIGGER gates_are_never_deleted BEFORE DELETE ON gates
BEGIN SELECT RAISE(ABORT, 'gates are append-only: calibrate again'); END;
CREATE TRIGGER gates_are_never_replaced BEFORE INSERT ON gates
WHEN EXISTS (SELECT 1 FROM gates WHERE id = NEW.id)
BEGIN SELECT RAISE(IGNORE); END;

-- Batches that this machine sent, so that a killed run finds them again. They never travel.
CREATE TABLE batches (
    id       TEXT PRIMARY KEY,
    batch    TEXT,
    host     TEXT NOT NULL,
    model    TEXT NOT NULL,
    purpose  TEXT NOT NULL,
    requests TEXT NOT NULL CHECK (json_valid(requests)),
    notes    TEXT NOT NULL CHECK (json_valid(notes)),
    planned  TEXT NOT NULL,
    ended    TEXT
);
CREATE INDEX batches_under_way ON batches (planned) WHERE ended IS NULL;

-- By a row of two values SQLite reads all of askable for each answer that comes; by its index, what
-- the answer's own pairs have there.
DROP TRIGGER askable_with_answer;
CREATE TRIGGER askable_with_answer AFTER INSERT ON answers
BEGIN
    DELETE FROM askable WHERE purpose IN ('train', 'arena') AND pair_id IN (
        SELECT id FROM pairs WHERE answer_a = NEW.id
        UNION SELECT id FROM pairs WHERE answer_b = NEW.id);
    INSERT INTO askable SELECT * FROM askable_pairs WHERE pair_id IN (
        SELECT id FROM pairs WHERE answer_a = NEW.id
        UNION SELECT id FROM pairs WHERE answer_b = NEW.id);
END;
DROP TRIGGER askable_with_checkpoint;
CREATE TRIGGER askable_with_checkpoint AFTER UPDATE ON answers
WHEN NEW.checkpoint IS NOT OLD.checkpoint OR NEW.text IS NOT OLD.text
BEGIN
    DELETE FROM askable WHERE purpose IN ('train', 'arena') AND pair_id IN (
        SELECT id FROM pairs WHERE answer_a = NEW.id
        UNION SELECT id FROM pairs WHERE answer_b = NEW.id);
    INSERT INTO askable SELECT * FROM askable_pairs WHERE pair_id IN (
        SELECT id FROM pairs WHERE answer_a = NEW.id
        UNION SELECT id FROM pairs WHERE answer_b = NEW.id);
END;
