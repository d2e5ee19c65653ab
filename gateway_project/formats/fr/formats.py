"""Times with seconds, as the pages of our own say them."""

DATETIME_FORMAT = "j M Y H:i:s"
