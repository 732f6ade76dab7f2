"""Reads the records of one day again, and counts the visits of each page: replay.py TOPIC [DAY], yesterday without one"""

import json
import sys
from collections import Counter
from datetime import date, datetime, timedelta, timezone

from gateway import URL, session

today = datetime.now(timezone.utc).date()
day = date.fromisoformat(sys.argv[2]) if len(sys.argv) > 2 else today - timedelta(days=1)
period = {"from": f"{day}T00:00:00Z", "until": f"{day + timedelta(days=1)}T00:00:00Z"}

visits = Counter()
complete = False
records = f"{URL}/v1/topics/{sys.argv[1]}/records"
# A stream of lines, each a record. The last one says whether it is all there is.
with session.get(records, params=period, headers={"accept": "application/x-ndjson"}, stream=True, timeout=60) as answer:
    if not answer.ok:
        sys.exit(answer.json()["detail"])
    for line in answer.iter_lines():
        record = json.loads(line)
        if "value" in record:
            visits[record["value"]["page"]] += 1
        complete = record.get("caughtUp", False)

if not complete:
    sys.exit("the stream was cut: run it again, reading changes nothing")
print(f"{day}: {sum(visits.values())} visits, {dict(sorted(visits.items()))}")
