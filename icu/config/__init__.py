"""Settings from supervisor.toml and the environment, as frozen structs."""
