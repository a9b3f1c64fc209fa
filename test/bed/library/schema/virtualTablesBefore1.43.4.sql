-- The virtual tables as servers before 1.43.4 write them: the full-text tables have no content of their own.
-- Reference data about a third-party file format.
CREATE VIRTUAL TABLE 'locations' USING rtree('id' integer, 'lat_min' float, 'lat_max' float, 'lon_min' float, 'lon_max' float);
CREATE VIRTUAL TABLE spellfix_metadata_titles USING spellfix1;
CREATE VIRTUAL TABLE spellfix_tag_titles USING spellfix1;
CREATE VIRTUAL TABLE fts4_metadata_titles USING fts4(content='metadata_items', title, title_sort, original_title);
CREATE VIRTUAL TABLE fts4_tag_titles USING fts4(content='tags', tag);
CREATE VIRTUAL TABLE fts4_metadata_titles_icu USING fts4(content='metadata_items', title, title_sort, original_title, tokenize=collating 'root@colStrength=primary;colAlternate=shifted');
CREATE VIRTUAL TABLE fts4_tag_titles_icu USING fts4(content='tags', tag, tokenize=collating 'root@colStrength=primary;colAlternate=shifted');
