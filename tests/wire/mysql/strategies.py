"""Values of every type, each with its bytes on the wire and the literal that it must become."""

from __future__ import annotations

import struct

from hypothesis import strategies as st

from tests.wire.mysql.built import Parameter, lestr

INTEGERS = {1: "b", 2: "h", 3: "i", 8: "q", 9: "i", 13: "h"}


@st.composite
def integers(draw: st.DrawFn) -> Parameter:
    kind = draw(st.sampled_from(sorted(INTEGERS)))
    unsigned = draw(st.booleans())
    code = INTEGERS[kind].upper() if unsigned else INTEGERS[kind]
    bits = 8 * struct.calcsize("<" + code)
    low, high = (0, (1 << bits) - 1) if unsigned else (-(1 << bits - 1), (1 << bits - 1) - 1)
    number = draw(st.integers(low, high))
    return Parameter(kind, struct.pack("<" + code, number), str(number).encode(), unsigned=unsigned)


@st.composite
def doubles(draw: st.DrawFn) -> Parameter:
    number = draw(st.floats(allow_nan=False, allow_infinity=False))
    text = repr(number)
    return Parameter(5, struct.pack("<d", number), text.removesuffix(".0").encode())


@st.composite
def dates(draw: st.DrawFn) -> Parameter:
    kind = draw(st.sampled_from([7, 10, 12]))
    size = draw(st.sampled_from([0, 4, 7, 11]))
    moment = draw(st.datetimes())
    wire = struct.pack(
        "<HBBBBBI",
        moment.year,
        moment.month,
        moment.day,
        moment.hour,
        moment.minute,
        moment.second,
        moment.microsecond,
    )
    text = moment.strftime("-%m-%d %H:%M:%S.%f")
    text = f"{moment.year:04d}{text}"[: {0: 0, 4: 10, 7: 19, 11: 26}[size]]
    if size == 0:
        text = "0000-00-00" if kind == 10 else "0000-00-00 00:00:00"
    return Parameter(kind, bytes([size]) + wire[:size], f"'{text}'".encode())


@st.composite
def times(draw: st.DrawFn) -> Parameter:
    size = draw(st.sampled_from([0, 8, 12]))
    negative = draw(st.booleans())
    days, hours = draw(st.integers(0, 34)), draw(st.integers(0, 23))
    minutes, seconds = draw(st.integers(0, 59)), draw(st.integers(0, 59))
    micros = draw(st.integers(0, 999999))
    wire = struct.pack("<BIBBBI", negative, days, hours, minutes, seconds, micros)[:size]
    text = f"{'-' if negative else ''}{days * 24 + hours:02d}:{minutes:02d}:{seconds:02d}.{micros:06d}"
    text = {0: "00:00:00", 8: text[:-7], 12: text}[size]
    return Parameter(11, bytes([size]) + wire, f"'{text}'".encode())


@st.composite
def texts(draw: st.DrawFn) -> Parameter:
    kind = draw(st.sampled_from([15, 247, 248, 249, 250, 251, 252, 253, 254, 245]))
    text = draw(
        st.text(st.characters(exclude_categories=["Cc", "Cs"], include_characters="'\\\n\r\t"), max_size=40)
    )
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    escaped = escaped.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    return Parameter(kind, lestr(text.encode()), b"'" + escaped.encode() + b"'")


@st.composite
def blobs(draw: st.DrawFn) -> Parameter:
    kind = draw(st.sampled_from([252, 253, 254, 242, 255]))
    raw = b"\x00" + draw(st.binary(max_size=300))
    return Parameter(kind, lestr(raw), b"X'" + raw.hex().encode() + b"'")


@st.composite
def decimals(draw: st.DrawFn) -> Parameter:
    kind = draw(st.sampled_from([0, 246]))
    text = str(
        draw(
            st.decimals(
                allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12
            )
        )
    )
    return Parameter(kind, lestr(text.encode()), text.encode())


@st.composite
def bits(draw: st.DrawFn) -> Parameter:
    raw = draw(st.binary(min_size=1, max_size=8))
    digits = f"{int.from_bytes(raw, 'big'):0{8 * len(raw)}b}"
    return Parameter(16, lestr(raw), f"b'{digits}'".encode())


@st.composite
def nulls(draw: st.DrawFn) -> Parameter:
    return Parameter(draw(st.sampled_from([6, 3, 254, 12])), None, b"NULL")


def parameters() -> st.SearchStrategy[Parameter]:
    return st.one_of(integers(), doubles(), dates(), times(), texts(), blobs(), decimals(), bits(), nulls())
