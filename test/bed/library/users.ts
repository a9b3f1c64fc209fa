import { daysBefore } from './moments.ts';
import type { Random } from './random.ts';
import type { Rows } from './rows.ts';

/** An account on the server; the first one owns it. */
export interface User {
  readonly id: number;
  readonly name: string;
  /** The row of `devices` they watch on. */
  readonly deviceId: number;
}

/** Adds the owner, three more people and the blank account 0, with a device for each. */
export function addUsers(rows: Rows, random: Random): readonly [User, ...User[]] {
  const insert = (id: number, name: string): void => {
    rows.insert('accounts', {
      id, name, created_at: daysBefore(3000), updated_at: daysBefore(20), default_audio_language: 'en', default_subtitle_language: 'en',
    });
  };
  insert(0, '');
  const add = (id: number, name: string): User => {
    insert(id, name);
    const deviceId = rows.insert('devices', {
      identifier: random.uuid(), name: `${name.split(' ')[0] ?? name}'s TV`, created_at: daysBefore(900), updated_at: daysBefore(2),
      platform: random.pick(['Android', 'iOS', 'Chrome', 'webOS']),
    });
    rows.insert('preferences', { name: `viewStateSyncLastStateSent-${id}`, value: String(daysBefore(random.integer(1, 20))) });
    return { id, name, deviceId };
  };
  // All but the owner carry their plex.tv account number.
  return [
    add(1, 'Alex'),
    add(random.integer(1_000_000, 4_000_000), 'Zoë & Sam'),
    add(random.integer(5_000_000, 8_000_000), 'Großmutter'),
    add(random.integer(10_000_000, 90_000_000), "Kid's account"),
  ];
}
