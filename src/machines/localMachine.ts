import { userInfo } from 'node:os';
import { openChild } from './childProcess.ts';
import type { Child } from './childProcess.ts';
import type { Command, Machine, OpenOptions, Process } from './machine.ts';
import { runToEnd } from './runToEnd.ts';

/** The computer plexlift runs on. Commands for root or another user go through `sudo -n`, or `runuser` where plexlift itself is root. */
export function thisComputer(): Machine {
  const name = 'this computer';
  return {
    name,
    run: (command, options) =>
      runToEnd(
        {
          machine: name,
          open: openHere,
        },
        command,
        options,
      ),
    open: openHere,
  };
}

function openHere(command: Command, { signal, onStderr }: OpenOptions = {}): Process {
  return openChild(childOf(command), {
    signal,
    filterStderr: (chunk) => {
      onStderr?.(chunk);
      return chunk;
    },
  });
}

function childOf(command: Command): Child {
  const user = userOf(command);
  if (user === null) return { program: command.program, arguments: command.arguments, environment: command.environment ?? {} };
  // Neither sudo nor runuser hands the environment on, and the new user may not be able to enter the current directory.
  const environment = Object.entries(command.environment ?? {}).map(([name, value]) => `${name}=${value}`);
  const inner = ['env', ...environment, command.program, ...command.arguments];
  return userInfo().uid === 0
    ? { program: 'runuser', arguments: ['-u', user, '--', ...inner], workingDirectory: '/' }
    : { program: 'sudo', arguments: ['-n', '-u', user, '--', ...inner], workingDirectory: '/' };
}

function userOf(command: Command): string | null {
  const wanted = command.as ?? 'login';
  if (wanted === 'login') return null;
  const user = wanted === 'root' ? 'root' : wanted.user;
  return user === userInfo().username ? null : user;
}
