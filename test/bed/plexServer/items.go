package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// node is one element of an answer: values become attributes in XML, lists of nodes become children.
type node map[string]any

var typeNames = map[int64]string{
	1: "movie", 2: "show", 3: "season", 4: "episode", 8: "artist", 9: "album", 10: "track", 12: "clip", 13: "photo", 14: "photo", 15: "playlist", 18: "collection", 42: "optimizedVersion",
}

const itemColumns = `SELECT item.id AS id, item.*, parent.title AS parentTitle, parent.guid AS parentGuid, parent."index" AS parentIndex, parent.parent_id AS grandparentId,
	grandparent.title AS grandparentTitle, grandparent.guid AS grandparentGuid, section.name AS sectionTitle, section.uuid AS sectionUuid,
	state.view_count AS viewCount, state.view_offset AS viewOffset, state.last_viewed_at AS lastViewedAt, state.rating AS userRating, state.skip_count AS skipCount,
	(SELECT count(*) FROM metadata_items child WHERE child.parent_id = item.id) AS childCount
	FROM metadata_items item
	LEFT JOIN metadata_items parent ON parent.id = item.parent_id
	LEFT JOIN metadata_items grandparent ON grandparent.id = parent.parent_id
	LEFT JOIN library_sections section ON section.id = item.library_section_id
	LEFT JOIN metadata_item_settings state ON state.guid = item.guid AND state.account_id = 1 `

// items returns metadata nodes, with their media, for what follows FROM metadata_items item in the query.
func (s *server) items(ctx context.Context, rest string, values ...any) ([]node, error) {
	found, err := s.rows(ctx, itemColumns+rest, values...)
	if err != nil {
		return nil, err
	}
	result := make([]node, 0, len(found))
	byId := map[int64]node{}
	for _, entry := range found {
		item := itemNode(entry)
		result = append(result, item)
		byId[entry.number("id")] = item
	}
	return result, s.attachMedia(ctx, byId)
}

func itemNode(entry row) node {
	id := entry.number("id")
	kind := entry.number("metadata_type")
	item := node{"ratingKey": fmt.Sprint(id), "key": fmt.Sprintf("/library/metadata/%d", id), "guid": entry.text("guid"), "type": typeNames[kind], "title": entry.text("title"), "addedAt": entry.number("added_at"), "updatedAt": entry.number("updated_at")}
	put := func(name string, column string) {
		if entry.has(column) {
			item[name] = entry[column]
		}
	}
	for name, column := range map[string]string{
		"titleSort": "title_sort", "originalTitle": "original_title", "summary": "summary", "studio": "studio", "contentRating": "content_rating", "year": "year", "index": "index", "duration": "duration",
		"librarySectionID": "library_section_id", "librarySectionTitle": "sectionTitle", "librarySectionUUID": "sectionUuid", "viewCount": "viewCount", "lastViewedAt": "lastViewedAt",
		"userRating": "userRating", "viewOffset": "viewOffset", "skipCount": "skipCount", "parentTitle": "parentTitle", "parentGuid": "parentGuid", "grandparentTitle": "grandparentTitle", "grandparentGuid": "grandparentGuid", "parentIndex": "parentIndex", "editionTitle": "edition_title",
	} {
		put(name, column)
	}
	for _, name := range []string{"viewCount", "viewOffset", "skipCount"} {
		if number, isNumber := item[name].(int64); isNumber && number == 0 {
			delete(item, name)
		}
	}
	if entry.has("parent_id") {
		item["parentRatingKey"] = entry.text("parent_id")
	}
	if entry.has("grandparentId") {
		item["grandparentRatingKey"] = entry.text("grandparentId")
	}
	for kind, column := range artworkColumns {
		if entry.has(column) {
			item[kind] = fmt.Sprintf("/library/metadata/%d/%s/%d", id, kind, entry.number("updated_at"))
		}
	}
	if children := entry.number("childCount"); children > 0 {
		item["childCount"] = children
		item["key"] = fmt.Sprintf("/library/metadata/%d/children", id)
	}
	switch kind {
	case 15:
		item["key"] = fmt.Sprintf("/playlists/%d/items", id)
	case 18:
		item["key"] = fmt.Sprintf("/library/collections/%d/children", id)
	}
	return item
}

// attachMedia adds Media, Part and Stream nodes to the items.
func (s *server) attachMedia(ctx context.Context, items map[int64]node) error {
	ids := make([]string, 0, len(items))
	for id := range items {
		ids = append(ids, fmt.Sprint(id))
	}
	// A list of ids in one JSON value: no limit on their number, one statement.
	list := "[" + strings.Join(ids, ",") + "]"
	media, err := s.rows(ctx, "SELECT * FROM media_items WHERE metadata_item_id IN (SELECT value FROM json_each(?)) ORDER BY id", list)
	if err != nil {
		return err
	}
	parts, err := s.rows(ctx, "SELECT part.* FROM media_parts part JOIN media_items media ON media.id = part.media_item_id WHERE media.metadata_item_id IN (SELECT value FROM json_each(?)) ORDER BY part.id", list)
	if err != nil {
		return err
	}
	streams, err := s.rows(ctx, "SELECT stream.* FROM media_streams stream JOIN media_items media ON media.id = stream.media_item_id WHERE media.metadata_item_id IN (SELECT value FROM json_each(?)) ORDER BY stream.id", list)
	if err != nil {
		return err
	}
	streamsOf := map[int64][]node{}
	for _, stream := range streams {
		streamsOf[stream.number("media_part_id")] = append(streamsOf[stream.number("media_part_id")], streamNode(stream))
	}
	partsOf := map[int64][]node{}
	for _, entry := range parts {
		partsOf[entry.number("media_item_id")] = append(partsOf[entry.number("media_item_id")], partNode(entry, streamsOf[entry.number("id")]))
	}
	for _, entry := range media {
		owner := items[entry.number("metadata_item_id")]
		element := mediaNode(entry, partsOf[entry.number("id")])
		existing, _ := owner["Media"].([]node)
		owner["Media"] = append(existing, element)
	}
	return nil
}

func mediaNode(entry row, parts []node) node {
	media := node{"id": entry.number("id"), "Part": parts}
	for name, column := range map[string]string{"duration": "duration", "bitrate": "bitrate", "width": "width", "height": "height", "container": "container", "videoCodec": "video_codec", "audioCodec": "audio_codec", "audioChannels": "audio_channels", "aspectRatio": "display_aspect_ratio", "deletedAt": "deleted_at"} {
		if entry.has(column) {
			media[name] = entry[column]
		}
	}
	if entry.number("proxy_type") != 0 {
		media["proxyType"] = entry.number("proxy_type")
	}
	if entry.number("optimized_for_streaming") == 1 {
		media["optimizedForStreaming"] = 1
	}
	return media
}

func partNode(entry row, streams []node) node {
	file := entry.text("file")
	part := node{"id": entry.number("id"), "key": fmt.Sprintf("/library/parts/%d/%d/file%s", entry.number("id"), entry.number("updated_at"), extension(file)), "file": file}
	for name, column := range map[string]string{"size": "size", "duration": "duration", "deletedAt": "deleted_at"} {
		if entry.has(column) {
			part[name] = entry[column]
		}
	}
	if ending := extension(file); ending != "" {
		part["container"] = ending[1:]
	}
	if len(streams) > 0 {
		part["Stream"] = streams
	}
	return part
}

func streamNode(entry row) node {
	stream := node{"id": entry.number("id"), "streamType": entry.number("stream_type_id"), "codec": entry.text("codec")}
	for name, column := range map[string]string{"language": "language", "index": "index", "channels": "channels", "bitrate": "bitrate"} {
		if entry.has(column) {
			stream[name] = entry[column]
		}
	}
	if strings.HasPrefix(entry.text("url"), "file://") {
		stream["key"] = fmt.Sprintf("/library/streams/%d", entry.number("id"))
	}
	return stream
}

func extension(file string) string {
	name := file[strings.LastIndex(file, "/")+1:]
	if dot := strings.LastIndex(name, "."); dot > 0 {
		return name[dot:]
	}
	return ""
}

// extraData reads one value of an extra_data column, which holds a JSON object or, in old rows, nothing this server needs.
func extraData(text string, key string) string {
	var values map[string]any
	if err := json.Unmarshal([]byte(text), &values); err != nil {
		return ""
	}
	value, _ := values[key].(string)
	return value
}
