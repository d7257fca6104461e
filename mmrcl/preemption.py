"""How a run says that it stopped on a signal and has saved."""

# EX_TEMPFAIL of sysexits.h: failed for now, try again.
EXIT_CODE = 75
# Names a file that a rank makes when it has saved: torch's launcher does not pass on its code.
SAVED_NOTE = 'MMRCL_SAVED_NOTE'
