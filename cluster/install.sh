#!/bin/sh
# Install clism_ray with its pinned dependencies into .venv.   sh cluster/install.sh [PYTHON]
set -eu
cd "$(dirname "$0")/.."
python=${1:-python3}
log=.venv/install.log

if ! "$python" -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))'; then
  version=$("$python" --version 2>/dev/null || echo missing)
  echo "clism_ray needs Python 3.11 or 3.12, but '$python' is $version." \
    "Install one, or name it: make PYTHON=/path/to/python3.11 ..." >&2
  exit 2
fi

quietly() {
  if ! "$@" >>"$log" 2>&1; then
    tail -n 30 "$log" >&2
    echo "failed: $*   (all of it: $log)" >&2
    exit 1
  fi
}

# The CPU build spares a machine without an NVIDIA GPU gigabytes of CUDA libraries. `--no-deps`:
# what torch itself needs comes from the usual index, with the rest.
install_cpu_torch() {
  .venv/bin/python -m pip install --no-deps "torch==$torch+cpu" >>"$log" 2>&1 ||
    .venv/bin/python -m pip install --no-deps --retries 0 --timeout 15 \
      --index-url https://download.pytorch.org/whl/cpu "torch==$torch+cpu" >>"$log" 2>&1 ||
    echo "No CPU build of torch $torch found; installing the default one, which may be large."
}

# Without the system's venv package the first try leaves a .venv that has no pip.
.venv/bin/python -m pip --version >/dev/null 2>&1 || "$python" -m venv --clear .venv
: >"$log"
torch=$(sed -n 's/^torch==//p' constraints.txt)
echo "Installing into .venv (details: $log) ..."
if ! nvidia-smi >/dev/null 2>&1; then install_cpu_torch; fi
quietly .venv/bin/python -m pip install --constraint constraints.txt --editable '.[dev]'
