-- What the labeler asks next, findable without reading all pairs, and who shows which pair.

-- One row for each pair of which prompt and both answers are here. It is made from those by
-- triggers, as rows of other machines arrive in any order; nothing else writes it.
CREATE TABLE askable (
    purpose           TEXT NOT NULL,
    checkpoint_number INTEGER NOT NULL,
    pair_id           TEXT NOT NULL,
    prompt_id         TEXT NOT NULL,
    likeness          REAL,
    empty             INTEGER NOT NULL CHECK (empty IN (0, 1)),
    PRIMARY KEY (purpose, checkpoint_number, pair_id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX askable_by_pair ON askable (purpose, pair_id, prompt_id, empty, likeness);
CREATE INDEX askable_of_prompt ON askable (purpose, prompt_id, empty, likeness);

-- How many rows of it there are: a hundred thousand are not counted before every first question.
CREATE TABLE askable_counts (
    purpose           TEXT NOT NULL,
    checkpoint_number INTEGER NOT NULL,
    pairs             INTEGER NOT NULL,
    empty             INTEGER NOT NULL,
    PRIMARY KEY (purpose, checkpoint_number)
) WITHOUT ROWID;
CREATE TRIGGER askable_counted AFTER INSERT ON askable
BEGIN
    INSERT INTO askable_counts SELECT NEW.purpose, NEW.checkpoint_number, 0, 0
    WHERE NOT EXISTS (SELECT 1 FROM askable_counts WHERE purpose = NEW.purpose
                      AND checkpoint_number = NEW.checkpoint_number);
    UPDATE askable_counts SET pairs = pairs + 1, empty = empty + NEW.empty
    WHERE purpose = NEW.purpose AND checkpoint_number = NEW.checkpoint_number;
END;
CREATE TRIGGER askable_uncounted AFTER DELETE ON askable
BEGIN
    UPDATE askable_counts SET pairs = pairs - 1, empty = empty - OLD.empty
    WHERE purpose = OLD.purpose AND checkpoint_number = OLD.checkpoint_number;
END;

-- One index over both kinds is used for neither: SQLite proves no "kind = 'undo'" from it, and
-- then reads all events for each event to find what was undone.
DROP INDEX events_by_target;
CREATE INDEX events_undone ON events (target_device, target_counter) WHERE kind = 'undo';
CREATE INDEX events_redone ON events (target_device, target_counter) WHERE kind = 'redo';

CREATE INDEX pairs_of_answer_a ON pairs (answer_a);
CREATE INDEX pairs_of_answer_b ON pairs (answer_b);
CREATE INDEX events_of_actor ON events (actor, time);

-- Which running labeler shows which pair. Claims are of this machine and never travel.
CREATE TABLE claims (
    pair_id TEXT PRIMARY KEY,
    holder  TEXT NOT NULL,
    pid     INTEGER NOT NULL
) WITHOUT ROWID;

-- '002-dpo' is 2, 'base' is 0. Empty is what has nothing but blanks, of all of Unicode's.
CREATE VIEW askable_pairs AS
SELECT pairs.purpose,
       max(CAST(a.checkpoint AS INTEGER), CAST(b.checkpoint AS INTEGER)) AS checkpoint_number,
       pairs.id AS pair_id, pairs.prompt_id, pairs.similarity AS likeness,
       trim(a.text, blanks) = '' OR trim(b.text, blanks) = '' AS empty
FROM pairs
JOIN prompts ON prompts.id = pairs.prompt_id
JOIN answers a ON a.id = pairs.answer_a
JOIN answers b ON b.id = pairs.answer_b,
(SELECT char(9, 10, 11, 12, 13, 28, 29, 30, 31, 32, 133, 160, 5760, 8192, 8193, 8194, 8195, 8196,
             8197, 8198, 8199, 8200, 8201, 8202, 8232, 8233, 8239, 8287, 12288) AS blanks);

-- Each deletes first: under an outer INSERT OR IGNORE, an inner OR REPLACE would ignore too.
CREATE TRIGGER askable_with_pair AFTER INSERT ON pairs
BEGIN
    DELETE FROM askable WHERE purpose = NEW.purpose AND pair_id = NEW.id;
    INSERT INTO askable SELECT * FROM askable_pairs WHERE pair_id = NEW.id;
END;
CREATE TRIGGER askable_with_likeness AFTER UPDATE ON pairs
WHEN NEW.similarity IS NOT OLD.similarity
BEGIN
    DELETE FROM askable WHERE purpose = OLD.purpose AND pair_id = OLD.id;
    INSERT INTO askable SELECT * FROM askable_pairs WHERE pair_id = NEW.id;
END;
CREATE TRIGGER askable_with_answer AFTER INSERT ON answers
BEGIN
    DELETE FROM askable WHERE (purpose, pair_id) IN (
        SELECT purpose, id FROM pairs WHERE answer_a = NEW.id
        UNION SELECT purpose, id FROM pairs WHERE answer_b = NEW.id);
    INSERT INTO askable SELECT * FROM askable_pairs WHERE pair_id IN (
        SELECT id FROM pairs WHERE answer_a = NEW.id
        UNION SELECT id FROM pairs WHERE answer_b = NEW.id);
END;
CREATE TRIGGER askable_with_checkpoint AFTER UPDATE ON answers
WHEN NEW.checkpoint IS NOT OLD.checkpoint OR NEW.text IS NOT OLD.text
BEGIN
    DELETE FROM askable WHERE (purpose, pair_id) IN (
        SELECT purpose, id FROM pairs WHERE answer_a = NEW.id
        UNION SELECT purpose, id FROM pairs WHERE answer_b = NEW.id);
    INSERT INTO askable SELECT * FROM askable_pairs WHERE pair_id IN (
        SELECT id FROM pairs WHERE answer_a = NEW.id
        UNION SELECT id FROM pairs WHERE answer_b = NEW.id);
END;
CREATE TRIGGER askable_with_prompt AFTER INSERT ON prompts
BEGIN
    DELETE FROM askable WHERE (purpose, pair_id) IN (
        SELECT purpose, id FROM pairs WHERE purpose IN ('train', 'arena') AND prompt_id = NEW.id);
    INSERT INTO askable SELECT * FROM askable_pairs WHERE pair_id IN (
        SELECT id FROM pairs WHERE purpose IN ('train', 'arena') AND prompt_id = NEW.id);
END;

INSERT INTO askable SELECT * FROM askable_pairs;
