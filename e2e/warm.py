"""The aws CLI, kept warm: most of the time of a call is the start of Python.

    python3 warm.py version   prints the CLI's version
    python3 warm.py           serves calls on a port of 127.0.0.1, which it prints

A call is a connection: the count of environment variables and these, the count
of arguments and these, each ended by a zero byte. The answer is a line with the
exit code, then what the CLI printed: errors only if it failed.
"""
import functools
import os
import socket
import sys
import tempfile

import awscli


def strings(file):
    """Reads a count and so many strings."""
    def one():
        text = bytearray()
        while (byte := file.read(1)) != b"\0":
            text += byte
        return os.fsdecode(bytes(text))
    return [one() for _ in range(int(one()))]


def call(environment, arguments):
    """Runs the CLI as its program does, and returns the exit code and what it printed."""
    before, streams = dict(os.environ), [os.dup(1), os.dup(2)]
    said = [tempfile.TemporaryFile() for _ in streams]
    try:
        os.environ.update(environment)
        sys.argv = ["aws", *arguments]
        for descriptor, file in enumerate(said, 1):
            os.dup2(file.fileno(), descriptor)
        try:
            code = clidriver.main() or 0
        except SystemExit as exit:
            code = exit.code
        sys.stdout.flush()
        sys.stderr.flush()
        out = said[0 if code == 0 else 1]
        out.seek(0)
        return code, out.read()
    finally:
        for descriptor, stream in enumerate(streams, 1):
            os.dup2(stream, descriptor)
            os.close(stream)
        for file in said:
            file.close()
        os.environ.clear()
        os.environ.update(before)


if sys.argv[1:] == ["version"]:
    print(awscli.__version__)
    sys.exit()

import botocore.session  # a second name for the CLI's own, in version 2
from awscli import clidriver

# The models on the disk are read once: to find them is most of what is left.
botocore.session.create_loader = functools.cache(botocore.session.create_loader)

listener = socket.create_server(("127.0.0.1", 0))
print("warm on", listener.getsockname()[1], flush=True)
while True:
    connection, _ = listener.accept()
    with connection, connection.makefile("rb") as file:
        environment = dict(pair.split("=", 1) for pair in strings(file))
        code, out = call(environment, strings(file))
        connection.sendall(b"%d\n" % code + out)
