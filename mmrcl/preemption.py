"""What a run and the process that started it tell each other about the end of either."""

# EX_TEMPFAIL of sysexits.h: failed for now, try again.
EXIT_CODE = 75
# Names a file that a rank makes when it has saved: torch's launcher does not pass on its code.
SAVED_NOTE = 'MMRCL_SAVED_NOTE'
# Names the process that started this one, after whose death this one ends.
LAUNCHER = 'MMRCL_LAUNCHER'
