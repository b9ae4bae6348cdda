"""Runs the command: ``python -m styletransfer`` is the same as ``stylize``.

Signals are handled before the rest of the command is imported, and have no
effect once it has ended.
"""

import os
import signal
import sys

_EARLY = {
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
}

SPIN_COUNT = "10000"
"""Turns for which idle threads of torch keep their core busy, some 0.3 ms. With GNU's
default of 8 ms, they slow NNPACK's threads down, and a step in float32 takes a fifth longer."""


def main() -> None:
    """Import the command and run it."""
    _block(True)
    # Read once, when torch is imported.
    os.environ.setdefault("GOMP_SPINCOUNT", SPIN_COUNT)
    from styletransfer.cli.streams import protect_streams
    from styletransfer.errors import InterruptionError
    from styletransfer.runs.interruption import StopRequest

    stop = StopRequest()
    handled = stop.install()
    try:
        with stop.postponed():
            _block(False)
            from styletransfer.cli import app
            from styletransfer.runs.ranks import on_several_ranks, run_on_ranks
        if on_several_ranks():
            run_on_ranks(app.main, stop)
        else:
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


def _block(wanted: bool) -> None:
    """Hold signals back in the system until there is a handler for them."""
    if hasattr(signal, "pthread_sigmask"):  # not on Windows
        signal.pthread_sigmask(signal.SIG_BLOCK if wanted else signal.SIG_UNBLOCK, _EARLY)


if __name__ == "__main__":
    main()
