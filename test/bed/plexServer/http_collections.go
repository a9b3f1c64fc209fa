package main

import "net/http"

// A collection's members are taggings of a tag of type 2, which the collection names in its index column or, in older rows, by its title.
const collectionMembers = `item.id IN (SELECT taggings.metadata_item_id FROM metadata_items collection
	JOIN tags ON tags.tag_type = 2 AND (tags.id = collection."index" OR tags.tag = collection.title)
	JOIN taggings ON taggings.tag_id = tags.id WHERE collection.id = ?1)`

func (s *server) serveCollectionItems(w http.ResponseWriter, r *http.Request) {
	s.answerItems(w, r, collectionMembers, "ORDER BY item.title_sort COLLATE icu_root, item.id", pathNumber(r, "id"))
}

// ownPlaylist leaves out what belongs to others only: the server shows everyone their own playlists.
const ownPlaylist = " AND (EXISTS (SELECT 1 FROM metadata_item_accounts own WHERE own.metadata_item_id = item.id AND own.account_id = 1) OR NOT EXISTS (SELECT 1 FROM metadata_item_accounts other WHERE other.metadata_item_id = item.id))"

func (s *server) servePlaylists(w http.ResponseWriter, r *http.Request) {
	kind := "15"
	if r.URL.Query().Get("type") == "42" {
		kind = "42"
	}
	list, err := s.playlists(r, "item.metadata_type = "+kind+ownPlaylist)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answerList(w, r, "Metadata", list)
}

func (s *server) servePlaylist(w http.ResponseWriter, r *http.Request) {
	list, err := s.playlists(r, "item.metadata_type IN (15, 42) AND item.id = ?", pathNumber(r, "id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if len(list) == 0 {
		answerHtml(w, http.StatusNotFound)
		return
	}
	answerList(w, r, "Metadata", list)
}

func (s *server) playlists(r *http.Request, condition string, values ...any) ([]node, error) {
	list, err := s.items(r.Context(), "WHERE "+condition+" GROUP BY item.id ORDER BY item.title_sort COLLATE icu_root, item.id", values...)
	if err != nil {
		return nil, err
	}
	extra, err := s.rows(r.Context(), `SELECT item.id AS id, item.extra_data AS extra_data,
		(SELECT count(*) FROM play_queue_generators entry WHERE entry.playlist_id = item.id AND entry.metadata_item_id IS NOT NULL) AS members
		FROM metadata_items item WHERE `+condition, values...)
	if err != nil {
		return nil, err
	}
	byKey := map[string]row{}
	for _, entry := range extra {
		byKey[entry.text("id")] = entry
	}
	for _, playlist := range list {
		key, _ := playlist["ratingKey"].(string)
		entry := byKey[key]
		playlist["leafCount"] = entry.number("members")
		kind := extraData(entry.text("extra_data"), "pv:playlistType")
		if kind == "" {
			kind = "video"
		}
		playlist["playlistType"] = kind
		playlist["smart"] = extraData(entry.text("extra_data"), "pv:smart") == "1"
	}
	return list, nil
}

// servePlaylistItems answers the members in their order, each as often as it is listed; the optimizer's list adds the state of every job.
func (s *server) servePlaylistItems(w http.ResponseWriter, r *http.Request) {
	entries, err := s.rows(r.Context(), `SELECT entry.id AS entry, entry.metadata_item_id AS item, job.state AS state, job.state_context AS context FROM play_queue_generators entry
		LEFT JOIN versioned_metadata_items job ON job.generator_id = entry.id AND job.metadata_item_id = entry.metadata_item_id
		WHERE entry.playlist_id = ? AND entry.metadata_item_id IS NOT NULL ORDER BY entry."order", entry.id`, pathNumber(r, "id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	members, err := s.items(r.Context(), "WHERE item.id IN (SELECT metadata_item_id FROM play_queue_generators WHERE playlist_id = ?) GROUP BY item.id", pathNumber(r, "id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	byKey := map[string]node{}
	for _, member := range members {
		key, _ := member["ratingKey"].(string)
		byKey[key] = member
	}
	var list []node
	for _, entry := range entries {
		member, present := byKey[entry.text("item")]
		if !present {
			continue
		}
		listed := node{"playlistItemID": entry.number("entry")}
		for name, value := range member {
			listed[name] = value
		}
		if entry.has("state") {
			listed["processingState"] = nameOf(processingStates, entry.number("state"))
			listed["processingStateContext"] = nameOf(processingContexts, entry.number("context"))
		}
		list = append(list, listed)
	}
	answerList(w, r, "Metadata", list)
}

func nameOf(names []string, index int64) string {
	if index < 0 || index >= int64(len(names)) {
		return "unknownError"
	}
	return names[index]
}
