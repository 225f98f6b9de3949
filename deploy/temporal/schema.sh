#!/bin/sh
# Brings Temporal's two databases to the schema of this version of its tools. Running it again changes nothing;
# after an upgrade of the image it applies what is new. The tool reads host, user and password from SQL_*.
set -eu

bring_up() {
	SQL_DATABASE=$1 temporal-sql-tool setup-schema --version 0.0
	SQL_DATABASE=$1 temporal-sql-tool update-schema --schema-name "postgresql/v12/$2"
}

bring_up temporal temporal
bring_up temporal_visibility visibility
