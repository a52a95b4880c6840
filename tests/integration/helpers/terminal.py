"""Runs a command at a terminal of its own and types a line for each question.

    terminal.py [-c COLUMNS] QUESTION=ANSWER... -- COMMAND...

What the terminal shows goes to standard output. The exit status is the command's; 99 where a question did not come.
"""

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

DEADLINE_SECONDS = 60


def main():
    words = sys.argv[1:]
    columns = 80
    if words[0] == "-c":
        columns, words = int(words[1]), words[2:]
    split = words.index("--")
    questions = [word.split("=", 1) for word in words[:split]]
    command = words[split + 1 :]
    child, terminal = pty.fork()
    if child == 0:
        # The size must be there before the command asks for it.
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        os.execvp(command[0], command)
    shown = b""
    since = 0
    end = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < end:
        if questions and questions[0][0].encode() in shown[since:]:
            since = len(shown)
            os.write(terminal, questions.pop(0)[1].encode() + b"\n")
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            more = os.read(terminal, 65536)
        except OSError:  # the command has ended
            break
        if not more:
            break
        shown += more
    else:
        os.kill(child, signal.SIGKILL)
    sys.stdout.buffer.write(shown.replace(b"\r\n", b"\n"))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    sys.exit(99 if questions else status)


main()
