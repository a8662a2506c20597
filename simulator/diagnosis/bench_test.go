package diagnosis_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/diagnosis"
	"example.com/gatehouse/simulator/systemlog"
)

// writeDay writes the two logs of a node for a day: many senders, one call in twenty refused, and
// the management node's pings. It returns the size of the access log.
func writeDay(tb testing.TB, folder string, size int64, packed bool) int64 {
	tb.Helper()
	day := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	node := systemlog.NodeID("e100999", 1)
	name := filepath.Join(folder, systemlog.FileName(systemlog.HTTP, node, day))
	if packed {
		name += ".gz"
	}
	access, err := os.Create(name)
	require.NoError(tb, err)
	var to io.WriteCloser = access
	if packed {
		to, err = gzip.NewWriterLevel(access, gzip.BestSpeed)
		require.NoError(tb, err)
	}
	buffered := bufio.NewWriterSize(to, 1<<20)
	trace, err := os.Create(filepath.Join(folder, systemlog.FileName(systemlog.Trace, node, day)))
	require.NoError(tb, err)
	records := bufio.NewWriter(trace)
	var written int64
	line := make([]byte, 0, 512)
	for i := int64(0); written < size; i++ {
		at := day.Add(time.Duration(written*86_000/size) * time.Second)
		l := systemlog.AccessLine{
			LoadBalancer: "10.0.0.14", Client: fmt.Sprintf("198.51.%d.%d", i%7, i%199), User: fmt.Sprintf("SENDER%03d", i%300), Time: at,
			Method: "POST", URI: fmt.Sprintf("/http/orders/%d?id=%d", i%40, i), Status: 200, Bytes: 6824, Duration: 170 * time.Millisecond,
			Host: "e100999-iflmap.hcisbt.eu1.hana.ondemand.com:443",
		}
		switch {
		case i%100 == 7:
			l.User, l.Status, l.Bytes = "", 401, 5
			r := systemlog.TraceRecord{Time: at, Logger: systemlog.AuthenticationFilter, Thread: fmt.Sprintf("https-jsse-nio-8041-exec-%d", i%100)}
			for _, text := range []string{systemlog.CertificateReceived(fmt.Sprintf("C=DE, O=Example, CN=sender%d.example", i%11)), systemlog.CertificateStatus(20)} {
				r.Text = text
				_, err := records.WriteString(r.String() + "\n")
				require.NoError(tb, err)
			}
		case i%25 == 3:
			l.Status, l.Bytes = 403, -1
		case i%50 == 11:
			l.User, l.Method, l.URI = "tmn.example@Example Management CA", "GET", "/cxf/index.html"
		}
		line = append(l.AppendTo(line[:0]), '\n')
		written += int64(len(line))
		_, err := buffered.Write(line)
		require.NoError(tb, err)
	}
	require.NoError(tb, buffered.Flush())
	require.NoError(tb, to.Close())
	if packed {
		require.NoError(tb, access.Close())
	}
	require.NoError(tb, records.Flush())
	require.NoError(tb, trace.Close())
	return written
}

// BenchmarkDiagnoseDay: 200 MB of access log with its trace, plain and gzip.
func BenchmarkDiagnoseDay(b *testing.B) {
	for _, packed := range []bool{false, true} {
		name := "plain"
		if packed {
			name = "gzip"
		}
		b.Run(name, func(b *testing.B) {
			folder := b.TempDir()
			size := writeDay(b, folder, 200<<20, packed)
			b.SetBytes(size)
			b.ReportAllocs()
			var peak uint64
			for b.Loop() {
				ctx, cancel := context.WithCancel(context.Background())
				top := make(chan uint64)
				go watchHeap(ctx, top)
				report, err := diagnosis.Diagnose(context.Background(), diagnosis.Evidence{Logs: []string{folder}}, diagnosis.Options{})
				cancel()
				peak = max(peak, <-top)
				require.NoError(b, err)
				require.NotEmpty(b, report.Cases)
				require.Positive(b, report.Summary.Refused)
			}
			b.ReportMetric(float64(peak)/(1<<20), "peak-MB")
		})
	}
}

// watchHeap tells the most that the heap held until ctx ended.
func watchHeap(ctx context.Context, top chan<- uint64) {
	var most uint64
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		most = max(most, m.HeapSys-m.HeapReleased)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			top <- most
			return
		}
	}
}
