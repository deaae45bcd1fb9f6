"""Other clients under the same load: their registry packages, unmodified, as one process each."""

import json
import os
import subprocess

from measure import ROOT
from processes import Failed

HERE = os.path.dirname(os.path.abspath(__file__))


def variants():
    """(name, command, environment, store): each with what it promises to have on disk when it goes on."""
    baileys = os.path.join(ROOT, "tests", "interop", "baileys")
    if not os.path.isdir(os.path.join(baileys, "node_modules")):
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=baileys, check=True)
    yield "baileys", ["node", os.path.join(HERE, "baileys.mjs")], {}, "useMultiFileAuthState: files, no fsync; messages are not kept"
    binary = os.path.join(ROOT, "build", "bench-whatsmeow")
    subprocess.run(["go", "build", "-o", binary, "./bench"], cwd=os.path.join(ROOT, "tests", "interop", "whatsmeow"), check=True)
    rest = "; keys only, messages are not kept"
    yield "whatsmeow", [binary], {"WHARF_STORE_OPTIONS": ""}, "SQLite, rollback journal, synchronous FULL (its documented address)" + rest
    yield ("whatsmeow_wal", [binary], {"WHARF_STORE_OPTIONS": "&_journal_mode=WAL&_synchronous=FULL"},
           "SQLite, WAL, synchronous FULL" + rest)


class Peer:
    def __init__(self, name, command, environment, sandbox, directory):
        self.name, self.log = name, os.path.join(directory, name + ".log")
        more = {"WHARF_CHAT_URL": sandbox.secure_url, "WHARF_NOISE_ROOT": sandbox.root, "WHARF_CA": sandbox.ca,
                "WHARF_STORE": os.path.join(directory, name + "-store"), "NODE_EXTRA_CA_CERTS": sandbox.ca, **environment}
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                      stderr=open(self.log, "w"), env={**os.environ, **more})
        self.pid = self.child.pid

    def read(self, kind):
        while True:
            line = self.child.stdout.readline()
            if not line:
                raise Failed(f"{self.name} ended: " + open(self.log).read()[-2000:])
            if line.startswith("{"):
                event = json.loads(line)
                if event["event"] == kind:
                    return event

    def tell(self, **command):
        self.child.stdin.write(json.dumps(command) + "\n")
        self.child.stdin.flush()

    def send(self, to, count, callers):
        """Each caller sends its next text when the server acked the one before. The milliseconds of each."""
        self.tell(cmd="send", to=to, count=count, callers=callers)
        return self.read("sent")["ms"]

    def upload(self, to, paths):
        """All at once, a document each; until the server acked each."""
        self.tell(cmd="upload", to=to, files=paths)
        self.read("uploaded")

    def load(self, ids, directory):
        """The files of messages that came, all at once, as <directory>/<id>."""
        self.tell(cmd="load", ids=ids, directory=directory)
        self.read("loaded")

    def stop(self):
        self.child.kill()
        self.child.wait()
