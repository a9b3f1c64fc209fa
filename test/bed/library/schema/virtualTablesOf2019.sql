-- The virtual tables of servers of about 2019 and 2020: the full-text tables use the default tokenizer and have no content of their own.
-- Reference data about a third-party file format.
CREATE VIRTUAL TABLE "locations" USING rtree('id' integer, 'lat_min' float, 'lat_max' float, 'lon_min' float, 'lon_max' float);
CREATE VIRTUAL TABLE spellfix_metadata_titles USING spellfix1;
CREATE VIRTUAL TABLE spellfix_tag_titles USING spellfix1;
CREATE VIRTUAL TABLE fts4_metadata_titles USING fts4(content='metadata_items', title, title_sort, original_title);
CREATE VIRTUAL TABLE fts4_tag_titles USING fts4(content='tags', tag);
