import { describe, expect, it } from 'vitest';
import { parseMapping } from '../../src/plex/pathMapping.ts';
import { planPreferences, restorePlan } from '../../src/plex/preferencePlan.ts';
import { heldPreferences, hostBoundPreferences, identityPreferences, isSecretPreference, pathPreferences } from '../../src/plex/preferenceRules.ts';
import { editPreferences, readPreferences } from '../../src/plex/preferences.ts';

const mapping = parseMapping([{ from: '/mnt/nas-plex', to: '/media/library' }]);

function fileOf(settings: Readonly<Record<string, string>>): Buffer {
  const edits = Object.entries(settings).map(([name, value]) => ({ name, value }));
  return editPreferences(Buffer.from('<?xml version="1.0" encoding="utf-8"?>\n<Preferences/>'), edits);
}

function planned(settings: Readonly<Record<string, string>>, friendlyName: string | null = null): { readonly get: (name: string) => string | null; readonly report: string } {
  const bytes = fileOf(settings);
  const plan = planPreferences(bytes, { mapping, friendlyName });
  const after = readPreferences(editPreferences(bytes, plan.edits));
  return { get: (name) => after.get(name), report: JSON.stringify(plan.report) };
}

describe('planPreferences', () => {
  it('holds every setting that could cost items, and remembers which were absent', () => {
    const bytes = fileOf({ autoEmptyTrash: '1', ScheduledLibraryUpdatesEnabled: '1' });
    const plan = planPreferences(bytes, { mapping, friendlyName: null });
    const after = readPreferences(editPreferences(bytes, plan.edits));
    expect(heldPreferences.map(({ name }) => [name, after.get(name)])).toEqual(heldPreferences.map(({ name, value }) => [name, value]));
    expect(plan.held.filter(({ before }) => before !== null).map(({ name }) => name)).toEqual(['autoEmptyTrash', 'ScheduledLibraryUpdatesEnabled']);
  });

  it('maps every preroll and keeps what separates them', () => {
    const { get } = planned({ CinemaTrailersPrerollID: '/mnt/nas-plex/a b.mp4,/mnt/nas-plex/c.mp4;/srv/d.mp4, /mnt/nas-plex/e.mp4' });
    expect(get('CinemaTrailersPrerollID')).toBe('/media/library/a b.mp4,/media/library/c.mp4;/srv/d.mp4, /media/library/e.mp4');
  });

  it.each([
    ['/mnt/nas-plex/a, b.mp4,/mnt/nas-plex/c;d.mp4', '/media/library/a, b.mp4,/media/library/c;d.mp4'],
    ['/mnt/nas-plex/a\\, b.mp4;/mnt/nas-plex/c.mp4', '/media/library/a\\, b.mp4;/media/library/c.mp4'],
    [' /mnt/nas-plex/a.mp4 ; /mnt/nas-plex/b.mp4 ', ' /media/library/a.mp4 ; /media/library/b.mp4 '],
    ['/mnt/pre,rolls/a.mp4,/mnt/pre,rolls/b.mp4', '/media/pre;rolls/a.mp4,/media/pre;rolls/b.mp4'],
    ['/mnt/pre\\,rolls/a.mp4,/mnt/nas-plex/b.mp4', '/media/pre\\;rolls/a.mp4,/media/library/b.mp4'],
    ['/mnt/nas-plex-optimized/a.mp4,/mnt/nas-plex', '/mnt/nas-plex-optimized/a.mp4,/media/library'],
    ['12345;/mnt/nas-plex/a.mp4', '12345;/media/library/a.mp4'],
    [',;', ',;'],
    ['/mnt/nas-plex/a.mp4,C:\\b.mp4', '/media/library/a.mp4,C:\\b.mp4'],
  ])('maps the prerolls %j to %j', (before, after) => {
    const bytes = fileOf({ CinemaTrailersPrerollID: before });
    const both = parseMapping([{ from: '/mnt/nas-plex', to: '/media/library' }, { from: '/mnt/pre,rolls', to: '/media/pre;rolls' }]);
    expect(readPreferences(editPreferences(bytes, planPreferences(bytes, { mapping: both, friendlyName: null }).edits)).get('CinemaTrailersPrerollID')).toBe(after);
  });

  it('lists every setting of the old machine that is there, with what was done to it', () => {
    const settings = Object.fromEntries([...hostBoundPreferences, ...pathPreferences].map(({ name }) => [name, '/srv/of the old machine']));
    const bytes = fileOf({ ...settings, customCertificateKey: 'p4ss', customCertificateDomain: 'https://plex.example.com' });
    const plan = planPreferences(bytes, { mapping, friendlyName: null });
    const after = readPreferences(editPreferences(bytes, plan.edits));
    for (const name of [...Object.keys(settings), 'customCertificateKey', 'customCertificateDomain']) {
      const notes = plan.report.filter((note) => note.name === name);
      expect([name, notes.length]).toEqual([name, 1]);
      expect([name, notes[0]?.action]).toEqual([name, after.get(name) === null ? 'cleared' : 'left']);
      expect([name, notes[0]?.detail]).toEqual([name, expect.stringMatching(/taken out|left as it is/) as string]);
    }
    expect(JSON.stringify(plan.report)).not.toContain('p4ss');
    // Each that is empty is told, none that is absent.
    const empty = planPreferences(fileOf({ HardwareDevicePath: '' }), { mapping, friendlyName: null }).report.filter(({ action }) => action !== 'held');
    expect(empty).toEqual([{ name: 'HardwareDevicePath', action: 'left', detail: 'It is empty, so nothing of the old machine is in it' }]);
  });

  it('says of what is held until when, and why', () => {
    const plan = planPreferences(fileOf({ autoEmptyTrash: '1' }), { mapping, friendlyName: null });
    expect(plan.report.find(({ name }) => name === 'autoEmptyTrash')?.detail).toBe('0 for the first start, was "1"; put back when the move is verified. A scan while a mount is missing would delete its items');
  });

  it('says of paths that no mapping has that they have to exist on the target', () => {
    const { report } = planned({ GlobalMusicVideoPath: 'C:\\Clips', iTunesLibraryXmlPath: '/srv/a.xml', CinemaTrailersPrerollID: '/srv/a.mp4,/srv/b.mp4,/mnt/nas-plex/c.mp4' });
    expect(report.match(/no mapping has/g)).toHaveLength(3);
    expect(report).toContain('no mapping has 2 of its paths, so they have to exist on the target under the same name');
  });

  it('clears what belongs to the old machine, but maps it where a rule has it', () => {
    const { get } = planned({
      TranscoderTempDirectory: '/var/tmp/plex',
      HardwareDevicePath: '/dev/dri/renderD128',
      ButlerDatabaseBackupPath: '/mnt/nas-plex/backups',
      DownloadsTempDirectory: '/var/tmp',
      customCertificatePath: '/etc/ssl/plex.p12',
      customCertificateKey: 'p4ss',
      customCertificateDomain: 'https://plex.example.com',
    });
    expect(get('TranscoderTempDirectory')).toBe(null);
    expect(get('HardwareDevicePath')).toBe(null);
    expect(get('DownloadsTempDirectory')).toBe(null);
    expect(get('ButlerDatabaseBackupPath')).toBe('/media/library/backups');
    expect([get('customCertificatePath'), get('customCertificateKey'), get('customCertificateDomain')]).toEqual([null, null, null]);
  });

  it("sets the server's name only where it was implied", () => {
    expect(planned({}, 'vm').get('FriendlyName')).toBe('vm');
    expect(planned({ FriendlyName: '' }, 'vm').get('FriendlyName')).toBe('vm');
    expect(planned({ FriendlyName: 'Home' }, 'vm').get('FriendlyName')).toBe('Home');
    expect(planned({}, null).get('FriendlyName')).toBe(null);
  });

  it('never touches the identity, and never tells a secret', () => {
    const settings = Object.fromEntries([...identityPreferences, 'customCertificateKey', 'SomeNewToken', 'customCertificatePath'].map((name) => [name, `/mnt/nas-plex/secret-of-${name}`]));
    const { get, report } = planned({ ...settings, MachineIdentifier: 'abc' });
    for (const name of identityPreferences) expect([name, get(name)]).toEqual([name, name === 'MachineIdentifier' ? 'abc' : settings[name]]);
    for (const name of Object.keys(settings).filter(isSecretPreference)) expect(report).not.toContain(`secret-of-${name}`);
    const secrets = ['PlexOnlineToken', 'PlexOnlineMail', 'PlexOnlineUsername', 'CertificateUUID', 'customCertificateKey'];
    expect(secrets.filter((name) => !isSecretPreference(name))).toEqual([]);
  });

  it('tells addresses without the password or token in them', () => {
    const { report } = planned({ customConnections: 'https://me:p4ss@plex.example.com/?X-Plex-Token=t0ken&a=1' });
    expect(report).toContain('plex.example.com/?X-Plex-Token=…&a=1');
    expect(report).not.toMatch(/p4ss|t0ken/);
  });

  it('tells of a setting it does not know that looks like a path, and of none that does not', () => {
    const settings = { A: '/home/alex/cut.sh', B: 'run /home/alex/cut.sh', C: 'C:\\x\\y', D: 'file:///srv/x', E: '/library/metadata/1', F: 'https://example.com/a/b', G: '2020/01/02', SomeToken: '/home/alex/s3cret' };
    const { get, report } = planned(settings);
    for (const [name, value] of Object.entries(settings)) expect(get(name)).toBe(value);
    expect(['A', 'B', 'C', 'D', 'E', 'F', 'G', 'SomeToken'].filter((name) => report.includes(`"name":"${name}"`))).toEqual(['A', 'B', 'C', 'D', 'SomeToken']);
    expect(report).not.toContain('s3cret');
  });

  it('tells of a setting it does not know that holds a mapped directory', () => {
    const { get, report } = planned({ PostProcessing: '/mnt/nas-plex/scripts/cut.sh' });
    expect(get('PostProcessing')).toBe('/mnt/nas-plex/scripts/cut.sh');
    expect(report).toContain('PostProcessing');
  });
});

describe('restorePlan', () => {
  const before = fileOf({ MachineIdentifier: 'abc', autoEmptyTrash: '1', FSEventLibraryUpdatesEnabled: '1' });
  const plan = planPreferences(before, { mapping, friendlyName: null });
  const started = editPreferences(before, plan.edits);

  it('brings back what was, and removes what was absent', () => {
    const restored = readPreferences(editPreferences(started, restorePlan(started, plan.held).edits));
    expect(heldPreferences.map(({ name }) => [name, restored.get(name)])).toEqual(heldPreferences.map(({ name }) => [name, readPreferences(before).get(name)]));
  });

  it('keeps holding what it is told to, and what a person changed since', () => {
    const changed = editPreferences(started, [{ name: 'BackgroundQueueIdlePaused', value: '2' }]);
    const restored = readPreferences(editPreferences(changed, restorePlan(changed, plan.held, { except: ['autoEmptyTrash'] }).edits));
    expect(restored.get('autoEmptyTrash')).toBe('0');
    expect(restored.get('BackgroundQueueIdlePaused')).toBe('2');
  });

  it('restores a setting that Plex dropped from the file because the held value is its default', () => {
    const dropped = editPreferences(started, [{ name: 'FSEventLibraryUpdatesEnabled', value: null }]);
    expect(restorePlan(dropped, plan.held).edits).toContainEqual({ name: 'FSEventLibraryUpdatesEnabled', value: '1' });
  });
});
