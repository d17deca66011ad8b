"""What functions over groups of a stream know of their state, under the module where PySpark has it."""

from tidemill.sql.group_functions import GroupState, GroupStateTimeout

__all__ = ["GroupState", "GroupStateTimeout"]
