#!/bin/sh
# Succeeds when the server tells its identity.
exec curl --silent --fail --max-time 15 --output /dev/null http://localhost:32400/identity
