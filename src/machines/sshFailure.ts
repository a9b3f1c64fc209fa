/** What kept ssh from connecting, in words, and what can be done about it. */
export interface SshFailure {
  readonly reason: string;
  readonly remedy: string;
}

const known: readonly { readonly seen: RegExp; readonly reason: string; readonly remedy: (destination: string) => string }[] = [
  {
    seen: /REMOTE HOST IDENTIFICATION HAS CHANGED/,
    reason: 'the host shows another key than the one it is known by',
    remedy: (destination) => `Find out why the key changed; if the machine was installed anew, remove the old key with "ssh-keygen -R", connect once with "ssh ${destination}", then run the same command again`,
  },
  {
    seen: /Host key verification failed|No \S+ host key is known/,
    reason: 'the host key is unknown',
    remedy: (destination) => `Connect once by hand with "ssh ${destination}" and confirm its key, then run the same command again`,
  },
  {
    seen: /Permission denied|Too many authentication failures|No more authentication methods/,
    reason: 'the host refused the key or password',
    remedy: (destination) => `Make "ssh ${destination}" work by hand (load the key into the agent, or add it to authorized_keys there), then run the same command again`,
  },
  {
    seen: /Could not resolve hostname|Name or service not known|Temporary failure in name resolution/,
    reason: 'the host name is not known',
    remedy: () => 'Check the host name in the configuration and in the ssh config file',
  },
  {
    seen: /Connection refused|timed out|No route to host|Network is unreachable|Host is down|Connection closed by|Connection reset by|kex_exchange_identification/,
    reason: 'the host does not answer',
    remedy: (destination) => `Check that the machine runs, that sshd runs on it, and that "ssh ${destination}" works from here`,
  },
  {
    seen: /Bad configuration option|bad configuration options|Bad owner or permissions|Can't open user config file|no argument after keyword/,
    reason: 'the ssh config file is unusable',
    remedy: () => 'Repair the ssh config file that is named above',
  },
  {
    seen: /too long for Unix domain socket|ControlPath too long/,
    reason: 'the path of the control socket is too long',
    remedy: () => 'Report this as a bug in plexlift: it keeps that path short',
  },
];

/** Names ssh's own failure (its exit code is 255 for all of them) from what it printed. */
export function explainSshFailure(printed: string, destination: string): SshFailure {
  const match = known.find(({ seen }) => seen.test(printed));
  if (match !== undefined) return { reason: match.reason, remedy: match.remedy(destination) };
  const lastLine = printed.trim().split('\n').at(-1) ?? '';
  return { reason: lastLine === '' ? 'ssh ended without a message' : `ssh said "${lastLine}"`, remedy: `Make "ssh ${destination}" work by hand, then run the same command again` };
}
