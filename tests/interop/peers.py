"""The two peers: how each is built and started, and what it is known to let pass."""

import re
import shutil
import subprocess
from pathlib import Path

here = Path(__file__).resolve().parent


def version_of(command, pattern, least):
    """None when the tool is there and new enough, else the problem."""
    wanted = ".".join(map(str, least))
    if not shutil.which(command[0]):
        return f"{command[0]} >= {wanted} is not installed"
    found = re.search(pattern, subprocess.run(command, capture_output=True, text=True).stdout)
    if not found or tuple(map(int, found.groups())) < least:
        return f"{command[0]} >= {wanted} is needed, this is {found.group(0) if found else 'unknown'}"
    return None


def run(command, directory, log):
    """None when it succeeded, else its last lines."""
    with open(log, "w") as out:
        status = subprocess.run(command, cwd=directory, stdout=out, stderr=out).returncode
    return None if status == 0 else f"{' '.join(command)} failed: " + " | ".join(log.read_text().splitlines()[-5:])


class Baileys:
    name = "baileys"
    tls = False
    # Its signature wrapper takes a returned false for success (specification 06 section 22): it checks no signature.
    checks_signatures = False
    votes = False  # it can open votes and offers no way to vote
    events = True  # it sends events and can open answers to them, and offers no way to answer
    seals_reactions = False
    reaches_number_only = False  # for an account without a LID it asks for the keys of nobody, and fails with the 406
    follows_addressing = True  # it asks for the group before each message
    reads_joint_receipts = False  # of receipts that name several members at once it tells nothing
    measures_round_videos = False  # of what it is told about a round video it sends the file alone
    told_of_abouts = False  # of what contacts say about themselves it tells nothing, it can ask
    told_of_own_settings = False  # of its own account's settings it hears its timer only
    reads_user_info = False  # it asks for one thing at a time, and for no verified names
    gives_tokens = True
    posts_statuses = True
    channels = True

    def prepare(self, top):
        problem = version_of(["node", "--version"], r"v(\d+)\.\d+", (20,))
        if problem:
            return problem
        directory = here / "baileys"
        # npm writes this copy of the lock file last: newer than ours means that what is installed is what is locked.
        installed = directory / "node_modules/.package-lock.json"
        if installed.exists() and installed.stat().st_mtime >= (directory / "package-lock.json").stat().st_mtime:
            return None
        return run(["npm", "ci", "--no-audit", "--no-fund", "--prefer-offline"], directory, top / "npm.log")

    def command(self):
        return ["node", str(here / "baileys/peer.mjs")]


class Whatsmeow:
    name = "whatsmeow"
    tls = True
    checks_signatures = True
    votes = True
    events = False  # it neither answers events nor opens answers
    seals_reactions = True
    reaches_number_only = True
    follows_addressing = False  # it fails with the 421, until it asks for the group
    reads_joint_receipts = True
    measures_round_videos = True
    told_of_abouts = True
    told_of_own_settings = True  # all but its timer
    reads_user_info = True
    posts_statuses = False  # the scenario is not written for it
    channels = False  # its driver has no commands for them
    gives_tokens = False  # it gives nobody what proves that it is a contact, and has no way to

    def prepare(self, top):
        problem = version_of(["go", "version"], r"go(\d+)\.(\d+)", (1, 25))
        if problem:
            return problem
        self.binary = top / "whatsmeow-peer"
        return run(["go", "build", "-mod=readonly", "-o", str(self.binary), "."], here / "whatsmeow", top / "go.log")

    def command(self):
        return [str(self.binary)]


kinds = {kind.name: kind for kind in (Baileys(), Whatsmeow())}
