package sqlite

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/tenant"
)

// childVariable makes the test binary the process that writes, to the state file that it names.
const childVariable = "GATEHOUSE_TEST_STATE"

const (
	// kills is how often the writing process is killed.
	kills = 55
	// writers change one mapping after the other, each on its own; one more changes batches, another
	// roles and the audit log, another deploys.
	writers = 3
	// batch is how many mappings are changed at once.
	batch = 20
	// childLimit is how long one round may last before the test gives up on the child.
	childLimit = time.Minute
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childVariable); path != "" {
		if err := child(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// certificate is something that has the outer form of a certificate and differs by two numbers.
func certificate(a, b int) []byte {
	out := []byte{0x30, 0x0a, 0x04, 0x08}
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(out, uint32(a)), uint32(b))
}

const (
	batchSet  = 1000 // a of the certificates of the batch
	deployed  = "Flow"
	roleUser  = "ROLES"
	seedFlows = "/http/flow/"
)

// child goes on writing where the state file ends, until it is killed. What was acknowledged to it, it
// tells on its output: "WORKER NUMBER".
func child(path string) error {
	ctx := context.Background()
	store, err := Open(ctx, path)
	if err != nil {
		return err
	}
	tn, err := tenant.Open(ctx, store, tenant.Config{MappingStore: -1}, nil)
	if err != nil {
		return err
	}
	have := counted(tn)
	failed := make(chan error)
	work := func(worker string, do func(n int) error) {
		go func() {
			for n := have[worker] + 1; ; n++ {
				if err := do(n); err != nil {
					failed <- fmt.Errorf("%s %d: %w", worker, n, err)
					return
				}
				if _, err := fmt.Fprintf(os.Stdout, "%s %d\n", worker, n); err != nil {
					failed <- err
					return
				}
			}
		}()
	}
	for w := range writers {
		work(fmt.Sprintf("mapping%d", w), func(n int) error {
			return tn.MapCertificateAs("test", certificate(w, n), fmt.Sprintf("USER%d", n))
		})
	}
	work("batch", func(n int) error {
		// A batch removes the certificates of the one before and maps as many new ones.
		var add []tenant.Mapping
		var remove []string
		for i := range batch {
			add = append(add, tenant.Mapping{Certificate: certificate(batchSet+n%2, i), User: fmt.Sprintf("BATCH%d", n)})
			remove = append(remove, tenant.MappingID(certificate(batchSet+(n+1)%2, i)))
		}
		return tn.ChangeMappings("test", add, remove)
	})
	work("role", func(n int) error { return tn.Assign(tenant.Assignment{User: roleUser, Role: fmt.Sprintf("Role%d", n)}) })
	work("audit", func(n int) error { return tn.Audit(tenant.AuditEntry{Detail: strconv.Itoa(n)}) })
	work("deployment", func(n int) error {
		// Designtime and runtime have one number each; both name their channel by it.
		a := tenant.Artifact{ID: deployed, Version: strconv.Itoa(n), Channels: []tenant.Channel{{Address: seedFlows + strconv.Itoa(n)}}}
		if err := tn.PutArtifact("test", a); err != nil {
			return err
		}
		_, err := tn.DeployFlow("test", deployed, 0)
		return err
	})
	return <-failed
}

// counted tells how far each worker came, as far as the tenant has it.
func counted(tn *tenant.Tenant) map[string]int {
	have := make(map[string]int)
	s := tn.Snapshot()
	for w := range writers {
		n := 0
		for {
			if _, ok := s.Mapped(certificate(w, n+1)); !ok {
				break
			}
			n++
		}
		have[fmt.Sprintf("mapping%d", w)] = n
	}
	for _, m := range s.Mappings() {
		if number, ok := strings.CutPrefix(m.User, "BATCH"); ok {
			have["batch"], _ = strconv.Atoi(number)
		}
	}
	for s.Role(roleUser, fmt.Sprintf("Role%d", have["role"]+1)).Has {
		have["role"]++
	}
	if log := tn.AuditLog(); len(log) > 0 {
		have["audit"], _ = strconv.Atoi(log[len(log)-1].Detail)
	}
	for _, c := range s.Channels() {
		number, _ := strings.CutPrefix(c.Address, seedFlows)
		have["deployment"], _ = strconv.Atoi(number)
	}
	return have
}

// checkWhole finds half changes.
func checkWhole(t *testing.T, tn *tenant.Tenant, have map[string]int) {
	s := tn.Snapshot()
	count := batch
	if have["batch"] == 0 {
		count = 0
	}
	for w := range writers {
		count += have[fmt.Sprintf("mapping%d", w)]
	}
	require.Equal(t, count, s.MappingCount(), "mappings that nobody made, or a gap")
	for i := range batch {
		if n := have["batch"]; n > 0 {
			user, ok := s.Mapped(certificate(batchSet+n%2, i))
			require.True(t, ok, "the batch lacks mapping %d", i)
			require.Equal(t, fmt.Sprintf("BATCH%d", n), user, "half a batch")
			_, ok = s.Mapped(certificate(batchSet+(n+1)%2, i))
			require.False(t, ok, "half a batch: what it replaces is still there")
		}
	}
	require.Len(t, s.Assignments(), have["role"])
	for i, e := range tn.AuditLog() {
		require.Equal(t, strconv.Itoa(i+1), e.Detail, "the audit log has no gap")
	}
	if n := have["deployment"]; n > 0 {
		require.Len(t, s.Channels(), 1, "old and new channels together")
		runtime := s.Runtime()
		require.Len(t, runtime, 1)
		require.Equal(t, strconv.Itoa(n), runtime[0].Version, "channels and deployment belong together")
		a, ok := s.Artifact(deployed)
		require.True(t, ok)
		designed, err := strconv.Atoi(a.Version)
		require.NoError(t, err)
		require.Contains(t, []int{n, n + 1}, designed)
		require.Equal(t, seedFlows+a.Version, a.Channels[0].Address)
	}
}

// Killed at any moment under load, the writing process loses no acknowledged change, and leaves no half
// one.
func TestKilledProcessLosesNothing(t *testing.T) {
	rounds := kills
	if testing.Short() {
		rounds = 5
	}
	path := filepath.Join(t.TempDir(), "state")
	random := rand.New(rand.NewPCG(1, uint64(os.Getpid())))
	acknowledged := make(map[string]int)
	opened := 0
	for round := range rounds {
		// 0 kills while the process starts or opens the file.
		acks := random.IntN(40)
		if round%10 == 0 {
			acks = 0
		}
		killChild(t, path, acks, acknowledged)
		if _, err := os.Stat(path); os.IsNotExist(err) {
			continue // killed before it made the file
		}
		opened++
		store, err := Open(t.Context(), path)
		require.NoError(t, err, "round %d", round)
		tn, err := tenant.Open(t.Context(), store, tenant.Config{MappingStore: -1}, nil)
		require.NoError(t, err, "round %d", round)
		have := counted(tn)
		for worker, n := range acknowledged {
			require.GreaterOrEqual(t, have[worker], n, "round %d: an acknowledged change of %s is lost", round, worker)
			require.LessOrEqual(t, have[worker], n+1, "round %d: %s did more than it told", round, worker)
		}
		checkWhole(t, tn, have)
		for worker, n := range have {
			acknowledged[worker] = n
		}
		require.NoError(t, tn.Close())
	}
	assert.Greater(t, opened, rounds/2, "most rounds came so far that there was something to lose")
	total := 0
	for _, n := range acknowledged {
		total += n
	}
	assert.Greater(t, total, rounds, "the process wrote under load")
	t.Logf("killed %d times, %d changes", rounds, total)
}

// killChild lets a process write until it told of so many changes, kills it, and notes what it told.
func killChild(t *testing.T, path string, acks int, acknowledged map[string]int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), childLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewReader(out)
	note := func() bool {
		line, err := lines.ReadString('\n')
		if err != nil {
			return false // what was cut was not told
		}
		worker, number, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.Atoi(number)
		require.NoError(t, err, line)
		acknowledged[worker] = max(acknowledged[worker], n)
		return true
	}
	for range acks {
		require.True(t, note(), "the process ended by itself")
	}
	require.NoError(t, cmd.Process.Kill())
	for note() {
	}
	_, err = io.Copy(io.Discard, out)
	require.NoError(t, err)
	require.Error(t, cmd.Wait(), "it was killed")
	require.NoError(t, ctx.Err(), "within the limit")
}
