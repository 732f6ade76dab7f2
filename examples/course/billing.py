"""The billing service: writes an invoice for every order, in topic invoices, once: billing.py"""

import json
import re
import time

from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import connect

from gateway import URL, Refused, send

# A member of group billing. With ack=client the group moves on past what is acknowledged, and past nothing else.
ORDERS = URL.replace("http", "ws", 1) + "/v1/ws?topics=orders&group=billing&from=earliest&ack=client"


def is_order(key, value):
    """Whatever can write to the topic can write nonsense to it, which must not stop everything behind it."""
    return isinstance(key, str) and re.fullmatch("[A-Za-z0-9_-]{1,50}", key) and isinstance(value, dict) and "total" in value


def bill(order, total):
    """Writes the invoice of an order. Kafka remembers the id: asked again, it has the invoice, and writes no second one."""
    invoice = {"topic": "invoices", "key": order, "value": {"invoice": f"I-{order}", "amount": total}}
    try:
        done = send("POST", "/v1/transactions", json={"id": f"invoice-{order}", "records": [invoice]})
        print(f"order {order}: {'billed before' if done['duplicate'] else 'billed'}", flush=True)
    except Refused as refused:
        if refused.code_of_problem != "transaction_conflict":
            raise
        print(f"order {order}: billed before, with another total", flush=True)


def work():
    with connect(ORDERS) as socket:
        for message in socket:
            frame = json.loads(message)
            if frame["type"] != "records":
                continue
            for record in frame["records"]:
                if is_order(record["key"], record["value"]):
                    bill(record["key"], record["value"]["total"])
                else:
                    print(f"no order, passed over: {record}", flush=True)
                # Only now. If this program dies before, the order comes again, here or to another member.
                place = {name: record[name] for name in ("topic", "partition", "offset")}
                socket.send(json.dumps({"type": "ack", "offsets": [place]}))


while True:
    try:
        work()
    except ConnectionClosed as closed:
        # 4000 to 4499: connecting again will not help.
        if closed.rcvd and 4000 <= closed.rcvd.code < 4500:
            raise SystemExit(closed.rcvd.reason)
    except (OSError, WebSocketException) as error:
        print(f"no connection to {URL}, trying again: {error}", flush=True)
    time.sleep(0.5)
