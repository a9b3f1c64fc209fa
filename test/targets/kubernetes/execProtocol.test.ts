import { describe, expect, test } from 'vitest';
import { command, CommandFailed } from '../../../src/machines/command.ts';
import type { Finding } from '../../../src/runner/check.ts';
import { GateFailed } from '../../../src/targets/gate/gateFailure.ts';
import { execProtocols } from '../../../src/targets/kubernetes/execProtocol.ts';
import { StreamStalled } from '../../../src/transfer/attempt.ts';

function failure(part: { readonly exitCode: number | null; readonly stderr?: string }): CommandFailed {
  return new CommandFailed({ machine: 'pod', command: command('sh'), reason: `it exited with ${part.exitCode}`, stderr: '', ...part }, 'remedy');
}

function watched() {
  const told: Finding[] = [];
  return { told, protocols: execProtocols((finding) => told.push(finding)) };
}

const spdy = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false' };

describe('the protocol of kubectl exec', () => {
  test.each([
    ['kubectl fails by itself', failure({ exitCode: 1, stderr: 'error: websocket: close 1006 (abnormal closure): unexpected EOF' })],
    ['a stream stands still', new StreamStalled('No byte passed for 90 s, after 3 bytes')],
  ])('changes when %s, and that is told as a finding', (_what, thrown) => {
    const { told, protocols } = watched();
    expect(protocols.environment()).toEqual({});
    protocols.judge(thrown);
    expect(protocols.environment()).toEqual(spdy);
    expect(told).toEqual([{ status: 'warn', detail: expect.stringMatching(/over WebSocket failed \(.+\); SPDY is used from here on/), remedy: expect.any(String) }]);
  });

  test('changes when a stream ends early with exit code 0, and back when the other one fails too', () => {
    const { told, protocols } = watched();
    protocols.endedEarly();
    expect(protocols.environment()).toEqual(spdy);
    protocols.judge(failure({ exitCode: 1, stderr: 'error: unable to upgrade connection: 403' }));
    expect(protocols.environment()).toEqual({});
    expect(told).toHaveLength(2);
  });

  test.each([
    ['the far side ended by itself', failure({ exitCode: 137, stderr: 'command terminated with exit code 137' })],
    ['somebody killed kubectl', failure({ exitCode: null })],
    ['the container was gone', failure({ exitCode: 1, stderr: 'error: unable to upgrade connection: container not found ("plexlift-gate")' })],
    ['the gate refused', new GateFailed('phase', 'The volume is at phase published', { facts: [] })],
    ['the source failed', new Error('The tar broke off after 3 bytes')],
  ])('stays when %s', (_what, thrown) => {
    const { told, protocols } = watched();
    protocols.judge(thrown);
    expect(protocols.environment()).toEqual({});
    expect(told).toEqual([]);
  });
});
