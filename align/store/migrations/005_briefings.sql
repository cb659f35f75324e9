-- With which examples a judge was briefed, what answered in its name, and of whose pairs a gate is.
-- Empty where that was not written down.

ALTER TABLE verdicts ADD COLUMN briefing TEXT NOT NULL DEFAULT '';
ALTER TABLE verdicts ADD COLUMN answered TEXT NOT NULL DEFAULT '';
ALTER TABLE gates ADD COLUMN briefing TEXT NOT NULL DEFAULT '';
ALTER TABLE gates ADD COLUMN answered TEXT NOT NULL DEFAULT '';
ALTER TABLE gates ADD COLUMN drawn_by TEXT NOT NULL DEFAULT '';

DROP VIEW standing_verdicts;
DROP INDEX verdicts_of_judge;
CREATE INDEX verdicts_of_judge
    ON verdicts (judge, model, prompt_hash, briefing, answered, pair_id, "order",
                 time DESC, repeat DESC, id DESC, winner, certainty, problem);

CREATE INDEX verdicts_by_time ON verdicts (judge, model, time DESC, id DESC, answered)
    WHERE answered <> '';

-- The newest answer of a judge on file, for each order: of the same judge, briefed alike. Where the
-- provider failed or nothing was sent, nothing was answered: asking again may help.
CREATE VIEW standing_verdicts AS
SELECT pair_id, judge, model, prompt_hash, briefing, answered, "order", winner, certainty, problem,
       time FROM (
    SELECT pair_id, judge, model, prompt_hash, briefing, answered, "order", winner, certainty,
           problem, time,
           row_number() OVER (
               PARTITION BY judge, model, prompt_hash, briefing, answered, pair_id, "order"
               ORDER BY time DESC, repeat DESC, id DESC) AS place
    FROM verdicts
    WHERE problem IS NULL OR problem NOT IN ('errored', 'canceled', 'expired', 'blocked'))
WHERE place = 1;
