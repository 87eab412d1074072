"""Addresses of what rules and fixes refer to: a reference is a name that people know, and where to read it."""

from __future__ import annotations

import re
from typing import Final

_MYSQL: Final = "https://dev.mysql.com/doc/refman/8.4/en/"
_SOURCE: Final = "https://dev.mysql.com/doc/dev/mysql-server/latest/"
_MARIADB: Final = "https://mariadb.com/kb/en/"
_RFC: Final = "https://www.rfc-editor.org/rfc/rfc"

# Title within quotation marks, or the whole reference: where it is.
ADDRESSES: Final = {
    "Caching SHA-2 Pluggable Authentication": f"{_MYSQL}caching-sha2-pluggable-authentication.html",
    "Cloning Remote Data": f"{_MYSQL}clone-plugin-remote.html",
    "CREATE USER Statement": f"{_MYSQL}create-user.html#create-user-tls",
    "Client-Side Cleartext Pluggable Authentication": f"{_MYSQL}cleartext-pluggable-authentication.html",
    "Command Options for Encrypted Connections": f"{_MYSQL}connection-options.html#encrypted-connection-options",
    "Configuring MySQL to Use Encrypted Connections": f"{_MYSQL}using-encrypted-connections.html",
    "Creating SSL and RSA Certificates and Keys using MySQL": f"{_MYSQL}creating-ssl-rsa-files-using-mysql.html",
    "Encrypted Connection TLS Protocols and Ciphers": f"{_MYSQL}encrypted-connection-protocols-ciphers.html",
    "Administrator Guidelines for Password Security": f"{_MYSQL}password-security-admin.html",
    "Encryption and Compression Functions": f"{_MYSQL}encryption-functions.html",
    "Passwords and Logging": f"{_MYSQL}password-logging.html",
    "Pluggable Authentication": f"{_MYSQL}pluggable-authentication.html",
    "Replica Server Options and Variables": f"{_MYSQL}replication-options-replica.html",
    "OpenID Connect Pluggable Authentication":
        "https://dev.mysql.com/doc/refman/9.7/en/openid-pluggable-authentication.html",
    "Native Authentication":
        f"{_SOURCE}page_protocol_connection_phase_authentication_methods_native_password_authentication.html",
    "Authentication from MariaDB 10.4": f"{_MARIADB}authentication-from-mariadb-104/",
    "IAM database authentication for MariaDB, MySQL, and PostgreSQL":
        "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html",
    "example_hashes": "https://hashcat.net/wiki/doku.php?id=example_hashes",
    "Strong cryptography for transmission": "https://www.pcisecuritystandards.org/document_library/",
    "Managing access keys for IAM users":
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html",
    "JSON Web Token": f"{_RFC}7519",
    "Password Storage Cheat Sheet":
        "https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html",
    "GDPR, article 87": "https://eur-lex.europa.eu/eli/reg/2016/679/oj",
    "GDPR, article 9": "https://eur-lex.europa.eu/eli/reg/2016/679/oj",
    "GDPR, article 32": "https://eur-lex.europa.eu/eli/reg/2016/679/oj",
    "International bank account number": "https://www.iso.org/standard/81090.html",
    "Transmission security": "https://www.ecfr.gov/current/title-45/section-164.312",
    "KILL Statement": f"{_MYSQL}kill.html",
    "Securing the Initial MySQL Account": f"{_MYSQL}default-privileges.html",
    "Security Considerations for LOAD DATA LOCAL": f"{_MYSQL}load-data-local-security.html",
    "Setting Up Replication to Use Encrypted Connections": f"{_MYSQL}replication-encrypted-connections.html",
    "The threads Table": f"{_MYSQL}performance-schema-threads-table.html",
    'MySQL 8.4 Reference Manual, "require_secure_transport"':
        f"{_MYSQL}server-system-variables.html#sysvar_require_secure_transport",
    "Password Hashing in MySQL": "https://docs.oracle.com/cd/E17952_01/mysql-5.6-en/password-hashing.html",
    "Capabilities Flags": f"{_SOURCE}group__group__cs__capabilities__flags.html",
    "Connection Phase": f"{_SOURCE}page_protocol_connection_phase.html",
    "Protocol::HandshakeResponse41":
        f"{_SOURCE}page_protocol_connection_phase_packets_protocol_handshake_response.html",
    "Protocol::HandshakeV10": f"{_SOURCE}page_protocol_connection_phase_packets_protocol_handshake_v10.html",
    "MariaDB CONC-648": "https://jira.mariadb.org/browse/CONC-648",
    "Replication with Secure Connections": f"{_MARIADB}replication-with-secure-connections/",
    "Securing Connections for Client and Server": f"{_MARIADB}securing-connections-for-client-and-server/",
    'MariaDB Knowledge Base, "require_secure_transport"':
        f"{_MARIADB}ssltls-system-variables/#require_secure_transport",
    "Using SSL/TLS to encrypt a connection to a DB instance or cluster":
        "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html",
    "Rotating your SSL/TLS certificate":
        "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL-certificate-rotation.html",
    "NIST SP 800-131A Rev. 2": "https://doi.org/10.6028/NIST.SP.800-131Ar2",
    "NIST SP 800-52 Rev. 2": "https://doi.org/10.6028/NIST.SP.800-52r2",
    "Why TLS Is Better Without STARTTLS":
        "https://www.usenix.org/conference/usenixsecurity21/presentation/poddebniak",
    "Insertion, Evasion, and Denial of Service": "https://apps.dtic.mil/sti/citations/ADA391565",
    "draft-ietf-opsawg-pcapng": "https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng/",
    "tcpdump manual": "https://www.tcpdump.org/manpages/tcpdump.1.html",
}  # fmt: skip

_IN_QUOTES: Final = re.compile(r'"([^"]+?),?"')


def find_address(reference: str) -> str:
    """Return where a reference can be read; empty where no address is known."""
    if reference in ADDRESSES:
        return ADDRESSES[reference]
    rfc = re.match(r"RFC (\d+)(?:, section ([\d.]+\d)|, sections (\d+))?", reference)
    if rfc is not None:
        section = rfc[2] or rfc[3]
        return f"{_RFC}{rfc[1]}" + (f"#section-{section}" if section else "")
    cve = re.match(r"CVE-\d+-\d+", reference)
    if cve is not None:
        return f"https://nvd.nist.gov/vuln/detail/{cve[0]}"
    quoted = _IN_QUOTES.search(reference)
    if quoted is not None and quoted[1] in ADDRESSES:
        return ADDRESSES[quoted[1]]
    return next((address for name, address in ADDRESSES.items() if reference.startswith(f"{name},")), "")
