"""Reads the records of one day again, and counts the visits of each page: replay.py TOPIC [DAY], yesterday without one"""

import json
import sys
from collections import Counter
from datetime import date, datetime, timedelta, timezone

import requests

from gateway import URL, session

if len(sys.argv) < 2:
    sys.exit(__doc__)

today = datetime.now(timezone.utc).date()
try:
    day = date.fromisoformat(sys.argv[2]) if len(sys.argv) > 2 else today - timedelta(days=1)
except ValueError:
    sys.exit(__doc__)
# A day that is not over ends where the topic does now.
end = f"{day + timedelta(days=1)}T00:00:00Z" if day < today else "latest"
period = {"from": f"{day}T00:00:00Z", "until": end}

visits = Counter()
complete = False
records = f"{URL}/v1/topics/{sys.argv[1]}/records"
# A stream of lines, each a record. The last one says whether it is all there is.
try:
    accept = {"accept": "application/x-ndjson"}
    with session.get(records, params=period, headers=accept, stream=True, timeout=60) as answer:
        if not answer.ok:
            sys.exit(answer.json()["detail"])
        for line in answer.iter_lines():
            record = json.loads(line)
            if "value" in record:
                visits[record["value"]["page"]] += 1
            complete = record.get("caughtUp", False)
except requests.RequestException as error:
    print(f"no answer from {URL}: {type(error).__name__}", file=sys.stderr)

if not complete:
    sys.exit("this is not all there is: run it again, reading changes nothing")
print(f"{day}: {sum(visits.values())} visits, {dict(sorted(visits.items()))}")
