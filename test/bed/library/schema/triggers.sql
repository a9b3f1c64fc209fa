-- The eight triggers into the full-text tables, in the column-limited form of 1.43.4.
-- Reference data about a third-party file format.
CREATE TRIGGER fts4_metadata_titles_before_update_icu BEFORE UPDATE OF title, title_sort, original_title ON metadata_items BEGIN DELETE FROM fts4_metadata_titles_icu WHERE docid=old.rowid; END;
CREATE TRIGGER fts4_metadata_titles_before_delete_icu BEFORE DELETE ON metadata_items BEGIN DELETE FROM fts4_metadata_titles_icu WHERE docid=old.rowid; END;
CREATE TRIGGER fts4_metadata_titles_after_update_icu AFTER UPDATE OF title, title_sort, original_title ON metadata_items BEGIN INSERT INTO fts4_metadata_titles_icu(docid, title, title_sort, original_title) VALUES(new.rowid, new.title, new.title_sort, new.original_title); END;
CREATE TRIGGER fts4_metadata_titles_after_insert_icu AFTER INSERT ON metadata_items BEGIN INSERT INTO fts4_metadata_titles_icu(docid, title, title_sort, original_title) VALUES(new.rowid, new.title, new.title_sort, new.original_title); END;
CREATE TRIGGER fts4_tag_titles_before_update_icu BEFORE UPDATE OF tag, tag_type ON tags WHEN old.tag_type in (0,1,2,4,6,207,400) BEGIN DELETE FROM fts4_tag_titles_icu WHERE docid=old.rowid; END;
CREATE TRIGGER fts4_tag_titles_before_delete_icu BEFORE DELETE ON tags WHEN old.tag_type in (0,1,2,4,6,207,400) BEGIN DELETE FROM fts4_tag_titles_icu WHERE docid=old.rowid; END;
CREATE TRIGGER fts4_tag_titles_after_update_icu AFTER UPDATE OF tag, tag_type ON tags WHEN new.tag_type in (0,1,2,4,6,207,400) BEGIN INSERT INTO fts4_tag_titles_icu(docid, tag) VALUES(new.rowid, new.tag); END;
CREATE TRIGGER fts4_tag_titles_after_insert_icu AFTER INSERT ON tags WHEN new.tag_type in (0,1,2,4,6,207,400) BEGIN INSERT INTO fts4_tag_titles_icu(docid, tag) VALUES(new.rowid, new.tag); END;
