"""A TCP relay between the gateway and the network that misbehaves on demand: what the network says is held back for a
while, or a connection goes dead without a FIN, as behind a NAT that forgot it. And a proxy that makes tunnels."""
import base64
import http.server
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


class TunnelProxy:
    """An HTTP proxy that makes tunnels (CONNECT) for one user name and password. Use it in a `with`."""

    def __init__(self, username, password):
        proxy = self
        self.tunnels = 0
        self.login = "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_CONNECT(self):
                self.close_connection = True
                if self.headers["Proxy-Authorization"] != proxy.login:
                    self.send_response_only(407)
                    self.send_header("Proxy-Authenticate", "Basic")
                    self.send_header("Content-Length", "0")
                    return self.end_headers()
                host, port = self.path.rsplit(":", 1)
                with socket.create_connection((host, int(port)), timeout=10) as server:
                    server.settimeout(None)
                    self.send_response_only(200)
                    self.end_headers()
                    proxy.tunnels += 1
                    tunnel = Connection(self.connection, server)
                    ways = (server, self.connection, tunnel.down), (self.connection, server, tunnel.up)
                    pumps = [threading.Thread(target=tunnel.pump, args=way, daemon=True) for way in ways]
                    for pump in pumps:
                        pump.start()
                    for pump in pumps:
                        pump.join()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
