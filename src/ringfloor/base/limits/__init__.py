"""Limits: every bound in one table, each with its unit and its reason.

Modules take the constants from here; the parts stand in modules of their own, the documentation
page is made from TABLE. Quotas of resources stand in domain.quotas.
"""

from ringfloor.base.limits.center import *  # noqa: F403  the parts of one table
from ringfloor.base.limits.edge import *  # noqa: F403  the parts of one table
from ringfloor.base.limits.identity import *  # noqa: F403  the parts of one table
from ringfloor.base.limits.load import *  # noqa: F403  the parts of one table
from ringfloor.base.limits.metrics import *  # noqa: F403  the parts of one table
from ringfloor.base.limits.participants import *  # noqa: F403  the parts of one table
from ringfloor.base.limits.routing import *  # noqa: F403  the parts of one table
from ringfloor.base.limits.simulator import *  # noqa: F403  the parts of one table
from ringfloor.base.limits.staffing import *  # noqa: F403  the parts of one table
from ringfloor.base.limits.storage import *  # noqa: F403  the parts of one table
from ringfloor.base.limits.table import TABLE as TABLE
from ringfloor.base.limits.table import Limit as Limit
from ringfloor.base.limits.voice import *  # noqa: F403  the parts of one table
