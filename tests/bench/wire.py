"""What a client puts on the wire: bytes by the kernel's count of its TCP connection, stanzas by the simulated network's log."""

import collections
import re
import socket
import struct

SOCK_DIAG_BY_FAMILY, INET_DIAG_INFO, ESTABLISHED = 20, 2, 1
NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_REQUEST, NLM_F_DUMP = 1, 0x300
BYTES_ACKED_AT = 120  # in struct tcp_info of <linux/tcp.h>; bytes_received follows


def connections(port):
    """inode -> (bytes sent and acknowledged, bytes received), of every established connection of this machine to `port`."""
    found = {}
    for family in (socket.AF_INET, socket.AF_INET6):
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as diag:  # NETLINK_SOCK_DIAG
            diag.sendto(struct.pack("=IHHIIBBBBI48s", 72, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 1, 0, family,
                                    socket.IPPROTO_TCP, 1 << (INET_DIAG_INFO - 1), 0, 1 << ESTABLISHED, b""), (0, 0))
            while take(diag.recv(1 << 20), port, found):
                pass
    return found


def take(data, port, found):
    """False: that was the last of them."""
    while data:
        length, kind = struct.unpack_from("=IH", data)
        if kind == NLMSG_DONE:
            return False
        if kind == NLMSG_ERROR:
            raise OSError("the kernel does not tell of its sockets")
        message, data = data[16:length], data[(length + 3) & ~3:]
        if struct.unpack_from(">H", message, 6)[0] != port:
            continue
        inode, attributes = struct.unpack_from("=I", message, 68)[0], message[72:]
        while len(attributes) >= 4:
            size, name = struct.unpack_from("=HH", attributes)
            if name == INET_DIAG_INFO and size >= 4 + BYTES_ACKED_AT + 16:
                found[inode] = struct.unpack_from("=QQ", attributes, 4 + BYTES_ACKED_AT)
            attributes = attributes[(size + 3) & ~3:]
    return True


class Wire:
    """Between two moments: what the clients of a network sent over the connections that were there at both (so not what
    they fetched of files meanwhile), and the stanzas that it noted."""

    def __init__(self, sandbox):
        self.sandbox, self.port = sandbox, int(sandbox.secure_url.split(":")[2].split("/")[0])
        self.before, self.lines = connections(self.port), self.log()

    def log(self):
        return self.sandbox.get("/wire?limit=100000")

    def sent_bytes(self):
        now = connections(self.port)
        return sum(now[inode][0] - before[0] for inode, before in self.before.items() if inode in now)

    def stanzas(self, device):
        """How many of each kind came from this device ("15551234567:1"), iqs by their namespace, keep-alives left out.
        Nothing but that the network has forgotten the first of them makes it less: its log has 2,000 lines."""
        now, count = self.log(), collections.Counter()
        last = self.lines[-5:]
        begin = next((i + len(last) for i in range(len(now) - len(last), -1, -1) if now[i:i + len(last)] == last), 0) if last else 0
        for line in now[begin:]:
            stanza = re.match(re.escape(f"< {device} <") + r"(\w+)(.*)", line)
            if stanza is None:
                continue
            kind, rest = stanza.groups()
            if kind != "iq":
                count[kind] += 1
            elif (space := re.search(r'xmlns="([^"]*)"', rest)) and space[1] != "w:p":
                count["iq"] += 1
                count["iq " + space[1]] += 1
        return count
