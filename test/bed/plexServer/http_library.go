package main

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
)

var sectionTypes = map[int64]string{1: "movie", 2: "show", 8: "artist", 13: "photo"}

func (s *server) serveSections(w http.ResponseWriter, r *http.Request) {
	sections, err := s.rows(r.Context(), "SELECT * FROM library_sections ORDER BY id")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	var list []node
	for _, section := range sections {
		locations, err := s.rows(r.Context(), "SELECT id, root_path AS path FROM section_locations WHERE library_section_id = ? ORDER BY id", section.number("id"))
		if err != nil {
			s.fail(w, r, err)
			return
		}
		places := []node{}
		for _, location := range locations {
			places = append(places, node(location))
		}
		list = append(list, node{
			"key": section.text("id"), "title": section.text("name"), "type": sectionTypes[section.number("section_type")], "agent": section.text("agent"), "scanner": section.text("scanner"),
			"language": section.text("language"), "uuid": section.text("uuid"), "refreshing": s.scans.isRefreshing(section.number("id")), "scannedAt": section.number("scanned_at"),
			"createdAt": section.number("created_at"), "updatedAt": section.number("updated_at"), "content": true, "directory": true, "hidden": 0, "Location": places,
		})
	}
	answer(w, r, node{"size": len(list), "allowSync": false, "title1": "Plex Library", "Directory": list})
}

func (s *server) serveSectionItems(w http.ResponseWriter, r *http.Request) {
	section := pathNumber(r, "id")
	sections, err := s.rows(r.Context(), "SELECT section_type, name FROM library_sections WHERE id = ?", section)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if len(sections) == 0 {
		answerHtml(w, http.StatusNotFound)
		return
	}
	kind := sections[0].number("section_type")
	if asked := r.URL.Query().Get("type"); asked != "" {
		if kind, err = strconv.ParseInt(asked, 10, 64); err != nil {
			answerHtml(w, http.StatusBadRequest)
			return
		}
	}
	s.answerItems(w, r, "item.library_section_id = ? AND item.metadata_type = ?", `ORDER BY item.title_sort COLLATE icu_root, item.id`, section, kind)
}

// answerItems answers the items of a condition, of which it reads only the part that was asked for.
func (s *server) answerItems(w http.ResponseWriter, r *http.Request, condition string, order string, values ...any) {
	var total int
	if err := s.library.QueryRowContext(r.Context(), "SELECT count(*) FROM metadata_items item WHERE "+condition, values...).Scan(&total); err != nil {
		s.fail(w, r, err)
		return
	}
	start, size := window(r)
	list, err := s.items(r.Context(), "WHERE "+condition+" GROUP BY item.id "+order+" LIMIT ? OFFSET ?", append(append([]any{}, values...), size, start)...)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer(w, r, node{"size": len(list), "totalSize": total, "offset": start, "Metadata": list})
}

func (s *server) serveSectionCollections(w http.ResponseWriter, r *http.Request) {
	s.answerItems(w, r, "item.library_section_id = ? AND item.metadata_type = 18", "ORDER BY item.title_sort COLLATE icu_root, item.id", pathNumber(r, "id"))
}

func (s *server) serveChildren(w http.ResponseWriter, r *http.Request) {
	s.answerItems(w, r, "item.parent_id = ?", `ORDER BY item."index", item.id`, pathNumber(r, "id"))
}

func (s *server) serveMetadata(w http.ResponseWriter, r *http.Request) {
	var ids []string
	for _, text := range strings.Split(r.PathValue("ids"), ",") {
		if _, err := strconv.ParseInt(text, 10, 64); err != nil {
			answerHtml(w, http.StatusBadRequest)
			return
		}
		ids = append(ids, text)
	}
	list, err := s.items(r.Context(), "WHERE item.id IN (SELECT value FROM json_each(?)) GROUP BY item.id", "["+strings.Join(ids, ",")+"]")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if len(list) == 0 {
		answerHtml(w, http.StatusNotFound)
		return
	}
	if r.URL.Query().Get("checkFiles") == "1" {
		for _, item := range list {
			checkFiles(item)
		}
	}
	answer(w, r, node{"size": len(list), "Metadata": list})
}

// checkFiles adds to every part whether its file is there and whether this server's own user can open it.
func checkFiles(item node) {
	media, _ := item["Media"].([]node)
	for _, entry := range media {
		parts, _ := entry["Part"].([]node)
		for _, part := range parts {
			file, _ := part["file"].(string)
			_, statError := os.Stat(file)
			part["exists"] = statError == nil
			opened, openError := os.Open(file)
			part["accessible"] = openError == nil
			if openError == nil {
				_ = opened.Close()
			}
		}
	}
}

func (s *server) refreshSection(w http.ResponseWriter, r *http.Request) {
	if r.PathValue("id") == "all" {
		if err := s.requestAllScans(r.Context()); err != nil {
			s.fail(w, r, err)
		}
		return
	}
	found, err := s.numbers(r.Context(), "SELECT id FROM library_sections WHERE id = ?", pathNumber(r, "id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if len(found) == 0 {
		answerHtml(w, http.StatusNotFound)
		return
	}
	s.scans.request(found[0])
	w.WriteHeader(http.StatusOK)
}

func (s *server) cancelRefresh(w http.ResponseWriter, r *http.Request) {
	s.scans.cancelScans(pathNumber(r, "id"))
	w.WriteHeader(http.StatusOK)
}

func (s *server) emptySectionTrash(w http.ResponseWriter, r *http.Request) {
	if err := s.emptyTrash(r.Context(), pathNumber(r, "id")); err != nil {
		s.fail(w, r, fmt.Errorf("Cannot empty the trash: %w", err))
	}
}

func (s *server) optimizeLibrary(w http.ResponseWriter, r *http.Request) {
	if _, err := s.library.ExecContext(r.Context(), "VACUUM"); err != nil {
		s.fail(w, r, err)
	}
}
