package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// attribute is one setting of Preferences.xml, in the order of the file.
type attribute struct{ name, value string }

// parsePreferences reads the text of Preferences.xml: one empty element "Preferences" whose attributes are the settings. Anything else is malformed.
func parsePreferences(text string) ([]attribute, error) {
	decoder := xml.NewDecoder(strings.NewReader(text))
	var settings []attribute
	open, closed := false, false
	for {
		token, err := decoder.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			if open || closed || token.Name.Local != "Preferences" {
				return nil, fmt.Errorf("unexpected element %q", token.Name.Local)
			}
			open = true
			seen := map[string]bool{}
			for _, entry := range token.Attr {
				name := entry.Name.Local
				if entry.Name.Space != "" {
					name = entry.Name.Space + ":" + name
				}
				if seen[name] {
					return nil, fmt.Errorf("attribute %q is given twice", name)
				}
				seen[name] = true
				settings = append(settings, attribute{name, entry.Value})
			}
		case xml.EndElement:
			if !open || token.Name.Local != "Preferences" {
				return nil, fmt.Errorf("unexpected end of %q", token.Name.Local)
			}
			open, closed = false, true
		case xml.CharData:
			if strings.TrimSpace(string(token)) != "" {
				return nil, fmt.Errorf("unexpected text")
			}
		}
	}
	if !closed {
		return nil, fmt.Errorf("no complete element \"Preferences\"")
	}
	return settings, nil
}

var attributeEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "\n", "&#xA;", "\r", "&#xD;", "\t", "&#x9;")

func formatPreferences(settings []attribute) string {
	var text strings.Builder
	text.WriteString("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<Preferences")
	for _, setting := range settings {
		fmt.Fprintf(&text, ` %s="%s"`, setting.name, attributeEscapes.Replace(setting.value))
	}
	text.WriteString("/>\n")
	return text.String()
}

// replaceFile writes a new file of mode 0600 beside the old one and renames it, as Plex does: the inode changes with every write.
func replaceFile(path string, content string) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("Cannot write %q: %w", path, err)
	}
	defer os.Remove(file.Name())
	if _, err := file.WriteString(content); err != nil {
		return errors.Join(fmt.Errorf("Cannot write %q: %w", path, err), file.Close())
	}
	if err := errors.Join(file.Chmod(0o600), file.Close(), os.Rename(file.Name(), path)); err != nil {
		return fmt.Errorf("Cannot write %q: %w", path, err)
	}
	return nil
}
