"""CLI for waits: `ringfloor waits score`, how well waits can be told on a log.

Called by cli, which gives it a parser. The log is replayed moment by moment; each contact that
comes to wait is told its wait by every estimator, from what was known at that moment.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from statistics import median

from msgspec import Struct, json

from ringfloor.base import zones
from ringfloor.base.errors import Fault
from ringfloor.base.time import SECOND, Instant
from ringfloor.client import Progress
from ringfloor.domain.logged import LoggedContact
from ringfloor.node import log_files
from ringfloor.node.wait_model import fitting
from ringfloor.waits.estimators import (
    CONSTANT,
    ESTIMATORS,
    MODEL,
    SHARES,
    Estimator,
    Quantiles,
)
from ringfloor.waits.history import Ask, asks
from ringfloor.waits.model import By, WaitModel, moved
from ringfloor.waits.scores import Estimate, Outcome, Score, plain, score
from ringfloor.waits.training import Held, by_qlm, held_out, made

SUMMARY = "Estimates of waits: how well they can be told on a log."

DESCRIPTION = """\
Replays the log of a contact center and says how well each way to estimate waits would have done: at
the moment when a contact came into its queue, with nothing that was not known by then. Scored are
contacts that waited and were answered, from a day on; what came before is learnt from. Seconds.

  ringfloor waits score bank.tsv --train-until 1999-02-15

MAE is the mean error, RMSE its root mean square, bias positive where too much is told; the band is
to hold 80 % of the waits. The trained model needs `pip install ringfloor[waits]`. More in
docs/waits.md."""

TRAINED_SHARE = 2 / 3
"""Of the days of a log, if nobody says."""


class Report(Struct, frozen=True):
    """What --json prints."""

    trained_until: str
    trained_on: int
    scored: int
    uses: By
    """Of QLm and the model the one that would be told: it was better before."""
    below: dict[str, float]
    """The share of waits that were shorter than what would have been told by each quantile."""
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
        metavar="MAPPING",
        help="how it is read: a TOML file, or one that comes with Ringfloor"
        f" ({', '.join(log_files.shipped())}) [that which reads it]",
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
    how = log_files.planned(options.mapping, options.log)
    contacts = log_files.contacts(options.log, how)
    asked = list(_shown(asks(contacts, zone=how.file.zone), sum(map(_waited, contacts))))
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
    fit = fitting()
    held = held_out(known, fit)
    model = made(known, held, 1, edge, fit)
    said: dict[By, list[Quantiles]] = {"QLm": [by_qlm(each.view) for each in scored]}
    if model.forests is not None:
        said["model"] = [model.forests.tells(each.view) for each in scored]
    for by, each in said.items():
        scores |= _by_quantiles(by, each, held, scored, model)
    return Report(
        until.isoformat(),
        len(known),
        len(scored),
        model.uses,
        _below(said[model.uses], model.offsets.get(model.uses, []), scored),
        scores,
    )


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
    shares = ", ".join(f"{name} {share:.1%}" for name, share in found.below.items())
    yield f"told by {found.uses}; waits below what was told: {shares}"


def _score(known: Sequence[Ask], scored: Sequence[Ask], tells: Callable[[Ask], Estimate]) -> Score:
    before = [(tells(each), _outcome(each)) for each in known]
    return score([tells(each) for each in scored], [*map(_outcome, scored)], before=before)


def _told(by: Estimator, ask: Ask) -> Estimate:
    return plain(by.tells(ask.view))


def _by_quantiles(
    by: By, said: Sequence[Quantiles], held: Held, scored: Sequence[Ask], model: WaitModel
) -> dict[str, Score]:
    """Of who tells quantiles: the mean, if it has no row yet, and P50; with a band of their own."""
    offsets = model.offsets.get(by, [])
    outcomes = [*map(_outcome, scored)]
    before = [
        (_estimate(each, each.mean_s), _outcome(ask))
        for each, ask in zip(held.said.get(by, ()), held.asks, strict=True)
    ]
    points = {f"{by} P50": [moved(each, offsets).p50_s for each in said]}
    if by == MODEL:
        points = {MODEL: [each.mean_s for each in said], **points}
    return {
        name: score(
            [_estimate(each, point) for each, point in zip(said, told, strict=True)],
            outcomes,
            before=before,
        )
        for name, told in points.items()
    }


def _estimate(said: Quantiles, point_s: float) -> Estimate:
    return Estimate(point_s, said.p10_s, said.p90_s)


def _below(
    said: Sequence[Quantiles], offsets: Sequence[float], scored: Sequence[Ask]
) -> dict[str, float]:
    """The share of waits below each quantile, as it would have been told."""
    told = [moved(each, offsets) for each in said]
    return {
        f"p{share * 100:.0f}": sum(
            ask.waited_ms / SECOND <= each[number] for each, ask in zip(told, scored, strict=True)
        )
        / len(scored)
        for number, share in enumerate(SHARES, 1)
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
    if fitting() is None:
        return "the trained model is left out: pip install 'ringfloor[waits]'"
    return f"the trained model is left out: {found.trained_on:,} waits are too few"
