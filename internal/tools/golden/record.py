#!/usr/bin/env python3
"""Record what programs put out, for the golden files of pty/screen.

    python3 record.py DIR [NAME...]

Writes DIR/NAME-ROWSxCOLS.raw: the bytes that the program wrote to a
pseudo-terminal of that size while the keys were typed. Each program runs in
namespaces of its own (so root is needed), where top and htop see nothing but
themselves. Needs vim, htop, top, less, tmux, nano, bash and git.
"""

import os
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
import fcntl

LIMIT = 60_000
QUERIES = {b"\x1b[6n": b"\x1b[1;1R", b"\x1b[c": b"\x1b[?1;2c", b"\x1b[>c": b"\x1b[>0;276;0c"}


ISOLATED = ["unshare", "-pfu", "--mount-proc", "sh", "-c", 'hostname convoy; exec "$@"', "sh"]


def record(argv, rows, cols, keys, cwd, env):
    """Type each of keys after the program has been quiet, return its output."""
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(cwd)
        os.execvpe(ISOLATED[0], ISOLATED + argv, env)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
    out = b""
    for key in list(keys) + [None]:
        quiet, deadline = 0.25, time.time() + 2.5
        while time.time() < deadline:
            ready, _, _ = select.select([fd], [], [], quiet)
            if not ready:
                break
            try:
                data = os.read(fd, 65536)
            except OSError:
                data = b""
            if not data:
                os.waitpid(pid, 0)
                return out[:LIMIT]
            for query, answer in QUERIES.items():
                if query in data:
                    os.write(fd, answer)
            out += data
        if key is not None:
            os.write(fd, key.encode())
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    return out[:LIMIT]


def files(d):
    """Texts to look at, and a small repository."""
    with open(d + "/main.go", "w") as f:
        f.write('package main\n\nimport "fmt"\n\n// Greeting says hello to 世界.\nfunc main() {\n')
        for i in range(60):
            f.write(f'\tfmt.Println("line {i}", {i * i}) // comment {i}\n')
        f.write("}\n")
    with open(d + "/utf8.txt", "w") as f:
        for i in range(60):
            f.write(f"{i} 汉字和 emoji 😀🎉 かな한글 naïve e\u0301 ñ — “quoted” {'長' * (i % 30)} end\n")
    with open(d + "/long.txt", "w") as f:
        for i in range(200):
            f.write(f"{i:4} " + "the quick brown fox jumps over the lazy dog " * (1 + i % 5) + "\n")
    env = dict(ENV, GIT_CONFIG_GLOBAL="/dev/null", GIT_AUTHOR_DATE="2026-01-01T00:00:00Z", GIT_COMMITTER_DATE="2026-01-01T00:00:00Z")
    def git(*args):
        subprocess.run(["git", "-c", "user.name=A. Writer", "-c", "user.email=writer@example.org", *args], cwd=d, env=env, check=True, stdout=subprocess.DEVNULL)
    git("init", "-q", "-b", "main", ".")
    git("add", "main.go")
    git("commit", "-q", "-m", "main: say hello")
    for i in range(25):
        with open(d + "/main.go", "a") as f:
            f.write(f"// note {i}\n")
        git("commit", "-q", "-a", "-m", f"main: note {i} 更新\n\nA longer text that says why this change was made.")


ENV = {
    "PATH": os.environ["PATH"], "HOME": "/tmp", "TERM": "xterm-256color", "COLORTERM": "truecolor",
    "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "PS1": r"\[\e[32m\]convoy\[\e[0m\]:\W\$ ", "LS_COLORS": "di=01;34:*.go=38;5;208",
    "PAGER": "less", "LESS": "-R", "EDITOR": "vim", "SHELL": "/bin/bash", "USER": "convoy", "PROMPT_COMMAND": "",
}

BASH = ["bash", "--norc", "-i"]
UP, DOWN, RIGHT, LEFT = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D"
PROGRAMS = [
    ("vim", 24, 80, ["vim", "-u", "NONE", "-N", "-c", "set mouse=a nu | syntax on", "main.go"],
     ["jjjjjj", "\x06", "\x06", "\x02", ":vsplit utf8.txt\r", "G", "\x02", "ihello 漢字\x1b", ":split\r", "/line 3\r", "n", "dd", "u", ":set wrap!\r", ":qa!\r"]),
    ("vim", 40, 132, ["vim", "-u", "NONE", "-N", "-c", "syntax on", "long.txt"],
     ["\x04", "\x04", ":vsplit main.go\r", "\x17l", "G", "50%", "vjjjd", "p", ":%s/fox/狐/g\r", "\x15", ":qa!\r"]),
    ("htop", 24, 80, ["htop", "-d", "3"], [DOWN, DOWN, "t", "\x1bOS", "\x1b", "q"]),
    ("htop", 40, 120, ["htop", "-d", "3"], [DOWN, "\x1bOQ", DOWN, "\x1b", "t", "q"]),
    ("top", 24, 80, ["top", "-d", "0.4"], ["z", "x", "1", "c", "V", "q"]),
    ("less", 24, 80, ["less", "-R", "utf8.txt"], [" ", " ", "b", "/emoji\r", "n", "G", "g", RIGHT, LEFT, "q"]),
    ("less", 30, 60, ["less", "-N", "long.txt"], [" ", "j", "j", "k", "50%", "-S\r", "G", "q"]),
    ("tmux", 24, 80, ["tmux", "-u", "-f", "/dev/null", "-L", "rec", "new-session", "bash --norc -i"],
     ["ls -la --color\r", "\x02%", "cat utf8.txt | head -20\r", '\x02"', "seq 100\r", "\x02o", "git log --oneline | cat\r", "\x02z", "\x02z", "\x02[", UP + UP, "q", "\x02c", "echo new window\r", "\x02d"]),
    ("tmux", 35, 110, ["tmux", "-u", "-f", "/dev/null", "-L", "rec2", "new-session", "bash --norc -i"],
     ["\x02%", "vim -u NONE main.go\r", "\x06", "\x02o", "seq 1 300\r", "\x02 ", ":qa!\r", "\x02d"]),
    ("nano", 24, 80, ["nano", "-I", "main.go"], ["hello 漢字 ", DOWN * 3, "\x16", "\x17line 9\r", "\x07", "\x18", "\x18", "n"]),
    ("nano", 30, 70, ["nano", "-I", "-l", "utf8.txt"], ["\x16", "\x16", "\x19", "\x0b\x0b\x15", "\x1b/", "\x18", "n"]),
    ("bash", 24, 80, BASH, ["ls -la --color\r", "echo this is a long command line that wraps over the end of the row, 漢字 and more of it", "\x01", "\x1bf\x1bf\x0b", "\x03", "seq 200\r", "\x12ls", "\r", "printf '\\e]0;a title\\a\\e[1;31mred\\e[0m\\n'\r", "for i in 1 2 3; do echo $i; done\r", "clear\r", "cat utf8.txt\r", "exit\r"]),
    ("bash", 10, 40, BASH, ["cat long.txt | head -40\r", "echo abc\x7f\x7fdef\r", UP + UP + "\r", "printf 'a\\tb\\tc\\r\\nx\\n'\r", "exit\r"]),
    ("git-log", 24, 80, ["git", "log", "-p", "--color=always"], [" ", " ", "/note 9\r", "n", "G", "g", "q"]),
    ("git-log", 24, 100, ["git", "--no-pager", "log", "--graph", "--oneline", "--stat", "--color=always"], []),
    ("chinese-emoji", 24, 80, ["cat", "utf8.txt"], []),
    ("chinese-emoji", 20, 37, ["cat", "utf8.txt"], []),
]


def main():
    out = os.path.abspath(sys.argv[1])
    wanted = sys.argv[2:]
    for name, rows, cols, argv, keys in PROGRAMS:
        if wanted and name not in wanted:
            continue
        with tempfile.TemporaryDirectory(prefix="demo") as d:
            os.mkdir(d + "/demo")
            files(d + "/demo")
            data = record(argv, rows, cols, keys, d + "/demo", ENV)
        path = f"{out}/{name}-{rows}x{cols}.raw"
        with open(path, "wb") as f:
            f.write(data)
        print(f"{len(data):6} {path}")


if __name__ == "__main__":
    main()
