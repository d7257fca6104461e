"""Start the processes of a run by torch's launcher, and end with code 75 when they have saved.

Arguments are those of `python -m torch.distributed.run`. Which machine this is comes from NNODES,
NODE_RANK, MASTER_ADDR and PORT (or MASTER_PORT) of the environment.
"""

import os
import signal
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

from torch.distributed import run
from torch.distributed.elastic.multiprocessing import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

from mmrcl.errors import ConfigError
from mmrcl.preemption import EXIT_CODE, SAVED_NOTE


def machine_arguments(environment: Mapping[str, str]) -> list[str]:
    """Return the launcher's arguments that say which machine of how many this is."""
    machines = _number(environment, 'NNODES', 1)
    if machines < 1:
        raise ConfigError(f'NNODES={machines} must be at least 1')
    if machines > 1:
        missing = [name for name in ('NODE_RANK', 'MASTER_ADDR') if not environment.get(name)]
        if missing:
            raise ConfigError(
                f'NNODES={machines}, but {" and ".join(missing)} not set: on each machine set '
                f'NODE_RANK, from 0 to {machines - 1}, and MASTER_ADDR, the address of machine 0'
            )
    rank = _number(environment, 'NODE_RANK', 0)
    if not 0 <= rank < machines:
        raise ConfigError(
            f'NODE_RANK={rank} of NNODES={machines} must be from 0 to {machines - 1}: set NNODES '
            'to the number of machines on each of them'
        )
    name = 'PORT' if environment.get('PORT') else 'MASTER_PORT'
    port = _number(environment, name, 29500)
    if not 0 < port < 1 << 16:
        raise ConfigError(f'{name}={port} must be from 1 to 65535')
    # A single machine needs no address, and may have one in its environment from elsewhere.
    address = environment['MASTER_ADDR'] if machines > 1 else '127.0.0.1'
    return [
        f'--nnodes={machines}',
        f'--node_rank={rank}',
        f'--master_addr={address}',
        f'--master_port={port}',
    ]


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    try:
        return int(text)
    except ValueError:
        raise ConfigError(f'{name}={text} must be a whole number') from None


def as_sigterm(number: int, frame: FrameType | None) -> None:
    """Treat a signal that torch's launcher does not pass on as one that it does."""
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    signal.signal(signal.SIGUSR1, as_sigterm)
    try:
        arguments = [*machine_arguments(os.environ), *sys.argv[1:]]
    except ConfigError as error:
        sys.exit(f'error: {error}')
    code = 0
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder, 'saved')
        os.environ[SAVED_NOTE] = str(saved)
        try:
            run.main(arguments)
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
