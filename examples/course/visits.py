"""Writes a visit for each of the last 48 hours, as if it had run all the time: visits.py TOPIC"""

import sys
from datetime import datetime, timedelta, timezone

from gateway import send

if len(sys.argv) < 2:
    sys.exit(__doc__)

now = datetime.now(timezone.utc)
for hours in range(47, -1, -1):
    time = now - timedelta(hours=hours)
    visit = {"page": "/prices" if hours % 4 else "/jobs", "visitor": f"visitor-{hours % 5}"}
    record = {"key": visit["visitor"], "value": visit, "timestamp": round(time.timestamp() * 1000)}
    send("POST", f"/v1/topics/{sys.argv[1]}/records", json=record)
print("48 visits written")
