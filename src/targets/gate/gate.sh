#!/bin/sh
# plexlift's gate: holds Plex back until a library is complete, and does plexlift's work on the volume.
#
# One POSIX shell file, run in three ways:
#   init.sh            by the chart's own init container (busybox): prints how far the volume is, changes nothing, exits 0
#   init.sh gate       as the gate container, with the Plex image: waits, exits 0 when Plex may start
#   init.sh VERB ...   by plexlift: through "kubectl exec" in the waiting container, or here for a directory target
#
# Environment: PLEXLIFT_ROOT (the volume, default /config), PLEXLIFT_RUN (the run that the gate container was made for),
# PLEX_UID, PLEX_GID (whom Plex runs as), PLEXLIFT_PLEX_SQLITE (Plex's own SQLite, where it is not in its usual place),
# PLEXLIFT_STALL_SECONDS (for how long a stream may stand still, default 120), PLEXLIFT_PROTOCOL (which protocol the caller speaks)
#
# On the volume:
#   .plexlift/state            phase, run and agreement; only ever replaced by rename
#   .plexlift/RUN/Library/...  the landing area
#   .plexlift/RUN/receipts/    per segment: its list, and its receipt
#   .plexlift/sentinels        media files that must be seen before Plex may start: size, mount, path; a line each
#   .plexlift/journal.ndjson   copy of the run's journal
#   .plexlift/gate.sh          copy of this file, for use once the gate container has ended
#   Library.set-aside-RUN, Library.withdrawn-RUN
#
# Phases: none -> landing -> publishing -> published -> finished, and from published: withdrawing -> withdrawn.
#
# Every verb that succeeds ends its standard output with the line "end", with its protocol where the caller told its own: an answer
# without that line was cut off on its way.
# While it is at work it says so every 20 s. A verb that reads standard input is told its length, and refuses less. Exit codes:
#   0 done
#   1 a command failed; standard error says which
#  10 the phase, or the run it belongs to, does not allow this
#  11 there is a library already, and no consent to set it aside
#  12 busy: another command is at work, or would not end
#  13 a state that cannot come about by itself; standard error names the repair
#  14 a mount does not show what it should
#  15 the input is not what was announced, or not acceptable
#  16 there is no such thing
#  17 the library is in use
#  18 a tool is missing
#  19 what is offered elsewhere could not be fetched, or not to its end
#  20 wrong usage
#  21 the caller speaks another protocol
# plexlift's own side of this is gate.ts.

# Several variables are emptied on one line, "A && B || die" may die of either, and what xargs runs is expanded there.
# shellcheck disable=SC1007,SC2015,SC2016
set -eu
umask 022
export LC_ALL=C
unset CDPATH TAR_OPTIONS TAPE GREP_OPTIONS POSIXLY_CORRECT || :

protocol=1
data_path='Library/Application Support/Plex Media Server'
stall_seconds=${PLEXLIFT_STALL_SECONDS:-120}
plex_sqlite=${PLEXLIFT_PLEX_SQLITE:-/usr/lib/plexmediaserver/Plex SQLite}
verb=${1:-}

die() { # CODE SENTENCE
  printf 'plexlift-gate: %s\n' "$2" >&2
  exit "$1"
}

root=${PLEXLIFT_ROOT:-/config}
if ! root=$(cd -P -- "$root" 2>/dev/null && pwd -P); then
  [ -n "$verb" ] || { echo "plexlift: there is no volume at \"${PLEXLIFT_ROOT:-/config}\""; exit 0; }
  die 16 "There is no directory \"${PLEXLIFT_ROOT:-/config}\""
fi
root=${root%/} # for a root of "/"
work=$root/.plexlift
state_file=$work/state
library=$root/Library

scratch=
bounded_count=0
heart=
sleeper=
reader=
watcher=
fetcher=
leftover=
clean_up() {
  # A shell in the background may be ended before it has forgotten this trap; what there is to clean up is not its own.
  read -r own_id _ 2>/dev/null </proc/self/stat || own_id=$$
  [ "$own_id" = "$$" ] || return 0
  [ -z "$leftover" ] || rm -f -- "$leftover"
  [ -z "$sleeper" ] || kill "$sleeper" 2>/dev/null || :
  # A signal that can be caught is lost on a shell that was forked a moment ago.
  [ -z "$heart" ] || kill -KILL "$heart" 2>/dev/null || :
  [ -z "$watcher" ] || kill "$watcher" 2>/dev/null || :
  [ -z "$reader" ] || kill "$reader" 2>/dev/null || :
  [ -z "$fetcher" ] || kill "$fetcher" 2>/dev/null || :
  [ -z "$scratch" ] || rm -rf -- "$scratch"
}
trap clean_up EXIT
trap 'exit 143' TERM
trap 'exit 130' INT
trap 'exit 129' HUP

# --- Small things -----------------------------------------------------------------------------------------------------

finished() { echo "end${PLEXLIFT_PROTOCOL:+ $protocol}"; }

# Who does not tell is of the time when there was only the first, or a person.
same_protocol() {
  [ "${PLEXLIFT_PROTOCOL:-1}" = "$protocol" ] ||
    die 21 "This gate (\"$0\") speaks protocol $protocol, and the plexlift that called it speaks protocol ${PLEXLIFT_PROTOCOL:-1}"
}

need() { # TOOL...
  for tool; do command -v "$tool" >/dev/null 2>&1 || die 18 "The tool \"$tool\" is missing here"; done
}

make_scratch() {
  [ -z "$scratch" ] || return 0
  scratch=$(mktemp -d "${TMPDIR:-/tmp}/plexlift.XXXXXX" 2>/dev/null) || scratch=$(mktemp -d "$work/scratch.XXXXXX") ||
    die 1 "Cannot make a scratch directory in \"${TMPDIR:-/tmp}\" or \"$work\""
}

# Writes a line every 20 s for as long as a verb is at work: load balancers cut connections that are idle for 60 s, and plexlift gives
# up on a connection that was silent for 90 s.
keep_alive() {
  # Looks every second, and leaves standard error to nobody: whoever reads that to its end would wait for this too.
  ( seconds=0
    while sleep 1 2>/dev/null; kill -0 "$$" 2>/dev/null; do
      seconds=$((seconds + 1))
      [ $((seconds % 20)) -ne 0 ] || echo 'plexlift-gate: still working' >&2
    done ) </dev/null >/dev/null 7>&- 8>&- 9>&- &
  heart=$!
}

there() { # PATH: prints 1 when something of that name exists, else 0; a link counts, wherever it leads
  if [ -e "$1" ] || [ -L "$1" ]; then printf 1; else printf 0; fi
}

is_number() { case ${1:-} in '' | *[!0-9]*) return 1 ;; esac; }

usage_number() { # VALUE NAME
  is_number "$1" || die 20 "The $2 is not a number: \"$1\""
}

# A run or a segment is a file name here, so it may be nothing else.
plain_name() { # NAME KIND
  case ${1:-} in
    '' | .* | -* | *[!A-Za-z0-9._-]*) die 20 "Not a usable name for a $2: \"${1:-}\"" ;;
    state | state.new | lock | receiving | sentinels | journal.ndjson | gate.sh | scratch.*) die 20 "A $2 may not be called \"$1\"" ;;
  esac
}

sync_path() { sync -- "$1" 2>/dev/null || sync; }

# Replaces FILE by what is on standard input, or leaves it alone.
replace_file() { # FILE
  cat >"$1.new.$$" && sync_path "$1.new.$$" && mv -f -T -- "$1.new.$$" "$1" && sync_path "$(dirname -- "$1")" ||
    { rm -f -- "$1.new.$$"; die 1 "Cannot write \"$1\""; }
}

reading=
# Takes exactly BYTES from standard input and not one more: the rest belongs to the next reader (GNU head; busybox's reads on).
take() { # BYTES FILE
  usage_number "$1" 'length of the input'
  $reading head -c "$1" >"$2" || die 1 "Cannot write \"$2\", or its input did not come"
  [ "$(wc -c <"$2")" -eq "$1" ] || die 15 "The input ended after $(wc -c <"$2") of $1 bytes"
}

as_plex_words() { # prints nothing; sets as_plex to the words that go before a command
  as_plex=
  if [ "$(id -u)" -eq 0 ] && [ "${PLEX_UID:-0}" != 0 ]; then
    need setpriv
    usage_number "$PLEX_UID" PLEX_UID
    usage_number "${PLEX_GID:-$PLEX_UID}" PLEX_GID
    as_plex="setpriv --reuid=$PLEX_UID --regid=${PLEX_GID:-$PLEX_UID} --clear-groups --"
  fi
}

# Runs a command as Plex's user and waits at most SECONDS for a word of it, even when it hangs in the kernel where no signal reaches
# it: then it is left behind. Its output is in $answer and $answer_errors; returns its exit code, or 124 when no answer came.
bounded_input=/dev/null
bounded_total= # seconds for all of it, where that is more
bounded() { # SECONDS COMMAND...
  make_scratch
  as_plex_words
  limit=$1
  total=${bounded_total:-$1}
  shift
  bounded_count=$((bounded_count + 1))
  answer=$scratch/$bounded_count.out
  answer_errors=$scratch/$bounded_count.err
  ended=$scratch/$bounded_count.ended
  : >"$answer"
  : >"$answer_errors"
  # shellcheck disable=SC2086 # as_plex is words
  ( trap - TERM INT HUP EXIT
    cd / # Plex's user may not be able to stay where we are
    code=0
    timeout -k 1 "$total" $as_plex "$@" <"$bounded_input" >"$answer" 2>"$answer_errors" || code=$?
    echo "$code" >"$ended.new" && mv -f -- "$ended.new" "$ended" ) </dev/null >/dev/null 2>&1 7>&- 8>&- 9>&- &
  polls=0
  heard=0
  while ! [ -e "$ended" ]; do
    polls=$((polls + 1))
    if [ "$polls" -le 20 ]; then
      sleep 0.05
    elif [ "$polls" -le $((20 + 4 * (limit + 2))) ]; then
      sleep 0.25
      before=$heard
      heard=$(cat "$answer" "$answer_errors" | wc -c)
      [ "$heard" -eq "$before" ] || polls=20
    else
      return 124
    fi
  done
  read -r code <"$ended"
  case $code in 137) return 124 ;; *) return "$code" ;; esac
}

# --- State ------------------------------------------------------------------------------------------------------------

read_state() { # sets phase, run, agreement, held, withdrawn; phase is "unknown" for anything that this script did not write
  phase=none run=- agreement=none held=no withdrawn=-
  [ "$(there "$state_file")" = 1 ] || return 0
  found_protocol=- complete=no
  while read -r key value; do
    case $key in
      protocol) found_protocol=$value ;;
      phase) phase=$value ;;
      run) run=$value ;;
      agreement) agreement=$value ;;
      held) held=$value ;;
      withdrawn) withdrawn=$value ;;
      end) complete=yes ;;
      *) complete=no; break ;;
    esac
  done 2>/dev/null <"$state_file" || complete=no
  case "$found_protocol $complete $phase $agreement $held" in
    "$protocol yes "landing\ none\ no | "$protocol yes "publishing\ none\ no | "$protocol yes "publishing\ set-aside\ no) ;;
    "$protocol yes "published\ none\ yes | "$protocol yes "published\ none\ no) ;;
    "$protocol yes "published\ set-aside\ yes | "$protocol yes "published\ set-aside\ no) ;;
    "$protocol yes "withdrawing\ none\ no | "$protocol yes "withdrawing\ set-aside\ no) ;;
    "$protocol yes "withdrawn\ none\ no | "$protocol yes "withdrawn\ set-aside\ no) ;;
    "$protocol yes "finished\ none\ no | "$protocol yes "finished\ set-aside\ no) ;;
    *) phase=unknown ;;
  esac
  case $run in '' | - | .* | *[!A-Za-z0-9._-]*) phase=unknown ;; esac
}

state_repair() {
  case $found_protocol in
    "$protocol" | '' | *[!0-9]*)
      echo "The state file \"$state_file\" is damaged. Restore it, or remove it and run \"plexlift migrate\" to begin the run again; the landing area and every Library stay as they are" ;;
    *)
      echo "The state file \"$state_file\" is of protocol $found_protocol, and this gate speaks protocol $protocol. Go on with the plexlift that wrote it: the first line of \"$work/journal.ndjson\" names its version" ;;
  esac
}

require_state() {
  read_state
  [ "$phase" != unknown ] || die 13 "$(state_repair)"
}

write_state() { # PHASE RUN AGREEMENT HELD WITHDRAWN
  printf 'protocol %s\nphase %s\nrun %s\nagreement %s\nheld %s\nwithdrawn %s\nend\n' "$protocol" "$1" "$2" "$3" "$4" "$5" | replace_file "$state_file" || exit $?
  phase=$1 run=$2 agreement=$3 held=$4 withdrawn=$5
}

use_run() { # sets the paths of a run
  landing_library=$work/$1/Library
  landing=$work/$1/$data_path
  receipts=$work/$1/receipts
  aside=$root/Library.set-aside-$1
}

make_work() {
  need flock
  mkdir -p -- "$work" || die 1 "Cannot make \"$work\""
  chmod 0711 "$work" 2>/dev/null || :
}

lock() { # SECONDS
  make_work
  exec 9>>"$work/lock"
  flock -w "$1" 9 || die 12 'Another command of plexlift holds the lock of this volume'
}

same_run() { # RUN
  [ "$run" = "$1" ] || die 10 "The volume belongs to run \"$run\" (phase $phase), not to \"$1\""
}

# What find takes for this name and for no other.
pattern_of() { # NAME
  printf '%s' "$1" | sed 's/[][*?\\]/\\&/g'
}

# The processes here that have FILE open: what is observed, not what some pid file says.
holders() { # FILE
  find /proc/[0-9]*/fd -maxdepth 1 -lname "$(pattern_of "$1")" 2>/dev/null | sed -n 's|^/proc/\([0-9]*\)/fd/.*|\1|p' | sort -u | grep -vx "$$" || :
}

end_holders() { # FILE WHAT
  rounds=0
  while pids=$(holders "$1"); [ -n "$pids" ]; do
    signal=TERM
    [ "$rounds" -lt 10 ] || signal=KILL
    [ "$rounds" -lt 60 ] || die 12 "$2 does not end (process $(printf '%s' "$pids" | tr '\n' ' '))"
    # shellcheck disable=SC2086 # a list of pids
    kill -"$signal" $pids 2>/dev/null || :
    sleep 0.2
    rounds=$((rounds + 1))
  done
}

# Ends every receiver and keeps new ones out for as long as this process lives. Receivers, and the tar in each, hold the file open
# and share its lock, so the lock is the proof that none is left.
end_receivers() {
  end_holders "$work/receiving" 'A receiver'
  exec 8>>"$work/receiving"
  flock -w 20 8 || die 12 'A receiver somewhere else still writes to the landing area'
}

join_receivers() {
  exec 8>>"$work/receiving"
  flock -s -w 5 8 || die 12 'The landing area is being opened or published'
  require_state
  [ "$phase" = landing ] || die 10 "There is no landing area to write to: the volume is at phase $phase"
  use_run "$run"
}

landing_run() { # for verbs that read the landing area
  require_state
  case $phase in landing | publishing) use_run "$run" ;; *) die 10 "There is no landing area: the volume is at phase $phase" ;; esac
  [ -d "$landing" ] || die 16 "The landing area \"$landing\" is missing"
}

in_use() { # DIRECTORY: prints a process that has something open in it, if one can be seen
  [ -d "$1" ] || return 0
  real=$(cd -P -- "$1" && pwd -P) || return 0
  find /proc/[0-9]*/fd -maxdepth 1 -lname "$(pattern_of "$real")/*" 2>/dev/null | sed -n '1s|^/proc/\([0-9]*\)/fd/.*|\1|p' || :
}

not_in_use() { # DIRECTORY
  process=$(in_use "$1")
  [ -z "$process" ] || die 17 "Process $process ($(tr '\0' ' ' <"/proc/$process/cmdline" 2>/dev/null || echo gone)) has files of \"$1\" open. Stop Plex first"
}

# --- Publish and its way back: every combination is in these two tables --------------------------------------------------

move() { # FROM TO
  [ "$(there "$2")" = 0 ] || die 13 "Cannot move \"$1\" to \"$2\", which exists"
  mv -T -- "$1" "$2" || die 1 "Cannot rename \"$1\" to \"$2\""
  sync_path "$(dirname -- "$1")"
  sync_path "$(dirname -- "$2")"
}

tell_names() { # NAME...: "X is there" or "X is missing", for each
  for name; do
    if [ "$(there "$name")" = 1 ]; then printf '"%s" is there. ' "$name"; else printf '"%s" is missing. ' "$name"; fi
  done
}

# Takes a volume at phase publishing to the end of the renames, from wherever an earlier try was cut off.
complete_publish() {
  use_run "$run"
  while :; do
    # agreement, then: landing area there? Library there? set-aside Library there?
    case "$agreement $(there "$landing_library")$(there "$library")$(there "$aside")" in
      'none 100') move "$landing_library" "$library" ;;
      'none 010') return 0 ;;
      'set-aside 110') move "$library" "$aside" ;;
      'set-aside 101') move "$landing_library" "$library" ;;
      'set-aside 011') return 0 ;;
      *) die 13 "$(publish_repair)" ;;
    esac
  done
}

publish_repair() {
  printf 'Publishing run "%s" (existing library: %s) met a state that it cannot have made: ' "$run" "$agreement"
  tell_names "$landing_library" "$library" "$aside"
  printf 'Nothing was changed. '
  if [ "$(there "$landing_library")" = 0 ]; then
    printf 'The landing area is gone: put it back, or remove "%s" and run plexlift again' "$state_file"
  elif [ "$agreement" = none ]; then
    printf 'Nobody agreed to replace a library: rename what is in the way (keep it), and the gate goes on by itself'
  elif [ "$(there "$library")" = 1 ]; then
    printf 'A library came about after the old one was set aside: rename "%s" to a name of your own (keep it), and the gate goes on by itself' "$library"
  else
    printf 'The library that was to be set aside is gone: if that is known, rename an empty directory to "%s", and the gate goes on by itself' "$aside"
  fi
}

complete_withdraw() {
  use_run "$run"
  gone=$root/$withdrawn
  while :; do
    # agreement, then: Library there? withdrawn Library there? set-aside Library there?
    case "$agreement $(there "$library")$(there "$gone")$(there "$aside")" in
      'none 100') move "$library" "$gone" ;;
      'none 010') return 0 ;;
      'set-aside 101') move "$library" "$gone" ;;
      'set-aside 011') move "$aside" "$library" ;;
      'set-aside 110') return 0 ;;
      *) die 13 "Withdrawing run \"$run\" (existing library: $agreement) met a state that it cannot have made: $(tell_names "$library" "$gone" "$aside")Nothing was changed. Give each its name back, and ask again" ;;
    esac
  done
}

check_one_file_system() {
  for place in "$work" "$library"; do
    [ -d "$place" ] && ! [ -L "$place" ] || continue
    [ "$(stat -c %d -- "$place")" = "$(stat -c %d -- "$root/")" ] ||
      die 13 "\"$place\" is on another file system than \"$root\", so that it cannot be renamed. Mount the volume whole"
  done
}

# Each mount must show one of its sentinels, by size, as Plex's user sees it and may read it. Sets unmet to the mount that does not, and
# unmet_path and unmet_size to one of its sentinels.
check_sentinels() {
  unmet= unmet_path= unmet_size=
  [ -s "$work/sentinels" ] || return 0
  # The gate may look for days.
  [ -z "$scratch" ] || rm -f -- "$scratch"/*.out "$scratch"/*.err "$scratch"/*.ended
  seen_mount= met=yes
  while IFS= read -r size && IFS= read -r mount && IFS= read -r path; do
    if [ "$mount" != "$seen_mount" ]; then
      [ "$met" = yes ] || break
      seen_mount=$mount met=no unmet_path=$path unmet_size=$size
    fi
    [ "$met" = no ] || continue
    code=0
    bounded 10 sh -c '[ -r "$1" ] && stat -L -c %s -- "$1"' sh "$path" || code=$?
    if [ "$code" -eq 0 ] && [ "$(cat "$answer")" = "$size" ]; then met=yes; fi
    [ "$code" -ne 124 ] || met=hangs
  done <"$work/sentinels"
  [ "$met" = yes ] || { unmet=$seen_mount; [ "$met" != hangs ] || unmet="$unmet, which does not answer"; return 1; }
}

# Whether something here still waits in the kernel, where no signal reaches it: each look at a mount that hangs may leave that behind.
still_hangs() {
  case $unmet in *' does not answer') grep -qs '^State:[[:space:]]*D' /proc/[0-9]*/status ;; *) return 1 ;; esac
}

# --- The gate ---------------------------------------------------------------------------------------------------------

last_said= last_said_at=0
unmet=
say() { # SENTENCE: once when it is new, then once a minute
  now=$(date +%s)
  [ "$1" != "$last_said" ] || [ $((now - last_said_at)) -ge 60 ] || return 0
  printf '%s plexlift: %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$1"
  last_said=$1 last_said_at=$now
}

pause() { # SECONDS: a signal ends it at once, which it would not do to a shell that waits for a program in the foreground
  sleep "$1" >/dev/null 2>&1 &
  sleeper=$!
  wait "$sleeper" || :
  sleeper=
}

keep_copy() {
  make_work
  cmp -s "$0" "$work/gate.sh" 2>/dev/null || replace_file "$work/gate.sh" <"$0"
}

sentinel_advice() {
  printf 'None of the media files that were there before can be read by Plex (uid %s), ' "${PLEX_UID:-$(id -u)}"
  printf 'such as "%s" with %s bytes. ' "$unmet_path" "$unmet_size"
  printf 'Plex would take an empty mount for deleted media, so it does not start before one of them is seen again, and then by itself. '
  printf 'Mount the share again, on the node or wherever it comes from; if it is mounted there and still not seen here, delete this pod: kubectl delete pod %s. ' "$(uname -n)"
  printf 'If these files are gone for good, let Plex start without them: plexlift finish'
}

# Decides once: returns 0 when Plex may start; otherwise sets waits_for and how long to wait before looking again. What it waits for is
# read by somebody who did not expect it: each sentence says what is at stake, and what to run, or that nothing has to be run.
may_start() {
  wait_seconds=1
  read_state
  ours=yes
  [ -z "${PLEXLIFT_RUN:-}" ] || [ "$run" = "$PLEXLIFT_RUN" ] || ours=no
  both_ways='Where the run was begun, "plexlift migrate" goes on, and "plexlift rollback" takes everything back'
  by_itself='Nothing has to be run: the gate goes on by itself'
  to_be_opened="run \"${PLEXLIFT_RUN:-}\" to open the landing area. No library was touched. $both_ways"
  case $phase in
    none)
      [ -n "${PLEXLIFT_RUN:-}" ] || { waits_for='nothing: there is no migration on this volume'; return 0; }
      waits_for=$to_be_opened ;;
    landing) waits_for="run \"$run\" to bring the library and publish it. Until then no library is touched. $both_ways" ;;
    publishing)
      make_scratch
      code=0
      ( lock 1; require_state; [ "$phase" != publishing ] || { complete_publish; write_state published "$run" "$agreement" no "$withdrawn"; } ) 2>"$scratch/why" || code=$?
      [ "$code" -ne 0 ] || { may_start; return $?; }
      waits_for="run \"$run\" to be published. $(sed 's/^plexlift-gate: //' "$scratch/why")"
      [ "$code" -ne 12 ] || waits_for="$waits_for. $by_itself when that has ended" ;;
    published)
      if [ "$held" = yes ]; then
        waits_for="run \"$run\", which holds Plex back while it works on the library or its settings. $both_ways"
      elif [ "$ours" = no ]; then
        waits_for="run \"$run\" to be finished, which published the library here, before run \"$PLEXLIFT_RUN\" can begin. No library was touched. \"plexlift finish\" where run \"$run\" was begun keeps its library for good; \"plexlift rollback\" where run \"$PLEXLIFT_RUN\" was begun leaves all as it was"
      elif [ "$(there "$library")" = 0 ]; then
        waits_for="the library \"$library\", which run \"$run\" published and which is gone. If it was renamed, rename it back, and the gate goes on by itself. If it is given up, \"plexlift finish\" lets Plex begin with an empty one"
      elif still_hangs; then wait_seconds=2
      elif ! ( lock 1 ) 2>/dev/null; then
        waits_for="another command of plexlift that is at work on this volume. $by_itself when that has ended"
      elif check_sentinels; then
        return 0
      else
        wait_seconds=2
        waits_for="the mount $unmet. $(sentinel_advice)"
      fi ;;
    withdrawn)
      waits_for="the release to be put back: the library of run \"$run\" was withdrawn, and is kept at \"$root/$withdrawn\". \"plexlift rollback\" goes on with that, where the run was begun"
      [ "$ours" = yes ] || waits_for=$to_be_opened ;;
    withdrawing) waits_for="the library of run \"$run\" to be withdrawn, which was cut off. \"plexlift rollback\" goes on with that, where the run was begun" ;;
    finished)
      [ "$ours" = no ] || return 0
      waits_for=$to_be_opened ;;
    *) waits_for="somebody to repair the state. $(state_repair)" ;;
  esac
  return 1
}

verb_gate() {
  keep_copy
  while ! may_start; do
    say "Plex is held back. Waiting for $waits_for"
    pause "$wait_seconds"
  done
  say 'The gate is open: Plex may start'
}

# --- Opening and facts ------------------------------------------------------------------------------------------------

own() { # PATH...: gives them to Plex's user, when we may
  [ "$(id -u)" -ne 0 ] || [ -z "${PLEX_UID:-}" ] || chown -h -- "$PLEX_UID:${PLEX_GID:-$PLEX_UID}" "$@"
}

make_landing() {
  mkdir -p -- "$work/$1" "$landing" "$receipts" || die 1 "Cannot make the landing area \"$landing\""
  chmod 0711 "$work/$1"
  own "$landing_library" "$landing_library/Application Support" "$landing"
}

verb_open() { # RUN
  plain_name "${1:-}" run
  lock 60
  keep_copy
  require_state
  use_run "$1"
  check_one_file_system
  case $phase in
    landing)
      [ "$run" = "$1" ] || die 10 "The volume holds the landing area of another run, \"$run\". Finish or discard that one first"
      end_receivers
      make_landing "$1" ;;
    none | withdrawn | finished)
      [ "$phase" != finished ] || [ "$run" != "$1" ] || die 10 "Run \"$1\" is finished. Begin a new one"
      end_receivers
      rm -f -- "$work/sentinels"
      make_landing "$1"
      write_state landing "$1" none no - ;;
    *) same_run "$1" ;;
  esac
  echo "$phase $run"
  finished
}

verb_state() {
  require_state
  echo "$phase $run"
  finished
}

boot_id() { # "unknown" where the kernel does not tell
  cat /proc/sys/kernel/random/boot_id 2>/dev/null || echo unknown
}

verb_boot() {
  boot_id
  finished
}

verb_room() {
  facts=$(df -B1 --output=avail,itotal,iavail,fstype -- "$root/") || die 1 "Cannot tell the room of \"$root\""
  printf '%s\n' "$facts" | sed -n '2p'
  finished
}

verb_identity() {
  preferences=$root/$data_path/Preferences.xml
  if [ "$(there "$library")" = 1 ]; then echo 'present yes'; else echo 'present no'; fi
  if [ -r "$preferences" ]; then
    tr '\n' ' ' <"$preferences" | sed -n 's/.*[[:space:]]MachineIdentifier="\([^"]*\)".*/machine-identifier \1/p'
    echo
  fi
  if [ -d "$library" ]; then
    size=$(timeout 60 du -s -b -- "$library/" 2>/dev/null | cut -f 1) || size=
    echo "size-bytes ${size:-unknown}"
  fi
  finished
}

lines_of() { # FILE: a NUL-separated list as lines, for lists of which no name may hold a line break
  [ "$(tr -cd '\n' <"$1" | wc -c)" -eq 0 ] || die 15 'A name holds a line break'
  tr '\0' '\n' <"$1"
}

verb_mounts() { # BYTES
  make_scratch
  take "${1:-}" "$scratch/list"
  lines_of "$scratch/list" >"$scratch/lines"
  while IFS= read -r path; do
    code=0
    bounded 10 find "$path/" -mindepth 1 -maxdepth 1 -print -quit || code=$?
    if [ "$code" -eq 124 ]; then
      echo 'hangs no answer within 10 s'
    elif [ -s "$answer" ]; then
      echo 'answers'
    elif [ "$code" -eq 0 ]; then
      echo 'empty'
    else
      printf 'absent %s\n' "$(sed -n '$s/.*: //p' "$answer_errors")"
    fi
  done <"$scratch/lines"
  echo mountinfo
  cat /proc/self/mountinfo
  finished
}

# --- The landing area -------------------------------------------------------------------------------------------------

# Refuses absolute names, "..", and every other name that means a different place than it spells.
check_names() { # LIST
  ! grep -zqE '(^|/)\.{0,2}(/|$)' "$1" || die 15 "Not a name inside the landing area: \"$(grep -zE '(^|/)\.{0,2}(/|$)' "$1" | tr '\0' '\n' | head -n 1)\""
}

ancestors() { # LIST: every directory above every name, outermost first
  sed -z 's|/[^/]*$||; t; d' "$1" | uniq -z | sed -zn ':up; p; s|/[^/]*$||; T; b up' | sort -zu
}

# What stands where a directory is to be, and is none, goes: nothing is ever written through a link. Prints those that are to be made.
# One that is missing at the first look may have been made by another segment at the second: it is not in the way.
missing_directories() { # of the names on standard input, outermost first
  xargs -0 -r sh -c 'for p; do
    [ ! -d "$p" ] || [ -L "$p" ] || continue
    if [ -L "$p" ] || { [ -e "$p" ] && [ ! -d "$p" ]; }; then rm -f -- "$p" || exit 255; fi
    printf "%s\0" "$p" || exit 255
  done' sh
}

first_link() { # of the names on standard input
  xargs -0 -r sh -c 'for p; do if [ -L "$p" ]; then printf "%s\n" "$p"; exit 0; fi; done' sh | head -n 1
}

# Of the names on standard input, those that are not reached through a link and pass a test: -e, -f, or -d.
reached_directly() { # TEST
  xargs -0 -r sh -c 't=$1; shift
    for p; do
      q=$p
      while case $q in */*) true ;; *) false ;; esac; do q=${q%/*}; [ ! -L "$q" ] || continue 2; done
      case $t in
        -f) [ -f "$p" ] && [ ! -L "$p" ] || continue ;;
        -d) [ -d "$p" ] && [ ! -L "$p" ] || continue ;;
      esac
      printf "%s\0" "$p"
    done' sh "$1"
}

verb_receive() { # SEGMENT BYTES-OF-LIST BYTES-OF-DIRECTORIES [UID GID]: both lists, then the tar
  begin_segment "$@"
  extract "$base" || die 1 "Cannot extract segment \"$1\": tar exited with $?"
  end_segment "$1"
  tell_receipt "${4:-}" "${5:-}"
  finished
}

# The same for a tar that lies ready elsewhere: kubectl and the API server then carry no more than the lists.
verb_fetch() { # SEGMENT BYTES-OF-LIST BYTES-OF-DIRECTORIES BYTES-OF-OFFER [UID GID]: both lists, then the offer
  need curl mkfifo
  begin_segment "$@"
  take "${4:-}" "$scratch/offer"
  { read -r pin && read -r token && read -r place; } <"$scratch/offer" || die 15 'The offer is not whole'
  configure_curl >"$scratch/curl"
  mkfifo -m 600 "$scratch/tar" || die 1 "Cannot make a pipe in \"$scratch\""
  ( exec curl --disable --config "$scratch/curl" >"$scratch/tar" 2>"$scratch/why" ) &
  fetcher=$!
  extracted=0
  extract "$base" <"$scratch/tar" || extracted=$?
  [ "$extracted" -eq 0 ] || kill "$fetcher" 2>/dev/null || :
  fetched=0
  wait "$fetcher" || fetched=$?
  fetcher=
  # Where tar ended first, curl could not write (23), or was ended above.
  case $extracted/$fetched in
    0/0) ;;
    [1-9]*/0 | [1-9]*/23 | [1-9]*/143) die 1 "Cannot extract segment \"$1\": tar exited with $extracted" ;;
    *) cat "$scratch/why" >&2; die 19 "Cannot fetch segment \"$1\": curl exited with $fetched" ;;
  esac
  end_segment "$1"
  tell_receipt "${5:-}" "${6:-}"
  finished
}

# Prints the places that answer within seconds and have the right key.
verb_reach() { # BYTES: of an offer with any number of places
  need curl
  make_scratch
  take "${1:-}" "$scratch/offer"
  : >"$scratch/reached"
  askers=
  { read -r pin && read -r token || die 15 'The offer is not whole'
    number=0
    while read -r place; do
      number=$((number + 1))
      configure_curl >"$scratch/curl.$number"
      ( ! curl --disable --config "$scratch/curl.$number" --max-time 3 --output /dev/null 2>/dev/null || printf '%s\n' "$place" >>"$scratch/reached" ) &
      askers="$askers $!"
    done
  } <"$scratch/offer"
  # shellcheck disable=SC2086 # a list of pids
  [ -z "$askers" ] || wait $askers
  cat "$scratch/reached"
  finished
}

# curl's configuration for the offer in $pin, $token and $place: a file, because everybody on a node can read the words of a command.
# Whoever has the key is whom we want, so there is no authority to ask; curl holds the key against the pin all the same.
configure_curl() {
  case $pin$token$place in *[!][A-Za-z0-9.:+/=_-]*) die 15 'The offer has characters that no offer has' ;; esac
  printf '%s\n' "url = \"https://$place/$token\"" "pinnedpubkey = \"sha256//$pin\"" insecure tlsv1.3 http1.1 globoff 'noproxy = "*"' \
    silent show-error fail 'connect-timeout = 10' 'speed-limit = 1' "speed-time = $stall_seconds"
}

# Takes both lists of a segment and makes the way for what they name. Sets base; stays in the landing area.
begin_segment() { # SEGMENT BYTES-OF-LIST BYTES-OF-DIRECTORIES
  plain_name "${1:-}" segment
  need flock tar
  join_receivers
  base=$receipts/$1
  exec 7>>"$base.lock"
  if ! flock -n 7; then
    # An earlier try of this segment lost its input and hangs: it must not write beside this one.
    exec 7>&-
    end_holders "$base.lock" "An earlier receiver of segment \"$1\""
    exec 7>>"$base.lock"
    flock -w 20 7 || die 12 "An earlier receiver of segment \"$1\" does not end"
  fi
  rm -f -- "$base.list" "$base.sha256"
  reading=watched
  take "${2:-}" "$base.part"
  take "${3:-}" "$base.directories"
  check_names "$base.part"
  check_names "$base.directories"
  cd -- "$landing"
  make_way "$base" "$1"
}

# The list gets its name when everything in it has arrived: without one there is no receipt.
end_segment() { # SEGMENT
  linked=$(first_link <"$scratch/ancestors")
  [ -z "$linked" ] || die 15 "Segment \"$1\" has names below \"$linked\", which is a link"
  rm -f -- "$base.directories"
  mv -f -T -- "$base.part" "$base.list"
}

# tar replaces files and links by itself; not a directory by a file, nor a link above a name. It makes missing directories, but of two that
# make the same one at the same time, one gives up on the file that it made it for.
make_way() { # BASE SEGMENT
  make_scratch
  ancestors "$1.part" >"$scratch/ancestors"
  sort -z "$1.directories" >"$scratch/directories"
  sort -z "$1.part" | comm -z -23 - "$scratch/directories" >"$scratch/leaves"
  [ "$(comm -z -12 "$scratch/leaves" "$scratch/ancestors" | wc -c)" -eq 0 ] || die 15 "Segment \"$2\" has names below one that is no directory"
  missing_directories <"$scratch/ancestors" >"$scratch/missing" || die 1 "Cannot make way for segment \"$2\""
  # With "-p", mkdir tries everything above each of them anew. Only where another segment just made some of them, that is worth it.
  xargs -0 -r mkdir -- <"$scratch/missing" 2>/dev/null || xargs -0 -r mkdir -p -- <"$scratch/missing" ||
    die 1 "Cannot make the directories of segment \"$2\""
  xargs -0 -r sh -c 'for p; do if [ -d "$p" ] && [ ! -L "$p" ]; then rm -rf --one-file-system -- "$p" || exit 255; fi; done' sh <"$scratch/leaves"
}

# Absolute names are refused before. Told to take them, tar makes links at once; otherwise it puts files in their place, and makes the
# links when the times of the directories are set already. The list has the order of the tar: told so, tar takes one name after the
# other from it; otherwise it looks through all of it for each.
extract() { # BASE: returns tar's exit code
  owner=--no-same-owner
  [ "$(id -u)" -ne 0 ] || owner=--same-owner
  watched tar --extract --file=- --read-full-records --absolute-names --no-recursion --null --verbatim-files-from --files-from="$1.part" --no-wildcards \
    --preserve-order --numeric-owner "$owner" --same-permissions --warning=no-timestamp
}

# Runs a command that reads standard input, and ends it when it has read nothing for as long: plexlift gives up on a stream after 90 s,
# and where the connection is gone without a word, or the command was stopped, nobody else would ever end it. Returns its exit code.
watched() { # COMMAND...
  # What runs in the background has no standard input but one that is handed to it.
  exec 3<&0
  "$@" <&3 3<&- &
  reader=$!
  exec 3<&-
  ( trap 'kill "$sleeper" 2>/dev/null; exit 0' TERM
    before= still=0
    nap=10
    [ "$stall_seconds" -ge 10 ] || nap=$stall_seconds
    while kill -0 "$reader" 2>/dev/null; do
      sleep "$nap" & sleeper=$!
      wait "$sleeper"
      read_bytes=$(sed -n 's/^rchar: //p' "/proc/$reader/io" 2>/dev/null) || exit 0
      if [ "$read_bytes" = "$before" ]; then still=$((still + nap)); else still=0; fi
      before=$read_bytes
      [ "$still" -lt "$stall_seconds" ] || kill -KILL "$reader" 2>/dev/null || :
    done ) </dev/null >/dev/null 2>&1 7>&- 8>&- 9>&- &
  watcher=$!
  code=0
  wait "$reader" || code=$?
  reader=
  kill "$watcher" 2>/dev/null || :
  watcher=
  return "$code"
}

verb_receipt() { # SEGMENT UID GID
  plain_name "${1:-}" segment
  usage_number "${2:-}" uid
  usage_number "${3:-}" gid
  need flock tar sha256sum
  landing_run
  base=$receipts/$1
  [ -e "$base.lock" ] || die 16 "Segment \"$1\" was never received"
  exec 7<"$base.lock"
  flock -s -n 7 || die 12 "Segment \"$1\" is still being received"
  [ -e "$base.list" ] || die 16 "Segment \"$1\" was not received to its end"
  # After a crash of the node a file may be empty although its receipt was read, from memory, before.
  boot=$(boot_id)
  made_for="$boot/$2:$3"
  receipt= made_before=
  [ ! -e "$base.sha256" ] || read -r receipt made_before <"$base.sha256" || :
  case $made_before in "$made_for") ;; *) receipt= ;; esac
  case $made_for in unknown/*) receipt= ;; esac
  if [ -z "$receipt" ]; then
    make_receipt "$2" "$3" || { head -n 20 "$scratch/why" >&2; die 16 'What arrived is not what the list says'; }
  fi
  echo "$receipt $boot"
  finished
}

# Tells the receipt at the end of the call that received. Who asks for it, because this answer was lost, is also told what is wrong where
# none can be made.
tell_receipt() { # UID GID; where they are not told, nobody waits for it here
  [ -n "$1" ] || return 0
  usage_number "$1" uid
  usage_number "$2" gid
  need sha256sum
  # It may be asked for meanwhile, by who lost this connection; and whoever sends the segment anew goes first.
  flock -s -n 7 || return 0
  boot=$(boot_id)
  made_for="$boot/$1:$2"
  make_receipt "$1" "$2" || return 0
  echo "$receipt $boot"
}

# Sets receipt to the digest of the tar that is made of what lies there now, as the list of the segment at $base names it, and keeps it as
# made for $made_for. Returns 1, with the reasons in $scratch/why, where that is not all there.
make_receipt() { # UID GID
  make_scratch
  cd -- "$landing"
  # As root the owners are told as they are, so that the digest proves them; anybody else owns all that arrived.
  if [ "$(id -u)" -eq 0 ]; then set --; else set -- --owner=":$1" --group=":$2"; fi
  { code=0
    tar --create --file=- --format=gnu --null --no-recursion --verbatim-files-from --files-from="$base.list" --numeric-owner "$@" \
      --hard-dereference --sort=none 2>"$scratch/why" || code=$?
    echo "$code" >"$scratch/code"
  } | sha256sum >"$scratch/sum"
  read -r code <"$scratch/code"
  [ "$code" -eq 0 ] || return 1
  read -r receipt rest <"$scratch/sum"
  printf '%s %s\n' "$receipt" "$made_for" | replace_file "$base.sha256" || exit $?
}

verb_remove() { # BYTES
  need flock
  join_receivers
  make_scratch
  take "${1:-}" "$scratch/list"
  check_names "$scratch/list"
  cd -- "$landing"
  reached_directly -e <"$scratch/list" | xargs -0 -r rm -rf --one-file-system --
  # Told to be gone, they are looked for no more: after a loss of power they must not be back.
  sync -f . 2>/dev/null || sync
  finished
}

# The listing is kept, so that it can be fetched in pieces, each of which can be asked for again.
verb_list() { # [BYTES]: prints the size of the listing and its name; where directories are named, of what is in these and at the top
  landing_run
  make_scratch
  name=listing.$(cat /proc/sys/kernel/random/uuid)
  rm -f -- "$work/$run"/listing.*
  cd -- "$landing"
  format='%y\0%s\0%T@\0%C@\0%m\0%l\0%U:%G\0'
  if [ "$#" -eq 0 ]; then
    find . -mindepth 1 -printf "$format%P\0" >"$work/$run/$name" || die 1 'Cannot list the landing area'
  else
    take "$1" "$scratch/list"
    check_names "$scratch/list"
    reached_directly -d <"$scratch/list" >"$scratch/directories"
    { printf '.\0' && sed -z 's|^|./|' "$scratch/directories"; } >"$scratch/starts"
    # Behind "./" no name can be taken for an option; the client takes it off.
    xargs -0 sh -c 'format=$1; shift; exec find "$@" -mindepth 1 -maxdepth 1 -printf "$format%p\0"' sh "$format" <"$scratch/starts" >"$work/$run/$name" || die 1 'Cannot list directories of the landing area'
  fi
  echo "$(wc -c <"$work/$run/$name") $name"
  finished
}

# Prints the SHA-256 over a record of every entry, in the order of their bytes, which is that of the paths. Fields end with \1:
#   PATH f SIZE TIME MODE OWNER, PATH d "" TIME MODE OWNER, PATH l TARGET TIME "" OWNER, PATH x; the last ends with NUL.
# The time of the directories that are named does not count: for them it is "-".
verb_listing_digest() { # BYTES
  landing_run
  make_scratch
  take "${1:-}" "$scratch/list"
  check_names "$scratch/list"
  lines_of "$scratch/list" >"$scratch/lines"
  set -- -false
  while IFS= read -r path; do set -- "$@" -o -path "./$(pattern_of "$path")"; done <"$scratch/lines"
  # What does not fit into memory goes to the volume, which has room for it: the landing area is there.
  spill=$work/scratch.sort.$$
  mkdir -p -- "$spill" || die 1 "Cannot make \"$spill\""
  cd -- "$landing"
  { find . -mindepth 1 -type f -printf '%P\1f\1%s\1%T@\1%m\1%U:%G\0' -o -type l -printf '%P\1l\1%l\1%T@\1\1%U:%G\0' \
      -o -type d \( "$@" \) -printf '%P\1d\1\1-\1%m\1%U:%G\0' -o -type d -printf '%P\1d\1\1%T@\1%m\1%U:%G\0' -o -printf '%P\1x\0' &&
      : >"$scratch/whole"
  } | sort -z -S 128M -T "$spill" | sha256sum >"$scratch/sum"
  [ -e "$scratch/whole" ] || die 1 'Cannot list the landing area'
  rm -rf -- "$spill"
  read -r digest _ <"$scratch/sum"
  echo "$digest"
  finished
}

verb_page() { # NAME OFFSET BYTES
  plain_name "${1:-}" listing
  usage_number "${2:-}" offset
  usage_number "${3:-}" length
  landing_run
  [ -e "$work/$run/$1" ] || die 16 "There is no listing \"$1\" any more"
  tail -c "+$(($2 + 1))" -- "$work/$run/$1" | head -c "$3"
  finished
}

verb_digests() { # BYTES
  make_scratch
  landing_run
  take "${1:-}" "$scratch/list"
  check_names "$scratch/list"
  cd -- "$landing"
  reached_directly -f <"$scratch/list" >"$scratch/files"
  xargs -0 -r sha256sum -z -- <"$scratch/files"
  finished
}

verb_keep_journal() { # BYTES
  make_work
  make_scratch
  take "${1:-}" "$scratch/journal"
  replace_file "$work/journal.ndjson" <"$scratch/journal"
  finished
}

# --- Media, as Plex's user sees them ------------------------------------------------------------------------------------

# Prints the sizes of three sections and then the sections: what is there (name, size, mode; NUL), what of it cannot be read (NUL),
# why the rest is not there (one line each, in the order asked). "hangs" means that the sections stop where nothing answered: a share
# may be slow, but a hundred files in a row may not take 30 s.
verb_look_up() { # BYTES
  make_scratch
  take "${1:-}" "$scratch/list"
  bounded_input=$scratch/list
  bounded_total=240
  outcome=answers
  code=0
  bounded 30 xargs -0 -r -n 100 stat -L --printf='%n\0%s\0%f\0' -- || code=$?
  present=$answer reasons=$answer_errors
  [ "$code" -ne 124 ] || outcome=hangs
  code=0
  unreadable=/dev/null
  if [ "$outcome" = answers ]; then
    # The dots are the words by which it is heard that this goes on.
    bounded 30 xargs -0 -r -n 100 sh -c 'for p; do if [ -e "$p" ] && ! { [ -f "$p" ] && [ -r "$p" ]; }; then printf "%s\0" "$p"; fi; done; printf . >&2' sh || code=$?
    unreadable=$answer
    [ "$code" -ne 124 ] || outcome=hangs
  fi
  # What was left behind hanging may still write: only what is there now is told.
  cp -- "$present" "$scratch/present"
  cat "$unreadable" >"$scratch/unreadable"
  sed -n 's/.*: //p' "$reasons" >"$scratch/reasons"
  echo "$(wc -c <"$scratch/present") $(wc -c <"$scratch/unreadable") $(wc -c <"$scratch/reasons") $outcome"
  cat "$scratch/present" "$scratch/unreadable" "$scratch/reasons"
  finished
}

verb_sample() { # PATH BYTES
  [ -n "${1:-}" ] || die 20 'sample needs a path'
  usage_number "${2:-}" 'number of bytes'
  code=0
  bounded 120 sh -c 'size=$(stat -L -c %s -- "$1") && [ -r "$1" ] && sum=$(head -c "$2" -- "$1" | sha256sum) && echo "$size ${sum%% *}"' sh "$1" "$2" || code=$?
  [ "$code" -ne 124 ] || die 14 "\"$1\" does not answer"
  if [ "$code" -eq 0 ]; then
    cat "$answer"
  elif grep -qE ': (No such file or directory|Not a directory)$' "$answer_errors"; then
    echo missing
  else
    die 1 "Cannot read \"$1\": $(tail -n 1 "$answer_errors")"
  fi
  finished
}

# --- Databases and preferences ------------------------------------------------------------------------------------------

# On copies, and as Plex's user: Plex's SQLite would make files beside the library, and root's would keep Plex from starting.
verb_check_databases() { # BYTES
  make_scratch
  landing_run
  take "${1:-}" "$scratch/list"
  check_names "$scratch/list"
  lines_of "$scratch/list" >"$scratch/lines"
  if ! [ -x "$plex_sqlite" ]; then
    echo none
    finished
    return 0
  fi
  as_plex_words
  copies=$work/scratch.databases
  rm -rf -- "$copies"
  mkdir -- "$copies" && own "$copies" || die 1 "Cannot make \"$copies\""
  while IFS= read -r path; do
    echo "database $path"
    code=0
    cp --preserve=mode -- "$landing/$path" "$copies/copy.db" 2>"$scratch/why" || code=$?
    [ "$code" -ne 0 ] || [ ! -e "$landing/$path-wal" ] || cp --preserve=mode -- "$landing/$path-wal" "$copies/copy.db-wal" 2>"$scratch/why" || code=$?
    if [ "$code" -eq 0 ]; then
      chmod u+rw -- "$copies"/copy.db* && own "$copies"/copy.db*
      # shellcheck disable=SC2086 # as_plex is words
      $as_plex "$plex_sqlite" "$copies/copy.db" 'PRAGMA integrity_check;' </dev/null >"$scratch/verdict" 2>"$scratch/why" || code=$?
      sed 's/^/line /' "$scratch/verdict"
    fi
    [ "$code" -eq 0 ] || sed 's/^/problem /' "$scratch/why"
    echo "exit $code"
    rm -f -- "$copies"/copy.db*
  done <"$scratch/lines"
  rm -rf -- "$copies"
  finished
}

published_preferences() {
  require_state
  [ "$phase" = published ] || die 10 "No library was published here: the volume is at phase $phase"
  preferences=$root/$data_path/Preferences.xml
  [ -f "$preferences" ] || die 16 "There is no \"$preferences\""
}

verb_read_preferences() {
  published_preferences
  cat -- "$preferences"
  finished
}

verb_write_preferences() { # BYTES
  lock 60
  published_preferences
  not_in_use "$library"
  make_scratch
  new=$preferences.plexlift
  rm -f -- "$new"
  leftover=$new
  ( umask 077; : >"$new" )
  take "${1:-}" "$new"
  [ -s "$new" ] || die 15 'Preferences.xml would be empty'
  [ "$(id -u)" -ne 0 ] || chown --reference="$preferences" -- "$new"
  chmod --reference="$preferences" -- "$new"
  sync_path "$new"
  mv -f -T -- "$new" "$preferences" || die 1 "Cannot replace \"$preferences\""
  leftover=
  sync_path "$(dirname -- "$preferences")"
  finished
}

# --- Publish, withdraw, finish ------------------------------------------------------------------------------------------

verb_sentinels() { # RUN BYTES
  plain_name "${1:-}" run
  lock 60
  require_state
  same_run "$1"
  case $phase in landing | publishing | published) ;; *) die 10 "Sentinels are for a library that is to be published; the volume is at phase $phase" ;; esac
  make_scratch
  take "${2:-}" "$scratch/sentinels"
  replace_file "$work/sentinels" <"$scratch/sentinels"
  finished
}

verb_publish() { # RUN none|set-aside
  plain_name "${1:-}" run
  case ${2:-} in none | set-aside) ;; *) die 20 'publish needs to know what was agreed: none, or set-aside' ;; esac
  lock 120
  require_state
  same_run "$1"
  use_run "$1"
  case $phase in
    landing)
      [ -d "$landing" ] || die 13 "The landing area \"$landing\" is missing"
      [ "$(there "$aside")" = 0 ] || die 13 "\"$aside\" exists already. Rename it to a name of your own (keep it), and ask again"
      agreed=none
      if [ "$(there "$library")" = 1 ]; then
        [ "$2" = set-aside ] || die 11 "There is a library at \"$library\", and no consent to set it aside"
        agreed=set-aside
      fi
      check_one_file_system
      check_sentinels || die 14 "A media file that was seen before is not seen at $unmet"
      not_in_use "$library"
      end_receivers
      sync -f "$landing" 2>/dev/null || sync
      write_state publishing "$1" "$agreed" no -
      complete_publish
      write_state published "$1" "$agreement" no - ;;
    publishing)
      end_receivers
      complete_publish
      write_state published "$1" "$agreement" no - ;;
    published) ;;
    *) die 10 "Cannot publish run \"$1\": the volume is at phase $phase" ;;
  esac
  echo "$phase $run"
  finished
}

# Keeps the gate closed from the next start of the pod on, so that Plex is stopped while the library is worked on.
verb_hold() { # RUN
  plain_name "${1:-}" run
  lock 60
  require_state
  same_run "$1"
  case $phase in
    published) [ "$held" = yes ] || write_state published "$run" "$agreement" yes "$withdrawn" ;;
    publishing) # a restart would finish it and open
      end_receivers
      complete_publish
      write_state published "$run" "$agreement" yes - ;;
    landing | withdrawing | withdrawn) ;; # closed anyway
    *) die 10 "Cannot hold run \"$1\": the volume is at phase $phase" ;;
  esac
  echo "$phase $run"
  finished
}

verb_release() { # RUN
  plain_name "${1:-}" run
  lock 60
  require_state
  same_run "$1"
  [ "$phase" = published ] || die 10 "Run \"$1\" is not published: the volume is at phase $phase"
  [ "$held" = no ] || write_state published "$run" "$agreement" no "$withdrawn"
  echo "$phase $run"
  finished
}

verb_withdraw() { # RUN
  plain_name "${1:-}" run
  lock 120
  require_state
  [ "$phase" = none ] || same_run "$1"
  use_run "$1"
  case $phase in
    none | landing | withdrawn) ;; # nothing of this run is the library
    published | publishing | withdrawing)
      # A start of the gate in the middle would publish it.
      [ "$phase" = withdrawing ] || [ "$held" = yes ] || die 10 "Run \"$1\" is $phase and Plex may be running. Hold it first"
      not_in_use "$library"
      if [ "$phase" != withdrawing ]; then
        # A run that was published again after it was withdrawn must not meet its own earlier name.
        name=Library.withdrawn-$1
        number=1
        while [ "$(there "$root/$name")" = 1 ]; do
          number=$((number + 1))
          name=Library.withdrawn-$1.$number
        done
        write_state withdrawing "$1" "$agreement" no "$name"
      fi
      complete_withdraw
      write_state withdrawn "$1" "$agreement" no "$withdrawn" ;;
    *) die 10 "Cannot withdraw run \"$1\": the volume is at phase $phase" ;;
  esac
  echo "$phase $run"
  [ "$phase" != withdrawn ] || echo "withdrawn $root/$withdrawn"
  [ "$phase $agreement" != 'withdrawn set-aside' ] || echo "restored $library"
  finished
}

remove_leavings() { # RUN: the landing area, receipts, scratch, and what was being written by whoever was killed; never a Library, set aside or withdrawn
  rm -rf --one-file-system -- "$work/${1:?}" "$work"/scratch.* "$work"/*.new.* || die 1 "Cannot remove \"$work/$1\""
}

# What runs before this one copied and never published, or withdrew: nobody can go on with it any more.
remove_older_leavings() {
  for older in "$work"/*/receipts; do
    [ ! -d "$older" ] || rm -rf --one-file-system -- "${older%/receipts}" || die 1 "Cannot remove \"${older%/receipts}\""
  done
}

verb_finish() { # RUN
  plain_name "${1:-}" run
  lock 60
  require_state
  same_run "$1"
  case $phase in
    published)
      remove_leavings "$1"
      remove_older_leavings
      write_state finished "$1" "$agreement" no "$withdrawn" ;;
    finished) ;;
    *) die 10 "Cannot finish run \"$1\": the volume is at phase $phase" ;;
  esac
  # Not before the state is written: until then Plex may not start without its media.
  rm -f -- "$work/sentinels"
  echo "$phase $run"
  finished
}

# Forgets a run that was never published, or was withdrawn: its landing area goes, every Library stays.
verb_discard() { # RUN
  plain_name "${1:-}" run
  lock 60
  require_state
  if [ "$phase" != none ]; then
    same_run "$1"
    case $phase in landing | withdrawn) ;; *) die 10 "Cannot discard run \"$1\": the volume is at phase $phase" ;; esac
    end_receivers
    remove_leavings "$1"
    rm -f -- "$work/sentinels"
    remove_older_leavings
    rm -f -- "$state_file"
    sync_path "$work"
  fi
  echo 'none -'
  finished
}

# --- What this container and the volume can do --------------------------------------------------------------------------

# The first line that each tool says of its version; nothing behind the name of one that is missing.
verb_tools() {
  for tool in tar find xargs sed grep head stat sort flock setpriv curl; do
    said=$("$tool" --version 2>/dev/null </dev/null | head -n 1) || :
    printf '%s %s\n' "$tool" "$said"
  done
  finished
}

# The zone in which clocks run here, behind "known" where the system has its rules: where it has not, every clock shows UTC.
verb_time_zone() {
  zone=${TZ:-}
  zone=${zone#:}
  [ -n "$zone" ] || zone=$(readlink -f /etc/localtime 2>/dev/null | sed -n 's|^.*/zoneinfo/||p')
  [ -n "$zone" ] || [ -e /etc/localtime ] || zone=UTC
  if [ "$zone" = UTC ] || { [ -n "$zone" ] && [ -f "/usr/share/zoneinfo/$zone" ]; }; then echo "known $zone"; else echo "unknown $zone"; fi
  finished
}

# Tries what a migration rests on, in a directory of the volume that is gone afterwards. A line for each trial: its name, then "ok" or
# what came of it.
verb_trial() {
  make_work
  rm -rf -- "$work"/scratch.trial.*
  scratch=$work/scratch.trial.$$
  mkdir -- "$scratch" && chmod 0711 "$scratch" || die 1 "Cannot make \"$scratch\""
  try_whole
  try_rename
  try_replace
  try_owner
  finished
}

told() { # TRIAL FILE: the last line of what a command said
  printf '%s %s\n' "$1" "$(sed -n '$p' "$2")"
}

# Looked up and not tried, because a library is not renamed to see: the kernel refuses to rename what is mounted, and what is mounted
# below is in its place again in the next container, over what was published there.
try_whole() {
  mounted=
  while read -r _ _ _ _ point _; do
    point=$(printf '%b' "$point") # blanks and the like are written in octal
    case $point/ in "$library"/* | "$work"/*) mounted="$mounted${mounted:+, }\"$point\"" ;; esac
  done </proc/self/mountinfo
  if [ -n "$mounted" ]; then echo "whole mounted by itself: $mounted"; else echo 'whole ok'; fi
}

# A rename leaves alone what is in a directory. Where the file system refuses one, mv copies everything instead, and says nothing.
try_rename() {
  mkdir -p -- "$scratch/from/in" "$scratch/above" && echo content >"$scratch/from/in/file"
  before=$(stat -c %z -- "$scratch/from/in/file")
  if ! mv -T -- "$scratch/from" "$scratch/above/to" 2>"$scratch/why"; then told rename "$scratch/why"
  elif [ "$(there "$scratch/from")" = 1 ]; then echo 'rename the old name is still there'
  elif [ "$(stat -c %z -- "$scratch/above/to/in/file" 2>&1)" != "$before" ]; then echo 'rename it was copied instead'
  else echo 'rename ok'; fi
}

# Whoever reads a file while it is replaced sees the old one or the new one, never none and never a part.
try_replace() {
  echo whole >"$scratch/state"
  ( trap - TERM INT HUP EXIT
    until [ -e "$scratch/done" ]; do
      read -r seen <"$scratch/state" && [ "$seen" = whole ] || { echo 'the name was gone for a moment' >"$scratch/gone"; break; }
    done ) 2>/dev/null 7>&- 8>&- 9>&- &
  reading_pid=$!
  tries=0
  : >"$scratch/why"
  while [ "$tries" -lt 200 ]; do
    tries=$((tries + 1))
    echo whole >"$scratch/state.new"
    mv -f -T -- "$scratch/state.new" "$scratch/state" 2>"$scratch/why" || break
  done
  : >"$scratch/done"
  wait "$reading_pid" || :
  if [ -s "$scratch/why" ]; then told replace "$scratch/why"
  elif [ -s "$scratch/gone" ]; then told replace "$scratch/gone"
  else echo 'replace ok'; fi
}

try_owner() {
  owner=${PLEX_UID:-$(id -u)}:${PLEX_GID:-${PLEX_UID:-$(id -g)}}
  echo content >"$scratch/file"
  chmod 0640 "$scratch/file"
  if ! chown -- "$owner" "$scratch/file" 2>"$scratch/why"; then told owner "$scratch/why"
  elif [ "$(stat -c '%u:%g %a' -- "$scratch/file")" != "$owner 640" ]; then echo "owner it belongs to $(stat -c '%u:%g, with mode %a' -- "$scratch/file") all the same"
  elif ! bounded 20 sh -c 'echo more >>"$1"' sh "$scratch/file"; then told owner "$answer_errors"
  elif ! ln -s -- file "$scratch/link" 2>"$scratch/why"; then told owner "$scratch/why"
  else echo 'owner ok'; fi
}

# --- Which verb ---------------------------------------------------------------------------------------------------------

[ -z "$verb" ] || shift
case $verb in '' | gate) ;; *) same_protocol; keep_alive ;; esac
case $verb in
  '')
    read_state
    if [ "$phase" = unknown ]; then echo "plexlift: $(state_repair)"; else echo "plexlift: this volume is at phase $phase, run $run"; fi
    # shellcheck disable=SC3028 # in every container the variable is set
    echo "plexlift: whether Plex waits, and for what: kubectl -n NAMESPACE logs ${HOSTNAME:-POD} -c plexlift-gate" ;;
  gate) verb_gate ;;
  open) verb_open "$@" ;;
  state) verb_state ;;
  boot) verb_boot ;;
  room) verb_room ;;
  identity) verb_identity ;;
  mounts) verb_mounts "$@" ;;
  receive) verb_receive "$@" ;;
  fetch) verb_fetch "$@" ;;
  reach) verb_reach "$@" ;;
  receipt) verb_receipt "$@" ;;
  remove) verb_remove "$@" ;;
  list) verb_list "$@" ;;
  page) verb_page "$@" ;;
  listing-digest) verb_listing_digest "$@" ;;
  digests) verb_digests "$@" ;;
  look-up) verb_look_up "$@" ;;
  sample) verb_sample "$@" ;;
  check-databases) verb_check_databases "$@" ;;
  keep-journal) verb_keep_journal "$@" ;;
  sentinels) verb_sentinels "$@" ;;
  publish) verb_publish "$@" ;;
  hold) verb_hold "$@" ;;
  release) verb_release "$@" ;;
  withdraw) verb_withdraw "$@" ;;
  finish) verb_finish "$@" ;;
  discard) verb_discard "$@" ;;
  read-preferences) verb_read_preferences ;;
  write-preferences) verb_write_preferences "$@" ;;
  tools) verb_tools ;;
  time-zone) verb_time_zone ;;
  trial) verb_trial ;;
  *) die 20 "There is no verb \"$verb\"" ;;
esac
