-- The virtual tables; the tokenizer "collating" and the module spellfix1 exist only in Plex.
-- Reference data about a third-party file format.
CREATE VIRTUAL TABLE 'locations' USING rtree('id' integer, 'lat_min' float, 'lat_max' float, 'lon_min' float, 'lon_max' float);
CREATE VIRTUAL TABLE spellfix_metadata_titles USING spellfix1;
CREATE VIRTUAL TABLE spellfix_tag_titles USING spellfix1;
CREATE VIRTUAL TABLE fts4_metadata_titles USING fts4(title, title_sort, original_title);
CREATE VIRTUAL TABLE fts4_tag_titles USING fts4(tag);
CREATE VIRTUAL TABLE fts4_metadata_titles_icu USING fts4(title, title_sort, original_title, tokenize=collating 'root@colStrength=primary;colAlternate=shifted');
CREATE VIRTUAL TABLE fts4_tag_titles_icu USING fts4(tag, tokenize=collating 'root@colStrength=primary;colAlternate=shifted');
