/**
 * Makes consistent copies of databases a server is writing to: run as `python3 - DIRECTORY NAME…` with this text as standard input.
 * For each name, in order, it prints one line of JSON: `sizeBytes` and `sha256`, followed by that many bytes, or why there is no copy
 * (`message`, `there`, `readable`); at the end `{"done": COUNT}`. A copy is unlinked before it is filled, so that nothing stays behind
 * whatever happens, and nothing is sent before the source is closed, so that a slow line does not hold the server's log.
 * Needs Python 3.7 (Connection.backup).
 */
export const pythonProgram = String.raw`
import hashlib, json, os, shutil, signal, sqlite3, sys, tempfile, urllib.parse

def stop(number, frame):
    raise SystemExit(128 + number)

for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
    signal.signal(number, stop)

LOCK_SECONDS = 60
# Left free where the server's own files lie on the same disk: its log grows while a copy is made.
SPARE_BYTES = 64 << 20

def free_room(place):
    facts = os.statvfs(place)
    return facts.f_bavail * facts.f_frsize

def size_of(path):
    return os.path.getsize(path) if os.path.exists(path) else 0

def require_room(work, path, copies):
    spare = SPARE_BYTES if os.stat(work).st_dev == os.stat(path).st_dev else 0
    needed = copies * (size_of(path) + size_of(path + '-wal')) + spare
    if free_room(work) < needed:
        raise OSError('No space left: %s has %d bytes free, and %d are needed' % (work, free_room(work), needed))

def state_of(path):
    try:
        facts = os.stat(path)
    except FileNotFoundError:
        return None
    return (facts.st_size, facts.st_mtime_ns, facts.st_ino) if facts.st_size > 0 else None

def keeps_a_log(path):
    with open(path, 'rb') as file:
        header = file.read(20)
    return len(header) == 20 and header[18] == 2

def is_empty(path):
    with open(path, 'rb') as file:
        return file.read(1) == b''

def fill(path, query, copy):
    def watch(status, remaining, total):
        # SQLITE_BUSY, after it waited as long as it may; without this Python would begin again for ever.
        if status == 5:
            raise sqlite3.OperationalError('database is locked')
    source = sqlite3.connect('file:' + urllib.parse.quote(path) + '?' + query, uri=True, timeout=LOCK_SECONDS)
    try:
        # One step: a backup in several starts anew whenever the server writes.
        source.backup(copy, pages=-1, progress=watch)
    finally:
        source.close()

def fill_from_files(path, work, copy):
    raw = os.path.join(work, 'raw')
    sidecars = [''] + [suffix for suffix in ('-wal', '-journal') if size_of(path + suffix) > 0]
    require_room(work, path, 2)
    try:
        for suffix in sidecars:
            shutil.copyfile(path + suffix, raw + suffix)
        fill(raw, 'mode=rw', copy)
    finally:
        for suffix in ('', '-wal', '-shm', '-journal'):
            if os.path.exists(raw + suffix):
                os.unlink(raw + suffix)

def fill_consistently(path, work, copy):
    # A reader would create -wal and -shm files beside a database that keeps a log and is not open; where they exist it only uses them.
    for attempt in range(5):
        if os.path.exists(path + '-shm') or not keeps_a_log(path):
            try:
                return fill(path, 'mode=ro', copy)
            except sqlite3.OperationalError as error:
                # The rollback journal of a writer that was killed: SQLite would have to write to the database to read it.
                if 'readonly' not in str(error):
                    raise
        before = [state_of(path + suffix) for suffix in ('', '-wal', '-journal')]
        if before[1] is None and before[2] is None:
            fill(path, 'immutable=1', copy)
        else:
            fill_from_files(path, work, copy)
        if [state_of(path + suffix) for suffix in ('', '-wal', '-journal')] == before and not os.path.exists(path + '-shm'):
            return
    raise OSError('it changed while it was copied, five times')

def copy_of(path, work):
    require_room(work, path, 1)
    target = os.path.join(work, 'copy')
    file = os.fdopen(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), 'rb')
    try:
        copy = sqlite3.connect(target)
        try:
            copy.execute('PRAGMA journal_mode=OFF')
            copy.execute('PRAGMA synchronous=OFF')
            os.unlink(target)
            # SQLite would make a sound database without tables of an empty file, and hide that a library is lost.
            if not is_empty(path):
                fill_consistently(path, work, copy)
        finally:
            copy.close()
            if os.path.exists(target):
                os.unlink(target)
        return file
    except BaseException:
        file.close()
        raise

def can_be_read(path):
    try:
        for each in (path, path + '-wal'):
            if each == path or os.path.exists(each):
                with open(each, 'rb') as file:
                    while file.read(1 << 20):
                        pass
        return True
    except OSError:
        return False

def send(path, work, out):
    try:
        file = copy_of(path, work)
    except (sqlite3.Error, OSError) as error:
        failure = {'message': str(error), 'there': os.path.lexists(path), 'readable': can_be_read(path)}
        out.write(json.dumps(failure).encode() + b'\n')
        return
    with file:
        digest = hashlib.sha256()
        for chunk in iter(lambda: file.read(1 << 20), b''):
            digest.update(chunk)
        out.write(json.dumps({'sizeBytes': file.tell(), 'sha256': digest.hexdigest()}).encode() + b'\n')
        file.seek(0)
        shutil.copyfileobj(file, out, 1 << 20)

directory, names = sys.argv[1], sys.argv[2:]
work = tempfile.mkdtemp(prefix='plexlift-', dir=max(('/var/tmp', '/tmp'), key=free_room))
try:
    for name in names:
        send(os.path.join(directory, name), work, sys.stdout.buffer)
    sys.stdout.buffer.write(json.dumps({'done': len(names)}).encode() + b'\n')
    sys.stdout.buffer.flush()
finally:
    shutil.rmtree(work, ignore_errors=True)
`;

// One private directory in the roomier of two places, removed whatever happens short of SIGKILL.
const scratch = String.raw`
set -eu
umask 077
roomiest=$(df -P /var/tmp /tmp | awk 'NR > 1 { place = NR == 2 ? "/var/tmp" : "/tmp"; if ($4 > most) { most = $4; best = place } } END { print best }')
work=$(mktemp -d "$roomiest/plexlift-XXXXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 129' HUP INT TERM PIPE
`;

/**
 * The same for a machine without Python: `sh -c … sh SQLITE DIRECTORY NAME…`, where SQLITE is a program that takes what `sqlite3` takes.
 * The open read transaction pins what is copied: without it `.backup`, which works in steps, starts anew whenever the server writes.
 */
export const shellProgram = String.raw`${scratch}
sqlite=$1 directory=$2
shift 2

size_of() {
  if [ -e "$1" ]; then stat -L -c %s "$1"; else echo 0; fi
}

# For so many copies; 64 MiB stay free where the server's own files lie on the same disk, for its log grows meanwhile.
require_room() {
  needed=$(($2 * ($(size_of "$1") + $(size_of "$1-wal"))))
  [ "$(stat -L -c %d "$1" 2>/dev/null)" != "$(stat -c %d "$work")" ] || needed=$((needed + 67108864))
  free=$(df -P -B1 "$work" | awk 'NR == 2 { print $4 }')
  said="No space left: $work has $free bytes free, and $needed are needed"
  [ "$free" -ge "$needed" ]
}

keeps_a_log() {
  [ "$(od -An -tu1 -j18 -N1 "$1" 2>/dev/null | tr -d ' ')" = 2 ]
}

state_of() {
  stat -L -c '%s %y %i' "$1" "$1-wal" "$1-journal" 2>/dev/null || true
}

can_be_read() {
  cat "$1" >/dev/null 2>&1 && { ! [ -e "$1-wal" ] || cat "$1-wal" >/dev/null 2>&1; }
}

backup() {
  said=$("$sqlite" "$@" ".backup '$work/copy'" 2>&1 >/dev/null) && [ -e "$work/copy" ]
}

backup_files() {
  require_room "$1" 2 || return 1
  for suffix in '' -wal -journal; do
    ! [ -s "$1$suffix" ] || said=$(cp "$1$suffix" "$work/raw$suffix" 2>&1) || return 1
  done
  backup "$work/raw" || return 1
  rm -f "$work/raw" "$work/raw-wal" "$work/raw-shm" "$work/raw-journal"
}

# A reader would create -wal and -shm files beside a database that keeps a log and is not open; where they exist it only uses them.
copy_of() {
  if ! [ -s "$1" ]; then
    # SQLite would make a sound database without tables of an empty file, and hide that a library is lost.
    said=$(cat "$1" 2>&1 >/dev/null) || return 1
    : >"$work/copy"
    return
  fi
  for attempt in 1 2 3 4 5; do
    if [ -e "$1-shm" ] || ! keeps_a_log "$1"; then
      backup -readonly "$1" ".timeout 60000" "BEGIN" "SELECT count(*) FROM sqlite_master" && return
      # The rollback journal of a writer that was killed: SQLite would have to write to the database to read it.
      case $said in *readonly*) ;; *) return 1 ;; esac
    fi
    rm -f "$work/copy"
    before=$(state_of "$1")
    backup_files "$1" || return 1
    [ "$(state_of "$1")" != "$before" ] || [ -e "$1-shm" ] || return 0
  done
  said='it changed while it was copied, five times'
  return 1
}

for name do
  database=$directory/$name
  if require_room "$database" 1 && copy_of "$database"; then
    sum=$(sha256sum "$work/copy")
    printf '{"sizeBytes": %s, "sha256": "%s"}\n' "$(stat -c %s "$work/copy")" "$(printf %s "$sum" | cut -c1-64)"
    cat "$work/copy"
  else
    there=true readable=true
    [ -e "$database" ] || [ -L "$database" ] || there=false
    can_be_read "$database" || readable=false
    printf '{"message": "%s", "there": %s, "readable": %s}\n' "$(printf %s "$said" | tr '\n' ' ' | tr -d '\000-\037"\\')" "$there" "$readable"
  fi
  rm -f "$work"/*
done
echo '{"done": '"$#"'}'
`;

/** Checks a database sent on standard input: `sh -c … sh SQLITE BYTES LOG-BYTES`, the log's bytes after the database's. Prints what the check says. */
export const integrityProgram = String.raw`${scratch}
head -c "$2" > "$work/copy.db"
if [ "$3" -gt 0 ]; then head -c "$3" > "$work/copy.db-wal"; fi
[ "$(stat -c %s "$work/copy.db")" = "$2" ] || { echo 'The copy did not arrive whole' >&2; exit 1; }
"$1" "$work/copy.db" 'PRAGMA integrity_check;'
`;
