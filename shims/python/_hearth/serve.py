"""The loop of an instance: one invocation after another, or several at once in threads."""

import os
import queue
import sys
import threading

from . import frames, invocation, libc, memory, output
from .inbox import Inbox


def run(connection, identity, function, opened=None):
    """Serves for good; returns never. One at a time runs in the main thread, as on Lambda. `opened` is called before anything is read, everything made by then."""
    libc.small_pages()
    several = function.concurrency > 1
    inbox = Inbox(connection, several, memory.Trimmer(identity.forked))
    desk = _Desk(connection, identity, function, inbox)
    if opened is not None:
        opened()
    if not several:
        while True:
            desk.serve(*inbox.next())
    waiting = queue.SimpleQueue()
    for number in range(function.concurrency):
        threading.Thread(target=_work, args=(desk, waiting), name="hearth-%d" % number, daemon=True).start()
    while True:
        waiting.put(inbox.next())


def once(connection, identity, function, opened):
    """Serves one invocation."""
    inbox = Inbox(connection, False, memory.Trimmer(identity.forked))
    desk = _Desk(connection, identity, function, inbox)
    opened()
    desk.serve(*inbox.next())


def _work(desk, waiting):
    while True:
        work = waiting.get()
        try:
            desk.serve(*work)
        except SystemExit as leaving:
            _exit(leaving.code)
        except BaseException as error:  # would end the process in the main thread: the same here
            print("hearth: %s: %s" % (type(error).__name__, error), file=sys.stderr)
            _exit(1)


def _exit(code):
    """sys.exit in a thread: ends the process, with the code it would have had in the main thread."""
    if code is not None and not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    output.flush()
    os._exit((code or 0) & 0xFF)


class _Desk:
    """Takes an invocation and sends its answer."""

    def __init__(self, connection, identity, function, inbox):
        self._connection = connection
        self._identity = identity
        self._function = function
        self._inbox = inbox

    def serve(self, request, header, event):
        answer = invocation.run(self._function, header, event)
        event = None
        whole = answer.error_type is None and len(answer.body) <= frames.BODY_CHUNK_BYTES
        last = b"" if whole else self._send_body(request, answer.body)
        marked = output.mark(self._identity.token, header["requestId"])
        peak = memory.peak_bytes(self._identity.forked)
        handler_ms = round(answer.handler_ms, 3)
        heavy = self._inbox.trimmer.heavy(peak)
        self._inbox.answered(request)
        if whole:
            self._connection.send(frames.encode_returned(request, answer.body, (handler_ms, peak, marked, heavy)))
            return
        end = {"errorType": answer.error_type, "handlerMs": handler_ms, "peakMemoryBytes": peak, "marked": marked}
        if heavy:
            end["heavy"] = True
        self._connection.send(last, frames.encode_json(frames.ANSWER_END, request, end))

    def _send_body(self, request, body):
        """Sends all but the last piece, which is returned as a frame: it goes out together with the end."""
        view = memoryview(body)
        sent = 0
        while True:
            taken = self._inbox.take_window(request, min(frames.BODY_CHUNK_BYTES, len(view) - sent)) if len(view) > sent else 0
            piece = frames.encode(frames.ANSWER, request, view[sent : sent + taken]) if taken else b""
            sent += taken
            if sent == len(view):
                return piece
            self._connection.send(piece)
