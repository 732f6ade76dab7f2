"""Steers what Schemathesis makes up, where left alone it would miss its aim."""

import json
import os
import re
from uuid import uuid4

import requests
import schemathesis

NAME = re.compile(r"[A-Za-z0-9._-]{1,249}")
# A deep run is one that says how many examples it wants.
DEEP = "TEST_SCHEMATHESIS_EXAMPLES" in os.environ
mistyped = set()
kept = None


@schemathesis.hook
def filter_case(context, case):
    """Of each place that has a type, one value of another: left alone, they are half of what covers the schema."""
    place = getattr(case.meta, "phase", None) and case.meta.phase.data
    if DEEP or getattr(place, "scenario", None) != "incorrect_type":
        return True
    key = (case.operation.label, place.parameter_location, place.parameter, place.location)
    known = key in mistyped
    mistyped.add(key)
    return not known


@schemathesis.serializer("application/x-ndjson")
def one_line(context, value):
    return value if isinstance(value, bytes) else json.dumps(value).encode() + b"\n"


@schemathesis.hook
def before_call(context, case, kwargs):
    topic = str((case.path_parameters or {}).get("topic", ""))
    # Names made up at random are names of no topic: no record would ever be written or read.
    path = case.operation.path
    is_change = case.method.upper() == "PATCH" and path == "/v1/topics/{topic}"
    if ("/records" in path or path.endswith("/producers") or is_change) and NAME.fullmatch(topic):
        case.path_parameters["topic"] = topic_with_records(case)
    # What breaks the contract on purpose stays as it is.
    positive = case.meta is None or case.meta.generation.mode.is_positive
    if positive and path.endswith("/producers") and isinstance(case.body, dict) and "partition" in case.body:
        case.body["partition"] %= 3
    if positive and "/producers/{producer}" in path:
        # Signed, so none that is made up is one.
        case.path_parameters["producer"] = new_producer(case)
        case.path_parameters["sequence"] = 0
    if positive and path == "/v1/transactions" and isinstance(case.body, dict):
        make_possible(case)
    if positive and path == "/v1/quotas" and isinstance(case.body, dict):
        # A quota for everyone would be one for this run, too.
        case.body["validateOnly"] = True
    if positive and case.operation.path == "/v1/topics" and isinstance(case.body, dict):
        fit_for_one_broker(case.body)
    if positive and is_change and isinstance(case.body, dict):
        fit_for_one_broker(case.body)


@schemathesis.hook
def after_call(context, case, response):
    global kept
    # Found in the list of topics and deleted.
    if case.method.upper() == "DELETE" and (case.path_parameters or {}).get("topic") == kept:
        kept = None


def topic_with_records(case):
    global kept
    if kept is None:
        kept = f"schemathesis-{uuid4()}"
        topics = f"{case.operation.base_url.rstrip('/')}/v1/topics"
        requests.post(topics, json={"name": kept, "partitions": 3}, timeout=15).raise_for_status()
    return kept


def new_producer(case):
    producers = f"{case.operation.base_url.rstrip('/')}/v1/topics/{kept}/producers"
    answer = requests.post(producers, timeout=15)
    answer.raise_for_status()
    return answer.json()["producer"]


def make_possible(case):
    """A transaction needs topics that there are, and more time than the least."""
    case.body.pop("timeoutMs", None)
    parts = [case.body.get("records"), (case.body.get("offsets") or {}).get("offsets")]
    for part in [one for list_ in parts for one in list_ or []]:
        part["topic"] = topic_with_records(case)


def fit_for_one_broker(topic):
    """Valid wishes that this Kafka could not grant: more partitions than it can hold hundreds of, configs of no name."""
    if topic.get("partitions", 1) > 3:
        topic["partitions"] = 3
    if "replicationFactor" in topic:
        topic["replicationFactor"] = 1
    if "assignments" in topic:
        topic["assignments"] = [[1]]
        topic.pop("partitions", None)
        topic.pop("replicationFactor", None)
    for change in ("append", "subtract"):
        if change in topic:
            topic[change] = {"follower.replication.throttled.replicas": ["0:1"]}
    if "configs" in topic:
        topic["configs"] = {"max.message.bytes": 2_000_000, "preallocate": False, "compression.type": "lz4"}
