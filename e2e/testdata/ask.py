"""Asks for a password, as programs do."""

import getpass
import os
import sys
import termios
import tty


def keys(mask):
    """Reads each key, and prints a mask for it; Backspace deletes one."""
    before = termios.tcgetattr(0)
    tty.setcbreak(0)
    os.write(1, b"Password:")
    length = 0
    try:
        while (key := os.read(0, 1)) not in b"\r\n":
            if key == b"\x7f" and length:
                length -= 1
                os.write(1, b"\b \b" * len(mask))
            elif key >= b" " and key != b"\x7f":
                length += 1
                os.write(1, mask)
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)
    os.write(1, b"\n")


def sudo():
    """Asks again after a wrong one."""
    for _ in range(2):
        getpass.getpass("Password:")
        print("Sorry, try again.")
    getpass.getpass("Password:")


ways = {
    "getpass": lambda: getpass.getpass("Password:"),
    "sudo": sudo,
    "stars": lambda: keys(b"*"),
    "silent": lambda: keys(b""),
}
try:
    ways[sys.argv[1]]()
except KeyboardInterrupt:
    pass
