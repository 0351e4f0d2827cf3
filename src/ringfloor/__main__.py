"""python -m ringfloor is ringfloor, and so is the command: main is what both call."""

import sys


def main() -> int:
    """Run the command; whoever interrupts it while it is being loaded is told nothing."""
    try:
        from ringfloor import cli  # noqa: PLC0415  takes a moment, in which Ctrl-C may come

        return cli.main()
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
