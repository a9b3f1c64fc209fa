import type { Random } from './random.ts';

const adjectives = words(`
  Amber Ancient Blind Brittle Broken Burning Careful Clever Crimson Crooked Distant Drowned Early Electric Emerald Empty Endless
  Faded Fearless Final Foreign Forgotten Frozen Gentle Gilded Golden Hidden Hollow Honest Humble Idle Invisible Iron Ivory
  Jealous Last Late Lonely Long Lost Lucky Midnight Modest Narrow Northern Paper Patient Perfect Quiet Reluctant Restless Scarlet
  Second Secret Shallow Silent Silver Sleeping Southern Stolen Strange Sudden Summer Tender Thirsty Unfinished Velvet Wandering
  Wooden Yellow
`);
const nouns = words(`
  Accident Almanac Anchor Archive Arrow Atlas Balcony Bargain Bell Bicycle Border Bridge Candle Carnival Cathedral Chorus Clock
  Coast Compass Conductor Corridor Cousin Daughter Debt Detective Diary Door Dream Engine Errand Ferry Fiddler Forest Fountain
  Garden Gardener Ghost Glacier Guest Harbour Heiress Horizon House Inspector Island Journey Key Kingdom Lantern Letter Library
  Lighthouse Machine Map Market Meadow Melody Mirror Mountain Neighbour Night Oath Ocean Orchard Orphan Palace Passenger
  Photograph Pilot Postcard Promise Quarry Railway Rain Recipe Rescue River Road Sailor Season Shadow Signal Sister Station Storm
  Stranger Summit Sunday Tailor Thief Tide Tower Traveller Valley Voyage Waltz Window Winter Witness
`);
const firstNames = words(`
  Ada Aino Björn Chloé Dario Edith Fatima Gustav Hana Ines Jonas Käthe Lars Mila Noor Olga Pablo Renée Søren Tomás Uma Vera Wanda
  Yuki Zoë
`);
const lastNames = words(`
  Almgren Berger Castillo Dvořák Eriksen Fontaine Göransson Hallström Ibsen Jansen Kowalski Lindqvist Moreau Nakamura Okafor
  Petrov Quist Rossi Sørensen Tanaka Ünal Vargas Winther Yılmaz Zhang
`);

/** Titles that trouble careless tools: percent signs, brackets, quotes, leading dots and dashes, other alphabets, both Unicode forms. */
export const awkwardTitles = [
  "100% Wolf & Friends",
  "L'Été [Director's Cut]",
  '외국 TV 이야기',
  'A\u0308rger im Anzug'.normalize('NFD'),
  'Plus + Minus = Zero',
  'Say "When"',
  'Rock_n_Roll_Summer',
  '9 Lives of a Clock',
  '10 Lives of a Clock',
  '-dash first',
  '百年の孤独',
  'Семь дней; восемь ночей',
  'Semi;colon, comma & ampersand',
  '50%20 Percent',
  'Two  Spaces',
  '🎬 The Picture Show',
] as const;

/** Hands out titles of one kind, never the same one twice. */
export interface Titles {
  next(): string;
}

/** Titles such as "The Quiet Harbour"; when all are used they are numbered. `first` are handed out before any other. */
export function createTitles(random: Random, first: readonly string[] = []): Titles {
  const used = new Map<string, number>();
  const waiting = [...first];
  return {
    next() {
      const title = waiting.shift() ?? madeUp(random);
      const times = (used.get(title) ?? 0) + 1;
      used.set(title, times);
      return times === 1 ? title : `${title} ${times}`;
    },
  };
}

/** A person's name. */
export function personName(random: Random): string {
  return `${random.pick(firstNames)} ${random.pick(lastNames)}`;
}

/** A sentence or two. */
export function summaryText(random: Random): string {
  const noun = (): string => random.pick(nouns).toLowerCase();
  return `${personName(random)} finds the ${random.pick(adjectives).toLowerCase()} ${noun()} and must choose between the ${noun()} and the ${noun()}.`;
}

function madeUp(random: Random): string {
  const article = random.pick(['The ', 'The ', 'A ', '']);
  const form = random.integer(0, 3);
  if (form === 0) return `${article}${random.pick(nouns)} of the ${random.pick(adjectives)} ${random.pick(nouns)}`;
  if (form === 1) return `${random.pick(adjectives)} ${random.pick(nouns)} and ${random.pick(adjectives)} ${random.pick(nouns)}`;
  return `${article === 'A ' ? 'The ' : article}${random.pick(adjectives)} ${random.pick(nouns)}`;
}

function words(list: string): readonly string[] {
  return list.trim().split(/\s+/);
}
