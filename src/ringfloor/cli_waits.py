"""CLI for waits: `ringfloor waits score`, how well waits can be told on a log.

Called by cli, which gives it a parser. The log is replayed moment by moment; each contact that
comes to wait is told its wait by every estimator, from what was known at that moment.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from msgspec import Struct, json

from ringfloor.base import zones
from ringfloor.base.errors import Fault
from ringfloor.base.time import SECOND, Instant
from ringfloor.call_logs.mapping import plan
from ringfloor.call_logs.reading import Problem
from ringfloor.client import Progress
from ringfloor.domain.logged import LoggedContact
from ringfloor.node.log_files import digest, mapping, rows, shipped
from ringfloor.waits.estimators import CONSTANT, ESTIMATORS, MODEL, MODEL_P50, Estimator
from ringfloor.waits.history import Ask, asks
from ringfloor.waits.scores import Estimate, Outcome, Score, plain, score

SUMMARY = "Estimates of waits: how well they can be told on a log."

DESCRIPTION = """\
Replays the log of a contact center and says how well each way to estimate waits would have done: at
the moment when a contact came into its queue, with nothing that was not known by then. Scored are
contacts that waited and were answered, from a day on; what came before is learnt from. Seconds.

  ringfloor waits score bank.tsv --mapping bank-1999 --train-until 1999-02-15

MAE is the mean error, RMSE its root mean square, bias positive where too much is told; the band is
to hold 80 % of the waits. The trained model needs `pip install ringfloor[waits]`. More in
docs/waits.md."""

TRAINED_SHARE = 2 / 3
"""Of the days of a log, if nobody says."""
CALIBRATED_SHARE = 0.75
"""Of what is learnt from: what comes later tells how far a model trained on it is off."""


class Report(Struct, frozen=True):
    """What --json prints."""

    trained_until: str
    trained_on: int
    scored: int
    estimators: dict[str, Score]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give the parser its verbs."""
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    verb = verbs.add_parser(
        "score",
        help="how well waits can be told on a log",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verb.add_argument("log", type=Path, metavar="LOG", help="the file")
    verb.add_argument(
        "--mapping",
        required=True,
        metavar="MAPPING",
        help=f"a TOML file, or one that comes with Ringfloor: {', '.join(shipped())}",
    )
    verb.add_argument(
        "--train-until",
        type=date.fromisoformat,
        metavar="YYYY-MM-DD",
        help="the first day that is scored [after two thirds of the days]",
    )
    verb.add_argument("--json", action="store_true", help="as JSON")
    verb.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Score a log; raises Fault."""
    how = plan(*mapping(options.mapping))
    contacts: list[LoggedContact] = []
    for row in rows(options.log, how, digest(options.log)):
        if isinstance(row, Problem):
            raise Fault(f"{options.log}:{row.line}: column {row.column}: {row.value} {row.rule}")
        if isinstance(row, LoggedContact):
            contacts.append(row)
    asked = list(_shown(asks(contacts), sum(map(_waited, contacts))))
    until = options.train_until or _until([each.at for each in asked], how.file.zone)
    found = report(asked, until, how.file.zone)
    if options.json:
        print(json.encode(found).decode())
    else:
        print(*lines(found), sep="\n")
    if MODEL not in found.estimators:
        print(f"ringfloor: {_why_no_model(found)}", file=sys.stderr)
    return 0


def report(asked: Sequence[Ask], until: date, zone: str) -> Report:
    """Every estimator's score from a day on; raises Fault if there is nothing to score."""
    edge = zones.beginning(until, zone)
    answered = [each for each in asked if each.answered]
    known = [each for each in answered if each.over_at < edge]
    scored = [each for each in answered if each.at >= edge]
    if not known or not scored:
        raise Fault(
            f"--train-until {until}: {len(known)} answered waits before and {len(scored)} from"
            " then on; there must be some of both"
        )
    constant_s = median(each.waited_ms / SECOND for each in known)
    scores = {CONSTANT: _score(known, scored, lambda _: plain(constant_s))}
    for name, estimator in ESTIMATORS.items():
        scores[name] = _score(known, scored, partial(_told, estimator))
    scores |= _model_scores(known, scored)
    return Report(until.isoformat(), len(known), len(scored), scores)


def lines(found: Report) -> Iterator[str]:
    """Scores as a table."""
    yield f"learnt from {found.trained_on:,} waits before {found.trained_until}"
    yield f"scored {found.scored:,} waits from then on"
    width = max(map(len, found.estimators))
    yield f"{'':<{width}}     MAE    RMSE    bias  covered    band"
    for name, each in found.estimators.items():
        share = "      -" if each.coverage is None else f"{each.coverage:>7.1%}"
        band = "      -" if each.band_mean_s is None else f"{each.band_mean_s:>7.1f}"
        errors = f"{each.mae_s:>7.1f} {each.rmse_s:>7.1f} {each.bias_s:>+7.1f}"
        yield f"{name:<{width}} {errors}  {share} {band}"


def _score(known: Sequence[Ask], scored: Sequence[Ask], tells: Callable[[Ask], Estimate]) -> Score:
    before = [(tells(each), _outcome(each)) for each in known]
    return score([tells(each) for each in scored], [*map(_outcome, scored)], before=before)


def _told(by: Estimator, ask: Ask) -> Estimate:
    return plain(by.tells(ask.view))


def _model_scores(known: Sequence[Ask], scored: Sequence[Ask]) -> dict[str, Score]:
    """Of what is trained, if the libraries are there and there is enough to learn from."""
    if find_spec("sklearn") is None:
        return {}
    from ringfloor.node.wait_model import WAITS_MIN, Model  # noqa: PLC0415  an extra

    learnt = int(len(known) * CALIBRATED_SHARE)
    if learnt < WAITS_MIN:
        return {}

    def model(of: Sequence[Ask]) -> Model:
        return Model([each.view for each in of], [each.waited_ms / SECOND for each in of])

    later = known[learnt:]
    # Calibrated by a model that has not seen what it is calibrated with.
    before = model(known[:learnt]).estimates([each.view for each in later])
    told = model(known).estimates([each.view for each in scored])
    outcomes, earlier = [*map(_outcome, scored)], [*map(_outcome, later)]
    return {
        MODEL: score(
            [each.mean for each in told],
            outcomes,
            before=zip([each.mean for each in before], earlier, strict=True),
        ),
        MODEL_P50: score(
            [each.median for each in told],
            outcomes,
            before=zip([each.median for each in before], earlier, strict=True),
        ),
    }


def _outcome(ask: Ask) -> Outcome:
    return Outcome(ask.at, ask.over_at)


def _waited(contact: LoggedContact) -> bool:
    if contact.enqueued_at is None or contact.dequeued_at is None:
        return False
    return contact.dequeued_at > contact.enqueued_at


def _shown(asked: Iterator[Ask], of: int) -> Iterator[Ask]:
    progress = Progress(sys.stderr, "waits")
    try:
        for number, ask in enumerate(asked, 1):
            progress.show(number, of)
            yield ask
    finally:
        progress.end()


def _until(moments: Sequence[Instant], zone: str) -> date:
    """The day after two thirds of the days; raises Fault if nobody waited."""
    if not moments:
        raise Fault("nobody waits in this log")
    first, last = (zones.local(at, zone).date() for at in (moments[0], moments[-1]))
    return first + timedelta(days=round(((last - first).days + 1) * TRAINED_SHARE))


def _why_no_model(found: Report) -> str:
    if find_spec("sklearn") is None:
        return "the trained model is left out: pip install 'ringfloor[waits]'"
    return f"the trained model is left out: {found.trained_on:,} waits are too few"
