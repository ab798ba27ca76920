"""supervisor.toml and the environment as frozen structs, one to one."""
