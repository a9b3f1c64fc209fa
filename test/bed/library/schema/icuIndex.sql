-- The only index that uses icu_root, a collation that only Plex has.
-- Reference data about a third-party file format.
CREATE INDEX 'index_title_sort_icu' ON 'metadata_items' ('title_sort' COLLATE icu_root);
