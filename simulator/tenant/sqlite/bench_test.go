package sqlite

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/tenant"
)

// The sizes that are promised for: 100,000 mappings of about 1 KB and 1,000 channels.
const (
	manyMappings = 100_000
	manyChannels = 1_000
)

// many is a configuration of that size, in which every user has the role to send.
func many(mappings, channels int) tenant.Config {
	c := tenant.Config{MappingStore: -1}
	for i := range mappings {
		user := fmt.Sprintf("USER%06d", i)
		c.Mappings = append(c.Mappings, tenant.Mapping{Certificate: large(i), User: user, CreatedBy: "alice", LastModifiedBy: "alice", Created: time.Unix(0, 0).UTC(), LastModified: time.Unix(0, 0).UTC()})
		c.Roles = append(c.Roles, tenant.Assignment{User: user, Role: tenant.DefaultRole})
	}
	for i := range channels {
		c.Channels = append(c.Channels, tenant.Channel{Address: fmt.Sprintf("/http/orders%04d", i)})
	}
	return c
}

// large has the outer form of a certificate and the size of an ordinary one.
func large(n int) []byte {
	const size = 1000
	out := []byte{0x30, 0x82, size >> 8, size & 0xff, 0x04, 0x82, (size - 4) >> 8, (size - 4) & 0xff}
	out = append(out, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	return append(out, make([]byte, size-8)...)
}

// manyFile makes a state file of that size.
func manyFile(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state")
	tn := openTenant(t, path, many(manyMappings, manyChannels))
	require.NoError(t, tn.Close())
	return path
}

func openTenant(t testing.TB, path string, seed tenant.Config) *tenant.Tenant {
	t.Helper()
	store, err := Open(context.Background(), path)
	require.NoError(t, err)
	tn, err := tenant.Open(context.Background(), store, seed, nil)
	require.NoError(t, err)
	return tn
}

// BenchmarkLoad: loading takes less than 2 s.
func BenchmarkLoad(b *testing.B) {
	path := manyFile(b)
	quickest := time.Hour // the one that others on the machine disturbed least
	for b.Loop() {
		began := time.Now()
		tn := openTenant(b, path, tenant.Config{})
		quickest = min(quickest, time.Since(began))
		require.Equal(b, manyMappings, tn.Snapshot().MappingCount())
		require.NoError(b, tn.Close())
	}
	b.ReportMetric(quickest.Seconds(), "s-at-best")
}

// BenchmarkChange: one mapping or role more or less does not cost more because there are many.
func BenchmarkChange(b *testing.B) {
	for _, size := range []int{10, manyMappings} {
		tn := openTenant(b, filepath.Join(b.TempDir(), "state"), many(size, 10))
		n := 0
		b.Run(fmt.Sprintf("mapping/%d", size), func(b *testing.B) {
			for b.Loop() {
				n++
				require.NoError(b, tn.MapCertificateAs("alice", large(1_000_000+n), "NEW"))
			}
		})
		b.Run(fmt.Sprintf("role/%d", size), func(b *testing.B) {
			for b.Loop() {
				n++
				require.NoError(b, tn.Assign(tenant.Assignment{User: fmt.Sprintf("NEW%d", n), Role: tenant.DefaultRole}))
			}
		})
		require.NoError(b, tn.Close())
	}
	tn := openTenant(b, filepath.Join(b.TempDir(), "state"), many(manyMappings, manyChannels))
	b.Run("update of anything", func(b *testing.B) {
		n := 0
		for b.Loop() {
			n++
			require.NoError(b, tn.Update(func(c *tenant.Config) error { c.Users = []tenant.User{{Name: fmt.Sprint(n)}}; return nil }))
		}
	})
	require.NoError(b, tn.Close())
}

// memoryLimit is what a tenant of that size may take, in bytes.
const memoryLimit = 400 << 20

// BenchmarkMemory loads a large tenant and tells what it takes: while it is loaded, and afterwards.
func BenchmarkMemory(b *testing.B) {
	path := filepath.Join(b.TempDir(), "state")
	require.NoError(b, openTenant(b, path, many(manyMappings, manyChannels)).Close())
	debug.FreeOSMemory()
	var before, loaded, now runtime.MemStats
	for b.Loop() {
		runtime.GC() // what the last round left
		runtime.ReadMemStats(&before)
		tn := openTenant(b, path, tenant.Config{})
		runtime.ReadMemStats(&loaded)
		require.Equal(b, manyMappings, tn.Snapshot().MappingCount())
		runtime.GC()
		runtime.ReadMemStats(&now)
		require.NoError(b, tn.Close())
		require.Less(b, now.HeapAlloc-before.HeapAlloc, uint64(memoryLimit))
	}
	b.ReportMetric(float64(loaded.HeapAlloc-before.HeapAlloc)/(1<<20), "MB-while-loading")
	b.ReportMetric(float64(now.HeapAlloc-before.HeapAlloc)/(1<<20), "MB")
}
