#!/usr/bin/env bash
# The slow tests, in two processes side by side: what reads and judges in one, and what trains and
# labels in the other. One after the other they take longer than anybody waits for.
set -uo pipefail
cd "$(dirname "$0")/.."
light=(tests/ingest tests/judging tests/claude tests/privacy tests/store tests/question_writing
       tests/e2e/test_judging.py tests/e2e/test_judging_canary.py tests/e2e/test_judging_stopped.py)
log=$(mktemp)
trap 'rm -f "$log"' EXIT

.venv/bin/python -m pytest -m 'slow and not gpu' -p no:cacheprovider "${light[@]}" >"$log" 2>&1 &
beside=$!
.venv/bin/python -m pytest -m 'slow and not gpu' "${light[@]/#/--ignore=}"
code=$?
wait "$beside"
code_beside=$?
cat "$log"
exit $((code || code_beside))
