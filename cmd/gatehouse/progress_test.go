package main

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/vbauerster/mpb/v8"
)

// sharedBuffer is written to by the goroutine that draws.
type sharedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *sharedBuffer) Write(data []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(data)
}

func (s *sharedBuffer) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestProgressOnlyIfItTakesTime(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	now := began
	redraw := make(chan any)
	var out sharedBuffer
	p := &progress{out: &out, word: "minting", began: began, now: func() time.Time { return now },
		options: []mpb.ContainerOption{mpb.WithManualRefresh(redraw)}}
	p.update(1, 10)
	assert.Nil(t, p.all, "a second has not passed")
	now = began.Add(patience)
	p.update(5, 10)
	for i := 0; i < 1000 && !strings.Contains(out.text(), "5 / 10"); i++ {
		redraw <- now // drawn by another goroutine
	}
	assert.Contains(t, out.text(), "minting ")
	assert.Contains(t, out.text(), "5 / 10")
	p.update(10, 10)
	p.end()
	p.end()
	p.update(10, 10)
	assert.Nil(t, p.all)

	silent := &progress{word: "minting", began: began, now: func() time.Time { return now }}
	silent.update(5, 10)
	assert.Nil(t, silent.all, "no terminal, nothing to see")
	silent.end()
}
