/** A program that gate.sh uses. */
export interface GateTool {
  readonly name: string;
  /** What its `--version` must say: busybox's and BSD's namesakes lack options that the script needs. */
  readonly says: RegExp;
  /** The oldest version that will do. */
  readonly oldest?: readonly [major: number, minor: number];
  /** True where it is asked for in a pod only. */
  readonly onlyInPod?: true;
}

/** What the script of the gate needs. GNU tar takes names verbatim from a list since 1.29. */
export const gateTools: readonly GateTool[] = [
  { name: 'tar', says: /GNU tar/, oldest: [1, 29] },
  { name: 'find', says: /GNU findutils/ },
  { name: 'xargs', says: /GNU findutils/ },
  { name: 'sed', says: /GNU sed/ },
  { name: 'grep', says: /GNU grep/ },
  { name: 'head', says: /GNU coreutils/ },
  { name: 'stat', says: /GNU coreutils/ },
  { name: 'sort', says: /GNU coreutils/, onlyInPod: true },
  { name: 'flock', says: /util-linux/ },
  { name: 'setpriv', says: /util-linux/, onlyInPod: true },
  { name: 'curl', says: /curl/, onlyInPod: true },
];
