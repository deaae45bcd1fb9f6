"""Search in a store of a million messages: 8 words each, 50,000 words by Zipf's law, two sessions, 2,000 chats. The rows are
written into the database while the gateway is stopped, as copies of one that it has stored itself; it makes the index."""

import itertools
import os
import random
import sqlite3
import time
import urllib.parse

from gateways import caller_of, link_sessions, new_gateway, phone_number, report_hold
from measure import cpu_seconds, percentile, settle
from processes import Sandbox, Workspace, wait_for

PEER = "15557770000"
WORDS, CHATS, WORDS_OF_A_MESSAGE = 50_000, 2_000, 8
SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "en", "or")]


def vocabulary(rng):
    words = {}
    while len(words) < WORDS:
        words["".join(rng.choice(SYLLABLES) for _ in range(rng.randint(2, 4)))] = None
    return list(words)


def zipf(rng, words, count):
    cumulative = list(itertools.accumulate(1 / rank for rank in range(1, len(words) + 1)))
    return rng.choices(words, cum_weights=cumulative, k=count)


def copy_rows(db, table, template, columns, rows):
    """Inserts rows that are the template but for these columns, and `row`, which SQLite chooses."""
    names = [c[1] for c in db.execute(f"PRAGMA table_info({table})") if c[1] != "row"]
    values = ", ".join("?" if n in columns else f"(SELECT {n} FROM {table} WHERE row = {template})" for n in names)
    order = [columns.index(n) for n in names if n in columns]
    db.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({values})",
                   ([row[i] for i in order] for row in rows))


def fill(path, rng, words, count):
    db = sqlite3.connect(path, isolation_level=None)
    templates = dict(db.execute("SELECT session_id, max(row) FROM message WHERE from_me = 0 GROUP BY session_id"))
    chat_templates = dict(db.execute("SELECT session_id, max(row) FROM chat GROUP BY session_id"))
    db.execute("BEGIN")
    db.executemany("INSERT INTO jid (user, server, device, integrator) VALUES (?, 's.whatsapp.net', 0, 0)",
                   ([f"1777{i:07d}"] for i in range(CHATS)))
    people = [row[0] for row in db.execute("SELECT id FROM jid WHERE user LIKE '1777%'")]
    last_row = db.execute("SELECT max(row) FROM message").fetchone()[0]
    begin_ms = int(time.time() * 1000) - count * 1000
    for number, (session, template) in enumerate(sorted(templates.items())):
        share = count // len(templates)
        said = zipf(rng, words, share * WORDS_OF_A_MESSAGE)

        def messages(session=session, number=number, said=said):
            for i in range(share):
                at, chat, first = begin_ms + i * 1000, people[rng.randrange(CHATS)], i * WORDS_OF_A_MESSAGE
                yield session, chat, chat, f"3EB0{number}{i:011X}", at, at, " ".join(said[first:first + WORDS_OF_A_MESSAGE])
        copy_rows(db, "message", template, ["session_id", "chat_id", "author_id", "id", "timestamp", "created_at", "body"], messages())
        copy_rows(db, "chat", chat_templates[session], ["session_id", "chat_id", "alternate_id", "last_row", "unread"],
                  ([session, chat, 0, last_row, 0] for chat in people))
    db.execute("COMMIT")
    db.close()


def queries(rng, words, count):
    """Words as they are written: by their frequency, so frequent ones are asked for often."""
    usual = words[:5_000]
    rare = words[-5_000:]
    return {
        "one_word": [w for w in zipf(rng, usual, count)],
        "rare_word": [rng.choice(rare) for _ in range(count)],
        "three_letters": [w[:3] + "*" for w in zipf(rng, usual, count)],
        "two_words": [" ".join(zipf(rng, usual, 2)) for _ in range(count)],
        "four_words": [" ".join(zipf(rng, usual, 4)) for _ in range(count)],
        "phrase": ['"' + " ".join(zipf(rng, usual[:200], 2)) + '"' for _ in range(count)],
    }


def bench_search(options, report):
    rng = random.Random(7)
    words = vocabulary(rng)
    with Workspace() as directory:
        sandbox = Sandbox(options.wharfd, directory)
        gateway = new_gateway(options, directory, sandbox)
        link_sessions(gateway, sandbox, 0, 2)
        sandbox.phone(PEER, "Peer")
        for index in range(2):
            sandbox.control.post(f"/sandbox/v1/phones/{PEER}/messages", {"to": phone_number(index), "text": "a template"})
            wait_for("a message", lambda i=index: gateway.http.get(f"/api/v1/sessions/u{i}/chats")["data"])
        gateway.process.stop()
        gateway.http.close()
        fill(os.path.join(directory, "data", "wharf.sqlite"), rng, words, options.search_messages)
        gateway.process = type(gateway.process)("gateway", gateway.arguments, directory)
        gateway.wait_listening()
        pid = gateway.process.child.pid

        def ask(session, words_asked, more=""):
            path = f"/api/v1/sessions/{session}/messages?limit=50&q={urllib.parse.quote(words_asked)}{more}"
            return caller_of(gateway.address).call("GET", path)
        begin = time.monotonic()
        wait_for("the index", lambda: b'"complete":true' in ask("u0", words[-1]), 1200)
        report.line("search_index", (time.monotonic() - begin) * 1e6 / options.search_messages, "µs per message",
                    messages=options.search_messages, note="after the start, with nothing else to do")
        settle(pid)
        for name, asked in queries(rng, words, options.search_queries).items():
            for words_asked in asked[:20]:
                ask("u0", words_asked)
            took, cpu = [], cpu_seconds(pid)
            for i, words_asked in enumerate(asked):
                begin = time.monotonic()
                ask(f"u{i % 2}", words_asked)
                took.append((time.monotonic() - begin) * 1000)
            spent = (cpu_seconds(pid) - cpu) * 1000 / len(asked)
            report.line(f"search_{name}_p50", percentile(took, 0.5), "ms", messages=options.search_messages)
            report.line(f"search_{name}_p99", percentile(took, 0.99), "ms", 20, messages=options.search_messages,
                        cpu_ms_per_query=round(spent, 2))
        report_hold(report, "search", gateway)
        gateway.process.stop()
        sandbox.process.stop()
