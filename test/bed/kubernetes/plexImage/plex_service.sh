#!/bin/sh
# Asks process 1 to take the Plex service up, down, or down and up again, and returns at once.
control=/run/service/plex

case "${1:-}" in
  -u) echo up >"$control/wanted" ;;
  -d) echo down >"$control/wanted" ;;
  -r) : >"$control/restart" ;;
  *) echo "No argument supplied; must be -u, -d, or -r." ;;
esac
