"""Supervision as Erlang/OTP means it, for anyio tasks: started in order, watched, restarted, stopped in reverse."""
