"""Supervision of anyio tasks as in Erlang/OTP: started in order, watched, restarted, stopped in reverse order."""
