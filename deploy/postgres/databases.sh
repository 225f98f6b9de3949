#!/bin/sh
# Makes the roles and databases of Temporal and Puente. PostgreSQL's image runs it once, on an empty data directory.
set -eu

psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
	-v temporal_password="$TEMPORAL_DATABASE_PASSWORD" -v puente_password="$PUENTE_DATABASE_PASSWORD" <<'SQL'
CREATE ROLE temporal LOGIN PASSWORD :'temporal_password';
CREATE ROLE puente LOGIN PASSWORD :'puente_password';
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
CREATE DATABASE puente OWNER puente;
SQL
