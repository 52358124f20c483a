"""What a call must never do, whatever the receiver, the resolver or the environment does."""

from __future__ import annotations

import asyncio
import gzip
import ipaddress
import socket
import threading
import time
import tracemalloc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from promo_campaigns.delivery.success_rule import is_unreadable, read_json
from promo_campaigns.http.client import MAX_ANSWER_BYTES, Call, HttpClient
from promo_campaigns.http.client import Answer as Answered
from promo_campaigns.http.target import Endpoint
from promo_campaigns.model.errors import SendError
from promo_campaigns.model.outcome import Outcome
from receiver import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from receiver import Receiver

MOST_MEMORY = 24 * 1024 * 1024


def call(url: str, **request: Any) -> Answered:  # noqa: ANN401  (parts of a Call)
    client = HttpClient(Endpoint(base_url=url, allow_private=True, timeout_s=20))

    async def once() -> Answered:
        async with client.connected():
            made = Call(**{"method": "GET", "path": "/", **request})
            (answer,) = await client.send_all([made], deadline=time.monotonic() + 10)
            return answer

    return asyncio.run(once())


class Stream:
    """A receiver that never stops talking, and how much it got rid of."""

    def __init__(self, head: bytes) -> None:
        self.head = head
        self.sent = 0
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listening.getsockname()[1]}"

    def serve(self) -> None:
        """Answer one request with as much as the other side takes, a gigabyte at most."""
        connection, _ = self.listening.accept()
        piece = b"\x00" * 65_536
        with connection:
            connection.recv(65_536)
            connection.sendall(self.head)
            try:
                while self.sent < 1 << 30:
                    connection.sendall(piece)
                    self.sent += len(piece)
            except OSError:
                return


@contextmanager
def streaming(head: bytes) -> Iterator[Stream]:
    stream = Stream(head)
    thread = threading.Thread(target=stream.serve, daemon=True)
    thread.start()
    try:
        yield stream
    finally:
        stream.listening.close()
        thread.join(20)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 500 No\r\nContent-Length: 1073741824\r\n\r\n",
    ],
)
def test_a_gigabyte_costs_a_bounded_time_memory_and_traffic(head: bytes) -> None:
    with streaming(head) as stream:
        tracemalloc.start()
        try:
            answer = call(stream.url)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert len(answer.body) == MAX_ANSWER_BYTES
    assert is_unreadable(read_json(answer.body))
    assert peak < MOST_MEMORY
    assert stream.sent < 1 << 28


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nX-Long: ", b"HTTP/1.1 200 ", b""])
def test_a_header_without_end_costs_a_bounded_memory_and_proves_nothing(head: bytes) -> None:
    with streaming(head) as stream:
        tracemalloc.start()
        try:
            answer = call(stream.url)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert answer.outcome is Outcome.UNKNOWN
    assert peak < MOST_MEMORY


def test_a_gzip_bomb_is_cut_at_the_limit(receiver: Receiver) -> None:
    bomb = gzip.compress(b" " * 200_000_000)
    receiver.answer = lambda _: Answer(headers={"Content-Encoding": "gzip"}, body=bomb)
    tracemalloc.start()
    try:
        answer = call(receiver.url)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(answer.body) == MAX_ANSWER_BYTES
    assert answer.unread == "the answer breaks off, or is larger than 1,000,000 bytes"
    assert is_unreadable(read_json(answer.body))
    assert peak < MOST_MEMORY


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "to", ["http://169.254.169.254/latest/meta-data", "/here", "//evil.example/", "file:///etc/passwd"]
)
def test_a_redirect_is_never_followed(receiver: Receiver, status: int, to: str) -> None:
    receiver.answer = lambda _: Answer(status=status, headers={"Location": to})
    assert call(receiver.url).outcome is Outcome.UNKNOWN
    assert len(receiver.received) == 1


def test_no_proxy_and_no_netrc_of_the_environment_is_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("machine 127.0.0.1 login canary password canary\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert call(receiver.url).outcome is Outcome.OK
    assert "Authorization" not in receiver.received[0].headers


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\x00b", "a\rb", "\x7f"])
def test_a_header_holds_no_line_break_and_no_nul(receiver: Receiver, value: str) -> None:
    for headers in ({"X-Name": value}, {value: "x"}):
        answer = call(receiver.url, headers=headers)
        assert (answer.outcome, answer.called) == (Outcome.REFUSED, False)
    assert receiver.received == []


class Names:
    """A resolver whose answers change from one question to the next."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    def getaddrinfo(self, host: object, port: int, *_: object, **__: object) -> list[Any]:  # noqa: ARG002  (its signature)
        """Answer, the last answer again and again."""
        addresses = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]


def vetted(url: str, port: int) -> Answered:
    client = HttpClient(Endpoint(base_url=f"http://{url}:{port}", timeout_s=2))

    async def once() -> Answered:
        async with client.connected():
            (answer,) = await client.send_all([Call(method="GET", path="/")], deadline=time.monotonic() + 2)
            return answer

    return asyncio.run(once())


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["10.0.0.1", "169.254.169.254"], ["0.0.0.0"], ["100.64.0.1"]])  # noqa: S104  (what a resolver may say)
def test_a_name_of_private_addresses_is_not_called(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", Names(addresses).getaddrinfo)
    with pytest.raises(SendError, match="private address"):
        vetted("rebound.example", receiver.port)
    assert receiver.received == []


def only_loopback(address: str) -> bool:
    """Judge as if the first loopback address, and no other, were public."""
    return str(ipaddress.ip_address(address)) == "127.0.0.1"


def test_what_is_called_is_the_address_that_was_vetted_and_not_a_second_answer(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = Names(["127.0.0.1"], ["127.0.0.2"])
    monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)
    monkeypatch.setattr("promo_campaigns.http.ssrf.is_public", only_loopback)
    assert vetted("rebound.example", receiver.port).outcome is Outcome.OK
    assert names.asked == 1
    assert receiver.received[0].headers["Host"] == f"rebound.example:{receiver.port}"
    names.asked = 1
    with pytest.raises(SendError, match="private address"):
        vetted("rebound.example", receiver.port)


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"]
)
def test_a_private_address_is_not_called_in_any_disguise(receiver: Receiver, host: str) -> None:
    with pytest.raises(SendError, match="private address"):
        vetted(host, receiver.port)
    assert receiver.received == []
