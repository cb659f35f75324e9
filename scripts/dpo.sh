#!/usr/bin/env bash
# `make dpo` for a real owner: train on the choices, or, where there are none yet, make the pairs
# to choose from, pack them for the machine with the keyboard, and end well.
set -euo pipefail
cd "$(dirname "$0")/.."
owner=(--owner "$OWNER")
accelerate=()
if [ -n "$ACCELERATE" ]; then accelerate=(--accelerate "$ACCELERATE"); fi

run() {
    echo ".venv/bin/align $*" >&2
    .venv/bin/align "$@"
}

choices=$(.venv/bin/align choices count --decisive "${owner[@]}")
if [ "$choices" -gt 0 ]; then
    run dpo "${owner[@]}" --recipe "$RECIPE" ${accelerate[@]+"${accelerate[@]}"}
    run evaluate "${owner[@]}"
else
    run sample "${owner[@]}" ${accelerate[@]+"${accelerate[@]}"}
    run pack "${owner[@]}" --for label
    cat >&2 <<END

No choices of $OWNER yet, so there is nothing to train on. Label, then come back:
    make label OWNER=$OWNER        (here, or on your laptop after: make unpack OWNER=$OWNER FROM=the-pack)
    make dpo OWNER=$OWNER RECIPE=$RECIPE
END
fi
