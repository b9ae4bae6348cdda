"""Runs the command: ``python -m styletransfer`` is the same as ``stylize``."""

from styletransfer.cli.app import main

if __name__ == "__main__":
    main()
