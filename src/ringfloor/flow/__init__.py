"""Floor 2: the flow language, sans-IO: step(flow, session, heard) -> Step."""
