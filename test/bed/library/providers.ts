import { daysBefore } from './moments.ts';
import { extraData } from './plexText.ts';
import type { Item, Workshop } from './workshop.ts';

/** Fills the tables of what lies outside the server: tuners and recordings, other sources, agents, and a few rows that only one feature uses. */
export function addProviders(workshop: Workshop, films: readonly Item[]): void {
  const { rows, sections } = workshop;
  const random = workshop.random('providers');
  const [location] = sections.shows.locations;
  const times = { created_at: daysBefore(500), updated_at: daysBefore(5) };
  const device = rows.insert('media_provider_resources', {
    type: 3, status: 1, state: 1, identifier: 'tv.plex.grabbers.hdhomerun', protocol: 'livetv', uri: 'device://tv.plex.grabbers.hdhomerun/10599FFF',
    uuid: `device://tv.plex.grabbers.hdhomerun/${random.hex(8)}`,
    extra_data: extraData({ 'di:deviceAddress': 'http://192.0.2.40:80' }), last_seen_at: daysBefore(1), ...times,
  });
  rows.insert('media_provider_resources', {
    parent_id: device, type: 1, status: 1, state: 1, identifier: 'tv.plex.providers.epg.cloud', protocol: 'livetv', uri: '', uuid: random.uuid(),
    extra_data: '', data: random.bytes(40), ...times,
  });
  const subscription = rows.insert('media_subscriptions', {
    order: 1000, metadata_type: 2, target_library_section_id: sections.shows.id, target_section_location_id: location.id,
    extra_data: extraData({ 'pr:minVideoQuality': '0', 'pr:startOffsetMinutes': '2' }), ...times,
  });
  rows.insert('media_grabs', {
    uuid: random.uuid(), status: 3, error: 0, metadata_item_id: 987_654, media_subscription_id: subscription, extra_data: '', ...times,
  });
  rows.insert('metadata_subscription_desired_items', { sub_id: subscription, remote_id: random.hex(24) });
  rows.insert('remote_id_translation', { type: 1, local_id: films[0]?.id ?? 1, remote_id: random.hex(24) });
  const source = rows.insert('external_metadata_sources', {
    uri: `provider://tv.plex.provider.vod/${random.uuid()}`, source_title: 'Movies & Shows', user_title: '', online: 1,
  });
  rows.insert('external_metadata_items', {
    id: 1, external_metadata_source_id: source, library_section_id: 1, metadata_type: 1, guid: `plex://movie/${random.hex(24)}`, title: 'Somewhere Else',
    year: 1999, added_at: daysBefore(80), updated_at: daysBefore(80), extra_data: '',
  });
  const provider = rows.insert('metadata_agent_providers', {
    identifier: 'tv.plex.agents.movie', title: 'Plex Movie', uri: 'https://metadata.provider.example', agent_type: 1, metadata_types: '1', online: true, ...times, extra_data: '',
  });
  const group = rows.insert('metadata_agent_provider_groups', { title: 'Movies', primary_identifier: 'tv.plex.agents.movie', ...times, extra_data: '' });
  rows.insert('metadata_agent_provider_group_items', { metadata_agent_provider_group_id: group, metadata_agent_provider_id: provider, order: 1.5 });
  rows.insert('custom_channels', {
    name: 'Sunday', description: 'Late films', start_time: daysBefore(40), ordering: 0, visibility: 1, displayed_on: 1, content_rating: '',
  });
  const cluster = rows.insert('metadata_item_clusters', {
    zoom_level: 2, library_section_id: sections.photos.id, title: 'Summer', count: 2, starts_at: daysBefore(900), ends_at: daysBefore(880), extra_data: '',
  });
  for (const film of films.slice(0, 2)) rows.insert('metadata_item_clusterings', {
    metadata_item_id: film.id, metadata_item_cluster_id: cluster, index: 0, version: 1,
  });
}
