-- What the spellfix1 module of about 2019 and 2020 makes for its two virtual tables.
-- Reference data about a third-party file format.
CREATE TABLE "spellfix_metadata_titles_vocab"(id INTEGER PRIMARY KEY, rank INT, langid INT, word TEXT, k1 TEXT, k2 TEXT);
CREATE TABLE "spellfix_tag_titles_vocab"(id INTEGER PRIMARY KEY, rank INT, langid INT, word TEXT, k1 TEXT, k2 TEXT);
CREATE INDEX "spellfix_metadata_titles_vocab_index_langid_k2" ON "spellfix_metadata_titles_vocab"(langid,k2);
CREATE INDEX "spellfix_tag_titles_vocab_index_langid_k2" ON "spellfix_tag_titles_vocab"(langid,k2);
