"""What to call the kinds of frames that were not decoded, and how many of them a result names."""

from __future__ import annotations

from aurora_wire.link_types import link_type_name, link_type_number_and_name
from aurora_wire.wire.net.skip_reasons import OTHER_LINK, OTHER_LINK_TYPE, skipped_name

MAX_SHOWN = 20  # one by one; a hostile capture has any number
MORE = "and "   # begins the name of those that are put together

Hiding = dict[str, tuple[int, str]]


def kind_name(reason: int, detail: int) -> str:
    """Return what to call frames skipped for this reason; link types by number and name."""
    if reason == OTHER_LINK_TYPE:
        return f"{link_type_number_and_name(detail)} not known"
    return skipped_name(reason, detail)


def link_type_names(numbers: list[int]) -> list[str]:
    """Return the names of the link types of a capture, the first ones where there are too many."""
    names = [link_type_name(number) for number in numbers[:MAX_SHOWN]]
    return names if len(numbers) <= MAX_SHOWN else [*names, f"{MORE}{len(numbers) - MAX_SHOWN:,} more"]


def most_frequent(skipped: dict[str, int], hiding: Hiding) -> tuple[dict[str, int], Hiding]:
    """Return both with at most MAX_SHOWN kinds by name, the others put together: no frame is lost."""
    if len(skipped) <= MAX_SHOWN:
        return skipped, hiding
    named = set(sorted(skipped, key=lambda name: (-skipped[name], name))[:MAX_SHOWN])
    kept = {name: count for name, count in skipped.items() if name in named}
    kept_hiding = {name: one for name, one in hiding.items() if name in named}
    others = skipped.keys() - named
    hidden = others & hiding.keys()
    for words, names in (("more kinds of frames", hidden), ("more kinds without TCP", others - hidden)):
        if names:
            kept[f"{MORE}{len(names):,} {words}"] = sum(skipped[name] for name in names)
    if hidden:
        kept_hiding[f"{MORE}{len(hidden):,} more kinds of frames"] = (sum(skipped[name] for name in hidden), OTHER_LINK)
    return kept, kept_hiding
