"""Files: whole or not there at all, downloaded, unpacked, locked, and read without running code."""
