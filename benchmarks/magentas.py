"""Magenta's settings of training, where the defaults are others; but for its recurrent dropout, which is slow."""

from typing import Any

MAGENTAS: dict[str, Any] = {
    "learning_rate": 1e-3,
    "learning_rate_schedule": "exponential",
    "warmup_steps": 0,
    "clipping": "value",
    "clip": 1.0,
    "averaged_share": 0.0,
}
