"""Ablations: grids of arms and seeds, their runs, comparisons, tables and figures."""

from .comparison import ArmResult, accuracies
from .csv_files import read_results_csv
from .grids import Grid, read_grid
from .jobs import Job, run_jobs, scalars_of
from .ordering import format_ordering
from .results import collect_arm_results, write_results
from .runs import Run, check_run, check_unchanged, plan_runs, shared_with
from .search import choose_settings, search_grid, write_choices_csv
from .tables import format_accuracies

__all__ = [
    'ArmResult',
    'Grid',
    'Job',
    'Run',
    'accuracies',
    'check_run',
    'check_unchanged',
    'choose_settings',
    'collect_arm_results',
    'format_accuracies',
    'format_ordering',
    'plan_runs',
    'read_grid',
    'read_results_csv',
    'run_jobs',
    'scalars_of',
    'search_grid',
    'shared_with',
    'write_choices_csv',
    'write_results',
]
