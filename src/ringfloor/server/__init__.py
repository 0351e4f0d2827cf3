"""Floor 6: HTTP: the API edge, the agent service, sandbox and health."""
