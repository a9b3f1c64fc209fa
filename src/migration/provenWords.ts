/** What the examination with stock SQLite proves of the databases in which it finds nothing. */
export const provenHere =
  'SQLite on this computer read them whole and found no damage: every page has one use, every row can be read, every index holds the entries of its rows and no others, and no write-ahead log has a commit that cannot be read';

/** What no examination of a database proves, and what is done instead. */
export const provenByNobody =
  'No examination can prove that a text or a number is still what Plex wrote: SQLite keeps no checksum of what a row says, and one wrong letter in a sound file is seen by nobody. What was copied is compared with its SHA-256 from the source on, and what was rewritten with a prediction, cell by cell; both begin with what the source had';
