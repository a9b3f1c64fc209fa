import { expect, test } from 'vitest';
import { parseUnit, unitFromFiles, variableIn, wordsOf } from '../../src/sources/systemdUnit.ts';

const printed = `LoadState=loaded
User=media
Group=
Environment="PLEX_MEDIA_SERVER_APPLICATION_SUPPORT_DIR=/srv/plex data/Library/Application Support" PLEX_MEDIA_SERVER_HOME=/usr/lib/plexmediaserver "QUOTED=a\\"b"
EnvironmentFiles=/etc/default/plexmediaserver (ignore_errors=yes)
EnvironmentFiles=/etc/plex.env (ignore_errors=no)
FragmentPath=/lib/systemd/system/plexmediaserver.service
DropInPaths=/etc/systemd/system/plexmediaserver.service.d/a.conf /etc/systemd/system/plexmediaserver.service.d/b.conf
ActiveState=active
UnitFileState=enabled
MainPID=812
`;

test('reads a unit with drop-ins, environment files and quoted words', () => {
  const unit = parseUnit(printed);
  expect(unit).toMatchObject({ loadState: 'loaded', user: 'media', group: 'media', activeState: 'active', enabledState: 'enabled', mainProcessId: 812 });
  expect(unit.environment.get('PLEX_MEDIA_SERVER_APPLICATION_SUPPORT_DIR')).toBe('/srv/plex data/Library/Application Support');
  expect(unit.environment.get('PLEX_MEDIA_SERVER_HOME')).toBe('/usr/lib/plexmediaserver');
  expect(unit.environment.get('QUOTED')).toBe('a"b');
  expect(unit.environmentFiles).toEqual(['/etc/default/plexmediaserver', '/etc/plex.env']);
  expect(unit.dropInPaths).toEqual(['/etc/systemd/system/plexmediaserver.service.d/a.conf', '/etc/systemd/system/plexmediaserver.service.d/b.conf']);
});

test.each([
  ['', []],
  ['A=1', ['A=1']],
  [`$'A=x y\\'z\\303\\251' B=2`, ["A=x y'zé", 'B=2']],
  [`$'A=\\x41\\n'`, ['A=A\n']],
  ['"A=x y" "B=\\\\"', ['A=x y', 'B=\\']],
  ['A=x\\ y B', ['A=x y', 'B']],
])('splits %j into words', (list, words) => {
  expect(wordsOf(list)).toEqual(words);
});

test('reads a masked unit from its files, where a later file counts and an empty value begins anew', () => {
  const masked = parseUnit('LoadState=masked\nUnitFileState=masked\nFragmentPath=/dev/null');
  const unit = unitFromFiles(
    masked,
    '[Service]\nEnvironment="A=x y"\nEnvironment=B=100%%\nUser=plex\nGroup=plex\nEnvironmentFile=-/etc/default/plexmediaserver\n[Service]\nUser=media\nEnvironment=\nEnvironment="A=other place"\n',
  );
  expect(unit).toMatchObject({ loadState: 'masked', user: 'media', group: 'plex', environmentFiles: ['/etc/default/plexmediaserver'] });
  expect([...unit.environment]).toEqual([['A', 'other place']]);
});

test.each([
  ['export A="/x y"', '/x y'],
  ["A='/x y' # why", '/x y'],
  ['A=/x', '/x'],
  ['A=/x\\ y', '/x y'],
  ['A=1\n  export A=2', '2'],
  ['#A=1', null],
  ['BA=1', null],
])('finds a variable in %j', (text, value) => {
  expect(variableIn(text, 'A')).toBe(value);
});
