import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { WrittenConfiguration } from './otherConfigurations.ts';
import type { Stage } from './stage.ts';

/** A program in kubectl's place that is kubectl, but for the calls of the gate that it was told to spoil. All of them end with exit code 0. */
export interface KubectlShim {
  /** The next stream passes its lists and only so many records of its tar; the rest is taken and thrown away. */
  cutNextStream(records: number): Promise<void>;
  /** The next calls of a verb are carried out, and only the first bytes of their answers come back; one call for each number. */
  truncateAnswers(verb: string, lengths: readonly number[]): Promise<void>;
  /** How many orders have not been met by a call so far. */
  ordersLeft(): Promise<number>;
}

/** tar writes in records of 20 blocks; one that lacks its end on such a boundary looks whole to GNU tar. */
const recordBytes = 10_240;

// The gate's verb is the word after its script; a stream's last four words are the lengths of the lists before its tar, and the owner.
const script = (real: string, orders: string) => `#!/bin/sh
verb= listed=0 directories=0 uid= gid=
for word; do
  [ "$gid" != /plexlift/init.sh ] || verb=$word
  listed=$directories directories=$uid uid=$gid gid=$word
done
for order in '${orders}/waiting/'"\${verb:-none}"-*; do
  taken='${orders}/taken/'\${order##*/}
  mv "$order" "$taken" 2>/dev/null || continue
  read -r length <"$taken"
  case $order in
    *-stream.*)
      head -c "$((listed + directories + length))" | '${real}' "$@"
      cat >/dev/null ;;
    *)
      '${real}' "$@" >"$taken.answer"
      head -c "$length" "$taken.answer" ;;
  esac
  exit 0
done
exec '${real}' "$@"
`;

/** Puts the shim into the stage's configuration. */
export async function putShimBefore(stage: Stage): Promise<KubectlShim> {
  const orders = join(stage.directory, 'kubectl-orders');
  const waiting = join(orders, 'waiting');
  await mkdir(waiting, { recursive: true });
  await mkdir(join(orders, 'taken'));
  const configuration = parse(await readFile(stage.configuration, 'utf8')) as WrittenConfiguration;
  const { kubernetes } = configuration.target;
  const shim = join(stage.directory, 'kubectl');
  await writeFile(shim, script(String(kubernetes['kubectl']), orders));
  await chmod(shim, 0o755);
  kubernetes['kubectl'] = shim;
  await writeFile(stage.configuration, stringify(configuration));
  let given = 0;

  async function order(what: string, length: number): Promise<void> {
    given += 1;
    await writeFile(join(waiting, `${what}.${String(given).padStart(6, '0')}`), `${length}\n`);
  }

  return {
    cutNextStream: (records) => order('receive-stream', records * recordBytes),
    async truncateAnswers(verb, lengths) {
      for (const length of lengths) await order(`${verb}-answer`, length);
    },
    ordersLeft: async () => (await readdir(waiting)).length,
  };
}
