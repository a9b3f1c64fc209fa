package main

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"sort"
	"strconv"
	"strings"
)

// answer writes a MediaContainer: JSON when the client accepts it, XML otherwise.
func answer(w http.ResponseWriter, r *http.Request, container node) {
	w.Header().Set("X-Plex-Protocol", "1.0")
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		w.Header().Set("Content-Type", "application/json")
		body, err := json.Marshal(node{"MediaContainer": container})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = w.Write(body)
		return
	}
	w.Header().Set("Content-Type", "text/xml;charset=utf-8")
	var text strings.Builder
	text.WriteString(xml.Header)
	writeElement(&text, "MediaContainer", container)
	_, _ = w.Write([]byte(text.String()))
}

// MarshalJSON leaves empty lists out, as Plex does.
func (n node) MarshalJSON() ([]byte, error) {
	kept := make(map[string]any, len(n))
	for name, value := range n {
		if list, isList := value.([]node); !isList || len(list) > 0 {
			kept[name] = value
		}
	}
	return json.Marshal(kept)
}

func writeElement(text *strings.Builder, name string, element node) {
	names := make([]string, 0, len(element))
	for key := range element {
		names = append(names, key)
	}
	sort.Strings(names)
	text.WriteString("<" + name)
	for _, key := range names {
		switch element[key].(type) {
		case []node, node:
			continue
		}
		value := element[key]
		if flag, isFlag := value.(bool); isFlag {
			value = map[bool]int{true: 1, false: 0}[flag]
		}
		text.WriteString(" " + key + `="` + attributeEscapes.Replace(fmt.Sprint(value)) + `"`)
	}
	text.WriteString(">")
	for _, key := range names {
		switch children := element[key].(type) {
		case node:
			writeElement(text, key, children)
		case []node:
			for _, child := range children {
				writeElement(text, key, child)
			}
		}
	}
	text.WriteString("</" + name + ">")
}

// answerList answers with one list, cut to what X-Plex-Container-Start and -Size ask for; totalSize is always that of the whole list.
func answerList(w http.ResponseWriter, r *http.Request, name string, all []node) {
	start, size := window(r)
	total := len(all)
	first := min(start, total)
	last := total
	if size >= 0 {
		last = min(first+size, total)
	}
	answer(w, r, node{"size": last - first, "totalSize": total, "offset": first, name: all[first:last]})
}

// window reads the asked-for part of a list from the query or the headers; size -1 means all.
func window(r *http.Request) (start int, size int) {
	return requestNumber(r, "X-Plex-Container-Start", 0), requestNumber(r, "X-Plex-Container-Size", -1)
}

func requestNumber(r *http.Request, name string, fallback int) int {
	text := r.URL.Query().Get(name)
	if text == "" {
		text = r.Header.Get(name)
	}
	if number, err := strconv.Atoi(text); err == nil && number >= 0 {
		return number
	}
	return fallback
}

func pathNumber(r *http.Request, name string) int64 {
	number, err := strconv.ParseInt(r.PathValue(name), 10, 64)
	if err != nil {
		return 0
	}
	return number
}

func answerHtml(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<html><head><title>%[1]s</title></head><body><h1>%[2]d %[1]s</h1></body></html>", http.StatusText(status), status)
}

// fail answers an error of the database or the disk the way Plex does, and keeps its text in the log.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	s.log.failure("%s %s: %v", r.Method, r.URL.Path, err)
	answerHtml(w, http.StatusInternalServerError)
}
