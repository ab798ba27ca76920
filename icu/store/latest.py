"""The query for the latest reading of a patient."""

from typing import Final

from icu.store.coverage import BEFORE_ALL
from icu.store.readings import CLOCK_TOLERANCE_MS

# Condition in SQL for a reading that is not about to be deleted.
_KEPT: Final = f"timestamp >= (SELECT coalesce(raw_horizon, {BEFORE_ALL}) FROM upkeep_state)"  # noqa: S608 - a number of our own

# Of the newest reading, the newest that is hardly ahead of the clock and the newest whose own clock was right, the one
# that arrived last: neither a sender whose clock once stood in the future nor one in another time zone hides what a
# patient sends now. The last of them is for when a time comes that was ahead once, and what it left there lies between
# what comes now; among ten, for a sender whose clock is never right must not be read from its beginning.
# Timestamp of that reading; `patients` is the query around it.
LATEST: Final = f"""
SELECT timestamp FROM (
  SELECT * FROM (SELECT timestamp, lag FROM patient_metrics WHERE patient_id = patients.id AND {_KEPT}
                 ORDER BY timestamp DESC LIMIT 1) AS newest
  UNION ALL
  SELECT * FROM (SELECT timestamp, lag FROM patient_metrics WHERE patient_id = patients.id AND timestamp <= :horizon
                 AND {_KEPT} ORDER BY timestamp DESC LIMIT 1) AS newest_so_far
  UNION ALL
  SELECT * FROM (SELECT timestamp, lag FROM
                  (SELECT timestamp, lag FROM patient_metrics
                   WHERE patient_id = patients.id AND timestamp <= :now AND {_KEPT}
                   ORDER BY timestamp DESC LIMIT 10) AS ten
                 WHERE lag >= -{CLOCK_TOLERANCE_MS} ORDER BY timestamp DESC LIMIT 1) AS newest_that_was_right
) AS candidate ORDER BY timestamp + lag DESC, timestamp DESC LIMIT 1
"""  # noqa: S608 - a number of our own
