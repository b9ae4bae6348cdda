"""``python -m styletransfer`` is ``stylize``."""

from styletransfer.cli.app import main

if __name__ == "__main__":
    main()
