/**
 * Makes consistent copies of databases a server is writing to: run as `python3 - DIRECTORY NAME…` with this text as standard input.
 * For each name, in order, it prints one line of JSON (`sizeBytes`, `sha256`) and then that many bytes; at the end `{"done": COUNT}`.
 * A copy is unlinked before it is filled, so that nothing stays behind whatever happens. Needs Python 3.7 (Connection.backup).
 */
export const pythonProgram = String.raw`
import hashlib, json, os, shutil, signal, sqlite3, sys, tempfile, urllib.parse

def stop(number, frame):
    raise SystemExit(128 + number)

for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
    signal.signal(number, stop)

def free_room(place):
    facts = os.statvfs(place)
    return facts.f_bavail * facts.f_frsize

def state_of(path):
    try:
        facts = os.stat(path)
    except FileNotFoundError:
        return None
    return facts.st_size, facts.st_mtime_ns, facts.st_ino

def keeps_a_log(path):
    with open(path, 'rb') as file:
        header = file.read(20)
    return len(header) == 20 and header[18] == 2

def fill(path, query, copy):
    source = sqlite3.connect('file:' + urllib.parse.quote(path) + '?' + query, uri=True, timeout=60)
    try:
        # One step: a backup in several starts anew whenever the server writes.
        source.backup(copy, pages=-1)
    finally:
        source.close()

def fill_consistently(path, work, copy):
    # A reader would create -wal and -shm files beside a database that keeps a log and is not open; where they exist it only uses them.
    for attempt in range(5):
        if os.path.exists(path + '-shm') or not keeps_a_log(path):
            return fill(path, 'mode=ro', copy)
        before = state_of(path), state_of(path + '-wal')
        if before[1] is None or before[1][0] == 0:
            fill(path, 'immutable=1', copy)
        else:
            raw = os.path.join(work, 'raw')
            try:
                shutil.copyfile(path, raw)
                shutil.copyfile(path + '-wal', raw + '-wal')
                fill(raw, 'mode=rw', copy)
            finally:
                for leftover in (raw, raw + '-wal', raw + '-shm'):
                    if os.path.exists(leftover):
                        os.unlink(leftover)
        if (state_of(path), state_of(path + '-wal')) == before and not os.path.exists(path + '-shm'):
            return
    raise SystemExit('%s changed while it was copied' % path)

def send(path, work, out):
    needed = sum(state[0] for state in (state_of(path), state_of(path + '-wal')) if state is not None)
    if free_room(work) < needed:
        raise SystemExit('%s has %d bytes free, and %d are needed for a copy of %s' % (work, free_room(work), needed, path))
    target = os.path.join(work, 'copy')
    file = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        copy = sqlite3.connect(target)
        try:
            copy.execute('PRAGMA journal_mode=OFF')
            copy.execute('PRAGMA synchronous=OFF')
        finally:
            os.unlink(target)
        fill_consistently(path, work, copy)
        copy.close()
        size = os.fstat(file).st_size
        digest = hashlib.sha256()
        with os.fdopen(os.dup(file), 'rb') as reader:
            reader.seek(0)
            for chunk in iter(lambda: reader.read(1 << 20), b''):
                digest.update(chunk)
            out.write(json.dumps({'sizeBytes': size, 'sha256': digest.hexdigest()}).encode() + b'\n')
            reader.seek(0)
            shutil.copyfileobj(reader, out, 1 << 20)
    finally:
        os.close(file)

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
for name do
  database=$directory/$name
  logs=$(od -An -tu1 -j18 -N1 "$database" | tr -d ' ')
  if [ "$logs" = 2 ] && ! [ -e "$database-shm" ]; then
    cp "$database" "$work/raw"
    ! [ -e "$database-wal" ] || cp "$database-wal" "$work/raw-wal"
    ! [ -e "$database-shm" ] || { echo "$database was opened while it was copied" >&2; exit 1; }
    database=$work/raw
    "$sqlite" "$database" ".timeout 60000" ".backup '$work/copy'" >/dev/null
  else
    "$sqlite" -readonly "$database" ".timeout 60000" "BEGIN" "SELECT count(*) FROM sqlite_master" ".backup '$work/copy'" >/dev/null
  fi
  sum=$(sha256sum "$work/copy")
  printf '{"sizeBytes": %s, "sha256": "%s"}\n' "$(stat -c %s "$work/copy")" "$(printf %s "$sum" | cut -c1-64)"
  cat "$work/copy"
  rm -f "$work/copy" "$work/raw" "$work/raw-wal" "$work/raw-shm"
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
