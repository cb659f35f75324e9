-- The first schema. No foreign keys: two stores merge in any order, so a row may come before
-- the one it names. A level is 0 open, 1 train-only, 2 sealed, so that max() is the most private.
-- 'evaluation' < 'train', so min() of two splits is the one that holds out.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- Which side a thread is on: decided when it is first seen.
CREATE TABLE threads (
    thread TEXT PRIMARY KEY,
    split  TEXT NOT NULL CHECK (split IN ('train', 'evaluation'))
) WITHOUT ROWID;

CREATE INDEX threads_of_split ON threads (split);

CREATE TABLE records (
    id       TEXT PRIMARY KEY,
    kind     TEXT NOT NULL CHECK (kind IN ('turn', 'document')),
    source   TEXT NOT NULL,
    origin   TEXT NOT NULL,
    thread   TEXT NOT NULL,
    position INTEGER NOT NULL,
    author   TEXT NOT NULL,
    is_owner INTEGER NOT NULL CHECK (is_owner IN (0, 1)),
    time     TEXT,
    title    TEXT,
    text     TEXT NOT NULL,
    level    INTEGER NOT NULL CHECK (level BETWEEN 0 AND 2),
    left_out TEXT
);
CREATE INDEX records_in_order ON records (thread, origin, position);
CREATE INDEX records_at_place ON records (origin, thread, position, left_out);
-- These cover the counts of `align status`.
CREATE INDEX records_counted ON records (kind, source, level, left_out);
CREATE INDEX records_of_thread ON records (thread, kind, source, level, left_out);

CREATE TABLE prompts (
    id       TEXT PRIMARY KEY,
    messages TEXT NOT NULL,
    source   TEXT NOT NULL CHECK (source IN ('asked', 'added', 'bundled', 'identity')),
    thread   TEXT NOT NULL,
    split    TEXT NOT NULL CHECK (split IN ('train', 'evaluation')),
    level    INTEGER NOT NULL CHECK (level BETWEEN 0 AND 2)
);
CREATE INDEX prompts_counted ON prompts (source, split);
CREATE INDEX prompts_of_thread ON prompts (thread, split, source);

-- The records that stand behind a prompt: it is as private as the most private of them.
CREATE TABLE prompt_records (
    prompt_id TEXT NOT NULL,
    record_id TEXT NOT NULL,
    PRIMARY KEY (prompt_id, record_id)
) WITHOUT ROWID;
CREATE INDEX prompt_records_of_record ON prompt_records (record_id);

CREATE TABLE answers (
    id              TEXT PRIMARY KEY,
    prompt_id       TEXT NOT NULL,
    text            TEXT NOT NULL,
    checkpoint      TEXT NOT NULL,
    checkpoint_hash TEXT NOT NULL,
    settings        TEXT NOT NULL,
    seed            INTEGER NOT NULL,
    n               INTEGER NOT NULL
);
CREATE INDEX answers_of_checkpoint ON answers (checkpoint_hash, prompt_id);

CREATE TABLE pairs (
    id         TEXT PRIMARY KEY,
    prompt_id  TEXT NOT NULL,
    answer_a   TEXT NOT NULL,
    answer_b   TEXT NOT NULL,
    purpose    TEXT NOT NULL CHECK (purpose IN ('train', 'arena')),
    similarity REAL
);
CREATE INDEX pairs_of_purpose ON pairs (purpose, prompt_id);

CREATE TABLE events (
    device  TEXT NOT NULL,
    counter INTEGER NOT NULL CHECK (counter > 0),
    kind    TEXT NOT NULL,
    actor   TEXT NOT NULL CHECK (actor IN ('owner', 'simulated', 'imported')),
    pair_id TEXT,
    payload TEXT NOT NULL CHECK (json_valid(payload)),
    time    TEXT NOT NULL,
    target_device  TEXT    GENERATED ALWAYS AS (json_extract(payload, '$.target[0]')) VIRTUAL,
    target_counter INTEGER GENERATED ALWAYS AS (json_extract(payload, '$.target[1]')) VIRTUAL,
    PRIMARY KEY (device, counter)
);
CREATE INDEX events_of_pair ON events (pair_id, kind);
CREATE INDEX events_by_target ON events (target_device, target_counter, kind)
    WHERE kind IN ('undo', 'redo');
CREATE INDEX events_by_time ON events (time);

CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only: write a new one'); END;
CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only: write an undo'); END;
CREATE TRIGGER events_are_never_replaced BEFORE INSERT ON events
WHEN EXISTS (SELECT 1 FROM events WHERE device = NEW.device AND counter = NEW.counter)
BEGIN SELECT RAISE(IGNORE); END;

CREATE TABLE verdicts (
    id          TEXT PRIMARY KEY,
    pair_id     TEXT NOT NULL,
    judge       TEXT NOT NULL,
    model       TEXT NOT NULL,
    "order"     TEXT NOT NULL CHECK ("order" IN ('ab', 'ba')),
    prompt_hash TEXT NOT NULL,
    repeat      INTEGER NOT NULL,
    winner      TEXT CHECK (winner IN ('a', 'b', 'tie')),
    certainty   TEXT,
    cost        REAL,
    time        TEXT NOT NULL
);
CREATE INDEX verdicts_of_pair ON verdicts (pair_id);

CREATE TABLE evaluation_answers (
    id              TEXT PRIMARY KEY,
    prompt_id       TEXT NOT NULL,
    checkpoint      TEXT NOT NULL,
    checkpoint_hash TEXT NOT NULL,
    seed            INTEGER NOT NULL,
    settings        TEXT NOT NULL,
    text            TEXT NOT NULL
);
CREATE INDEX evaluation_answers_of_checkpoint ON evaluation_answers (checkpoint_hash, prompt_id);

-- A prompt as it counts: held out if its own word or its thread's says so, and as private as
-- the most private record behind it.
CREATE VIEW known_prompts AS
SELECT p.id, p.messages, p.source, p.thread,
       min(p.split, coalesce(t.split, p.split)) AS split,
       max(p.level, coalesce((SELECT max(r.level) FROM prompt_records pr
                              JOIN records r ON r.id = pr.record_id
                              WHERE pr.prompt_id = p.id), 0)) AS level
FROM prompts p LEFT JOIN threads t ON t.thread = p.thread;

-- Events that were not undone; a redo takes back the undo it names.
CREATE VIEW standing_events AS
SELECT e.* FROM events e
WHERE NOT EXISTS (
    SELECT 1 FROM events u
    WHERE u.target_device = e.device AND u.target_counter = e.counter AND u.kind = 'undo'
      AND NOT EXISTS (
        SELECT 1 FROM events r
        WHERE r.target_device = u.device AND r.target_counter = u.counter AND r.kind = 'redo'));

-- The newest standing choice or rewrite of each pair; the owner's goes before an imported one,
-- and that before a simulated one.
CREATE VIEW current_choices AS
SELECT pair_id, outcome, rewrite, actor, time, device, counter FROM (
    SELECT pair_id, actor, time, device, counter,
           CASE kind WHEN 'rewrite' THEN 'rewrite' ELSE json_extract(payload, '$.outcome') END
               AS outcome,
           CASE kind WHEN 'rewrite' THEN json_extract(payload, '$.text') END AS rewrite,
           row_number() OVER (
               PARTITION BY pair_id
               ORDER BY CASE actor WHEN 'owner' THEN 0 WHEN 'imported' THEN 1 ELSE 2 END,
                        time DESC, device DESC, counter DESC) AS place
    FROM standing_events WHERE kind IN ('choice', 'rewrite') AND pair_id IS NOT NULL)
WHERE place = 1;

-- A pair as private as its prompt, and sealed once the owner called it private.
CREATE VIEW known_pairs AS
SELECT pairs.id, pairs.prompt_id, p.messages, p.thread, p.split, pairs.purpose, pairs.similarity,
       a.text AS text_a, b.text AS text_b,
       a.checkpoint AS checkpoint_a, b.checkpoint AS checkpoint_b,
       a.checkpoint_hash AS hash_a, b.checkpoint_hash AS hash_b,
       CASE WHEN EXISTS (SELECT 1 FROM standing_events e
                         WHERE e.pair_id = pairs.id AND e.kind = 'private')
            THEN 2 ELSE p.level END AS level
FROM pairs
JOIN known_prompts p ON p.id = pairs.prompt_id
JOIN answers a ON a.id = pairs.answer_a
JOIN answers b ON b.id = pairs.answer_b;
