package systemlog

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAccessByTimeMergesTheNodesOfADay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	begin := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	log := func(node, seconds int) []byte {
		var b bytes.Buffer
		for i := range 4 {
			b.WriteString(AccessLine{LoadBalancer: "10.0.0.14", Client: "198.51.100.7", Time: begin.Add(time.Duration(i*2+seconds) * time.Second),
				Method: "GET", URI: fmt.Sprintf("/http/%d/%d", node, i), Status: 200, Bytes: 1, Host: "h:443"}.String() + "\n")
		}
		return b.Bytes()
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write(append([]byte("\nno line\n"), log(2, 1)...))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "http_access_aaaaaaa_2026-11-23.log"), log(1, 0), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "http_access_bbbbbbb_2026-11-23.log.gz"), packed.Bytes(), 0o600))
	c, err := Open(dir)
	require.NoError(t, err)

	var order []string
	var failed []error
	for line, err := range c.AccessByTime() {
		if err != nil {
			failed = append(failed, err)
			continue
		}
		order = append(order, fmt.Sprintf("%s %s:%d", line.URI, line.Place.File[12:19], line.Place.Line))
	}
	assert.Equal(t, []string{
		"/http/1/0 aaaaaaa:1", "/http/2/0 bbbbbbb:3", "/http/1/1 aaaaaaa:2", "/http/2/1 bbbbbbb:4",
		"/http/1/2 aaaaaaa:3", "/http/2/2 bbbbbbb:5", "/http/1/3 aaaaaaa:4", "/http/2/3 bbbbbbb:6",
	}, order)
	require.Len(t, failed, 1)
	var at *LineError
	require.ErrorAs(t, failed[0], &at)
	assert.EqualValues(t, 2, at.Line)

	for range c.AccessByTime() {
		break // a consumer may stop
	}
	few, err := OpenAll(Limits{TotalBytes: 500}, dir)
	require.NoError(t, err)
	tooLarge := 0
	for _, err := range few.AccessByTime() {
		if errors.Is(err, ErrTooLarge) {
			tooLarge++
		}
	}
	assert.Equal(t, 1, tooLarge)
}

func TestTracePlacedTellsWhereARecordBegins(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	text := TraceRecord{Time: at, Text: "one\ntwo"}.String() + "\n" + TraceRecord{Time: at, Text: "three"}.String() + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ljs_trace_aaaaaaa_2026-11-23.log"), []byte(text), 0o600))
	c, err := Open(dir)
	require.NoError(t, err)
	var lines []int64
	for record, err := range c.TracePlaced() {
		require.NoError(t, err)
		assert.Equal(t, "aaaaaaa", record.Node)
		lines = append(lines, record.Place.Line)
	}
	assert.Equal(t, []int64{1, 3}, lines)
}
