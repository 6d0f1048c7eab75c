"""A host for the client's tests: real TLS or a real Unix socket, the real wire, scripted answers.

It stands for gate, remitd and worker at once. What its commands do, and what it does wrong on
purpose, is in scripted_session.py. It knows one user, ann.
"""

from __future__ import annotations

import array
import base64
import datetime
import hashlib
import ipaddress
import socket
import ssl
import threading
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from remit.wire.message import Message
from tests.process.scripted_session import COMMANDS, PATIENCE, Died, Peer, Run, Script


class Certificate:
    """A key and a certificate for localhost; signed by `issuer`, or by itself."""

    def __init__(self, directory: Path, name: str, issuer: Certificate | None = None) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.UTC)
        names = [
            x509.DNSName("localhost"),
            x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
            x509.IPAddress(ipaddress.ip_address("::1")),
        ]
        by = issuer or self
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(self.subject)
            .issuer_name(by.subject)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), True)
            .sign(by.key, hashes.SHA256())
        )
        self.path = directory / f"{name}.pem"
        self.path.write_bytes(
            self.key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + self.certificate.public_bytes(serialization.Encoding.PEM)
        )

    @property
    def fingerprint(self) -> str:
        key = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")


class Host:
    """Listens until it is left; `serve` is one connection, in a thread of its own."""

    def __init__(
        self,
        listening: socket.socket,
        script: Script,
        certificate: Path | None,
        kind: type[Conversation] | None = None,
    ) -> None:
        self.script = script
        self._kind = kind or Conversation
        self.failures: list[BaseException] = []
        self._listening = listening
        self._context: ssl.SSLContext | None = None
        if certificate:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate)
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
        self._listening.close()
        assert not self.failures

    @property
    def port(self) -> int:
        port = self._listening.getsockname()[1]
        assert isinstance(port, int)
        return port

    def offer_tls_1_2_only(self) -> None:
        assert self._context
        self._context.maximum_version = ssl.TLSVersion.TLSv1_2

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            connection.settimeout(PATIENCE)
            if self._context:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._serve, args=[connection])
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                if self.script.before is not None or self.script.silent:
                    connection.sendall(self.script.before or b"")
                    connection.recv(1 if self.script.before else 1 << 16)
                    while self.script.silent and connection.recv(1 << 16):
                        pass
                    return
                if self._context is None:
                    return self._kind(connection, self.script).hold()
                with self._context.wrap_socket(connection, server_side=True) as tls:
                    self._kind(tls, self.script).hold()
            except (EOFError, ConnectionError, ssl.SSLError, Died):
                pass
            except BaseException as error:
                self.failures.append(error)
                raise


class Conversation:
    """gate, remitd and worker for one client, over TLS."""

    def __init__(self, connection: socket.socket, script: Script) -> None:
        self.connection = connection
        self.script = script
        self.peer = Peer(connection, script)
        self._channel = 0

    def hold(self) -> None:
        self.peer.hear()
        if self.script.mute:
            self.peer.listen()
        self.peer.say("welcome", version=1, software="scripted")
        self.welcome()
        while (message := self.peer.hear()).type != "goodbye":
            if message.type == "authenticate":
                self.authenticate(message)
            elif message.type in ("open", "attach"):
                self.attach(message)
            else:
                self.answer(message)

    def welcome(self) -> None:
        """Only a local host has something to add."""

    def authenticate(self, message: Message) -> None:
        good = message.text("user") == "ann"
        for style, text, expected in self.script.questions:
            self.peer.say("prompt", style=style, text=text)
            good = self.peer.hear().text("text") == expected and good
        if good:
            self.peer.say("authenticated", user="ann")
        else:
            self.peer.say("failed", code="denied", message="permission denied")

    def answer(self, message: Message) -> None:
        endpoint = {"name": "web-admin", "description": "Watch the web tier"}
        command = {"name": "echo", "summary": "Say it", "usages": ["echo [TEXT...]"]}
        if message.type == "endpoints":
            self.peer.say("endpoint-list", endpoints=[endpoint])
        elif message.type == "commands":
            self.peer.say("command-list", endpoint="web-admin", commands=[command])
        elif message.type == "list":
            self.peer.say("session-list", sessions=self.script.sessions)
        elif message.text("session") == "up":
            self.peer.say("removed", session=self.script.session)
        else:
            self.peer.say("failed", code="no-session", message="no session x of yours here")

    def attach(self, message: Message) -> None:
        if message.type == "open" and message.text("endpoint") != "web-admin":
            text = "no such endpoint for you"
            return self.peer.say("failed", code="not-admitted", message=text)
        if message.type == "open" and not message.flag("attach"):
            return self.peer.say("opened", session=self.script.session, endpoint="web-admin")
        if message.type == "attach" and message.text("session") != "up":
            return self.peer.say("failed", code="no-session", message="no such session")
        gone = self.relay()
        self.peer.say("released", session=self.script.session, gone=gone, reason="closed by you")

    def relay(self) -> bool:
        """Be the session until it is left; whether it is gone then."""
        self.peer.say("attached", session=self.script.session, endpoint="web-admin")
        return self.work(self.peer)

    def work(self, peer: Peer) -> bool:
        while True:
            message = peer.hear()
            if message.type == "run":
                self._channel += 1
                try:
                    COMMANDS[message.texts("argv")[0]](Run(peer, message, self._channel))
                except EOFError:
                    return True
            elif message.type == "detach":
                peer.say("detached")
                return False
            elif message.type == "close":
                peer.say("closing", reason="closed by ann")
                return True
            elif message.type == "ping":
                peer.say("pong")


class LocalConversation(Conversation):
    """The same on a Unix socket: the user is known, and a session has a connection of its own."""

    def welcome(self) -> None:
        self.peer.say("authenticated", user="ann")

    def relay(self) -> bool:
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                attached = Message(
                    "attached", session=self.script.session, endpoint="web-admin"
                ).encode()
                rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [theirs.fileno()]))
                self.connection.sendmsg([attached], [rights])
            ours.settimeout(PATIENCE)
            try:
                return self.work(Peer(ours, self.script))
            except Died:
                return True


class BackendConversation(LocalConversation):
    """remitd and worker behind a real remit-gate."""

    def hold(self) -> None:
        assert self.peer.hear().type == "connection"
        super().hold()

    def welcome(self) -> None:
        """The user is not known yet."""


def remote_host(certificate: Certificate, script: Script, address: str = "127.0.0.1") -> Host:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return Host(socket.create_server((address, 0), family=family), script, certificate.path)


def local_host(
    path: Path, script: Script, kind: type[LocalConversation] = LocalConversation
) -> Host:
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen()
    return Host(listening, script, None, kind)
