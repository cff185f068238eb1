#!/usr/bin/env bash
# Tests and measures training on a GPU in at most 9 minutes; needs no network.
#
#   benchmarks/gpu.sh                        # on a machine with a GPU: tests, then every figure; writes gpu.md
#   benchmarks/gpu.sh --device cpu --smoke   # the same steps, small, on a machine without one
#   benchmarks/gpu.sh --wheels               # with a network, beforehand: put what the machine may lack into gpu-wheels/
#
# torch must be there. If another package is missing, it is installed from gpu-wheels/ into .gpu-environment/.
# OUT: folder for the results (default: out).
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}
started=$SECONDS
if [ "${1:-}" = --wheels ]; then
  exec "$PYTHON" -m pip download --only-binary=:all: --dest gpu-wheels . pytest hypothesis setuptools wheel
fi
device=cuda smoke=()
while [ $# -gt 0 ]; do
  case $1 in
    --device) device=$2; shift 2 ;;
    --smoke) smoke=(--smoke); shift ;;
    *) echo "benchmarks/gpu.sh: unknown option $1. Options: --device cuda|cpu, --smoke, --wheels" >&2; exit 2 ;;
  esac
done
OUT=${OUT:-out}
mkdir -p "$OUT"
export PYTHONPATH="$PWD:$PWD/tests:$PWD/benchmarks"
if ! "$PYTHON" -c "import sketchrnn.training.run, pytest, hypothesis" 2>/dev/null; then
  "$PYTHON" -m venv --system-site-packages .gpu-environment
  PYTHON=$PWD/.gpu-environment/bin/python
  "$PYTHON" -c 'import configparser as c; p = c.ConfigParser(); p.read("setup.cfg"); print(p["options"]["install_requires"])' \
    > "$OUT/requirements.txt"
  "$PYTHON" -m pip install --quiet --no-index --find-links gpu-wheels -r "$OUT/requirements.txt" pytest hypothesis
fi
if [ "$device" = cuda ]; then
  "$PYTHON" -c "import torch; assert torch.cuda.is_available(), 'torch finds no GPU: see --device cpu --smoke'"
fi
status=0
"$PYTHON" -m pytest -q -rs -p no:cacheprovider tests/test_devices.py || status=$?
left=$((540 - (SECONDS - started) - 45))
"$PYTHON" benchmarks/gpu.py --device "$device" "${smoke[@]}" --output "$OUT/gpu.md" \
  --minutes "$(awk "BEGIN { print $left / 60 }")"
echo "$OUT/gpu.md: the section of RESULTS.md; $((SECONDS - started)) s"
exit $status
