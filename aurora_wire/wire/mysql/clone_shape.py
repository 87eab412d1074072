"""How much a packet of CLONE tells by its own fields, where COM_CLONE and its OK were not seen. Weights are bits.

All packets have sequence id 0, a recipient's commands and a donor's packets alike. What InnoDB says of itself begins
with its version, its own length and its kind, all with the highest byte first: that is nobody else's. Files' bytes and
packets of one byte tell nothing alone. Source: MySQL Server source, plugin/clone/src/clone_client.cc
("serialize_init_cmd", "serialize_ack_cmd"), clone_server.cc ("send_locators", "send_descriptor", "send_key_value"),
storage/innobase/include/clone0desc.h ("Clone_Desc_Header").
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u24, u32, u32_be
from aurora_wire.wire.mysql import clone
from aurora_wire.wire.mysql.charsets import CHARACTER_SETS
from aurora_wire.wire.mysql.sql_text import is_text

CERTAIN: Final[i64] = 100      # more bits than anything asks for
KNOWN_NAME: Final[i64] = 30    # of a plugin or collation that every server has, in a packet that it fills
FITS: Final[i64] = 1           # any name: frames of other protocols may have a length inside, too. Only beside others
BARE: Final[i64] = 10          # a packet of one byte, which other protocols have: it counts behind what it answers

HEADER: Final[i64] = 4
INNODB_HEADER: Final[i64] = 12           # of what InnoDB says of itself: version, length, kind
INNODB_VERSION: Final[i64] = 100         # and a few to come
INNODB_VERSIONS: Final[i64] = 16
LOCATOR: Final[i64] = 1                  # kinds: this one is in commands, the others in descriptors
LAST_KIND: Final[i64] = 5
VERSION_LOW: Final[i64] = 0x0100         # of CLONE's own protocol
VERSION_HIGH: Final[i64] = 0x0200
MAX_LOCATORS: Final[i64] = 16            # a server's storage engines that can clone
MAX_NAME: Final[i64] = 256
MAX_DESCRIPTOR: Final[i64] = 1 << 16
BEGINS_INNODB: Final = b"\0\0\0d\0\0\0"  # version 100, and a length below 256
DESCRIPTOR_AT: Final[i64] = 7            # from a packet's header to what InnoDB says in it
DESCRIPTOR_HEAD: Final[i64] = 15         # bytes of a descriptor up to its kind: the same in every one of a size

# What a donor says of itself, in the first packets after COM_INIT.
SETTINGS: Final = frozenset(
    (
        b"version", b"version_compile_machine", b"version_compile_os", b"character_set_server",
        b"character_set_filesystem", b"collation_server", b"innodb_page_size",
        b"clone_donor_timeout_after_network_failure",
    )
)  # fmt: skip
PLUGINS: Final = frozenset(
    (
        b"binlog", b"mysql_native_password", b"sha256_password", b"caching_sha2_password", b"sha2_cache_cleaner",
        b"daemon_keyring_proxy_plugin", b"CSV", b"MEMORY", b"InnoDB", b"MyISAM", b"MRG_MYISAM", b"PERFORMANCE_SCHEMA",
        b"TempTable", b"ARCHIVE", b"BLACKHOLE", b"FEDERATED", b"ngram", b"mysqlx", b"mysqlx_cache_cleaner", b"clone",
    )
)  # fmt: skip
COLLATION_ENDS: Final = (b"_ci", b"_cs", b"_bin", b"_ks", b"_0900")
CHARSETS: Final = frozenset([name.encode() for name, _, _ in CHARACTER_SETS])
NAME_CHARACTERS: Final = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."


def command_bits(data: bytes, at: i64, end: i64) -> i64:
    """Return how much the whole payload data[at:end] tells to be a command of who clones; 0 if it is none."""
    if at >= end:
        return 0
    kind: i64 = data[at]
    if kind in (clone.EXECUTE, clone.EXIT):
        return BARE if end - at == 1 else 0
    if kind in (clone.INIT, clone.ATTACH, clone.REINIT):
        if end - at < 9 or not VERSION_LOW <= u32(data, at + 1) < VERSION_HIGH:
            return 0
        return CERTAIN if _locators(data, at + 9, end) == end else 0
    if kind == clone.ACK and end - at >= 5:
        # An error of the recipient's, the locator, and what is acknowledged, which is empty beside an error.
        behind = _locator(data, at + 5, end)
        if behind > 0 and behind + 4 <= end and u32(data, behind) == end - behind - 4:
            return CERTAIN
    return 0


def response_bits(data: bytes, at: i64, end: i64) -> i64:
    """Return how much the whole payload data[at:end] tells to be a donor's packet; 0 if it tells nothing."""
    if at >= end:
        return 0
    kind: i64 = data[at]
    if kind == clone.COMPLETE:
        return BARE if end - at == 1 else 0
    if kind == clone.LOCATORS:
        if end - at < 5 or not VERSION_LOW <= u32(data, at + 1) < VERSION_HIGH:
            return 0
        return CERTAIN if _locators(data, at + 5, end) == end else 0
    if kind == clone.DESCRIPTOR:
        return CERTAIN if is_descriptor(data, at - HEADER, end) else 0
    if kind == clone.ERROR:
        return FITS if end - at > 5 and 1000 <= u32(data, at + 1) < 60_000 and is_text(data, at + 5, end) else 0
    if kind in (clone.PLUGIN, clone.COLLATION):
        stop = _name(data, at + 1, end)
        return _name_bits(data, at + 5, stop) if stop == end else 0
    if kind in (clone.CONFIG, clone.PLUGIN_2, clone.CONFIG_3, clone.CONFIG_4):
        stop = _name(data, at + 1, end)
        if stop < 0 or end - stop < 4 or u32(data, stop) != end - stop - 4 or not is_text(data, stop + 4, end):
            return 0
        if kind != clone.PLUGIN_2:
            return CERTAIN if data[at + 5 : stop] in SETTINGS else FITS
        # A plugin that is built in has no library.
        if stop + 4 == end or data[end - 3 : end] == b".so" or data[end - 4 : end] == b".dll":
            return _name_bits(data, at + 5, stop)
    return 0


def first_clone_bits(data: bytes, at: i64, end: i64, from_client: bool) -> i64:
    """Return how much the packet whose header is at `at` tells to be one of CLONE; 0 if it does not, or is cut."""
    if end - at < HEADER + 1 or data[at + 3] != 0 or data[at + 4] > clone.ERROR:
        return 0
    stop = at + HEADER + u24(data, at)
    if stop > end:
        return CERTAIN if not from_client and is_descriptor(data, at, end) else 0
    return command_bits(data, at + HEADER, stop) if from_client else response_bits(data, at + HEADER, stop)


def is_descriptor(data: bytes, at: i64, end: i64) -> bool:
    """Return whether the packet whose header is at `at`, perhaps cut by `end`, is a descriptor of InnoDB's: it tells
    itself by two lengths that agree.
    """
    if at < 0 or end - at < HEADER + DESCRIPTOR_HEAD or data[at + 3] != 0:
        return False
    return is_descriptor_payload(data, at + HEADER, end, u24(data, at))


def is_descriptor_payload(data: bytes, at: i64, end: i64, total: i64) -> bool:
    """Return whether a payload of `total` bytes, of which data[at:end] are here, is a descriptor of InnoDB's."""
    if end - at < DESCRIPTOR_HEAD or data[at] != clone.DESCRIPTOR or data[at + 2] >= MAX_LOCATORS:
        return False
    if not _is_innodb(data, at + 3) or u32_be(data, at + 7) != total - 3:
        return False
    return LOCATOR < u32_be(data, at + 11) <= LAST_KIND


def find_descriptor(data: bytes, at: i64, end: i64) -> i64:
    """Return where the first packet with a descriptor begins in data[at:end], whatever is before it; -1 if none."""
    found: i64 = at
    while True:
        found = data.find(BEGINS_INNODB, found, end)
        if found < 0:
            return -1
        if found - DESCRIPTOR_AT >= at and is_descriptor(data, found - DESCRIPTOR_AT, end):
            return found - DESCRIPTOR_AT
        found += 1


def _is_innodb(data: bytes, at: i64) -> bool:
    size = u32_be(data, at + 4)
    version = u32_be(data, at) - INNODB_VERSION
    return 0 <= version < INNODB_VERSIONS and INNODB_HEADER <= size < MAX_DESCRIPTOR


def _locators(data: bytes, at: i64, end: i64) -> i64:
    """Return the end of the locators that begin at `at`, of which there is one at least; -1 if they are none."""
    count: i64 = 0
    while at < end:
        at = _locator(data, at, end)
        count += 1
        if at < 0 or count > MAX_LOCATORS:
            return -1
    return at if count > 0 else -1


def _locator(data: bytes, at: i64, end: i64) -> i64:
    """Return the end of a locator of InnoDB's: engine, length, and room of that length for it; -1 if it is none."""
    inner = at + 5
    if inner + INNODB_HEADER > end:
        return -1
    size = u32(data, at + 1)
    if size < INNODB_HEADER or size > end - inner or not _is_innodb(data, inner):
        return -1
    return inner + size if u32_be(data, inner + 4) <= size and u32_be(data, inner + 8) == LOCATOR else -1


def _name(data: bytes, at: i64, end: i64) -> i64:
    """Return the end of a name with its length of 32 bits at `at`; -1 if it is none."""
    if end - at < 5:
        return -1
    size = u32(data, at)
    stop = at + 4 + size
    if size == 0 or size > MAX_NAME or stop > end:
        return -1
    return stop if len(data[at + 4 : stop].translate(None, NAME_CHARACTERS)) == 0 else -1


def _name_bits(data: bytes, at: i64, end: i64) -> i64:
    name = data[at:end]
    known = name in PLUGINS or name.startswith(b"INNODB_")
    return KNOWN_NAME if known or (name.endswith(COLLATION_ENDS) and name.split(b"_")[0] in CHARSETS) else FITS
