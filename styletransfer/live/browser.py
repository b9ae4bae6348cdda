"""Opening the page in the browser."""

import subprocess
import sys
import threading


def open_browser(address: str) -> None:
    """Open an address in the user's browser, if there is one.

    Returns at once and prints nothing: browsers write to their terminal, and those that
    run in one would take it over, so the browser gets none.

    Args:
        address: The address of the page.
    """
    # -I: no `webbrowser.py` of the current folder is run.
    command = [sys.executable, "-I", "-m", "webbrowser", address]
    threading.Thread(target=_run, args=(command,), daemon=True).start()


def _run(command: list[str]) -> None:
    nothing = subprocess.DEVNULL
    try:
        subprocess.run(
            command, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True
        )
    except OSError:  # The address was printed, too.
        return
