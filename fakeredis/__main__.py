"""``python -m fakeredis``."""

from fakeredis.cli import main

if __name__ == "__main__":
    main()
