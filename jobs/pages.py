"""The pages of long work."""

import jobs.admin
import jobs.home  # noqa: F401
