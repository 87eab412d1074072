"""AW6xx: what a server allows, found by probing it. The wire shows what happened; these say what could.

Rules about certificates and key exchange (AW607, AW610, AW611, AW614 to AW616) are hit by captures too, which show the
same: rules/certificates.py checks both.
"""

from typing import Final

from aurora_wire.verdict.rules.rule import Rule
from aurora_wire.verdict.rules.tls import MANUAL, STRONG_SUITES, STRONG_VERSIONS

SERVER_WITHOUT_TLS: Final = "AW601"
OFFER_STRIPPED: Final = "AW602"
OBSOLETE_OFFERED: Final = "AW603"
WEAK_OFFERED: Final = "AW604"
UNPROTECTED_OFFERED: Final = "AW605"
LASTING_KEYS_OFFERED: Final = "AW606"
CERTIFICATE_EXPIRED: Final = "AW607"
CERTIFICATE_EXPIRES: Final = "AW608"
CERTIFICATE_REFUSED: Final = "AW609"
WEAK_CERTIFICATE: Final = "AW610"
OWN_CERTIFICATE: Final = "AW611"
AUTHORITIES_OUTDATED: Final = "AW612"
NO_TLS_1_3: Final = "AW613"
SHORT_DH: Final = "AW614"
AUTHORITY_EXPIRED: Final = "AW615"
SELF_SIGNED: Final = "AW616"
TLS_NOT_REQUIRED: Final = "AW621"
CONNECTED_IN_CLEAR: Final = "AW622"
ACCOUNTS_WITHOUT_TLS: Final = "AW623"
PASSWORD_AS_IT_IS: Final = "AW624"  # noqa: S105 - a rule's id
ANONYMOUS_ACCOUNT: Final = "AW625"
OLD_HASH: Final = "AW626"
REPLICATION_IN_CLEAR: Final = "AW627"
FILES_ON_DEMAND: Final = "AW628"

NIST: Final = "NIST SP 800-52 Rev. 2"
AMAZON_BUNDLES: Final = 'Amazon RDS User Guide, "Using SSL/TLS to encrypt a connection to a DB instance or cluster"'
NEW_CERTIFICATE: Final = (
    "Give the server a certificate of an authority that its clients trust, for the name that they connect to.\n"
    "{certificate}"
)

POSTURE: Final = (
    Rule(
        SERVER_WITHOUT_TLS, "The server does not offer TLS", "high",
        "Whoever connects to it has to send login, statements and results in the clear, or not at all.",
        "On MySQL 8.0 and newer TLS is on unless it was turned off: remove `tls_version=''` or `skip_ssl` from its "
        "configuration.\n"
        "{offer_tls}",
        (f"{NIST}, section 3.1", MANUAL),
    ),
    Rule(
        OFFER_STRIPPED, "The TLS offer was removed on the way", "critical",
        "MySQL sets two flags together where it offers TLS; here one is missing. Something between the server and "
        "this host takes the offer out of the greeting, so that clients go on in the clear.",
        "Compare with what the server offers on its own host:\n"
        "  mysql --host=127.0.0.1 --execute=status\n"
        "and look at each proxy and load balancer in between. Clients that require TLS refuse such a connection.",
        ('MySQL Server documentation, "Capabilities Flags"',),
    ),
    Rule(
        OBSOLETE_OFFERED, "Obsolete TLS versions offered", "medium",
        "SSL 3.0, TLS 1.0 and TLS 1.1 have known weaknesses. A client that knows nothing newer, or is made to "
        "believe so by someone in between, uses them.",
        STRONG_VERSIONS.rstrip(),
        (f"{NIST}, section 3.1", "RFC 8996, sections 4 and 5", MANUAL),
    ),
    Rule(
        WEAK_OFFERED, "Weak cipher suites offered", "high",
        "RC4, DES, 3DES and export suites can be broken with known means.",
        STRONG_SUITES,
        (f"{NIST}, section 3.3.1", "RFC 9325, section 4.1", MANUAL),
    ),
    Rule(
        UNPROTECTED_OFFERED, "Cipher suites without protection offered", "critical",
        "A NULL suite does not encrypt, an anonymous one does not say with whom.",
        "Remove NULL, eNULL, aNULL and ADH from ssl_cipher.\n" + STRONG_SUITES,
        (f"{NIST}, section 3.3.1", "RFC 9325, section 4.1", MANUAL),
    ),
    Rule(
        LASTING_KEYS_OFFERED, "Cipher suites without forward secrecy offered", "low",
        "Whoever gets the server's key later opens every session that was captured under such a suite.",
        STRONG_SUITES,
        (f"{NIST}, section 3.3.1", "RFC 9325, section 4.1", MANUAL),
    ),
    Rule(
        CERTIFICATE_EXPIRED, "Certificate expired or not valid yet", "high",
        "Clients that verify refuse to connect; whoever turns the verification off to get on is open to anyone in "
        "between.",
        NEW_CERTIFICATE,
        (f"{NIST}, section 3.2.1", "RFC 5280, section 4.1.2.5"),
    ),
    Rule(
        CERTIFICATE_EXPIRES, "Certificate expires soon", "low",
        "When it has, clients that verify refuse to connect.",
        NEW_CERTIFICATE,
        (f"{NIST}, section 3.2.1", "RFC 5280, section 4.1.2.5"),
    ),
    Rule(
        CERTIFICATE_REFUSED, "Certificate not accepted", "high",
        "With the authorities that were given the server's certificate does not verify: clients that do so refuse "
        "it, and others talk to whoever answers.",
        "Check that the file of authorities is the one for this server, and that the name is in its certificate.\n"
        + NEW_CERTIFICATE,
        (f"{NIST}, section 3.2.1", AMAZON_BUNDLES),
    ),
    Rule(
        WEAK_CERTIFICATE, "Weak key or signature", "high",
        "RSA keys below 2,048 bits, curves below 224 bits, and signatures with MD5 or SHA-1 can be forged with means "
        "that exist.",
        NEW_CERTIFICATE,
        (f"{NIST}, section 3.2.1", "NIST SP 800-131A Rev. 2, section 3"),
    ),
    Rule(
        OWN_CERTIFICATE, "Certificate that the server made for itself", "info",
        "It encrypts, but no authority says whose key it is: clients cannot verify it without having got it first.",
        NEW_CERTIFICATE,
        ('MySQL 8.4 Reference Manual, "Creating SSL and RSA Certificates and Keys using MySQL"',
         'MariaDB Knowledge Base, "Securing Connections for Client and Server"'),
    ),
    Rule(
        AUTHORITIES_OUTDATED, "File of authorities out of date", "medium",
        "Authorities that have expired verify nothing any more, and servers of a region that is missing are refused "
        "when their certificates are renewed.",
        "Get today's file, note its SHA-256, and let probe look at it, which knows Amazon's authorities by theirs:\n"
        "  curl -O https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem\n"
        "  sha256sum global-bundle.pem\n"
        "  aurora-wire probe --ca global-bundle.pem HOST",
        (AMAZON_BUNDLES,),
    ),
    Rule(
        NO_TLS_1_3, "TLS 1.3 not offered", "low",
        "TLS 1.3 encrypts the certificate too, and has no weak suites to choose from.",
        "Update the server: MySQL from 8.0.16, MariaDB from 10.4 with OpenSSL 1.1.1.\n" + STRONG_VERSIONS.rstrip(),
        (f"{NIST}, section 3.1", MANUAL),
    ),
    Rule(
        SHORT_DH, "Short Diffie-Hellman parameters", "medium",
        "A prime below 2,048 bits can be precomputed for: sessions that were captured can be opened later.",
        STRONG_SUITES,
        (f"{NIST}, section 3.3.1", "RFC 9325, section 4.3"),
    ),
    Rule(
        AUTHORITY_EXPIRED, "Chain to an Amazon authority that has expired", "high",
        "The certificate was issued below an authority of Amazon RDS whose time is over: clients that verify refuse "
        "it, and a session that goes on with it is one in which nobody verified.",
        "Give the instance a certificate of today's authorities, after its clients have got today's file:\n"
        "  aws rds modify-db-instance --db-instance-identifier NAME --ca-certificate-identifier rds-ca-rsa2048-g1",
        ('Amazon RDS User Guide, "Rotating your SSL/TLS certificate"', AMAZON_BUNDLES),
    ),
    Rule(
        SELF_SIGNED, "Self-signed certificate", "low",
        "No authority says whose key it is: only clients that were given this very certificate can verify it, and "
        "others talk to whoever answers.",
        NEW_CERTIFICATE,
        (f"{NIST}, section 3.2.1", "RFC 5280, section 6.1"),
    ),
    Rule(
        TLS_NOT_REQUIRED, "The server takes connections in the clear", "medium",
        "Each client decides alone whether its session is encrypted, and most drivers do not insist.",
        "First see who would break:\n"
        "  aurora-wire impact CAPTURES\n"
        "{require_tls}",
        ('MySQL 8.4 Reference Manual, "require_secure_transport"',
         'MariaDB Knowledge Base, "require_secure_transport"'),
    ),
    Rule(
        CONNECTED_IN_CLEAR, "Sessions in the clear right now", "high",
        "What these users send and receive can be read by whoever is on the way, at this moment.",
        "See what crosses:\n"
        "  sudo aurora-wire watch\n"
        "then turn TLS on in these clients, and require it of their accounts.\n"
        "{account_tls}",
        ('MySQL 8.4 Reference Manual, "The threads Table"',),
    ),
    Rule(
        ACCOUNTS_WITHOUT_TLS, "Accounts that may come in the clear", "medium",
        "Nothing keeps a client of these accounts from logging in without TLS.",
        "First see who would break:\n"
        "  aurora-wire impact CAPTURES\n"
        "{account_tls}",
        ('MySQL 8.4 Reference Manual, "CREATE USER Statement", SSL/TLS Options',
         'MariaDB Knowledge Base, "Securing Connections for Client and Server"'),
    ),
    Rule(
        PASSWORD_AS_IT_IS, "Accounts whose password is sent as it is", "high",
        "The plugin of these accounts has the client send its password in clear text, which TLS alone protects; and "
        "nothing requires TLS of them.",
        "Require TLS of them.\n"
        "{account_tls}",
        ('MySQL 8.4 Reference Manual, "Client-Side Cleartext Pluggable Authentication"',),
    ),
    Rule(
        ANONYMOUS_ACCOUNT, "Anonymous account", "high",
        "Anybody may log in from the hosts of this account, without a name.",
        "Remove it:\n"
        "  DROP USER ''@'host';",
        ('MySQL 8.4 Reference Manual, "Securing the Initial MySQL Account"',),
    ),
    Rule(
        OLD_HASH, "Passwords hashed as before MySQL 4.1", "high",
        "The hash is broken: who sees one login can log in, and can find the password.",
        "{account_hash}",
        ('MySQL 5.6 Reference Manual, "Password Hashing in MySQL"',),
    ),
    Rule(
        REPLICATION_IN_CLEAR, "Replication in the clear", "high",
        "Every change on the source crosses the network readable, rows and statements, to this server.",
        "{replication_tls}",
        ('MySQL 8.4 Reference Manual, "Setting Up Replication to Use Encrypted Connections"',
         'MariaDB Knowledge Base, "Replication with Secure Connections"'),
    ),
    Rule(
        FILES_ON_DEMAND, "The server may ask its clients for files", "low",
        "Whoever can answer in the server's place can ask a client that allows it for any file that it may read.",
        "Where nothing uses LOAD DATA LOCAL, turn it off.\n"
        "{local_infile_off}",
        ('MySQL 8.4 Reference Manual, "Security Considerations for LOAD DATA LOCAL"',),
    ),
)
