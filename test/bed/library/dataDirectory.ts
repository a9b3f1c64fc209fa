import { daysBefore } from './moments.ts';
import { picture } from './picture.ts';
import { preferencesXml } from './preferences.ts';
import { sha1 } from './plexText.ts';
import { thirdPartyAgent } from './sections.ts';
import type { FileTree } from './fileTree.ts';
import type { LibrarySettings } from './options.ts';
import type { Random } from './random.ts';

/** What fills the rest of a data directory: everything but the databases and the bundles. */
export interface DataDirectoryDraft {
  readonly settings: LibrarySettings;
  readonly random: Random;
  readonly preferences: ReadonlyMap<string, string>;
}

/** Writes Preferences.xml and all that a server of some years has beside its databases and bundles. */
export function fillDataDirectory(data: FileTree, { settings, random, preferences }: DataDirectoryDraft): void {
  data.write('Preferences.xml', preferencesXml(preferences), { mode: 0o600 });
  addPlugIn(data);
  addPlugInSupport(data, settings);
  addUserFiles(data, settings);
  addRebuiltFiles(data, random);
  addProcessFiles(data, random);
}

function addPlugIn(data: FileTree): void {
  const bundle = 'Plug-ins/Example.bundle/Contents';
  data.write(
    `${bundle}/Info.plist`,
    `<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0"><dict>
  <key>CFBundleIdentifier</key><string>${thirdPartyAgent}</string>
  <key>PlexPluginClass</key><string>Agent</string>
</dict></plist>
`,
  );
  data.write(`${bundle}/Code/__init__.py`, 'class ExampleAgent(Agent.Movies):\n    name = "Example"\n');
  data.write(`${bundle}/DefaultPrefs.json`, '[{"id": "folder", "type": "text", "default": ""}]\n');
  data.write(`${bundle}/Resources/icon-default.png`, picture(Buffer.from('example'), { width: 8, height: 8 }));
}

function addPlugInSupport(data: FileTree, settings: LibrarySettings): void {
  const support = 'Plug-in Support';
  data.write(
    `${support}/Preferences/${thirdPartyAgent}.xml`,
    `<?xml version='1.0' encoding='utf-8'?>\n<PluginPreferences>\n  <folder>${settings.mediaPath}/Dokumentärfilme</folder>\n</PluginPreferences>\n`,
  );
  data.write(`${support}/Preferences/com.plexapp.agents.localmedia.xml`, "<?xml version='1.0' encoding='utf-8'?>\n<PluginPreferences/>\n");
  data.write(`${support}/Data/${thirdPartyAgent}/Dict`, 'sample');
  data.write(`${support}/Data/${thirdPartyAgent}/DataItems/name with a\nnewline`, 'one');
  data.write(`${support}/Data/${thirdPartyAgent}/DataItems/"quoted" and 'single' + plus & ünïcode 外国`, 'two');
  data.write(`${support}/Data/${thirdPartyAgent}/DataItems/ leading and trailing `, 'three');
  data.write(`${support}/Data/${thirdPartyAgent}/DataItems/-rf`, 'four');
  data.write(`${support}/Data/${thirdPartyAgent}/DataItems/back\\slash * ? [x] $HOME \`id\``, 'five');
  data.write(`${support}/Data/${thirdPartyAgent}/DataItems/e\u0301 decomposed`, 'six');
  data.write(`${support}/Data/${thirdPartyAgent}/${'long-'.repeat(48)}name`, 'seven');
  data.write(`${support}/Data/${thirdPartyAgent}/empty file`, '');
  data.directory(`${support}/Data/${thirdPartyAgent}/empty directory`);
  data.link(`${support}/Data/${thirdPartyAgent}/dangling link`, 'nowhere/at all');
  data.link(`${support}/Data/${thirdPartyAgent}/absolute link`, `${settings.mediaPath}/Movies`);
  data.write(`${support}/Metadata Combination/${thirdPartyAgent}.xml`, '<combination/>\n');
  data.write(`${support}/Caches/${thirdPartyAgent}/HTTP.system/CacheInfo`, 'cached');
}

function addUserFiles(data: FileTree, settings: LibrarySettings): void {
  data.write('Scanners/Movies/Example Scanner.py', 'def Scan(path, files, mediaList, subdirs):\n    pass\n');
  data.write('Profiles/My TV (4K).xml', '<?xml version="1.0" encoding="utf-8"?>\n<Client name="My TV (4K)"/>\n');
  data.write('Scripts/after recording.sh', `#!/bin/sh\nexec cp "$1" '${settings.mediaPath}/TV Shows/'\n`, { mode: 0o755 });
}

function addRebuiltFiles(data: FileTree, random: Random): void {
  for (let number = 0; number < 12; number += 1) {
    const name = sha1(`transcoded photo ${number}`);
    data.write(`Cache/PhotoTranscoder/${name.slice(0, 2)}/${name}.jpg`, random.bytes(700));
  }
  data.write('Cache/Transcode/Sync+/leftover.part', random.bytes(900));
  data.write('Cache/cert-v2.p12', random.bytes(1200), { mode: 0o600 });
  data.write('Codecs/9bf9a14-4f2ae5b0c9b9d4c5d8d5d9fb-linux-x86_64/libh264_decoder.so', random.bytes(1500), { mode: 0o755 });
  data.write('Drivers/imd-20-linux-x86_64/lib/dri/iHD_drv_video.so', random.bytes(1500), { mode: 0o755 });
  data.write('Logs/Plex Media Server.log', 'Nov 22, 2026 03:59:58.123 [1] INFO - Plex Media Server is shutting down\n');
  data.write('Logs/Plex Media Server.1.log', 'Nov 21, 2026 03:59:58.123 [1] INFO - older\n', { modifiedAt: daysBefore(1) });
  data.directory('Crash Reports/1.43.0.10492-121068a07/PLEX MEDIA SERVER');
  data.directory('Updates');
  data.write('Diagnostics/last.txt', 'nothing to report\n');
}

function addProcessFiles(data: FileTree, random: Random): void {
  data.write('plexmediaserver.pid', '1234');
  data.write('.LocalAdminToken', `local-${random.hex(20)}`, { mode: 0o600 });
  data.write('Setup Plex.html', '<html><head><meta http-equiv="refresh" content="0; url=http://127.0.0.1:32400/web"></head></html>\n');
}
