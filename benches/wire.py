"""The protocol without a client: a bare socket that asks for the same, and a line that counts and delays."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time


class BareImap:
    """A signed-in connection that reads answers and keeps nothing of them."""

    def __init__(self, address: tuple[str, int], user: str, password: str, ca_file: str | None = None) -> None:
        """With `ca_file` over TLS."""
        self._socket = socket.create_connection(address)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if ca_file:
            self._socket = ssl.create_default_context(cafile=ca_file).wrap_socket(self._socket, server_hostname="localhost")
        self._rest = b""
        self._read_until(b"\r\n")
        self.run(f'LOGIN "{user}" "{password}"')

    def run(self, command: str) -> tuple[float, int]:
        """Seconds until the tagged answer, and bytes up to it."""
        began = time.perf_counter()
        self._socket.sendall(f"x {command}\r\n".encode())
        size = self._read_until(b"\r\nx OK", b"x OK")
        return time.perf_counter() - began, size

    def close(self) -> None:
        """Signs out, upon which the server brings its index home."""
        self.run("LOGOUT")
        self._socket.close()

    def begin_idle(self) -> None:
        self._socket.sendall(b"x IDLE\r\n")
        self._read_until(b"+ ")

    def end_idle(self) -> None:
        self._socket.sendall(b"DONE\r\n")
        self._read_until(b"\r\nx OK", b"x OK")

    def wait_for(self, mark: bytes) -> None:
        """Reads until the server has said `mark`."""
        self._read_until(mark)

    def _read_until(self, mark: bytes, first: bytes | None = None) -> int:
        tail, size = b"", 0
        while True:
            data = self._socket.recv(1 << 20)
            if not data:
                raise ConnectionError(tail[-200:])
            size += len(data)
            tail = (tail + data)[-4096:]
            if b"x NO" in tail[-200:] or b"x BAD" in tail[-200:]:
                raise ConnectionError(tail[-200:])
            if mark in tail or (first and tail.startswith(first)):
                return size


class Line:
    """A TCP line to a server that delays each way and counts round trips and bytes."""

    def __init__(self, target: tuple[str, int], delay_s: float = 0.0) -> None:
        self.delay_s = delay_s
        self.bytes_down = 0
        self._turns: list[int] = []
        self._last: list[str] = []
        self._target = target
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._serve, daemon=True).start()
        self._ready.wait()

    def reset(self) -> None:
        """Counts from here; nothing may be connected."""
        self.bytes_down = 0
        self._turns, self._last = [], []

    @property
    def turns(self) -> int:
        """Round trips of all connections."""
        return sum(self._turns)

    def turns_of_first(self) -> int:
        """Round trips of the connection that was made first."""
        return self._turns[0] if self._turns else 0

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._carry, "127.0.0.1", 0, limit=1 << 20))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = len(self._turns)
        # A turn begins when the client speaks after the server did, or first.
        self._turns.append(0)
        self._last.append("down")
        far_reader, far_writer = await asyncio.open_connection(*self._target, limit=1 << 20)
        await asyncio.gather(
            self._pump(reader, far_writer, number, "up"),
            self._pump(far_reader, writer, number, "down"),
            return_exceptions=True,
        )

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int, way: str) -> None:
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def deliver() -> None:
            while True:
                due, data = await queue.get()
                await asyncio.sleep(max(0.0, due - self._loop.time()))
                if not data:
                    writer.close()
                    return
                try:
                    writer.write(data)
                    await writer.drain()
                except ConnectionError:
                    return

        delivery = asyncio.ensure_future(deliver())
        try:
            await self._read_all(reader, queue, number, way)
            await delivery
        except ConnectionError:
            # Programs that are ended do not say goodbye; the other side has to hear of it.
            delivery.cancel()
            writer.close()

    async def _read_all(
        self, reader: asyncio.StreamReader, queue: asyncio.Queue[tuple[float, bytes]], number: int, way: str,
    ) -> None:
        while data := await reader.read(1 << 16):
            # What is left of connections from before the last reset is not counted.
            if number < len(self._turns):
                if way == "up" and self._last[number] == "down":
                    self._turns[number] += 1
                self._last[number] = way
            if way == "down":
                self.bytes_down += len(data)
            queue.put_nowait((self._loop.time() + self.delay_s, data))
        queue.put_nowait((0.0, b""))
