"""Real Postgres and Valkey from Python wheels, as children that die with the process that started them."""
