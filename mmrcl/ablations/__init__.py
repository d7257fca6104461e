"""Ablations: grids of arms and seeds, their runs, comparisons, tables and figures."""

from .grids import Grid, read_grid
from .jobs import Job, run_jobs, scalars_of
from .results import collect_arm_results, write_results
from .runs import Run, check_run, check_unchanged, plan_runs, shared_with

__all__ = [
    'Grid',
    'Job',
    'Run',
    'check_run',
    'check_unchanged',
    'collect_arm_results',
    'plan_runs',
    'read_grid',
    'run_jobs',
    'scalars_of',
    'shared_with',
    'write_results',
]
