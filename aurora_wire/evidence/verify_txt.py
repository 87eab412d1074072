"""VERIFY.txt: how to check a bundle with `unzip`, `sha256sum` and `openssl`, trusting nobody's program."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from aurora_wire.evidence.layout import (
    ENVELOPE,
    MANIFEST,
    POSTURE,
    POSTURE_TEXT,
    PUBLIC_KEY,
    SIGNATURE,
    SIGNED_BYTES,
    SUMS,
    SUMS_SIGNATURE,
    TIMESTAMP,
)

HEAD: Final = f"""\
How to check this bundle without the program that made it
==========================================================

With aurora-wire it is one command, which also runs the analysis again:

    aurora-wire evidence verify case.zip --key examiner.pub

Without it, three common programs do: unzip, sha256sum, openssl (3.0 or later).
Lines that begin with "$" are commands; case.zip is this bundle.

1. Unpack it into an empty folder.

    $ unzip -q case.zip -d case
    $ cd case

2. Nothing was added: it has these {{count}} files, and no other.

    $ unzip -Z1 ../case.zip

{{listing}}

3. Nothing was changed or taken away. Each line has to end in "OK".

    $ sha256sum --check --strict {SUMS}
"""

SIGNED: Final = f"""
4. The list of sums was signed. It has to say "Signature Verified Successfully".

    $ openssl pkeyutl -verify -pubin -inkey {PUBLIC_KEY} -rawin -in {SUMS} -sigfile {SUMS_SIGNATURE}

5. So was the attestation (in-toto statement in a DSSE envelope: {ENVELOPE}),
   whose signed bytes are in a file of their own.

    $ openssl pkeyutl -verify -pubin -inkey {PUBLIC_KEY} -rawin -in {SIGNED_BYTES} -sigfile {SIGNATURE}

6. Who signed? The key in this bundle proves nothing by itself: anybody can put
   one there. Compare its fingerprint with the one that the examiner gave you
   in another way, or use the examiner's own file in steps 4 and 5.

    $ openssl pkey -pubin -in {PUBLIC_KEY} -outform DER -out key.der
    $ sha256sum key.der

   This bundle was signed with {{fingerprint}}.
"""

POSTURES: Final = f"""
What is in {POSTURE} was answered by servers when they were asked (`probe`,
`audit`, `fleet`, `check`), at the times in manifest.json. Nobody can ask a server
again what it answered then: the sums say that the files are as they were put
in, and `aurora-wire evidence verify` makes again what follows from them, which
are findings, grades, and {POSTURE_TEXT}.
"""

UNSIGNED: Final = """
4. This bundle is not signed: the sums show damage, and not who made them.
"""

STAMPED: Final = f"""
7. A time-stamp authority saw the attestation. With its certificate in tsa.pem:

    $ openssl ts -verify -in {TIMESTAMP} -data {ENVELOPE} -CAfile tsa.pem
    $ openssl ts -reply -in {TIMESTAMP} -text
"""

LEFT_OUT: Final = f"""
Not in this bundle
------------------

It was made of folders, and of what lay in them these files were not taken ({MANIFEST}
names all of them, too: left_out):

{{listing}}
"""

MAX_LEFT_OUT: Final = 1_000  # shown


def instructions(
    names: list[str], fingerprint: str | None, *, stamped: bool, left_out: Sequence[tuple[str, str]]
) -> bytes:
    """Return VERIFY.txt.

    names: of all files of the bundle; fingerprint: of the key that signed; left_out: paths of files that were not
    taken, and why.
    """
    listing = "\n".join(f"    {name}" for name in sorted(names))
    text = HEAD.format(count=len(names), listing=listing)
    text += UNSIGNED if fingerprint is None else SIGNED.format(fingerprint=fingerprint)
    if stamped:
        text += STAMPED
    if any(name.startswith(POSTURE) for name in names):
        text += POSTURES
    if left_out:
        # In quotes, as a name may be anything: also a line break with what looks like a command behind it.
        lines = [f"    {json.dumps(path)}: {json.dumps(why)[1:-1]}" for path, why in left_out[:MAX_LEFT_OUT]]
        if len(left_out) > MAX_LEFT_OUT:
            lines.append(f"    and {len(left_out) - MAX_LEFT_OUT:,} more")
        text += LEFT_OUT.format(listing="\n".join(lines))
    return text.encode("ascii")
