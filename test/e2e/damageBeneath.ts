import { existsSync, readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fingerprint } from '../bed/library/inspection.ts';
import { execute } from '../catalogue/rawPages.ts';
import { dataOnSource, sourceDataDirectory } from './sidesOfStage.ts';
import type { Stage } from './stage.ts';

/** The databases of a source whose server goes on serving from the files that it has open, whatever is put in their place. */
export interface BeneathServer {
  /**
   * Puts a damaged copy of the databases where the server's lie; the server keeps its own open, and they get their names back at the end.
   * So every kind of damage can lie beneath a running server, also those on which none would start.
   */
  damaged<Result>(damage: Damage, look: (databases: string) => Promise<Result>): Promise<Result>;
}

/** What to do to a copy of the databases. */
export interface Damage {
  readonly apply: (databases: string) => void;
  /** Whether somebody has the copy open meanwhile, as a server has: then SQLite goes by what it shares with others in memory, and not by what a log says. */
  readonly isHeldOpen: boolean;
}

const databases = `${sourceDataDirectory}/Plug-in Support/Databases`;
const good = '/var/lib/databases-good';
const spoilt = '/var/lib/databases-spoilt';
const unit = 'databases-held-open';
const served = '/var/lib/databases-served';

const holder = `
import glob, sqlite3, time
held = [sqlite3.connect(path) for path in glob.glob('${spoilt}/*.db')]
for database in held:
    database.execute('SELECT count(*) FROM sqlite_master').fetchall()
print('held', flush=True)
time.sleep(600)
`;

/** Copies the databases of the stage's source once, settled, to damage copies of the copy. */
export async function beneathServer(stage: Stage): Promise<BeneathServer> {
  const { vm } = stage;
  const run = async (command: string): Promise<void> => {
    const { exitCode, stderr } = await vm.run(command, { timeoutMs: 60_000 });
    if (exitCode !== 0) throw new Error(`Cannot run "${command}" on the source: ${stderr}`);
  };
  await run(`cp -a '${databases}' ${good}`);
  const copy = join(vm.root, good);
  for (const name of readdirSync(copy)) if (name.endsWith('.db') && existsSync(join(copy, `${name}-wal`))) execute(join(copy, name), 'PRAGMA wal_checkpoint(TRUNCATE)');

  // A transient service of the user that Plex runs as: its files belong to whom Plex's would.
  async function hold(): Promise<void> {
    await writeFile(join(vm.root, 'var/lib/hold-databases.py'), holder);
    await run(`systemctl reset-failed ${unit} 2>/dev/null; systemd-run --quiet --unit=${unit} --uid=plex --property=StandardOutput=file:/var/lib/databases-held python3 /var/lib/hold-databases.py`);
    await run('for attempt in $(seq 100); do grep -qs held /var/lib/databases-held && exit 0; sleep 0.1; done; echo "nobody holds them" >&2; exit 1');
    await run('rm /var/lib/databases-held');
  }

  return {
    async damaged({ apply, isHeldOpen }, look) {
      await run(`cp -a ${good} ${spoilt}`);
      if (isHeldOpen) await hold();
      apply(join(vm.root, spoilt));
      await run(`mv -T '${databases}' ${served} && mv -T ${spoilt} '${databases}'`);
      try {
        return await look(join(dataOnSource(stage), 'Plug-in Support', 'Databases'));
      } finally {
        await run(`systemctl stop ${unit} 2>/dev/null; rm -r '${databases}' && mv -T ${served} '${databases}'`);
      }
    },
  };
}

/** Every file there with its content and time; what a reader's memory is shared in is nobody's content. */
export function contentsOf(directory: string): readonly string[] {
  return fingerprint(directory).filter((line) => !/-shm \d+ /.test(line));
}
