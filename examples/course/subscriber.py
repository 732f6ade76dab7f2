"""Keeps a copy of table customers, made of what topic customers tells, in file customers.db: subscriber.py"""

import sqlite3

from gateway import send

database = sqlite3.connect("customers.db")
database.execute("CREATE TABLE IF NOT EXISTS customers (id INTEGER PRIMARY KEY, name TEXT, city TEXT)")
database.execute("CREATE TABLE IF NOT EXISTS place (cursor TEXT)")
saved = database.execute("SELECT cursor FROM place").fetchone()
position = {"cursor": saved[0]} if saved else {"from": "earliest"}

while True:
    page = send("GET", "/v1/topics/customers/records", params={**position, "wait": 10_000})
    # One transaction: the changes and how far we have read, both or neither.
    with database:
        for record in page["records"]:
            if record["value"] is None:
                database.execute("DELETE FROM customers WHERE id = ?", (record["key"],))
            else:
                database.execute("INSERT OR REPLACE INTO customers VALUES (:id, :name, :city)", record["value"])
        database.execute("DELETE FROM place")
        database.execute("INSERT INTO place VALUES (?)", (page["cursor"],))
    position = {"cursor": page["cursor"]}
    for record in page["records"]:
        print(record["key"], record["value"], flush=True)
