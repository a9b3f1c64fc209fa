package main

import (
	"context"
	"net/http"
	"path/filepath"
	"time"
)

var butlerTasks = []string{"AutomaticUpdates", "BackupDatabase", "CleanOldBundles", "CleanOldCacheFiles", "DeepMediaAnalysis", "GarbageCollectLibraryMedia", "OptimizeDatabase", "RefreshLibraries", "RefreshLocalMedia", "RefreshPeriodicMetadata"}

func (s *server) serveButler(w http.ResponseWriter, r *http.Request) {
	var list []node
	for _, name := range butlerTasks {
		list = append(list, node{"name": name, "interval": 1, "scheduleRandomized": false, "enabled": s.preferences.isOn("ButlerTask" + name), "title": name})
	}
	answer(w, r, node{"size": len(list), "ButlerTask": list})
}

func (s *server) startButlerTasks(w http.ResponseWriter, r *http.Request) {
	for _, name := range butlerTasks {
		if s.preferences.isOn("ButlerTask" + name) {
			s.runButlerTask(name)
		}
	}
	w.WriteHeader(http.StatusAccepted)
}

func (s *server) startButlerTask(w http.ResponseWriter, r *http.Request) {
	for _, name := range butlerTasks {
		if name == r.PathValue("task") {
			s.runButlerTask(name)
			w.WriteHeader(http.StatusAccepted)
			return
		}
	}
	answerHtml(w, http.StatusNotFound)
}

// runButlerTask starts the tasks that touch data; the others need the internet or media this bed does not have.
func (s *server) runButlerTask(name string) {
	tasks := map[string]func(context.Context) error{
		"CleanOldBundles":  s.cleanOldBundles,
		"RefreshLibraries": s.requestAllScans,
		"BackupDatabase":   s.backUpDatabases,
	}
	task, touchesData := tasks[name]
	if !touchesData {
		s.log.info("Butler: %s has nothing to do", name)
		return
	}
	s.background.Add(1)
	go func() {
		defer s.background.Done()
		if err := task(context.Background()); err != nil {
			s.log.failure("Butler: %s failed: %v", name, err)
		}
	}()
}

// backUpDatabases leaves dated copies beside the databases or in the directory the owner chose.
func (s *server) backUpDatabases(ctx context.Context) error {
	directory := s.preferences.get("ButlerDatabaseBackupPath")
	if directory == "" {
		directory = s.env.databases()
	}
	for _, name := range []string{libraryFile, blobsFile} {
		target := filepath.Join(directory, name+"-"+time.Now().Format("2006-01-02"))
		if err := backUpDatabase(filepath.Join(s.env.databases(), name), target); err != nil {
			return err
		}
	}
	return nil
}

func (s *server) stopButlerTasks(w http.ResponseWriter, r *http.Request) {
	s.log.info("Butler: asked to stop")
	w.WriteHeader(http.StatusOK)
}
