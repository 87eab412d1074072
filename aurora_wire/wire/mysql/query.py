"""COM_QUERY: where its text is, and the query attributes before it.

Source: MySQL Server docs, "COM_QUERY" (attributes since 8.0.23).
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from aurora_wire.wire.mysql.commands import COM_QUERY
from aurora_wire.wire.mysql.lenenc import read_lenenc
from aurora_wire.wire.mysql.parameters import MAX_PARAMETERS, read_parameters
from aurora_wire.wire.mysql.values import Value


@mypyc_attr(acyclic=True)
class Query:
    """The text is data[text_at:text_end] of what was parsed."""

    __slots__ = ("attributes", "text_at", "text_end")

    def __init__(self, text_at: i64, text_end: i64, attributes: list[Value]) -> None:
        self.text_at: Final[i64] = text_at
        self.text_end: Final[i64] = text_end
        self.attributes: Final = attributes


def parse_query(data: bytes, at: i64, end: i64, attributes_agreed: i64) -> Query | None:
    """Return the COM_QUERY whose command byte is data[at].

    attributes_agreed: 1 CLIENT_QUERY_ATTRIBUTES was agreed, 0 it was not, -1 the login was not seen. With -1
    the content decides: no statement begins with a count below 251 and a 1. None where it is no COM_QUERY, or
    the attributes that have to be there do not fit.
    """
    if at >= end or data[at] != COM_QUERY:
        return None
    if attributes_agreed == 0:
        return Query(at + 1, end, [])
    query = _parse_with_attributes(data, at + 1, end)
    if query is None and attributes_agreed < 0:
        return Query(at + 1, end, [])
    return query


def _parse_with_attributes(data: bytes, at: i64, end: i64) -> Query | None:
    count, at = read_lenenc(data, at, end)
    if count < 0 or count > MAX_PARAMETERS:
        return None
    sets, at = read_lenenc(data, at, end)
    if sets != 1:
        return None
    if count == 0:
        return Query(at, end, [])
    found = read_parameters(data, at, end, count, True, None, None)
    if found is None or not found.complete:
        return None
    return Query(found.at, end, found.values)
