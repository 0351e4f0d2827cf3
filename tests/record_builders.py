"""Record builders: events told to records one by one, and the facts that come of them.

day = AnnsDay()                 one agent, Ann, in routing profile p; queue q
ringing(day, 10, "c")           a contact rings at her, 10 s from the beginning
day.times                       her time, in seconds
"""

from metric_histories import Legs, clock, profile, queue, statuses, user
from ringfloor.domain.facts import AgentTime, HandTime
from ringfloor.node.history import TABLES, History
from ringfloor.projections.records import Records

AT = clock("10:00:00")


def folded(history, records=None):
    records = records or Records()
    return [fact for event, at in history for fact in records.on(event, at)]


def of(kind, facts):
    return [fact for fact in facts if isinstance(fact, kind)]


class AnnsDay:
    """One agent, Ann, in profile p."""

    def __init__(self):
        self.records, self.legs, self.told = Records(), Legs(), []
        setup = (*statuses(), queue("q"), profile("p", {"VOICE": 1}, []), user("Ann", "p"))
        self.tell(0, *setup)

    def tell(self, second, *told):
        for event in told:
            self.told += self.records.on(event, AT + second * 1000)

    @property
    def times(self):
        return stretches(self.told)


def stretches(facts):
    return [
        (fact.kind, (fact.started_at - AT) // 1000, (fact.ended_at - AT) // 1000)
        for fact in of(AgentTime, facts)
    ]


def in_hand(facts):
    return [
        (fact.contact_id, (fact.started_at - AT) // 1000, (fact.ended_at - AT) // 1000)
        for fact in of(HandTime, facts)
    ]


def ringing(day, second, name, queue="q", **members):
    at = AT + second * 1000
    day.tell(second, day.legs.begin(name, at, **members), day.legs.enqueue(name, queue, at))
    day.tell(second, day.legs.offer(name, "Ann", at))


def talking(day, second, name):
    at = AT + second * 1000
    day.tell(second, day.legs.begin(name, at), day.legs.enqueue(name, "q", at))
    day.tell(second, day.legs.offer(name, "Ann", at), day.legs.connect(name, "Ann", at))


def ending(day, second, name):
    day.tell(second, *day.legs.end(name, AT + second * 1000))


def clearing(day, second, name):
    day.tell(second, *day.legs.clear(name, "Ann", AT + second * 1000))


def contents(history: History) -> dict[str, list[str]]:
    """Everything that a history keeps, in an order that does not depend on how it came there."""
    cursor = history._database.cursor()
    return {
        table.name: sorted(map(repr, cursor.execute(f"SELECT * FROM {table.name}").fetchall()))
        for table in TABLES.values()
    }
