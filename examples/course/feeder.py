"""Tells topic customers of every change of table customers, in order and once: feeder.py"""

import json
import re
import time

import psycopg

from gateway import Refused, send

TOPIC = "/v1/topics/customers"
# A column as PostgreSQL's test_decoding prints it: id[integer]:7, name[text]:'O''Brien', city[text]:null
COLUMN = re.compile(r"""(old-key|new-tuple):|("[^"]+"|\w+)\[(.+?)\]:(?:'((?:[^']|'')*)'|(\S+))""")
# What follows a commit in the log, by its place there, as a number.
CHANGES = """SELECT (lsn - '0/0')::bigint, data
    FROM pg_logical_slot_peek_changes('sluice', NULL, 1000, 'include-xids', 'off')"""


def value(kind, quoted, bare):
    if bare == "null":
        return None
    if kind in ("smallint", "integer", "bigint"):
        return int(bare)
    if kind == "boolean":
        return bare == "true"
    return bare or quoted.replace("''", "'")


def records_of(change):
    """What a change means for the topic: the row as it is now, or null, a tombstone, where there is none any more."""
    table, operation, columns = change.split(": ", 2)
    if operation == "TRUNCATE" and "public.customers" in table:
        raise SystemExit("customers was truncated, and the log does not say which rows there were: use DELETE")
    if table != "table public.customers":
        return
    before, after = {}, {}
    row = after
    for part, name, kind, quoted, bare in COLUMN.findall(columns):
        if part:
            row = before if part == "old-key" else after
        # A large value that has not changed is left out, and is that of the row before.
        elif bare != "unchanged-toast-datum":
            row[name.strip('"')] = value(kind, quoted, bare)
    if operation == "DELETE" or before.get("id", after["id"]) != after["id"]:
        yield {"key": str({**after, **before}["id"]), "value": None}
    if operation != "DELETE":
        yield {"key": str(after["id"]), "value": {**before, **after}}


def batch(records):
    """As many of them as go to Kafka at once: by default it takes a megabyte."""
    size = 0
    for n, record in enumerate(records):
        size += len(json.dumps(record))
        if n > 0 and size > 500_000:
            return records[:n]
    return records


def written(records):
    """Whether these are the last in the topic."""
    last = send("GET", f"{TOPIC}/records", params={"from": "-1"})["records"]
    return last != [] and last[0]["headers"] == records[-1]["headers"]


class Feeder:
    """Beside the table stands how far its changes are in the topic. After a crash at most one PUT is sent again, as it was."""

    def __init__(self, database):
        self.database = database
        # One feeder at a time: another one waits here until this one is gone.
        database.execute("SELECT pg_advisory_lock(hashtext('feeder'))")
        # A slot: from now on PostgreSQL keeps its log for us, until we say that we have read it.
        if not database.execute("SELECT 1 FROM pg_replication_slots WHERE slot_name = 'sluice'").fetchone():
            database.execute("SELECT pg_create_logical_replication_slot('sluice', 'test_decoding')")
        database.execute("CREATE TABLE IF NOT EXISTS feeder (producer text, sequence bigint, lsn bigint, done int)")
        saved = database.execute("SELECT * FROM feeder").fetchone()
        if not saved:
            saved = (self.open_producer(), 0, 0, 0)
            database.execute("INSERT INTO feeder VALUES (%s, %s, %s, %s)", saved)
        # The producer and its next number; the last commit that is in the topic, and how many records of the next one are.
        self.producer, self.sequence, self.lsn, self.done = saved
        print("ready", flush=True)

    def open_producer(self):
        return send("POST", f"{TOPIC}/producers")["producer"]

    def save(self):
        state = (self.producer, self.sequence, self.lsn, self.done)
        self.database.execute("UPDATE feeder SET producer = %s, sequence = %s, lsn = %s, done = %s", state)

    def put(self, records):
        try:
            body = {"records": records}
            self.sequence = send("PUT", f"{TOPIC}/producers/{self.producer}/records/{self.sequence}", json=body)["nextSequence"]
        except Refused as refused:
            # After a day without a change Kafka has forgotten the producer.
            if refused.code_of_problem != "producer_expired":
                raise
            self.producer, self.sequence = self.open_producer(), 0
            self.save()
            if not written(records):
                return self.put(records)
        self.done += len(records)
        self.save()

    def feed(self):
        """Passes on what is new in the log; whether there was anything."""
        records = []
        for lsn, change in (changes := self.database.execute(CHANGES).fetchall()):
            if change == "BEGIN":
                records = []
            elif change != "COMMIT":
                records += records_of(change)
            elif records and lsn > self.lsn:
                for n, record in enumerate(records):
                    record["headers"] = {"change": f"{lsn}/{n}"}
                while self.done < len(records):
                    self.put(batch(records[self.done :]))
                print(f"commit {lsn}: {len(records)} written", flush=True)
                self.lsn, self.done = lsn, 0
                self.save()
        if changes:
            self.database.execute("SELECT pg_replication_slot_advance('sluice', '0/0'::pg_lsn + %s)", (changes[-1][0],))
        return bool(changes)


while True:
    try:
        # Where the database is, PGHOST, PGUSER and PGDATABASE say.
        with psycopg.connect(autocommit=True) as database:
            feeder = Feeder(database)
            while True:
                if not feeder.feed():
                    time.sleep(0.2)
    except psycopg.OperationalError as error:
        print(f"no database, trying again: {error}", flush=True)
    time.sleep(1)
