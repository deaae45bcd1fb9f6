"""A TCP relay between the gateway and the network that misbehaves on demand: what the network says is held back for a
while, or a connection goes dead without a FIN, as behind a NAT that forgot it."""
import socket
import threading
import urllib.parse


class Connection:
    def __init__(self, client, server):
        self.client, self.server = client, server
        self.up, self.down = threading.Event(), threading.Event()  # set: that direction flows
        self.up.set()
        self.down.set()
        self.open = True

    def hold(self, seconds):
        """Nothing of the network arrives for `seconds`; then all of it does."""
        self.down.clear()
        timer = threading.Timer(seconds, self.down.set)
        timer.daemon = True
        timer.start()

    def cut(self):
        """Neither end hears of the other any more, and neither is told."""
        self.up.clear()
        self.down.clear()

    def pump(self, source, target, gate):
        try:
            while data := source.recv(65536):
                gate.wait()
                target.sendall(data)
        except OSError:
            pass
        gate.wait()  # a dead connection does not pass on its end either
        self.open = False
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Relay:
    """Listens on `url`, a WebSocket URL with the path of the network's."""

    def __init__(self, network_url):
        parts = urllib.parse.urlsplit(network_url)
        self.target = (parts.hostname, parts.port)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = parts._replace(netloc=f"127.0.0.1:{self.listener.getsockname()[1]}").geturl()
        self.lock, self.all = threading.Lock(), []
        threading.Thread(target=self._accept, daemon=True).start()

    def connections(self):
        """The open ones, oldest first."""
        with self.lock:
            self.all = [c for c in self.all if c.open]
            return list(self.all)

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
                server = socket.create_connection(self.target, timeout=10)
            except OSError:
                return
            server.settimeout(None)
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(client, server)
            with self.lock:
                self.all.append(connection)
            for source, target, gate in ((client, server, connection.up), (server, client, connection.down)):
                threading.Thread(target=connection.pump, args=(source, target, gate), daemon=True).start()

    def close(self):
        self.listener.close()
