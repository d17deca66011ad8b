"""Functions over columns, by PySpark's names: `from tidemill.sql import functions as F`."""

from tidemill.sql.functions.builtin import *  # noqa: F403
from tidemill.sql.functions.by_hand import *  # noqa: F403
