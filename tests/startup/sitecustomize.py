"""Python imports this at its start, wherever this folder is on its path: in every interpreter that a test starts."""

from network_guard import keep_off_the_network

keep_off_the_network()
