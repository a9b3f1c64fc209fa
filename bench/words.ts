import type { DatabaseSync } from 'node:sqlite';

const adjectives = words(`
  Amber Ancient Blind Brittle Broken Burning Careful Clever Crimson Crooked Distant Drowned Early Electric Emerald Empty Endless
  Faded Fearless Final Foreign Forgotten Frozen Gentle Gilded Golden Hidden Hollow Honest Humble Idle Invisible Iron Ivory
  Jealous Last Late Lonely Long Lost Lucky Midnight Modest Narrow Northern Paper Patient Perfect Quiet Reluctant Restless Süße
`);
const nouns = words(`
  Accident Almanac Anchor Archive Arrow Atlas Balcony Bargain Bell Bicycle Border Bridge Candle Carnival Cathedral Chorus Clock
  Coast Compass Conductor Corridor Cousin Daughter Debt Detective Diary Door Dream Engine Errand Ferry Fiddler Forest Fountain
  Garden Gardener Ghost Glacier Guest Harbour Heiress Horizon House Inspector Island Journey Key Kingdom Lantern Été 외국 Семь
  100% Rock_n_Roll L'Heure [Cut] & 🎬
`);

/** How many different phrases there are. */
export const phraseCount = 4_096;

/** Puts phrases of two to three words into the temporary table `phrase(id, text)`, and prose of 64 KB of ASCII into `prose(bytes)`. */
export function putWords(database: DatabaseSync): void {
  database.exec('CREATE TEMP TABLE phrase (id INTEGER PRIMARY KEY, text TEXT); CREATE TEMP TABLE prose (bytes BLOB)');
  const insert = database.prepare('INSERT INTO phrase VALUES (?, ?)');
  const plain: string[] = [];
  for (let id = 0; id < phraseCount; id += 1) {
    const [adjective, noun] = [adjectives[id % adjectives.length] ?? '', nouns[Math.floor(id / adjectives.length) % nouns.length] ?? ''];
    const phrase = id % 3 === 0 ? `The ${adjective} ${noun}` : `${adjective} ${noun}${id % 5 === 0 ? ' Returns' : ''}`;
    insert.run(id, phrase);
    plain.push(`${phrase.replaceAll(/[^ -~]/g, '')} has to choose between the others${id % 4 === 0 ? '. ' : ', '}`);
  }
  // Bytes, because "substr" of text counts its characters from the start every time.
  database.prepare('INSERT INTO prose VALUES (?)').run(Buffer.from(plain.join('').slice(0, 65_536), 'ascii'));
}

function words(list: string): readonly string[] {
  return list.trim().split(/\s+/);
}
