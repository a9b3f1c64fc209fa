import { sha1 } from './plexText.ts';
import { stoppedAt } from './moments.ts';
import type { Random } from './random.ts';
import type { LibrarySettings } from './options.ts';

/** Who the make-believe server is. */
export interface Identity {
  readonly machineIdentifier: string;
  /** What `/identity` shows: the sha1 of the machine identifier followed by `- Plex Media Server`. */
  readonly processedMachineIdentifier: string;
  readonly anonymousMachineIdentifier: string;
  readonly certificateUuid: string;
  /** The make-believe token of the owner. */
  readonly token: string;
}

/** Makes up an identity. */
export function makeIdentity(random: Random): Identity {
  const machineIdentifier = random.uuid();
  return {
    machineIdentifier,
    processedMachineIdentifier: sha1(`${machineIdentifier}- Plex Media Server`),
    anonymousMachineIdentifier: random.uuid(),
    certificateUuid: random.hex(32),
    token: `bed_-${random.hex(15)}`,
  };
}

/** The settings of the make-believe server by name. `autoEmptyTrash` is absent, which means on. */
export function preferenceValues(settings: LibrarySettings, { identity, preroll }: { identity: Identity; preroll: readonly string[] }): ReadonlyMap<string, string> {
  const values = new Map([
    ['OldestPreviousVersion', '1.18.6.2368-97add474d'],
    ['MachineIdentifier', identity.machineIdentifier],
    ['ProcessedMachineIdentifier', identity.processedMachineIdentifier],
    ['AnonymousMachineIdentifier', identity.anonymousMachineIdentifier],
    ['MetricsEpoch', '1'],
    ['GlobalMusicVideoPathMigrated', '1'],
    ['AcceptedEULA', '1'],
    ['PublishServerOnPlexOnlineKey', '1'],
    ['PlexOnlineToken', identity.token],
    ['PlexOnlineUsername', 'alex'],
    ['PlexOnlineMail', 'alex+plex@example.com'],
    ['PlexOnlineHome', '1'],
    ['CertificateUUID', identity.certificateUuid],
    ['CertificateVersion', '3'],
    ['LanguageInCloud', '1'],
    ['customConnections', 'https://plex.example.com:443/?a=1&b=2,http://192.0.2.21:32400'],
    ['allowedNetworks', '192.0.2.0/255.255.255.0'],
    ['PreferredNetworkInterface', 'ens18'],
    ['LastAutomaticMappedPort', '19846'],
    ['ManualPortMappingMode', '1'],
    ['ManualPortMappingPort', '32400'],
    ['TranscoderTempDirectory', '/var/tmp/plex transcode'],
    ['DownloadsTempDirectory', '/var/tmp/plex downloads'],
    ['CinemaTrailersPrerollID', preroll.join(';')],
    ['GlobalMusicVideoPath', `${settings.mediaPath}/Music Videos`],
    ['HardwareDevicePath', '/dev/dri/renderD128'],
    ['VaapiDriver', 'iHD'],
    ['customCertificatePath', ''],
    ['ScheduledLibraryUpdatesEnabled', '1'],
    ['ScheduledLibraryUpdateInterval', '7200'],
    ['FSEventLibraryUpdatesEnabled', '1'],
    ['FSEventLibraryPartialScanEnabled', '1'],
    ['ButlerStartHour', '3'],
    ['ButlerTaskCleanOldBundles', '1'],
    ['WebHooksNote', 'first line\nsecond "line" <tag> \'quoted\''],
    ['_10de1f14..0-TranscodeCountLimit', '3'],
    ['_10de1f14..0-NvencAvailable', '1'],
    ['TranscoderQuality', '2'],
    ['DlnaEnabled', '0'],
    ['LastUpdatedAt', String(stoppedAt)],
  ]);
  if (settings.friendlyName !== undefined) values.set('FriendlyName', settings.friendlyName);
  return values;
}

/** The text of Preferences.xml. */
export function preferencesXml(values: ReadonlyMap<string, string>): string {
  const attributes = [...values].map(([name, value]) => `${name}="${escaped(value)}"`).join(' ');
  return `<?xml version="1.0" encoding="utf-8"?>\n<Preferences ${attributes}/>\n`;
}

function escaped(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll('\n', '&#10;');
}
