package main

import (
	"sort"
	"sync"
)

// activity is work in progress that GET /activities shows.
type activity struct {
	id       string
	kind     string
	title    string
	subtitle string
	section  int64
	progress int
	cancel   func()
}

type activityList struct {
	mutex   sync.Mutex
	running map[string]*activity
}

func newActivityList() *activityList {
	return &activityList{running: map[string]*activity{}}
}

// begin shows an activity until the returned function is called.
func (l *activityList) begin(entry *activity) (end func()) {
	entry.id = randomUuid()
	l.mutex.Lock()
	l.running[entry.id] = entry
	l.mutex.Unlock()
	return func() {
		l.mutex.Lock()
		delete(l.running, entry.id)
		l.mutex.Unlock()
	}
}

func (l *activityList) report(entry *activity, percent int) {
	l.mutex.Lock()
	entry.progress = percent
	l.mutex.Unlock()
}

func (l *activityList) list() []activity {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	var result []activity
	for _, entry := range l.running {
		result = append(result, *entry)
	}
	sort.Slice(result, func(a, b int) bool { return result[a].id < result[b].id })
	return result
}
