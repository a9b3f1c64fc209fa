package main

import (
	"crypto/rand"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
)

// preferences holds the server's settings in memory; every change is written to Preferences.xml at once.
type preferences struct {
	mutex    sync.Mutex
	path     string
	settings []attribute
}

// loadPreferences reads Preferences.xml. A missing file means a new server, as with Plex; a malformed one is an error.
func loadPreferences(path string) (loaded *preferences, isNew bool, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &preferences{path: path}, true, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("Cannot read %q: %w", path, err)
	}
	settings, err := parsePreferences(string(text))
	if err != nil {
		return nil, false, fmt.Errorf("Cannot parse %q: %w", path, err)
	}
	return &preferences{path: path, settings: settings}, false, nil
}

// get returns the stored value, or the setting's default when none is stored.
func (p *preferences) get(name string) string {
	if value, stored := p.stored(name); stored {
		return value
	}
	return settingDefault(name)
}

func (p *preferences) stored(name string) (string, bool) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for _, setting := range p.settings {
		if setting.name == name {
			return setting.value, true
		}
	}
	return "", false
}

func (p *preferences) isOn(name string) bool {
	value := p.get(name)
	return value == "1" || value == "true"
}

// set stores settings and rewrites the file. Nothing is changed in memory when the file cannot be written.
func (p *preferences) set(changes []attribute) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	settings := append([]attribute(nil), p.settings...)
	for _, change := range changes {
		found := false
		for index := range settings {
			if settings[index].name == change.name {
				settings[index].value, found = change.value, true
			}
		}
		if !found {
			settings = append(settings, change)
		}
	}
	if err := replaceFile(p.path, formatPreferences(settings)); err != nil {
		return err
	}
	p.settings = settings
	return nil
}

// ensureIdentity gives a server without one a new identity; what is stored is kept, whatever it is derived from. The file is written in any case.
func (p *preferences) ensureIdentity() error {
	var changes []attribute
	missing := func(name string, make func() string) {
		if value, stored := p.stored(name); !stored || value == "" {
			changes = append(changes, attribute{name, make()})
		}
	}
	missing("OldestPreviousVersion", func() string { return "legacy" })
	missing("MachineIdentifier", randomUuid)
	machine, _ := p.stored("MachineIdentifier")
	for _, change := range changes {
		if change.name == "MachineIdentifier" {
			machine = change.value
		}
	}
	missing("ProcessedMachineIdentifier", func() string { return processedIdentifier(machine) })
	missing("AnonymousMachineIdentifier", randomUuid)
	return p.set(changes)
}

// processedIdentifier is the identity as clients see it: the SHA-1, in hex, of the machine identifier and a fixed text.
func processedIdentifier(machine string) string {
	sum := sha1.Sum([]byte(machine + "- Plex Media Server"))
	return hex.EncodeToString(sum[:])
}

func randomHex(bytes int) string {
	buffer := make([]byte, bytes)
	// crypto/rand ends the program itself when the system has no randomness.
	_, _ = rand.Read(buffer)
	return hex.EncodeToString(buffer)
}

func randomUuid() string {
	text := randomHex(16)
	return strings.Join([]string{text[:8], text[8:12], text[12:16], text[16:20], text[20:]}, "-")
}

func (p *preferences) isClaimed() bool {
	return p.get("PlexOnlineToken") != ""
}

func (p *preferences) friendlyName() string {
	if name := p.get("FriendlyName"); name != "" {
		return name
	}
	// Plex falls back to the host name, which in a pod is the pod's name.
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
}
