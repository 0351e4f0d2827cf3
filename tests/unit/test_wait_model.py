"""Wait models: what is trained, what of it is used, how it is calibrated, what is told by it."""

from random import Random
from statistics import fmean

import msgspec
import numpy as np
import pytest

from ringfloor.base.time import SECOND
from ringfloor.node.wait_model import (
    SETTINGS,
    VALUES_MAX,
    coarse,
    exported,
    fit,
    fitted,
    fitting,
    slope,
    train,
)
from ringfloor.waits.estimators import NO_TIME, SHARES, Quantiles, qlm
from ringfloor.waits.floor import Floor
from ringfloor.waits.history import AGAIN_S, asks
from ringfloor.waits.model import SCALE_S, Forest, Forests, Slope, decode, encode, moved, tell
from ringfloor.waits.order import Class
from ringfloor.waits.training import WAITS_MIN, offset, rated, trained
from ringfloor.waits.views import FEATURES, look
from wait_builders import START, a_log

SALES = Class("sales", 5, 0)


@pytest.fixture(scope="module", autouse=True)
def few_trees():
    """For the sake of time; as many are made as SETTINGS says."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(SETTINGS, "max_iter", 30)
        patched.setattr("ringfloor.node.wait_model.SEEDS", 1)
        patched.setattr("ringfloor.node.wait_model.SEEDS_P50", 2)
        yield


@pytest.fixture(scope="module")
def log():
    return a_log(seed=8, contacts=2_400)


@pytest.fixture(scope="module")
def answered(log):
    return [ask for ask in asks(log) if ask.answered]


@pytest.fixture(scope="module")
def half(answered):
    return len(answered) // 2


@pytest.fixture(scope="module")
def model(answered, half):
    return train(answered[:half], 7, START)


def waits_s(some) -> list[float]:
    return [each.waited_ms / SECOND for each in some]


def said(seconds: float):
    """Who always says the same of everything, and what fits such trees."""
    leaf = Forest(seconds / SCALE_S, [], [], [], [], [], [])
    return lambda _views, _waits_s: Forests(Slope(0.0, [], [], []), [leaf] * len(SHARES))


# The same as scikit-learn says


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_flat_trees_say_what_scikit_learn_predicts(answered, share):
    seen = np.array([each.view[: len(FEATURES)] for each in answered], float)
    waited = np.array(waits_s(answered))
    models = [fitted(seen, waited, None, seed, share) for seed in range(2)]
    predicted = np.mean([each.predict(seen) for each in models], axis=0)
    forest = exported(models)
    assert [forest.tells(each.view) for each in answered] == pytest.approx(predicted, abs=1e-9)
    assert len(forest.roots) == 2 * SETTINGS["max_iter"]


def test_the_slope_is_that_of_least_squares_and_reaches_as_far_again():
    chance = Random(1)
    seen = np.array([[chance.random(), chance.random(), 3.0] for _ in range(100_000)])
    found = slope(seen, 10 + 5 * seen[:, 0] - 2 * seen[:, 1])
    assert found.tells((0.5, 0.5, 3.0)) == pytest.approx(11.5, rel=0.01)
    assert found.tells((2.0, 0.5, 3.0)) == pytest.approx(19, rel=0.03)
    assert found.tells((9.0, 0.5, 3.0)) == pytest.approx(19, rel=0.03)


def test_features_are_rounded_to_as_many_values_as_trees_tell_apart():
    chance = Random(2)
    seen = np.array([[chance.expovariate(1), number % 3, 7.0] for number in range(5_000)])
    rounded = coarse(seen)
    assert [len(np.unique(column)) for column in rounded.T] == [VALUES_MAX, 3, 1]
    assert np.all(rounded[:, 1:] == seen[:, 1:])
    assert np.corrcoef(rounded[:, 0], seen[:, 0])[0, 1] > 0.999
    order = np.argsort(seen[:, 0])
    assert np.all(np.diff(rounded[order, 0]) >= 0)


# What is trained


def test_a_model_learns(model, answered, half):
    assert (model.version, model.trained_at, model.trained_on) == (7, START, half)
    later = answered[half:]
    told = [model.forests.tells(each.view).mean_s for each in later]
    constant_s = fmean(waits_s(answered[:half]))
    waited = waits_s(later)
    wrong, plainly = (
        fmean((each - wait) ** 2 for each, wait in zip(points, waited, strict=True))
        for points in (told, [constant_s] * len(waited))
    )
    assert wrong < 0.8 * plainly


def test_the_same_waits_give_the_same_model(model, answered, half):
    assert encode(train(answered[:half], 7, START)) == encode(model)


def test_what_was_not_over_is_not_learnt_from_while_days_are_held_out(answered):
    given = []

    def fit_none(views, _waits_s):
        given.append(len(views))
        return said(50.0)(views, _waits_s)

    trained(answered, 1, START, fit_none)
    edge = answered[-round(len(answered) * 0.25)].at
    assert given == [sum(each.over_at <= edge for each in answered), len(answered)]
    assert given[0] < len(answered) * 0.75


@pytest.mark.parametrize("contacts", [0, 40, 400])
def test_of_few_waits_no_trees_are_made(contacts):
    few = list(asks(a_log(seed=3, contacts=contacts)))
    model = train(few, 1, START)
    assert model.forests is None
    assert model.uses == "QLm"
    assert model.trained_on == sum(each.answered for each in few) < WAITS_MIN
    view = look(Floor(), SALES, START)
    assert tell(view, model) is None


def test_the_better_one_is_used(answered):
    assert trained(answered, 1, START, said(10_000.0)).uses == "QLm"
    assert trained(answered, 1, START, None).uses == "QLm"
    knows = {each.view: each.waited_ms / SECOND for each in answered}

    class Knows(Forest, frozen=True):
        def tells(self, view):
            return knows[view] / SCALE_S

    all_known = Knows(0.0, [], [], [], [], [], [])
    forests = Forests(Slope(0.0, [], [], []), [all_known] * len(SHARES))
    best = trained(answered, 1, START, lambda _views, _waits_s: forests)
    assert best.uses == "model"
    assert best.scores["model"].mae_s < best.scores["QLm"].mae_s


def test_what_is_used_has_scores_of_the_last_days(model):
    assert set(model.scores) == set(model.offsets) == {"QLm", "model"}
    for each in model.scores.values():
        assert 0 < each.mae_s < each.rmse_s < 200
        assert 0.65 < each.coverage < 0.95


def test_quantiles_have_their_share_of_what_they_were_calibrated_with(answered):
    off = offset([Quantiles(9, 9, 9, 9, 9)] * len(answered), answered)
    waited = waits_s(answered)
    for share, each in zip(SHARES, off, strict=True):
        assert fmean(wait <= 9 + each for wait in waited) == pytest.approx(share, abs=0.005)


def test_ratings_are_of_waits_that_nothing_was_calibrated_with(answered):
    """The first half waits ten times as long: nobody could have known."""
    count = len(answered) // 2
    grown = [
        each._replace(over_at=each.at + 10 * each.waited_ms) if number < count else each
        for number, each in enumerate(answered)
    ]
    told = [Quantiles(9, 9, 9, 9, 9)] * len(grown)
    assert rated(told, grown).coverage < 0.5 < rated(told, answered).coverage


# What is told


def test_half_of_the_waits_are_below_p50_and_four_fifths_below_p80(model, answered, half):
    later = answered[half:]
    for used in ("QLm", "model"):
        these = msgspec.structs.replace(model, uses=used)
        told = [tell(each.view, these) for each in later]
        assert {(each.by, each.version) for each in told} == {(used, 7)}
        for number, share in enumerate(SHARES, 1):
            below = fmean(
                wait <= each.quantiles[number]
                for wait, each in zip(waits_s(later), told, strict=True)
            )
            assert below == pytest.approx(share, abs=0.12)


def test_without_a_model_qlm_tells(answered):
    for each in answered[:50]:
        assert tell(each.view, None) == (qlm(each.view), "QLm", None)


def test_quantiles_are_never_negative_and_ascend(model, log):
    for ask in asks(log[:500], again=True):
        for each in (model, None):
            told = tell(ask.view, each)
            if told is not None:
                assert min(told.quantiles) >= 0
                assert list(told.quantiles[1:]) == sorted(told.quantiles[1:])
    assert moved(Quantiles(-4, 5, 3, -9, 2), []) == (0, 5, 5, 5, 5)
    assert moved(Quantiles(1, 5, 6, 7, 8), [-9, 1, 2, -3]) == (1, 0, 7, 9, 9)


def test_a_free_agent_is_better_known_than_what_trees_say(model):
    floor = Floor()
    floor.staffed("ann", {"sales": 1}, START)
    assert tell(look(floor, SALES, START), model) == (NO_TIME, "QLm", 7)
    floor.staffed("ann", {}, START)
    assert tell(look(floor, SALES, START), model) is None


def test_estimates_while_one_waits_are_of_what_is_left(model, log):
    """Asked again, they are right as often, and not those of a newcomer."""
    later = [each for each in asks(log, again=True) if each.answered and not each.first]
    assert {each.view.waited_s for each in later} <= set(AGAIN_S)
    told = [tell(each.view, model).quantiles for each in later]
    below = fmean(wait <= each.p50_s for wait, each in zip(waits_s(later), told, strict=True))
    assert below == pytest.approx(0.5, abs=0.12)


# Files


def test_a_model_is_the_same_as_a_file(model):
    assert decode(encode(model)) == model


@pytest.mark.parametrize(
    "changed", [{"layout": 2}, {"features": FEATURES[1:]}, {"uses": "a guess"}, {"version": None}]
)
def test_other_models_are_refused(model, changed):
    other = msgspec.msgpack.decode(encode(model)) | changed
    with pytest.raises(msgspec.MsgspecError):
        decode(msgspec.msgpack.encode(other))


def test_without_scikit_learn_only_qlm_is_calibrated(monkeypatch, answered):
    assert fitting() is fit
    monkeypatch.setattr("ringfloor.node.wait_model.find_spec", lambda _: None)
    assert fitting() is None
    model = train(answered, 1, START)
    assert (model.uses, model.forests, set(model.offsets)) == ("QLm", None, {"QLm"})
