"""A small shop: tables with rows, and the statements that an application makes of them."""

from random import Random
from typing import NamedTuple

# Column types, as the protocol numbers them ("Protocol::ColumnDefinition").
LONG, DATETIME, DECIMAL, VARCHAR = 3, 12, 246, 253

NAMES = (
    "Ada", "Bela", "Chen", "Dora", "Emil", "Fatima", "Goran", "Hana", "Ivo", "Jana", "Kofi", "Lena", "Mira",
    "Nuno", "Olga", "Pavel", "Quinn", "Rosa", "Sami", "Tess", "Uwe", "Vera", "Wen", "Yara", "Zoltan",
)
WORDS = (
    "amber", "basket", "cable", "desk", "engine", "frame", "garden", "hammer", "ink", "jar", "kettle", "lamp",
    "mirror", "needle", "oven", "paper", "quilt", "ribbon", "saddle", "table", "umbrella", "vase", "yarn",
)
STATES = ("new", "paid", "packed", "shipped", "returned", "cancelled")


class Column(NamedTuple):
    name: str
    type: int


class Table(NamedTuple):
    name: str
    columns: tuple[Column, ...]


class Statement(NamedTuple):
    """`table` is what a result set shows, None where the answer is an OK (or an ERR)."""

    text: bytes
    table: Table | None


def _table(name: str, **columns: int) -> Table:
    return Table(name, tuple(Column(*column) for column in columns.items()))


TABLES = (
    _table("customers", id=LONG, full_name=VARCHAR, email=VARCHAR, created_at=DATETIME),
    _table("orders", id=LONG, customer_id=LONG, total=DECIMAL, state=VARCHAR, created_at=DATETIME),
    _table("products", id=LONG, sku=VARCHAR, title=VARCHAR, price=DECIMAL),
    _table("sessions", id=LONG, customer_id=LONG, token=VARCHAR, expires_at=DATETIME),
    _table("events", id=LONG, kind=VARCHAR, body=VARCHAR, at=DATETIME),
)
SETTINGS = _table("settings", Variable_name=VARCHAR, Value=VARCHAR)


def value(rng: Random, column: Column) -> str:
    """A cell as text, as a text row and (but for strings and dates, quoted) a statement have it."""
    if column.type == LONG:
        return str(rng.randrange(1, 5_000_000))
    if column.type == DECIMAL:
        return f"{rng.randrange(100, 200_000) / 100:.2f}"
    if column.type == DATETIME:
        month, day, hour = rng.randrange(1, 13), rng.randrange(1, 29), rng.randrange(24)
        return f"2024-{month:02d}-{day:02d} {hour:02d}:{rng.randrange(60):02d}:{rng.randrange(60):02d}"
    if column.name == "email":
        return f"{rng.choice(NAMES).lower()}.{rng.randrange(10_000)}@shop.example"
    if column.name == "token":
        return f"{rng.getrandbits(128):032x}"
    if column.name == "state":
        return rng.choice(STATES)
    if column.name == "body":
        return " ".join(rng.choice(WORDS) for _ in range(rng.randrange(4, 30)))
    return f"{rng.choice(NAMES)} {rng.choice(WORDS)}"


def literal(rng: Random, column: Column) -> str:
    text = value(rng, column)
    return text if column.type in (LONG, DECIMAL) else f"'{text}'"


def statement(rng: Random) -> Statement:
    """The next statement of an application: two of three read."""
    table = rng.choice(TABLES)
    what = rng.random()
    if what < 0.66:
        return _select(rng, table)
    if what < 0.76:
        return _insert(rng, table)
    if what < 0.86:
        column = table.columns[-1]
        new = literal(rng, column)
        text = f"UPDATE {table.name} SET {column.name} = {new} WHERE id = {rng.randrange(5_000_000)}"
    elif what < 0.89:
        text = f"DELETE FROM {table.name} WHERE id = {rng.randrange(5_000_000)} LIMIT 1"
    elif what < 0.92:
        return Statement(b"SHOW VARIABLES LIKE '%timeout'", SETTINGS)
    else:
        text = rng.choice(("BEGIN", "COMMIT", "SET NAMES utf8mb4", "SET autocommit=1", "ROLLBACK"))
    return Statement(text.encode(), None)


def prepared(rng: Random) -> Statement:
    """A statement with one placeholder for a number."""
    table = rng.choice(TABLES)
    columns = ", ".join(column.name for column in table.columns)
    return Statement(f"SELECT {columns} FROM {table.name} WHERE id > ? ORDER BY id LIMIT 20".encode(), table)


def _select(rng: Random, table: Table) -> Statement:
    columns = ", ".join(f"t.{column.name}" for column in table.columns)
    shape = rng.randrange(4)
    where = rng.choice(table.columns)
    if shape == 0:
        text = f"SELECT {columns} FROM {table.name} AS t WHERE t.id = {rng.randrange(5_000_000)}"
    elif shape == 1:
        text = (
            f"SELECT {columns} FROM {table.name} AS t WHERE t.{where.name} = {literal(rng, where)} "
            f"ORDER BY t.id DESC LIMIT {rng.randrange(1, 50)}"
        )
    elif shape == 2:
        numbers = ", ".join(str(rng.randrange(5_000_000)) for _ in range(rng.randrange(2, 30)))
        text = f"SELECT {columns} FROM {table.name} AS t WHERE t.id IN ({numbers})"
    else:
        text = (
            f"SELECT {columns} FROM {table.name} AS t JOIN customers AS c ON c.id = t.id "
            f"WHERE c.full_name = '{rng.choice(NAMES)}' AND t.{where.name} <> {literal(rng, where)}"
        )
    return Statement(text.encode(), table)


def _insert(rng: Random, table: Table) -> Statement:
    """One row, or rarely so many that the statement needs several segments."""
    rows = rng.randrange(20, 60) if rng.random() < 0.08 else 1
    columns = ", ".join(column.name for column in table.columns)
    values = ", ".join(
        "(" + ", ".join([literal(rng, column) for column in table.columns]) + ")" for _ in range(rows)
    )
    return Statement(f"INSERT INTO {table.name} ({columns}) VALUES {values}".encode(), None)
