#!/bin/sh
# Runs once, when the database volume is new: the migrator owns the database, the app role may use what it makes.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --set migrator_password="$MIGRATOR_PASSWORD" --set app_password="$APP_PASSWORD" <<'SQL'
CREATE ROLE plackett_migrator LOGIN PASSWORD :'migrator_password';
CREATE ROLE plackett_app LOGIN PASSWORD :'app_password';
CREATE DATABASE plackett OWNER plackett_migrator;
\connect plackett
SET ROLE plackett_migrator;
GRANT USAGE ON SCHEMA public TO plackett_app;
ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO plackett_app;
ALTER DEFAULT PRIVILEGES GRANT USAGE, SELECT ON SEQUENCES TO plackett_app;
SQL
