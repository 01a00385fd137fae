"""The person's consent to what is installed or first started."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic_plugins.approval import ApprovalRequest
from dynamic_plugins.errors import DeclinedError, NeedsConfirmationError

if TYPE_CHECKING:
    from dynamic_plugins.approval import Approve, Verb
    from dynamic_plugins.install.plan import InstallPlan


class Consent:
    """Asks through *approve*; with None there is nobody to ask."""

    def __init__(self, approve: Approve | None) -> None:
        self.approve = approve

    async def ask(
        self, verb: Verb, plan: InstallPlan, commands: tuple[tuple[str, ...], ...], warning: str | None = None
    ) -> None:
        """Return when the person agrees. Raises DeclinedError, or NeedsConfirmationError where nobody can be asked."""
        warnings = (warning, *plan.warnings) if warning else plan.warnings
        request = ApprovalRequest(verb, plan.name, plan.version or "(latest)", plan.origin, commands, warnings)
        if self.approve is None:
            raise NeedsConfirmationError(plan.name, request.question)
        if not await self.approve(request):
            raise DeclinedError(plan.name, verb)
