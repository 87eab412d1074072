"""Names of link types, as tcpdump and Wireshark print them. Source: tcpdump.org, "Link-layer header types"."""

NAMES = {
    0: "NULL", 1: "EN10MB", 9: "PPP", 12: "RAW", 14: "RAW", 101: "RAW", 105: "IEEE802_11", 108: "LOOP",
    113: "LINUX_SLL", 127: "IEEE802_11_RADIO", 228: "IPV4", 229: "IPV6", 276: "LINUX_SLL2",
}  # fmt: skip


def link_type_name(number: int) -> str:
    return NAMES.get(number, f"link type {number}")
