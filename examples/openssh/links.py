"""Links between network namespaces that delay and lose packets, over TUN devices in user space: as netem does, where
the kernel has no netem.

    links.py SEED NAMESPACE NAMESPACE DEVICE [NAMESPACE NAMESPACE DEVICE]...

Two namespaces and the name of the device in both make a link; links count from 0. Says `ready` when all devices are
there. A line `LINK DELAY_MS LOSS` on stdin changes a link, both ways: each packet waits so long, and is lost with that
probability (0 to 1). Ends with stdin, and the devices with it.
"""

import ctypes
import fcntl
import os
import random
import select
import signal
import struct
import sys
import time
from collections import deque

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN_NO_PI = 0x0001 | 0x1000
# A link is no store: what does not fit is lost, as in a router.
MOST_WAITING = 10_000

libc = ctypes.CDLL(None, use_errno=True)


def open_tun(namespace, device):
    # Python has os.setns since 3.12 only.
    with open(f"/run/netns/{namespace}") as place:
        if libc.setns(place.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"setns {namespace}")
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", device.encode(), IFF_TUN_NO_PI))
    return tun


class Link:
    def __init__(self):
        self.delay = 0.0
        self.loss = 0.0


class Direction:
    def __init__(self, link, source, destination):
        self.link = link
        self.source = source
        self.destination = destination
        self.waiting = deque()

    def take(self, now, chance):
        while True:
            try:
                packet = os.read(self.source, 65536)
            except BlockingIOError:
                return
            except OSError:
                # The device is not up yet, or its namespace is gone.
                return
            if chance.random() >= self.link.loss and len(self.waiting) < MOST_WAITING:
                self.waiting.append((now + self.link.delay, packet))

    def send(self, now):
        while self.waiting and self.waiting[0][0] <= now:
            _, packet = self.waiting.popleft()
            try:
                os.write(self.destination, packet)
            except OSError:
                # A full queue or a device that is down loses the packet.
                pass


def main(arguments):
    # The ^C of a terminal reaches all of its programs; whoever started us says when it is over.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    chance = random.Random(int(arguments[0]))
    ends = arguments[1:]
    links = []
    directions = {}
    for left, right, device in zip(ends[0::3], ends[1::3], ends[2::3]):
        link = Link()
        a, b = open_tun(left, device), open_tun(right, device)
        directions[a] = Direction(link, a, b)
        directions[b] = Direction(link, b, a)
        links.append(link)
    print("ready", flush=True)
    text = b""
    while True:
        now = time.monotonic()
        due = [each.waiting[0][0] for each in directions.values() if each.waiting]
        wait = max(0.0, min(due) - now) if due else None
        readable, _, _ = select.select([0, *directions], [], [], wait)
        now = time.monotonic()
        if 0 in readable:
            said = os.read(0, 4096)
            if not said:
                return
            *lines, text = (text + said).split(b"\n")
            for line in lines:
                number, delay_ms, loss = line.split()
                links[int(number)].delay = float(delay_ms) / 1000
                links[int(number)].loss = float(loss)
        for source, direction in directions.items():
            if source in readable:
                direction.take(now, chance)
            direction.send(now)


main(sys.argv[1:])
