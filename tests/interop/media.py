"""Files in both directions: what one side sends, the other loads with its own functions, and it is the same file."""

import base64
import contextlib
import hashlib
import http.client
import os
import shutil
import subprocess
import time
from pathlib import Path

from pair import Pair, every_iq_known, peer_number, session, wharf_number
from processes import Failed, wait_for
from report import note

base = f"/sessions/{session}"
checks = 24
large_bytes = 100 * 1024 * 1024
large_patience_s = 600
piece = 1 << 20
voice_file = Path(__file__).resolve().parents[1] / "e2e/files/voice.ogg"

size = {"width": 320, "height": 240}
mp4 = {"mimetype": "video/mp4", "seconds": 2, **size}


def ffmpeg(path, *arguments):
    subprocess.run(["ffmpeg", "-loglevel", "error", "-y", *arguments, str(path)], check=True, stdin=subprocess.DEVNULL)
    return path


class Files:
    """One file of each type, and a large one of random bytes."""

    def __init__(self, directory):
        picture = ("-f", "lavfi", "-i", "testsrc=duration=2:size=320x240:rate=5")
        tone = ("-f", "lavfi", "-i", "sine=440:duration=3")
        self.photo = ffmpeg(directory / "photo.jpg", *picture, "-frames:v", "1")
        self.video = ffmpeg(directory / "video.mp4", *picture, *tone, "-shortest")
        self.loop = ffmpeg(directory / "loop.mp4", *picture, "-pix_fmt", "yuv420p")
        self.gif = ffmpeg(directory / "loop.gif", *picture)
        self.song = ffmpeg(directory / "song.mp3", *tone)
        self.voice = Path(shutil.copy(voice_file, directory / "voice.ogg"))
        self.document = directory / "document.pdf"
        self.document.write_bytes(b"%PDF-1.4\n" + os.urandom(300_001))
        self.large = directory / "large.bin"
        with open(self.large, "wb") as file:
            for _ in range(large_bytes // piece):
                file.write(os.urandom(piece))
        self.sticker = directory / "sticker.webp"  # the one that Wharf makes


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def facts(path):
    return {"sha256": digest(path), "size": path.stat().st_size}


def same(shown, wanted, what):
    """The members of `wanted` are in `shown`."""
    got = {key: shown.get(key) for key in wanted}
    assert got == wanted, f"{what}: {got} is not {wanted}"


def fetch(wharf, message, into):
    """The file of a message from Wharf's API to disk, piece by piece; its Content-Type."""
    with contextlib.closing(http.client.HTTPConnection(wharf.address, timeout=large_patience_s)) as connection:
        connection.request("GET", f"/api/v1{base}/messages/{message}/media")
        answer = connection.getresponse()
        if answer.status != 200:
            raise Failed(f"the file of {message}: {answer.status} {answer.read(400)}")
        with open(into, "wb") as file:
            shutil.copyfileobj(answer, file, piece)
        return answer.headers["Content-Type"]


def upload(wharf, route, path, fields):
    """multipart/form-data, read from disk while it is sent; the message's id."""
    boundary = "wharf-interop-boundary"
    part = f"--{boundary}\r\nContent-Disposition: form-data; name="
    parts = [f'{part}"{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()]
    parts.append(f'{part}"file"; filename="{path.name}"\r\n\r\n')
    head, tail = "".join(parts).encode(), f"\r\n--{boundary}--\r\n".encode()

    def body():
        yield head
        with open(path, "rb") as file:
            while data := file.read(piece):
                yield data
        yield tail

    return wharf.http.call("POST", f"/api/v1{base}/{route}", body(), {
        "Content-Type": f"multipart/form-data; boundary={boundary}",
        "Content-Length": str(len(head) + path.stat().st_size + len(tail))}, expect=(200, 202))[1]["data"]["id"]


def load(peer, message, what, wanted, from_disk="no"):
    """The peer shows the message as `wanted`, and what it loads is the file that was announced."""
    shown = peer.wait("file", id=message, since=0, patience=large_patience_s)
    same(shown, wanted, what)
    loaded = peer.command("load_file", patience=large_patience_s, message=message, fromDisk=from_disk)
    same(loaded, {key: wanted[key] for key in ("sha256", "size")}, f"the bytes of {what}")


def to_peer(report, pair, files, directory):
    wharf, peer, name = pair.wharf, pair.peer, pair.peer.name

    def check(title, route, path, wanted, made=False, **more):
        """`made`: Wharf sends another file than it is given; it must be the one that it shows itself."""
        with report.check(f"{name}: loads Wharf's {title}"):
            data = base64.b64encode(path.read_bytes()).decode()
            sent = wharf.post(f"{base}/{route}", {"chatId": peer_number, "data": data, **more})["id"]
            if made:
                path = directory / f"{route}-of-wharf"
                fetch(wharf, sent, path)
            load(peer, sent, title, {"caption": "", "viewOnce": False, "wrapped": False, **facts(path), **wanted})
            return path

    jpeg = {"mimetype": "image/jpeg", "preview": True, **size}
    check("image", "send-image", files.photo, {"kind": "image", "caption": "a photo", **jpeg}, caption="a photo")
    check("document with caption and name", "send-file", files.document,
          {"kind": "document", "mimetype": "application/pdf", "caption": "to read", "filename": "Résumé 1.pdf"},
          caption="to read", filename="Résumé 1.pdf")
    check("audio", "send-audio", files.song, {"kind": "audio", "mimetype": "audio/mpeg", "seconds": 3})
    check("voice note", "send-voice", files.voice,
          {"kind": "voice", "mimetype": "audio/ogg; codecs=opus", "seconds": 2, "waveform": 64})
    check("video", "send-video", files.video, {"kind": "video", "caption": "moving", "preview": True, **mp4}, caption="moving")
    check("video that plays as a GIF", "send-video", files.loop, {"kind": "gif", **mp4}, gif=True)
    check("GIF image, converted", "send-video", files.gif, {"kind": "gif", **mp4}, made=True, gif=True)
    check("round video", "send-video", files.video, {"kind": "video_note", **mp4}, round=True)
    sticker = check("sticker", "send-sticker", files.photo,
                    {"kind": "sticker", "mimetype": "image/webp", "width": 512, "height": 512}, made=True)
    shutil.copy(sticker, files.sticker)
    check("image that is seen once", "send-image", files.photo,
          {"kind": "image", "viewOnce": True, "wrapped": True, "mimetype": "image/jpeg", **size}, viewOnce=True)
    with report.check(f"{name}: gets Wharf's album, head first, and loads what belongs to it"):
        data = lambda path: base64.b64encode(path.read_bytes()).decode()  # noqa: E731
        mixed = [{"data": data(files.photo)}, {"data": data(files.video), "type": "video", "caption": "moving"}]
        head, photo, film = wharf.post(f"{base}/send-image", {"chatId": peer_number, "album": True, "files": mixed})["messages"]
        same(peer.wait("said", id=head["id"], since=0), {"kind": "album", "text": "1,1"}, "the head")
        load(peer, photo["id"], "the picture", {"kind": "image", "album": head["id"], **facts(files.photo)})
        load(peer, film["id"], "the video", {"kind": "video", "album": head["id"], "caption": "moving", **facts(files.video)})


def to_wharf(report, pair, files, directory):
    wharf, peer, name = pair.wharf, pair.peer, pair.peer.name
    round_video = mp4 if peer.kind.measures_round_videos else {"mimetype": "video/mp4"}
    if round_video != mp4:
        note(f"{name} sends round videos without seconds and dimensions: Wharf shows none")

    def send(kind, path, from_disk="no", **more):
        """The id; numbers go as text, as everything in the drivers' language."""
        told = {key: str(value) for key, value in more.items()}
        return peer.command("send_file", patience=large_patience_s, to=wharf_number, kind=kind, file=str(path),
                            fromDisk=from_disk, **told)["id"]

    def arrived(sent, what, path, shown_as, media, body="", once=False):
        """Wharf's event, its stored message and its file are what was sent."""
        event = wharf.event(lambda e: e["event"] == "message" and sent in e["data"]["id"], what)["data"]
        stored = wharf.get(f"{base}/messages/{sent}")
        for shown in (event, stored):
            same(shown, {"type": shown_as, "body": body, "hasMedia": True, "fromMe": False,
                         "viewOnce": True if once else None, "media": {"size": path.stat().st_size, "url": f"/api/v1{base}/messages/{sent}/media", **media}}, what)
        got = directory / f"got-{shown_as}"
        mime = fetch(wharf, sent, got)
        same(facts(got), facts(path), f"the bytes of {what}")
        assert mime == media["mimetype"], f"the Content-Type of {what}: {mime}"
        got.unlink()

    def check(title, kind, path, shown_as, media, caption="", once=False, **more):
        with report.check(f"{name}: its {title} is loaded by Wharf"):
            sent = send(kind, path, caption=caption, viewOnce="yes" if once else "no", **{**media, **more})
            arrived(sent, title, path, shown_as, media, body=caption, once=once)

    jpeg = {"mimetype": "image/jpeg", **size}
    check("image", "image", files.photo, "image", jpeg, caption="their photo")
    check("document with caption and name", "document", files.document, "document",
          {"mimetype": "application/pdf", "filename": "Übung 2.pdf"}, caption="their words")
    check("audio", "audio", files.song, "audio", {"mimetype": "audio/mpeg", "seconds": 3})
    check("voice note", "voice", files.voice, "ptt", {"mimetype": "audio/ogg; codecs=opus", "seconds": 2})
    check("video", "video", files.video, "video", mp4, caption="their video")
    check("video that plays as a GIF", "gif", files.loop, "gif", mp4)
    check("round video", "video_note", files.video, "ptv", round_video)
    check("sticker", "sticker", files.sticker, "sticker", {"mimetype": "image/webp", "width": 512, "height": 512})
    check("image that is seen once", "image", files.photo, "image", jpeg, once=True)
    with report.check(f"{name}: its album is shown by Wharf with what belongs to it"):
        head = peer.command("say", to=wharf_number, kind="album", text="1,1")["id"]
        members = [send("image", files.photo, album=head, **jpeg), send("video", files.video, album=head, **mp4)]
        for sent, path, shown_as, media in ((members[0], files.photo, "image", jpeg), (members[1], files.video, "video", mp4)):
            arrived(sent, f"the {shown_as} of an album", path, shown_as, media)
            same(wharf.get(f"{base}/messages/{sent}"), {"albumId": head}, "the member")
        same(wharf.get(f"{base}/messages/{head}"), {"type": "album", "album": {"images": 1, "videos": 1}}, "the head")

    with report.check(f"{name}: its document of 100 MiB is loaded by Wharf"):
        began = time.monotonic()
        said = {"mimetype": "application/octet-stream", "filename": "large.bin"}
        sent = send("document", files.large, from_disk="yes", **said)
        uploaded = time.monotonic()
        arrived(sent, "large document", files.large, "document", said)
        note(f"{name} sent 100 MiB in {uploaded - began:.1f} s, Wharf loaded and gave them in {time.monotonic() - uploaded:.1f} s")


def media(report, kind, wharfd, directory):
    name = kind.name
    if not shutil.which("ffmpeg"):
        report.skip_all(name, "ffmpeg is not installed", checks)
        return
    files = Files(directory)
    pair = Pair(kind, wharfd, directory)
    pair.to_peer("first")  # both know each other from here on
    pair.to_wharf("first back")
    to_peer(report, pair, files, directory)
    with report.check(f"{name}: loads Wharf's document of 100 MiB"):
        began = time.monotonic()
        sent = upload(pair.wharf, "send-file", files.large, {"chatId": peer_number})
        accepted = time.monotonic()
        wanted = {"kind": "document", "mimetype": "application/octet-stream", "filename": "large.bin", **facts(files.large)}
        load(pair.peer, sent, "large document", wanted, from_disk="yes")
        note(f"Wharf took 100 MiB in {accepted - began:.1f} s, {name} had them {time.monotonic() - accepted:.1f} s later")
    to_wharf(report, pair, files, directory)
    outgoing = Path(pair.wharf.directory) / "data/media/outgoing"
    wait_for("nothing left to upload in Wharf's data directory", lambda: not os.listdir(outgoing))
    every_iq_known(report, name, pair.sandbox)
    pair.stop()
