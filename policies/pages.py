"""The pages of policies and agreements."""

import policies.agreements.admin
import policies.versions.admin  # noqa: F401
