"""`python -m icu`."""

from icu.cli.main import main

if __name__ == "__main__":
    main()
