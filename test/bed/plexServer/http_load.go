package main

import (
	"context"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"
)

// loads are the writers that a test may start; at most one to each database.
type loads struct {
	mutex   sync.Mutex
	library *load
	blobs   *load
	stop    context.CancelFunc
	running sync.WaitGroup
}

func newLoads(s *server) *loads {
	return &loads{
		library: &load{database: s.library, path: filepath.Join(s.env.databases(), libraryFile), write: writeLibraryLoad},
		blobs:   &load{database: s.blobs, path: filepath.Join(s.env.databases(), blobsFile), write: writeBlobsLoad},
	}
}

// set ends what is running, and begins anew at another rate unless that is 0.
func (l *loads) set(perSecond int, log *serverLog) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.stop != nil {
		l.stop()
		l.running.Wait()
		l.stop = nil
	}
	if perSecond == 0 {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	l.stop = stop
	for _, each := range []*load{l.library, l.blobs} {
		l.running.Add(1)
		go func() {
			defer l.running.Done()
			if err := each.run(ctx, perSecond); err != nil {
				log.failure("%v", err)
			}
		}()
	}
}

// setLoad is for tests: transactions that can be computed from their number, so many a second to each of the two databases.
func (s *server) setLoad(w http.ResponseWriter, r *http.Request) {
	rate, err := strconv.Atoi(r.URL.Query().Get("perSecond"))
	if err != nil || rate < 0 {
		answerHtml(w, http.StatusBadRequest)
		return
	}
	s.loads.set(rate, s.log)
}

// serveLoad tells how many transactions are committed, and how long they took since it was last asked.
func (s *server) serveLoad(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(map[string]loadProgress{"library": s.loads.library.progress(), "blobs": s.loads.blobs.progress()}); err != nil {
		s.log.warning("GET /standin/load: %v", err)
	}
}
