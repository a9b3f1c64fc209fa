import { daysBefore, stoppedAt } from './moments.ts';
import { extraData } from './plexText.ts';
import { addProviders } from './providers.ts';
import { addSchemaMigrations } from './schemaMigrations.ts';
import { thirdPartyAgent } from './sections.ts';
import type { Rows } from './rows.ts';
import type { PathMention } from './facts.ts';
import type { User } from './users.ts';
import type { Item, Workshop } from './workshop.ts';

/** Fills the tables that hold neither media nor what people did with them. */
export function addBookkeeping(workshop: Workshop, { users, films }: { users: readonly [User, ...User[]]; films: readonly Item[] }): void {
  addSchemaMigrations(workshop.rows, workshop.settings.version);
  addStatistics(workshop, users);
  addHomeScreen(workshop, users);
  addQueues(workshop, { users, films });
  addProviders(workshop, films);
  addPlugins(workshop);
  addOddities(workshop, { users, films });
}

/** Lifts every AUTOINCREMENT mark above its table's rows, as years of deleted rows leave it. Call when all rows are in. */
export function liftHighWaterMarks(rows: Rows): void {
  rows.run('UPDATE sqlite_sequence SET seq = seq * 3 + 1000 + length(name)');
}

function addStatistics(workshop: Workshop, users: readonly User[]): void {
  const { rows } = workshop;
  const random = workshop.random('statistics');
  for (const user of users) {
    for (let day = 0; day < 14; day += 1) {
      rows.insert('statistics_media', {
        account_id: user.id, device_id: user.deviceId, timespan: 4, at: daysBefore(day), metadata_type: 1, count: random.integer(1, 5),
        duration: random.integer(600, 9000),
      });
      rows.insert('statistics_bandwidth', {
        account_id: user.id, device_id: user.deviceId, timespan: 4, at: daysBefore(day), lan: random.chance(0.5), bytes: random.integer(1, 4_000_000_000),
      });
    }
  }
  for (let hour = 0; hour < 24; hour += 1) {
    rows.insert('statistics_resources', {
      timespan: 6, at: stoppedAt - hour * 3600, host_cpu_utilization: random.integer(1, 1000) / 10, process_cpu_utilization: random.integer(1, 500) / 10,
      host_memory_utilization: 41.5, process_memory_utilization: 3.25,
    });
  }
}

function addHomeScreen(workshop: Workshop, users: readonly User[]): void {
  const { rows, sections } = workshop;
  for (const [index, section] of Object.values(sections).entries()) {
    rows.insert('hub_templates', {
      section: String(section.id), identifier: `home.${section.kind}.recent`, title: `Recently Added in ${section.name}`, home_visibility: index % 3,
      recommended_visibility: 1, order: 1000 * (index + 1), extra_data: '',
    });
    rows.insert('library_section_permissions', { library_section_id: section.id, account_id: users[1]?.id ?? 1, permission: 1 });
    rows.insert('view_settings', {
      account_id: 1, client_type: 'default', view_group: section.kind, view_id: 131_131, sort_id: 1, sort_asc: true, created_at: daysBefore(90),
      updated_at: daysBefore(9),
    });
  }
  rows.insert('preferences', { name: 'lastBackgroundMaintenance', value: String(daysBefore(1)) });
  for (let id = 1; id <= 6; id += 1) {
    rows.insert('activities', {
      id, parent_id: id > 1 ? 1 : null, type: 'library.update.section', title: 'Scanning', subtitle: `Movies ${id}`, scheduled_at: daysBefore(1),
      started_at: daysBefore(1), finished_at: daysBefore(1) + 60, cancelled: false,
    });
  }
}

function addQueues(workshop: Workshop, { users, films }: { users: readonly [User, ...User[]]; films: readonly Item[] }): void {
  const { rows } = workshop;
  const random = workshop.random('queues');
  for (const user of users) {
    const queue = rows.insert('play_queues', {
      client_identifier: random.uuid(), account_id: user.id, seed: random.integer(1, 2_000_000_000), version: 4, created_at: daysBefore(3),
      updated_at: daysBefore(2), metadata_type: 1, total_items_count: 5,
      generator_ids: random.bytes(12), extra_data: '',
    });
    for (let order = 1; order <= 5; order += 1) rows.insert('play_queue_items', {
      play_queue_id: queue, metadata_item_id: random.pick(films).id, order: order * 1000, up_next: false,
    });
  }
  const [owner] = users;
  const download = rows.insert('download_queues', { owner: owner.id, client_identifier: random.uuid(), extra_data: '' });
  rows.insert('download_queue_items', {
    queue_id: download, key: `/library/metadata/${random.pick(films).id}`, order: 1, status: 2, decision_params: 'directPlay=0&videoQuality=60',
    extra_data: '',
  });
}

function addPlugins(workshop: Workshop): void {
  for (const identifier of ['com.plexapp.system', 'com.plexapp.agents.localmedia', thirdPartyAgent]) {
    const id = workshop.rows.insert('plugins', {
      identifier, framework_version: 2, access_count: 12, installed_at: daysBefore(2000), accessed_at: daysBefore(2), modified_at: daysBefore(2000),
    });
    workshop.rows.insert('plugin_prefixes', {
      plugin_id: id, name: identifier, prefix: `/${identifier}`, art_url: '', thumb_url: '', titlebar_url: '', share: false, has_store_services: false,
      prefs: true,
    });
  }
}

// Values that a careless reader changes: text that is no UTF-8, a control character, an integer beyond 2^53, ids that lead nowhere.
function addOddities(workshop: Workshop, { users, films }: { users: readonly [User, ...User[]]; films: readonly Item[] }): void {
  const { rows } = workshop;
  const [owner] = users;
  const [first, second] = films;
  if (first === undefined || second === undefined) throw new Error('Cannot add oddities: the library holds fewer than two films');
  rows.run('UPDATE metadata_items SET tagline = CAST(? AS TEXT) WHERE id = ?', Buffer.from('Un \xe9t\xe9 br\xfblant', 'latin1'), first.id);
  rows.run('UPDATE metadata_items SET extra_data = ? WHERE id = ?', '{"ma:title":"Side\u0016B","url":"ma%3Atitle=Side%16B"}', second.id);
  const summary = `A line\nand another\r\n\twith a tab, a \u0001 and ${workshop.settings.mediaPath}iglass, which is no library.`;
  rows.run('UPDATE metadata_items SET summary = ? WHERE id = ?', summary, second.id);
  rows.insert('statistics_bandwidth', {
    account_id: owner.id, device_id: owner.deviceId, timespan: 1, at: daysBefore(30), lan: true, bytes: 9_007_199_254_740_993n,
  });
  rows.insert('taggings', { metadata_item_id: 9_999_999, tag_id: 8_888_888, index: 0, text: '', created_at: daysBefore(1000) });
  rows.insert('media_streams', {
    stream_type_id: 3, media_item_id: 7_777_777, media_part_id: 7_777_777, url: '', codec: 'srt', created_at: daysBefore(1000), updated_at: daysBefore(1000),
  });
  rows.insert('media_part_settings', {
    account_id: owner.id, media_part_id: 7_777_777, selected_audio_stream_id: 6_666_666, created_at: daysBefore(1000), updated_at: daysBefore(1000),
  });
}

/** Puts a library's root into cells where no server looks for a path, and returns which. */
export function addPathMentions(workshop: Workshop, film: Item): readonly PathMention[] {
  const { rows, settings, tags } = workshop;
  const root = `${settings.mediaPath}/Movies`;
  const label = tags.id('label', 'from the old disk');
  rows.run('UPDATE metadata_items SET summary = ? WHERE id = ?', `Copied from the old disk to ${root} in 2019.`, film.id);
  rows.run('UPDATE tags SET extra_data = ? WHERE id = ?', extraData({ 'at:note': root }), label);
  return [
    { table: 'metadata_items', column: 'summary', rowid: film.id, encoded: false },
    { table: 'tags', column: 'extra_data', rowid: label, encoded: true },
  ];
}
