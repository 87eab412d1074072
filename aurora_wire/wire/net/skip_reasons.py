"""Why a frame gave no TCP segment: one small integer a reason, and its name for people.

Some reasons come with a number (`detail`) that tells more, such as the Ethernet type; else it is 0.
Sources of the names: IANA "IEEE 802 Numbers", "Protocol Numbers".
"""

from typing import Final

from mypy_extensions import i64

TCP: Final[i64] = 0                # not skipped

# Another protocol: nothing is wrong with the frame.
ARP: Final[i64] = 1
UDP: Final[i64] = 2
ICMP: Final[i64] = 3
ICMP_V6: Final[i64] = 4
IGMP: Final[i64] = 5
SCTP: Final[i64] = 6
ESP: Final[i64] = 7                # also in UDP 4500
OTHER_PROTOCOL: Final[i64] = 8     # detail: IP protocol number
OTHER_ETHERTYPE: Final[i64] = 9    # detail: Ethernet type
OTHER_LINK_TYPE: Final[i64] = 10   # detail: LINKTYPE_ number
OTHER_PPP: Final[i64] = 11         # detail: PPP protocol number
OTHER_FAMILY: Final[i64] = 12      # detail: address family of a loopback frame
LLC: Final[i64] = 13               # 802.2 without SNAP, or SNAP that is known to carry no IP
WIFI_PROTECTED: Final[i64] = 14
WIFI_OTHER: Final[i64] = 15        # management, control, data frames without data
WIFI_AGGREGATE: Final[i64] = 16    # A-MSDU: several frames in one
WIFI_FRAGMENT: Final[i64] = 17
CONTROL: Final[i64] = 18           # of a tunnel: no packet inside
OTHER_GRE: Final[i64] = 19         # detail: the 16 bits of flags and version
OTHER_TUNNELLED: Final[i64] = 20   # MPLS, GTP-U, ERSPAN or raw IP link that carries neither IP nor Ethernet
TOO_DEEP: Final[i64] = 21
CAPWAP_FRAME: Final[i64] = 22      # encrypted, in fragments, or of another radio
OTHER_SNAP: Final[i64] = 23        # detail: the organisation
OTHER_NLPID: Final[i64] = 24       # detail: the protocol number of frame relay or ATM
MORE_KINDS: Final[i64] = 25        # of more kinds than are told apart
ENCRYPTED_UDP: Final[i64] = 27     # WireGuard, OpenVPN
STT: Final[i64] = 26               # Ethernet in segments that only look like TCP's: known when a connection ends

# Fragments of an IP datagram.
FRAGMENT_WAITING: Final[i64] = 32  # kept; the frame that brings the last one answers for the whole datagram
FRAGMENT_LOST: Final[i64] = 33     # not kept: it disagrees with earlier ones, or a bound is reached

# Not even a whole header.
LINK_CUT: Final[i64] = 48
IP_CUT: Final[i64] = 49
TCP_CUT: Final[i64] = 50
TUNNEL_CUT: Final[i64] = 51
IP_MALFORMED: Final[i64] = 52
TCP_MALFORMED: Final[i64] = 53
NO_MYSQL_PORT: Final[i64] = 54     # a TCP header that is cut behind its ports, and neither is MySQL's

SKIPPED: Final = {
    0: "TCP", 1: "ARP", 2: "UDP", 3: "ICMP", 4: "IPv6 ICMP", 5: "IGMP", 6: "SCTP", 7: "ESP (IPsec)",
    8: "IP protocol {} not known", 9: "Ethernet type 0x{:04x} not known", 10: "link type {} not known",
    11: "PPP protocol 0x{:04x} not known", 12: "loopback address family {} not known", 13: "802.3 LLC",
    14: "802.11 protected", 15: "802.11 without data", 16: "802.11 A-MSDU", 17: "802.11 fragment",
    18: "control message of a tunnel", 19: "GRE flags 0x{:04x} not known",
    20: "tunnel with neither IP nor Ethernet inside", 21: "tunnels nested too deep",
    22: "CAPWAP that is encrypted or in fragments", 23: "SNAP of organisation 0x{:06x} not known",
    24: "NLPID 0x{:02x} not known", 25: "further kinds of frames not known",
    26: "STT (Ethernet in what looks like TCP)", 27: "WireGuard or OpenVPN (encrypted)",
    32: "IP fragment, waiting", 33: "IP fragment without the rest",
    48: "link header cut", 49: "IP header cut", 50: "TCP header cut", 51: "tunnel header cut",
    52: "malformed IP header", 53: "malformed TCP header", 54: "TCP header cut, of other ports",
}

PROTOCOLS: Final = {
    0: "IPv6 hop-by-hop options out of place", 8: "EGP", 9: "IGP", 27: "RDP", 33: "DCCP",
    43: "IPv6 routing header out of place", 44: "IPv6 fragment header out of place", 46: "RSVP",
    59: "IPv6 without a payload", 88: "EIGRP", 89: "OSPF", 94: "IP-in-IP (94)", 97: "EtherIP", 103: "PIM",
    108: "IPComp", 112: "VRRP", 115: "L2TP", 135: "IPv6 mobility", 136: "UDP-Lite", 139: "HIP", 140: "Shim6",
    143: "Ethernet in SRv6",
}

ETHERTYPES: Final = {
    0x00FE: "OSI", 0x0BAD: "Banyan VINES", 0x2001: "NHRP", 0x22EA: "SRP", 0x6003: "DECnet", 0x6004: "DEC LAT",
    0x8819: "CobraNet", 0x886F: "Microsoft network load balancing", 0x88AB: "Powerlink", 0x88B8: "GOOSE",
    0x88B9: "GSE", 0x88BA: "sampled values", 0x88C7: "802.11i pre-authentication", 0x88CA: "TIPC", 0x88CD: "SERCOS III",
    0x88D9: "LLTD", 0x88DC: "WSMP", 0x88E3: "MRP", 0x88EE: "E-LMI", 0x88F6: "MMRP", 0x88F8: "NC-SI",
    0x88FB: "PRP supervision", 0x893A: "IEEE 1905.1", 0x8940: "ECP", 0x9003: "loop detection",
    0x0842: "Wake-on-LAN", 0x2000: "CDP", 0x22F0: "AVTP", 0x22F3: "TRILL", 0x6002: "DEC MOP", 0x8035: "RARP",
    0x809B: "AppleTalk", 0x80F3: "AppleTalk ARP", 0x8137: "IPX", 0x8808: "Ethernet flow control",
    0x8809: "LACP", 0x8863: "PPPoE discovery", 0x8864: "PPPoE without a session", 0x886D: "Intel teaming",
    0x887B: "HomePlug", 0x888E: "EAPOL",
    0x8892: "PROFINET", 0x88A2: "ATA over Ethernet", 0x88A4: "EtherCAT",
    0x88B5: "local experimental Ethernet type", 0x88CC: "LLDP", 0x88E1: "HomePlug AV",
    0x88E5: "MACsec (encrypted Ethernet)", 0x88E7: "MAC-in-MAC (802.1ah)", 0x88F5: "MVRP", 0x88F7: "PTP",
    0x8902: "CFM", 0x8906: "Fibre Channel over Ethernet", 0x8914: "FCoE set-up", 0x8915: "RoCE",
    0x892F: "HSR", 0x9000: "Ethernet loopback test",
}

PPP_PROTOCOLS: Final = {
    0x0031: "PPP bridging", 0x002D: "PPP with compressed TCP headers", 0x002F: "PPP with TCP headers not compressed",
    0x003D: "PPP multilink", 0x00FD: "PPP compressed or encrypted", 0x8021: "PPP IPCP", 0x8057: "PPP IPV6CP",
    0xC021: "PPP LCP", 0xC023: "PPP PAP", 0xC223: "PPP CHAP",
}


def skipped_name(reason: i64, detail: i64) -> str:
    """Return what to call frames that were skipped for this reason."""
    number = int(detail)
    if reason == OTHER_PROTOCOL and number in PROTOCOLS:
        return PROTOCOLS[number]
    if reason == OTHER_ETHERTYPE and number in ETHERTYPES:
        return ETHERTYPES[number]
    if reason == OTHER_PPP and number in PPP_PROTOCOLS:
        return PPP_PROTOCOLS[number]
    name = SKIPPED.get(int(reason))
    if name is None:
        return f"reason {int(reason)}"
    return name.format(number)


# How frames that may carry TCP, and were not decoded, can be captured so that they are.
BEHIND_TUNNEL: Final = "tunnel"        # where the packets are bare
WHOLE_FRAGMENTS: Final = "fragments"   # with the fragments that have no ports
WHOLE_HEADERS: Final = "headers"       # without a snaplen
OTHER_LINK: Final = "link type"        # on another interface, or converted

# Reasons for which a frame carries no TCP, whatever else is in it.
_HARMLESS: Final = frozenset({
    TCP, ARP, UDP, ICMP, ICMP_V6, IGMP, SCTP, LLC, WIFI_OTHER, CONTROL, FRAGMENT_WAITING, IP_MALFORMED, TCP_MALFORMED,
    NO_MYSQL_PORT,
})
# Of these protocols and Ethernet types the ones that may carry IP; others are known not to.
_TUNNEL_PROTOCOLS: Final = frozenset({0, 43, 44, 94, 97, 108, 115, 143})
_TUNNEL_ETHERTYPES: Final = frozenset({0x22F3, 0x8864, 0x88B5, 0x88E5, 0x88E7, 0x892F})
# Buses, telephony, sensors, Bluetooth, USB (a network adapter's frames are on its own interface, too), messages
# between programs of one machine. LINKTYPE_ numbers; names are in link_types.py.
_LINKS_WITHOUT_IP: Final = frozenset({
    115, 124, 125, 126, 139, 140, 141, 142, 144, 165, 177, 184, 185, 186, 187, 189, 190, 191, 195, 199, 201, 203,
    209, 210, 211, 212, 213, 215, 216, 220, 221, 223, 227, 230, 231, 235, 245, 248, 249, 250, 251, 253, 254, 255,
    256, 257, 260, 261, 262, 263, 264, 266, 268, 269, 270, 271, 272, 275, 277, 278, 283, 286, 287, 288, 292,
    293, 294, 295, 297, 298, 299, 300, 302,
})
# Organisations in SNAP whose protocols carry no IP: Apple, Extreme, Foundry, Nortel.
_SNAP_WITHOUT_IP: Final = frozenset({0x080007, 0x00E02B, 0x00E052, 0x000081, 0x0000A2})
_NLPID_WITHOUT_IP: Final = frozenset({0x08, 0x09, 0x81, 0x82, 0x83, 0x89})  # Q.933, LMI, CLNP, ES-IS, IS-IS
_PPP_WITH_IP: Final = frozenset({0x0031, 0x002D, 0x002F, 0x003D, 0x00FD})


def find_remedy(reason: i64, detail: i64) -> str:
    """Return how to capture what frames skipped for this reason may carry; empty where they carry no TCP."""
    kind, number = int(reason), int(detail)
    if kind in _HARMLESS:
        return ""
    if kind == FRAGMENT_LOST:
        return WHOLE_FRAGMENTS
    if kind in (LINK_CUT, IP_CUT, TCP_CUT, TUNNEL_CUT):
        return WHOLE_HEADERS
    if kind == OTHER_PROTOCOL:
        known = number in PROTOCOLS or number == 255
        return BEHIND_TUNNEL if number in _TUNNEL_PROTOCOLS or not known else ""
    if kind == OTHER_ETHERTYPE:
        return BEHIND_TUNNEL if number in _TUNNEL_ETHERTYPES or number not in ETHERTYPES else ""
    if kind == OTHER_PPP:
        return BEHIND_TUNNEL if number in _PPP_WITH_IP or number not in PPP_PROTOCOLS else ""
    if kind == OTHER_SNAP:
        return "" if number in _SNAP_WITHOUT_IP else BEHIND_TUNNEL
    if kind == OTHER_NLPID:
        return "" if number in _NLPID_WITHOUT_IP else BEHIND_TUNNEL
    if kind == MORE_KINDS:
        return OTHER_LINK
    if kind == OTHER_LINK_TYPE:
        return "" if number in _LINKS_WITHOUT_IP else OTHER_LINK
    return BEHIND_TUNNEL


def is_malformed(reason: i64) -> bool:
    """Return whether a header is cut or wrong, false where the frame is whole but not TCP."""
    return reason >= LINK_CUT
