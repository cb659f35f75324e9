#!/usr/bin/env bash
# Make the environment in .venv; `make` calls this, when what it is made of has changed.
#
# TORCH=auto    cuda where nvidia-smi works, else cpu
#       cpu     a build without CUDA, from PyTorch's own index
#       cuda    the build of the plain index
#       system  the torch that the machine's image brings
set -euo pipefail
cd "$(dirname "$0")/.."
CPU_INDEX=https://download.pytorch.org/whl/cpu

say() { echo "setup: $*" >&2; }
die() { say "$*"; exit 2; }

choose_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.12 python3.11 python3.13 python3.14}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    die "${PYTHON:-python3}: no Python >= 3.11 found. Install one, or name it: make setup PYTHON=/path/to/python3.12"
}

choose_torch() { # -> cpu, cuda, plain or system
    case "$1" in
        auto)
            if [ "$(uname)" != Linux ]; then echo plain
            elif nvidia-smi >/dev/null 2>&1; then echo cuda
            else echo cpu
            fi ;;
        cpu) if [ "$(uname)" = Linux ]; then echo cpu; else echo plain; fi ;;
        cuda | system) echo "$1" ;;
        *) die "TORCH=$1: no such choice. Use auto, cpu, cuda or system" ;;
    esac
}

asked=${TORCH:-$(cut -d' ' -f1 .venv/.torch 2>/dev/null || true)}
asked=${asked:-auto}
torch=$(choose_torch "$asked")
made_with=$(cut -d' ' -f2 .venv/.torch 2>/dev/null || true)
if [ -n "$made_with" ] && [ "$made_with" != "$torch" ]; then
    say "the environment was made with TORCH=$made_with; making it anew"
    rm -rf .venv
fi

python=$(choose_python)
constraints=.venv/constraints.txt
if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then # none yet, or an interrupted one
    options=(--clear)
    if [ "$torch" = system ]; then options+=(--system-site-packages); fi
    "$python" -m venv "${options[@]}" .venv
fi
rm -f .venv/.stamp
quiet=(-qq)
if [ -t 2 ]; then quiet=(); fi
pip_install() {
    .venv/bin/python -m pip install --disable-pip-version-check ${quiet[@]+"${quiet[@]}"} "$@"
}
torch_version() { .venv/bin/python -c 'import importlib.metadata as m; print(m.version("torch"))' 2>/dev/null; }

cp constraints.txt "$constraints"
pinned=$(grep '^torch==' constraints.txt)
case "$torch" in
    cpu)
        version=$(torch_version) || version=none
        if [ "torch==${version%%+*}" != "$pinned" ]; then
            say "downloading torch for CPU (about 200 MB) and the libraries around it (about 450 MB)"
            # Only torch comes from PyTorch's index. Where that can't be reached, seconds are lost.
            pip_install --no-deps --retries 0 --timeout 5 --index-url "$CPU_INDEX" "$pinned" ||
                say "PyTorch's CPU index gave nothing; taking the torch that pip finds (up to 3 GB)"
        fi ;;
    cuda) say "downloading torch with CUDA (about 3 GB) and the libraries around it (about 450 MB)" ;;
    plain) say "downloading torch (about 100 MB) and the libraries around it (about 450 MB)" ;;
    system)
        if ! torch_version >/dev/null; then # the image's Python is itself an environment, whose packages stay unseen
            found=$("$python" -c 'import pathlib, torch; print(pathlib.Path(torch.__file__).parents[1])' 2>/dev/null) ||
                die "TORCH=system: $python has no torch. Name the Python that has it: make setup TORCH=system PYTHON=/path/to/python"
            echo "$found" >"$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/system-torch.pth"
        fi
        version=$(torch_version)
        say "keeping this machine's torch $version; downloading the libraries around it (up to 450 MB)"
        sed "s/^torch==.*/torch==$version/" constraints.txt >"$constraints" ;;
esac

pip_install --constraint "$constraints" --editable '.[dev]'
echo "$asked $torch" >.venv/.torch
touch .venv/.stamp
say "done: torch $(torch_version) in .venv"
