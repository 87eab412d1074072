"""What crossed of a replica's stream of events, and of a copied data folder, as results hold it."""

from __future__ import annotations

from typing import Literal

from aurora_wire.immutable import immutable


@immutable
class TableResult:
    """A table whose rows crossed in a replication stream: how many, by what was done to them."""

    schema: str                     # that it is in
    table: str                      # its name
    inserted: int                   # rows written
    updated: int                    # rows changed: each has its values before and after
    deleted: int                    # rows deleted


@immutable
class ReplicationResult:
    """A replica's connection, outside TLS: how it registered, what it asked for, and what it was sent. None: not seen.

    Numbers of rows are those of events that could be read: `cut` and `unread` say how many could not.
    """

    server_id: int | None           # the replica's
    host: str | None                # that the replica reports (report_host)
    user: str | None                # likewise (report_user)
    port: int | None                # likewise (report_port)
    password: bool                  # a password crossed with these (report_password)
    file: str | None                # of the binary log, that it asked for; empty: the first one
    position: int | None            # in that file
    gtid_set: str | None            # transactions that it has already
    semi_sync: bool                 # it acknowledges what it was sent
    source_id: int | None           # the server that the last event was written by
    source_version: str | None      # of the server that wrote the log
    file_now: str | None            # up to where the log was sent
    position_now: int | None        # in that file
    last_gtid: str | None           # of the last transaction
    events: dict[str, int]          # by type, those inside compressed transactions too
    bytes: int                      # of events, as they crossed
    databases: list[str]            # named in events, up to a bound
    tables: list[TableResult]       # whose layout or rows crossed, up to a bound, the most rows first
    rows_elsewhere: int             # rows of tables beyond that bound
    statements: int                 # texts of statements in events
    cut: int                        # events that were not captured whole, or were longer than is read
    unread: int                     # events whose rows fit no layout that was seen, or that could not be decompressed
    frame: int | None               # of the first event, or else of the replica's first command
    offset: int | None              # stream offset of that packet
    direction: Literal["client", "server"]            # who sent it


@immutable
class CloneResult:
    """A data folder that was copied (COM_CLONE), outside TLS."""

    bytes: int                      # of files, as far as seen
    packets: int                    # that these came in
    descriptors: int                # of files and their parts
    plugins: list[str]              # of the donor, by name
    settings: int                   # of the donor's configuration, that came along
    commands: dict[str, int]        # of who clones, by name
    complete: bool                  # the donor's last word was that it is done
    error: str | None               # the donor's, where it refused
    frame: int                      # of the first data, or else of the command
    offset: int                     # stream offset of that packet
    direction: Literal["client", "server"]            # who sent it
