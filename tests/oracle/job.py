"""What the job means, in one place: every number and every reading of its definition that the oracle judges by.

It computes nothing and shares nothing with Tidemill. Where the definition leaves room, the reading taken stands here.
"""

# The fields of an event line and the JSON type of each: "string", "long" (an integer of 64 bits) or "boolean".
EVENT_FIELDS = {
    "eventId": "string",
    "userId": "string",
    "contentId": "string",
    "eventType": "string",
    "eventTimeMs": "long",
    "dwellMs": "long",
    "completed": "boolean",
}

# A line whose field here is null or missing is malformed; the others may be null.
NOT_NULL = ("eventId", "userId", "eventType", "eventTimeMs")

# A number with a fraction or an exponent is not a long, whatever its value: 1.0 and 1e3 are malformed.
# A line of nothing but JSON whitespace holds no event and is not malformed either.
# Fields that the schema does not name are ignored, but they must be JSON, nested at most this deep (the event itself is one).
MAX_DEPTH = 128
# Names of fields resolve without regard to case. Of two equal names in one object the last counts, but both must be right.

WATERMARK_DELAY_US = 2 * 60 * 1_000_000
SESSION_GAP_US = 30 * 60 * 1_000_000
EMA_ALPHA = 0.3
ALERT_DROP_RATIO = 0.3

# SQL over one session's events, grouped. Dwell is averaged over finished views only; `completed` counts on any event.
ASD_MS = "coalesce(avg(dwellMs) FILTER (eventType = 'view_end' AND dwellMs > 0), 0)::DOUBLE"
COMPLETION_RATE = "count(*) FILTER (completed)::DOUBLE / greatest(count(*) FILTER (eventType = 'view_end'), 1)"
CLICKS = "count(*) FILTER (eventType = 'click')"

# Floats are equal within this relative tolerance: sums may be taken in any order.
RELATIVE_TOLERANCE = 1e-9

# Each table's key (no two rows share one), and the columns beside it that are compared.
# `note`, `reason` and `operator` are free text: they must be there, and their values are Tidemill's own.
TABLES = {
    "session_metrics": {"key": ("userId", "sessionStart"), "values": ("sessionEnd", "asdMs", "completionRate", "clicks", "events")},
    "user_baselines": {"key": ("userId",), "values": ("emaAsdMs", "seen")},
    "alerts": {
        "key": ("userId", "sessionStart"),
        "values": ("sessionEnd", "asdMs", "baselineAsdMs", "dropRatio"),
        "free": ("note",),
    },
    "late_events": {"free": ("operator", "watermark", "epoch")},
    "dead_letters": {"key": ("file", "line"), "values": ("text",), "free": ("reason",)},
}
