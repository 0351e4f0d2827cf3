"""python -m ringfloor is ringfloor, and so is the command: main is what both call."""

import sys


def main() -> int:
    """Run the command; whoever interrupts it while it is being loaded is told nothing."""
    try:
        if sys.argv[1:2] == ["gateway"]:
            from ringfloor import cli_gateway  # noqa: PLC0415  it needs little of all the others

            return cli_gateway.main(sys.argv[2:])
        from ringfloor import cli  # noqa: PLC0415  takes a moment, in which Ctrl-C may come

        return cli.main()
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
