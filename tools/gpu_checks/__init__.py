"""Checks of a machine with GPUs, in groups that tools/gpu_check.py runs one after another."""

import sys
from pathlib import Path

# The checks build hierarchies and measure times by the modules of the benchmarks.
sys.path.append(str(Path(__file__).parents[1] / 'benchmarks'))
