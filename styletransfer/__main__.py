"""Runs the command: ``python -m styletransfer`` is the same as ``stylize``.

Signals are handled before the rest of the command is imported, and have no
effect once it has ended.
"""

import signal
import sys

from styletransfer.cli.streams import protect_streams
from styletransfer.errors import InterruptionError
from styletransfer.runs.interruption import StopRequest


def main() -> None:
    """Import the command and run it."""
    stop = StopRequest()
    handled = stop.install()
    try:
        with stop.postponed():
            from styletransfer.cli import app
        app.main(stop)
    except InterruptionError as error:
        stop.finish()
        protect_streams()
        sys.stderr.write(f"stylize: {error}\n")
        sys.exit(error.exit_code)
    finally:
        # While Python shuts down, a handler in Python would be torn down as well.
        for number in handled:
            signal.signal(number, signal.SIG_IGN)


if __name__ == "__main__":
    main()
