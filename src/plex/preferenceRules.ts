/** Settings that make the server this server: they must be the same to the last bit after the move. */
export const identityPreferences: readonly string[] = [
  'MachineIdentifier',
  'ProcessedMachineIdentifier',
  'AnonymousMachineIdentifier',
  'CertificateUUID',
  'CertificateVersion',
  'PlexOnlineToken',
  'PlexOnlineUsername',
  'PlexOnlineMail',
  'PlexOnlineHome',
  'OldestPreviousVersion',
  'AcceptedEULA',
  'PublishServerOnPlexOnlineKey',
];

/** Settings held for the first start, so that a mount that is missing then cannot cost a single item. */
export const heldPreferences: readonly { readonly name: string; readonly value: string; readonly why: string }[] = [
  { name: 'autoEmptyTrash', value: '0', why: 'A scan while a mount is missing would delete its items' },
  { name: 'FSEventLibraryUpdatesEnabled', value: '0', why: 'No scan before the media are seen to be there' },
  { name: 'FSEventLibraryPartialScanEnabled', value: '0', why: 'No scan before the media are seen to be there' },
  { name: 'ScheduledLibraryUpdatesEnabled', value: '0', why: 'No scan before the media are seen to be there' },
  { name: 'ButlerTaskRefreshLibraries', value: '0', why: 'No scan before the media are seen to be there' },
  { name: 'ButlerTaskCleanOldBundles', value: '0', why: 'Deletes artwork that no item names' },
  { name: 'BackgroundQueueIdlePaused', value: '1', why: 'Optimized versions whose media are missing would end in an error' },
  { name: 'allowMediaDeletion', value: '0', why: 'Nothing may delete media until the move is verified' },
];

/** A setting that belongs to the machine it was made on. */
export interface HostBoundRule {
  readonly name: string;
  readonly action: 'clear' | 'report';
  readonly why: string;
}

/** Settings bound to the old machine: removed, so that the default applies, or only told. */
export const hostBoundPreferences: readonly HostBoundRule[] = [
  { name: 'TranscoderTempDirectory', action: 'clear', why: 'A directory of the old machine; playback fails where it does not exist' },
  { name: 'HardwareDevicePath', action: 'clear', why: 'The graphics device of the old machine' },
  { name: 'VaapiDriver', action: 'clear', why: 'The graphics driver of the old machine' },
  { name: 'PreferredNetworkInterface', action: 'clear', why: 'A network interface of the old machine' },
  { name: 'LastAutomaticMappedPort', action: 'clear', why: 'A port that the old machine asked its router for' },
  { name: 'customConnections', action: 'report', why: 'Addresses that the server publishes; those of the old machine become stale' },
  { name: 'allowedNetworks', action: 'report', why: 'Networks without login; behind a Service the peer is a node, not the player' },
  { name: 'LanNetworksBandwidth', action: 'report', why: 'Networks that count as local; behind a Service the peer may be a node' },
  { name: 'ManualPortMappingPort', action: 'report', why: 'The port outside, as the router forwards it to the old machine' },
];

/** A setting that holds a path, or several. */
export interface PathPreferenceRule {
  readonly name: string;
  /** How several paths are told apart; absent where there is only one. */
  readonly separators?: RegExp;
  /** What happens to a path that no rule of the mapping covers. */
  readonly unmapped: 'clear' | 'keep';
  /** Settings that make no sense without this one, cleared together with it. */
  readonly together?: readonly string[];
  readonly why: string;
}

/** Settings whose value is mapped like a path of the library. */
export const pathPreferences: readonly PathPreferenceRule[] = [
  // "," plays all, ";" picks one: both part absolute paths, so one inside a name parts nothing.
  { name: 'CinemaTrailersPrerollID', separators: /((?<!\\)[,;](?=\s*(?:\/|[A-Za-z]:[\\/]|\\\\)))/, unmapped: 'keep', why: 'Videos played before a film' },
  { name: 'GlobalMusicVideoPath', unmapped: 'keep', why: 'The directory of music videos' },
  { name: 'iTunesLibraryXmlPath', unmapped: 'keep', why: 'An iTunes library' },
  { name: 'DownloadsTempDirectory', unmapped: 'clear', why: 'A directory of the old machine' },
  { name: 'ButlerDatabaseBackupPath', unmapped: 'clear', why: 'Where dated backups of the database go' },
  { name: 'LocalAppDataPath', unmapped: 'clear', why: 'Where the old machine kept the data directory' },
  {
    name: 'customCertificatePath',
    unmapped: 'clear',
    together: ['customCertificateKey', 'customCertificateDomain'],
    why: 'A certificate file of the old machine',
  },
];

const secretWords = /token|passw|secret|mail|username|certificate(?!Path|Version)|PlexOnlineHome/i;

/** True for a setting whose value never appears in output: tokens, passwords, certificates, who the owner is. */
export function isSecretPreference(name: string): boolean {
  return secretWords.test(name);
}
