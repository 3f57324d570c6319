"""Who hears of which events."""

from __future__ import annotations

from framework.local.events import Event, Feed, Problem, Reloaded

PROBLEM: Event = Problem("wrong")
RELOADED: Event = Reloaded()


def test_who_names_no_kind_hears_everything() -> None:
    heard: list[Event] = []
    feed = Feed(heard.append)

    feed.publish(PROBLEM)
    feed.publish(RELOADED)

    assert heard == [PROBLEM, RELOADED]


def test_who_names_kinds_hears_no_others() -> None:
    problems: list[Event] = []
    reloads: list[Event] = []
    both: list[Event] = []
    feed = Feed()
    feed.subscribe(problems.append, Problem)
    feed.subscribe(reloads.append, Reloaded)
    feed.subscribe(both.append, Problem, Reloaded)

    feed.publish(PROBLEM)
    feed.publish(RELOADED)
    feed.publish(PROBLEM)

    assert problems == [PROBLEM, PROBLEM]
    assert reloads == [RELOADED]
    assert both == [PROBLEM, RELOADED, PROBLEM]


def test_who_comes_after_the_first_event_of_a_kind_hears_the_later_ones() -> None:
    first: list[Event] = []
    of_kind: list[Event] = []
    of_all: list[Event] = []
    feed = Feed(first.append)
    feed.publish(PROBLEM)

    feed.subscribe(of_kind.append, Problem)
    feed.subscribe(of_all.append)
    later = Problem("wrong again")
    feed.publish(later)

    assert first == [PROBLEM, later]
    assert of_kind == [later]
    assert of_all == [later]


def test_listeners_hear_in_the_order_in_which_they_came() -> None:
    heard: list[str] = []
    feed = Feed(lambda event: heard.append("first"))
    feed.subscribe(lambda event: heard.append("second"), Problem)
    feed.subscribe(lambda event: heard.append("third"))

    feed.say("wrong")

    assert heard == ["first", "second", "third"]
