-- The only index of about 2019 and 2020 that uses naturalsort, a collation that only Plex had.
-- Reference data about a third-party file format.
CREATE INDEX 'index_title_sort_naturalsort' ON 'metadata_items' ('title_sort' COLLATE naturalsort);
