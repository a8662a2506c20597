package folder_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/folder"
)

// BenchmarkFolder writes 1,000 certificates with all their files into an empty folder. x-write is
// the time of the writing alone beside that of writing the same bytes with os.WriteFile one after
// the other, x-whole that of everything, minting and encoding too.
func BenchmarkFolder(b *testing.B) {
	all := []pki.Description{{Name: "root", CA: true}, {Name: "issuing", Issuer: "root", CA: true}}
	for i := range 1000 {
		all = append(all, pki.Description{Name: fmt.Sprintf("client-%d", i), Issuer: "issuing"})
	}
	var written, whole, again []float64
	for round := 0; b.Loop(); round++ {
		base := b.TempDir()
		dir := filepath.Join(base, "folder")
		began := time.Now()
		var writing time.Time
		o := options(func(o *folder.Options) {
			o.Progress = func(done, _ int) {
				if done > len(all) && writing.IsZero() {
					writing = time.Now() // the minting is over, and the first file is there
				}
			}
		})
		plan, err := folder.Compare(context.Background(), dir, all, o)
		require.NoError(b, err)
		_, err = plan.Apply(context.Background())
		require.NoError(b, err)
		ended := time.Now()
		files := snapshot(b, dir)
		bare := filepath.Join(base, "bare")
		require.NoError(b, os.Mkdir(bare, 0o755))
		alone := time.Now()
		for name, data := range files {
			require.NoError(b, os.WriteFile(filepath.Join(bare, name), []byte(data), 0o600))
		}
		took := time.Since(alone).Seconds()
		written = append(written, ended.Sub(writing).Seconds()/took)
		whole = append(whole, ended.Sub(began).Seconds()/took)
		next := time.Now()
		plan, err = folder.Compare(context.Background(), dir, all, options())
		require.NoError(b, err)
		require.True(b, plan.NothingToDo())
		again = append(again, float64(time.Since(next).Milliseconds()))
		require.NoError(b, os.RemoveAll(base))
	}
	for _, m := range []struct {
		values []float64
		unit   string
	}{{written, "x-write"}, {whole, "x-whole"}, {again, "ms-nothing-to-do"}} {
		slices.Sort(m.values)
		b.ReportMetric(m.values[len(m.values)/2], m.unit)
	}
}
