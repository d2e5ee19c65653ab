"""What the memory tells others, who are above it and whom it cannot name."""

from django.dispatch import Signal

# After each committed batch: ``records``, a list of dicts in the form of ``metrics.record.append``, each of them new.
# Sent in the drainer's native thread. A batch whose worker dies just after its commit is not announced again, so
# receivers may keep moving figures and "last used", nothing that must be exact.
drained = Signal()
