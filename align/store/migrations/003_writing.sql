-- Records of real exports: the service's key of a message, what it answers, the export's own text;
-- a number that search can hold on to; and questions that passages of documents answer.

DROP VIEW known_pairs;
DROP VIEW known_prompts;

-- `number` never changes, a bare rowid may.
CREATE TABLE writing (
    number   INTEGER PRIMARY KEY,
    id       TEXT NOT NULL UNIQUE,
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
    raw      TEXT,
    "key"    TEXT,
    reply_to TEXT,
    level    INTEGER NOT NULL CHECK (level BETWEEN 0 AND 2),
    left_out TEXT
);
INSERT INTO writing (id, kind, source, origin, thread, position, author, is_owner, time, title,
                     text, level, left_out)
SELECT id, kind, source, origin, thread, position, author, is_owner, time, title, text, level,
       left_out FROM records ORDER BY thread, origin, position, id;
DROP TABLE records;
ALTER TABLE writing RENAME TO records;
CREATE INDEX records_in_order ON records (thread, origin, position);
CREATE INDEX records_at_place ON records (origin, "key");
-- This covers the counts of `align status`.
CREATE INDEX records_counted ON records (kind, source, level, left_out, is_owner, thread);

-- The words of records, for search: brought up to date when somebody searches.
CREATE VIRTUAL TABLE record_words USING fts5(
    text, title, content='records', content_rowid='number', tokenize="unicode61 remove_diacritics 2"
);

-- A question that a passage of a document answers, in the passage's own words.
CREATE TABLE questions (
    id        TEXT PRIMARY KEY,
    record_id TEXT NOT NULL,
    start     INTEGER NOT NULL,
    stop      INTEGER NOT NULL,
    question  TEXT NOT NULL,
    writer    TEXT NOT NULL,
    overlap   REAL NOT NULL,
    gain      REAL,
    left_out  TEXT
);
CREATE INDEX questions_of_record ON questions (record_id, start);

CREATE VIEW known_prompts AS
SELECT p.id, p.messages, p.source, p.thread,
       min(p.split, coalesce(t.split, p.split)) AS split,
       max(p.level, coalesce((SELECT max(r.level) FROM prompt_records pr
                              JOIN records r ON r.id = pr.record_id
                              WHERE pr.prompt_id = p.id), 0)) AS level
FROM prompts p LEFT JOIN threads t ON t.thread = p.thread;

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
