#!/usr/bin/env bash
# Trains the model that ships, from a packed store; called again, it resumes.
#
#   python benchmarks/pack_data.py pack data/store drawings.tar.xz          # once: all drawings, compressed
#   benchmarks/train_shipped.sh drawings.tar.xz shipped.safetensors         # on a GPU or a CPU; as often as needed
#   benchmarks/train_shipped.sh drawings.tar.xz shipped.safetensors --max-minutes 9 --device cuda
#
# Further options go to `sketchrnn train` and have the last word. STEPS: steps of the whole run (default 40000).
set -euo pipefail
if [ $# -lt 2 ]; then
  sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
packed=$1 model=$2
shift 2
PYTHON=${PYTHON:-python3}
export PYTHONPATH="$(cd "$(dirname "$0")/.." && pwd)${PYTHONPATH:+:$PYTHONPATH}"
store=$(dirname "$model")/$(basename "$packed" .tar.xz).store
if [ ! -d "$store" ]; then
  "$PYTHON" "$(dirname "$0")/pack_data.py" unpack "$packed" "$store"
fi
resume=()
if [ -e "${model%.safetensors}.last.safetensors" ]; then
  resume=(--resume)
fi
exec "$PYTHON" -m sketchrnn train "$store" -o "$model" --max-steps "${STEPS:-40000}" --batch-size 128 \
  --clarity-from shipped --latent-dropout 0.65 --set position_inputs=true --set learning_rate=0.01 --set min_learning_rate=0.0002 \
  --set warmup_steps=200 --set weight_decay=0.01 --set dropout=0.1 --set weight_dropout=0.1 \
  --set category_dropout=0.2 --set augment_scale=0.15 --set augment_drop=0.03 --set augment_rotation=5 \
  --set augment_shear=0.08 --set augment_mirror=0.2 --set most_of_a_category=1000 \
  --set kl_weight=0.25 --set kl_weight_start=0.25 --set kl_floor=0.4 --set evaluate_every=1000 \
  "${resume[@]}" "$@"
