"""Call logs: the logs of other contact centers, read by mapping files."""
