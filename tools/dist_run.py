"""Start the processes of a run by torch's launcher, and end with code 75 when they have saved.

Arguments are those of `python -m torch.distributed.run`.
"""

import os
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType

from torch.distributed import run
from torch.distributed.elastic.multiprocessing import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

from mmrcl.preemption import EXIT_CODE, SAVED_NOTE


def as_sigterm(number: int, frame: FrameType | None) -> None:
    """Treat a signal that torch's launcher does not pass on as one that it does."""
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    signal.signal(signal.SIGUSR1, as_sigterm)
    code = 0
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder, 'saved')
        os.environ[SAVED_NOTE] = str(saved)
        try:
            run.main()
        except ChildFailedError as error:
            code = 1
            if not saved.exists():
                print(error, file=sys.stderr)
        except SignalException as error:
            code = 128 + error.sigval
        except KeyboardInterrupt:
            code = 128 + signal.SIGINT
        if saved.exists():
            code = EXIT_CODE
    sys.exit(code)


if __name__ == '__main__':
    main()
