package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"sync"
	"time"
)

// session is one stream in progress, with its transcoder when it has one.
type session struct {
	key        string
	ratingKey  string
	title      string
	user       string
	state      string
	offsetMs   int64
	seenAt     time.Time
	pinned     bool
	background bool
	transcoder *child
	scratch    string
}

// sessionTimeout is how long a player that reports no more is still counted as playing.
const sessionTimeout = 90 * time.Second

// sessionList holds what plays now; its methods may be called from any goroutine.
type sessionList struct {
	mutex    sync.Mutex
	sessions map[string]*session
	next     int
}

func newSessionList() *sessionList {
	return &sessionList{sessions: map[string]*session{}}
}

// add keeps the session until it is removed; with programs and a scratch directory a real transcoder process runs beside it.
func (l *sessionList) add(entry *session, programs string, scratch string) error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.next++
	if entry.key == "" {
		entry.key = strconv.Itoa(l.next)
	}
	if scratch != "" {
		entry.scratch = filepath.Join(scratch, "plex-transcode-"+entry.key)
		if err := os.MkdirAll(entry.scratch, 0o755); err != nil {
			return fmt.Errorf("Cannot create the transcoder's directory: %w", err)
		}
		if err := os.WriteFile(filepath.Join(entry.scratch, "media-00001.ts"), make([]byte, 64*1024), 0o644); err != nil {
			return fmt.Errorf("Cannot write the transcoder's output: %w", err)
		}
		transcoder, err := startChild(programs, transcoderProgram)
		if err != nil {
			return err
		}
		entry.transcoder = transcoder
	}
	entry.seenAt = time.Now()
	l.sessions[entry.key] = entry
	return nil
}

// report takes a player's timeline: it opens, moves or ends the session of that player and item.
func (l *sessionList) report(entry *session) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if entry.state == "stopped" {
		delete(l.sessions, entry.key)
		return
	}
	entry.seenAt = time.Now()
	l.sessions[entry.key] = entry
}

func (l *sessionList) list() []*session {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	var result []*session
	for key, entry := range l.sessions {
		if !entry.pinned && entry.transcoder == nil && time.Since(entry.seenAt) > sessionTimeout {
			delete(l.sessions, key)
			continue
		}
		result = append(result, entry)
	}
	sort.Slice(result, func(a, b int) bool { return result[a].key < result[b].key })
	return result
}

func (l *sessionList) count() int { return len(l.list()) }

// removeAll ends every session and its transcoder.
func (l *sessionList) removeAll() error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	var failures error
	for key, entry := range l.sessions {
		if entry.transcoder != nil {
			failures = errors.Join(failures, entry.transcoder.stop(), os.RemoveAll(entry.scratch))
		}
		delete(l.sessions, key)
	}
	return failures
}
