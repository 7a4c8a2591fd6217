#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""late.py ADDR PORT: a TCP client from afar: its acknowledgement of the handshake comes with the first data, 0.2 s
later. Says ok if it is answered."""
import socket
import subprocess
import sys
import time

TABLE = """table inet late {
	chain out {
		type filter hook output priority filter;
		tcp dport %s tcp flags & (syn | ack) == ack drop
	}
}
"""


def nft(text):
    subprocess.run(["nft", "-f", "-"], input=text, text=True, check=True)


def main():
    address, port = sys.argv[1], int(sys.argv[2])
    client = socket.socket()
    client.settimeout(3)
    nft(TABLE % port)
    try:
        client.connect((address, port))
        time.sleep(0.2)
    finally:
        nft("delete table inet late\n")
    try:
        client.send(b"GET /small HTTP/1.0\r\n\r\n")
        print("ok" if client.recv(100) else "closed")
    except ConnectionResetError:
        print("reset")


main()
