"""``make bench``: the gateway beside a direct call and beside nginx, in one run, on this machine."""
