"""Identity: who may use an account's API. Users, groups, roles, policies; a machine of its own."""
