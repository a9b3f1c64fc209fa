import { command } from '../../src/machines/command.ts';
import { openSsh } from '../../src/machines/ssh.ts';

// Connects, tells so, and waits to be killed.
const [destination = '', configFile = ''] = process.argv.slice(2);
const machine = await openSsh({ destination, configFile, interactive: false });
await machine.run(command('true'));
process.stdout.write('connected\n');
setInterval(() => undefined, 60_000);
