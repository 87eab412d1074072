"""Files of trusted certificates, given by `--ca`: which servers they can verify. Needs the package cryptography."""

from __future__ import annotations

import hashlib
import re
import ssl
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from aurora_wire.disk import describe_disk_error
from aurora_wire.errors import UsageError
from aurora_wire.rights.inputs import read_input
from aurora_wire.verdict.amazon_roots import WITHDRAWN_FILES, by_fingerprint
from aurora_wire.verdict.certificates import read_certificate


@dataclass(slots=True)
class BundleFacts:
    """What a file of trusted certificates holds. Each list is of shown names.

    withdrawn: the file has the name of one that Amazon no longer publishes; regions: those for which it holds a
    certificate of today's generation.
    """

    path: str
    sha256: str
    count: int
    expired: list[str] = field(default_factory=list)
    regions: list[str] = field(default_factory=list)
    withdrawn: bool = False
    amazon_count: int = 0

    def lacks(self, region: str) -> bool:
        """Tell whether servers of this region cannot be verified with it. Only known of Amazon's bundles."""
        return bool(region) and self.amazon_count > 0 and region not in self.regions


def read_bundle(path: str, now: datetime) -> BundleFacts:
    """Return what the file given by `--ca` holds. Raises UsageError where it holds no certificate."""
    try:
        data = read_input(path)
    except OSError as error:
        raise UsageError(f"{path}: {describe_disk_error(error)}.") from error
    blocks = re.findall(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", data, re.DOTALL)
    found = BundleFacts(path, hashlib.sha256(data).hexdigest(), 0)
    for number, block in enumerate(blocks, 1):
        try:
            facts = read_certificate(ssl.PEM_cert_to_DER_cert(block.decode("ascii")))
        except ValueError:
            facts = None
        if facts is None:
            raise UsageError(f"{path}: certificate {number} cannot be read.")
        found.count += 1
        if facts.not_after < now:
            found.expired.append(facts.amazon or facts.subject)
        known = by_fingerprint().get(facts.fingerprint)
        if known is not None:
            found.amazon_count += 1
            if facts.not_after >= now and known.region and known.region not in found.regions:
                found.regions.append(known.region)
    if not found.count:
        raise UsageError(f"{path}: there is no certificate in it (PEM: -----BEGIN CERTIFICATE-----).")
    found.withdrawn = any(name in Path(path).name for name in WITHDRAWN_FILES)
    return found
