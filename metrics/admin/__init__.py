"""What can be seen of the past: single requests with their attempts, and hours of usage. Nothing can be changed."""

from metrics.admin.contents import RequestContentAdmin
from metrics.admin.hours import UsageHourAdmin
from metrics.admin.requests import RequestLogAdmin

__all__ = ["RequestContentAdmin", "RequestLogAdmin", "UsageHourAdmin"]
