"""``python -m styletransfer`` is ``stylize``."""

from styletransfer.cli import main

if __name__ == "__main__":
    main()
