package target

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"time"

	"example.com/gatehouse/simulator/systemlog"
)

// maxKept bounds how many lines and how many records the follower keeps; the oldest go first.
const maxKept = 50_000

// follower reads the logs of a target for all sessions: what changed is fetched once, however many
// wait for it. Of access logs it keeps the lines of calls that were made here, of traces everything
// since it began.
type follower struct {
	api   tenantInterfaces
	since time.Time

	turn chan struct{} // holds one token: who has it may fetch

	mu      sync.Mutex
	fetched time.Time          // by our clock
	files   map[string]logFile // as they were when they were read
	lines   map[string][]systemlog.NodeLine
	order   []string // of markers, oldest first
	records map[string][]systemlog.NodeRecord
}

func newFollower(api tenantInterfaces, since time.Time) *follower {
	f := &follower{
		api: api, since: since, turn: make(chan struct{}, 1), files: map[string]logFile{},
		lines: map[string][]systemlog.NodeLine{}, records: map[string][]systemlog.NodeRecord{},
	}
	f.turn <- struct{}{}
	return f
}

// refresh fetches what changed, unless that was done after the given time.
func (f *follower) refresh(ctx context.Context, after time.Time) error {
	select {
	case <-f.turn:
		defer func() { f.turn <- struct{}{} }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	f.mu.Lock()
	fresh := f.fetched.After(after)
	f.mu.Unlock()
	if fresh {
		return nil
	}
	began := time.Now()
	for _, kind := range []systemlog.Kind{systemlog.HTTP, systemlog.Trace} {
		if err := f.fetch(ctx, kind); err != nil {
			return err
		}
	}
	f.mu.Lock()
	f.fetched = began
	f.mu.Unlock()
	return nil
}

func (f *follower) fetch(ctx context.Context, kind systemlog.Kind) error {
	files, err := f.api.logFiles(ctx, kind)
	if err != nil {
		return &FaultError{"listing the log files", err}
	}
	for _, file := range files {
		named, ok := systemlog.ParseFileName(file.name)
		// A file of an earlier day holds nothing of ours; a clock may have been moved on, not back.
		if !ok || named.Date.Before(f.since.UTC().Truncate(24*time.Hour)) {
			continue
		}
		f.mu.Lock()
		same := f.files[file.name] == file
		f.mu.Unlock()
		if same {
			continue
		}
		data, err := f.api.logFile(ctx, file.name)
		if err != nil {
			return &FaultError{"reading the log file " + file.name, err}
		}
		f.mu.Lock()
		if kind == systemlog.HTTP {
			f.keepLines(named.Node, file.name, data)
		} else {
			f.keepRecords(named.Node, file.name, data)
		}
		f.files[file.name] = file
		f.mu.Unlock()
	}
	return nil
}

// keepLines keeps the lines of our calls. A line that cannot be read is none of ours.
func (f *follower) keepLines(node, file string, data []byte) {
	found := map[string][]systemlog.NodeLine{}
	for line, err := range systemlog.ReadAccess(bytes.NewReader(data)) {
		if err != nil {
			continue
		}
		if marker := markerOf(line.URI); marker != "" {
			found[marker] = append(found[marker], systemlog.NodeLine{Node: node, AccessLine: line})
		}
	}
	for marker, lines := range found {
		key := marker + "\x00" + file
		if _, known := f.lines[key]; !known {
			f.order = append(f.order, key)
		}
		f.lines[key] = lines
	}
	for len(f.order) > maxKept {
		delete(f.lines, f.order[0])
		f.order = f.order[1:]
	}
}

func (f *follower) keepRecords(node, file string, data []byte) {
	var records []systemlog.NodeRecord
	for record, err := range systemlog.ReadTrace(bytes.NewReader(data)) {
		if err == nil && !record.Time.Before(f.since.Truncate(time.Second)) {
			records = append(records, systemlog.NodeRecord{Node: node, TraceRecord: record})
		}
	}
	if len(records) > maxKept {
		records = records[len(records)-maxKept:]
	}
	f.records[file] = records
}

// markerOf is the marker in a request's query.
func markerOf(uri string) string {
	i := strings.LastIndex(uri, markerName+"=")
	if i < 0 {
		return ""
	}
	marker := uri[i:]
	if end := strings.IndexByte(marker, '&'); end >= 0 {
		marker = marker[:end]
	}
	return marker
}

// linesOf are the lines of a call, in the order of the files.
func (f *follower) linesOf(marker string) []systemlog.NodeLine {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []systemlog.NodeLine
	for _, key := range f.order {
		if strings.HasPrefix(key, marker+"\x00") {
			out = append(out, f.lines[key]...)
		}
	}
	return out
}

// recordsWhere are the trace records for which match holds.
func (f *follower) recordsWhere(match func(systemlog.NodeRecord) bool) []systemlog.NodeRecord {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []systemlog.NodeRecord
	for _, records := range f.records {
		for _, r := range records {
			if match(r) {
				out = append(out, r)
			}
		}
	}
	return out
}
