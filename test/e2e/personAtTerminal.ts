import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { program } from './otherConfigurations.ts';

/** A person before a real terminal in which `bin/plexlift` runs. */
export interface PersonAtTerminal {
  /** Everything shown so far, what scrolled away included, long lines joined. */
  screen(): Promise<string>;
  /** Waits until the terminal shows this, and returns the screen. */
  sees(text: string, options?: { readonly timeoutMs?: number }): Promise<string>;
  /** Presses keys, as tmux names them (`Enter`, `Down`), or types a word. */
  presses(...keys: readonly string[]): Promise<void>;
  /** Moves to the choice whose label begins so, and takes it. */
  chooses(label: string): Promise<void>;
  /** Waits for the end of plexlift and returns its exit code. */
  exitCode(): Promise<number>;
  leaves(): Promise<void>;
}

const pollMs = 200;
const endMark = 'plexlift ended with';

/** Opens a terminal of 110 columns with a tmux server of its own and starts plexlift in it. */
export async function sitDown(words: readonly string[], directory: string): Promise<PersonAtTerminal> {
  const scratch = await mkdtemp(join(tmpdir(), 'plexlift-terminal-'));
  const tmux = async (...args: readonly string[]) => (await execa('tmux', ['-S', join(scratch, 'socket'), '-f', '/dev/null', ...args])).stdout;
  const line = [program, ...words].map((word) => `'${word}'`).join(' ');
  await tmux('new-session', '-d', '-x', '110', '-y', '45', '-c', directory, `${line}; echo "${endMark} $?"; sleep 3600`);
  const screen = () => tmux('capture-pane', '-p', '-J', '-S', '-');

  async function sees(text: string, { timeoutMs = 60_000 } = {}): Promise<string> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const shown = await screen();
      if (shown.includes(text)) return shown;
      if (Date.now() > deadline || shown.includes(endMark)) throw new Error(`Cannot see "${text}" on the terminal:\n${shown}`);
      await sleep(pollMs);
    }
  }

  async function presses(...keys: readonly string[]): Promise<void> {
    for (const key of keys) await tmux('send-keys', key);
  }

  return {
    screen,
    sees,
    presses,
    async chooses(label) {
      // "●" marks the choice that the cursor is on.
      for (let moves = 0; !(await screen()).includes(`● ${label}`); moves += 1) {
        if (moves > 10) throw new Error(`Cannot choose "${label}" on the terminal:\n${await screen()}`);
        await presses('Down');
        await sleep(pollMs);
      }
      await presses('Enter');
    },
    async exitCode() {
      return Number(new RegExp(`${endMark} (\\d+)`).exec(await sees(endMark))?.[1]);
    },
    async leaves() {
      await tmux('kill-server');
      await rm(scratch, { recursive: true, force: true });
    },
  };
}
