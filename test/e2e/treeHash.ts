import type { SourceVm } from '../bed/sourceVm/sourceVm.ts';

/** One entry of a tree; `content` is a SHA-256 of a file's bytes, or where a link leads. */
export interface EntryState {
  readonly type: 'file' | 'directory' | 'link' | 'other';
  readonly mode: string;
  readonly owner: string;
  readonly content: string;
  readonly modifiedNs: string;
  /** Moves with every change of content, mode, owner or name, and nobody can set it back. */
  readonly changedNs: string;
}

/** The entries of a machine by absolute path. */
export type TreeState = ReadonlyMap<string, EntryState>;

// Runs on the machine's own Python, as root: one line of JSON an entry. Mounted file systems below a root are other trees.
const program = `
import hashlib, json, os, stat, sys

def content(path, info):
    if stat.S_ISLNK(info.st_mode):
        return os.readlink(path)
    if not stat.S_ISREG(info.st_mode):
        return ''
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        for chunk in iter(lambda: file.read(1 << 20), b''):
            digest.update(chunk)
    return digest.hexdigest()

def told(path, info):
    kind = 'file' if stat.S_ISREG(info.st_mode) else 'directory' if stat.S_ISDIR(info.st_mode) else 'link' if stat.S_ISLNK(info.st_mode) else 'other'
    print(json.dumps([path, kind, oct(stat.S_IMODE(info.st_mode)), '%d:%d' % (info.st_uid, info.st_gid), content(path, info), str(info.st_mtime_ns), str(info.st_ctime_ns)]))

def walk(directory, device):
    for name in sorted(os.listdir(directory)):
        path = os.path.join(directory, name)
        info = os.lstat(path)
        if stat.S_ISDIR(info.st_mode) and info.st_dev != device:
            continue
        told(path, info)
        if stat.S_ISDIR(info.st_mode):
            walk(path, device)

for root in sys.argv[1:]:
    info = os.lstat(root)
    told(root, info)
    walk(root, info.st_dev)
`;

/** Looks at everything below directories of the machine, each without what is mounted over it. */
export async function hashTree(vm: Pick<SourceVm, 'run'>, roots: readonly string[]): Promise<TreeState> {
  const { stdout, stderr, exitCode } = await vm.run(`python3 - ${roots.map((root) => `'${root}'`).join(' ')} <<'END'\n${program}\nEND`, { timeoutMs: 120_000 });
  if (exitCode !== 0) throw new Error(`Cannot hash ${roots.join(', ')}: ${stderr}`);
  return new Map(stdout.split('\n').map((line) => {
    const [path, type, mode, owner, content, modifiedNs, changedNs] = JSON.parse(line) as [string, EntryState['type'], string, string, string, string, string];
    return [path, { type, mode, owner, content, modifiedNs, changedNs }] as const;
  }));
}

/** Which times count, beside type, mode, owner and content. */
export type ComparedTimes = 'times of files' | 'all times';

/** The paths in which two looks at a tree differ, each with how, in order. */
export function treeDifferences(before: TreeState, after: TreeState, times: ComparedTimes): readonly string[] {
  return [...new Set([...before.keys(), ...after.keys()])].toSorted().flatMap((path) => {
    const [then, now] = [before.get(path), after.get(path)];
    if (then === undefined) return [`${path}: new`];
    if (now === undefined) return [`${path}: gone`];
    const fields: readonly (keyof EntryState)[] = ['type', 'mode', 'owner', 'content', ...(times === 'all times' ? (['modifiedNs', 'changedNs'] as const) : then.type === 'file' ? (['modifiedNs'] as const) : [])];
    const changed = fields.filter((field) => then[field] !== now[field]);
    return changed.length === 0 ? [] : [`${path}: other ${changed.join(', ')}`];
  });
}

/** The path of a line of `treeDifferences`. */
export function pathOfDifference(line: string): string {
  return line.slice(0, line.lastIndexOf(': '));
}
