package keystore_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// interruptedDir names the environment variable that makes the test binary the process to kill.
const interruptedDir = "GATEHOUSE_TEST_WRITE_TO"

// A process that is killed while it writes leaves whole files only, and one of a temporary name
// at most.
func TestKilledProcessLeavesWholeFiles(t *testing.T) {
	if dir := os.Getenv(interruptedDir); dir != "" {
		writeForever(t, dir)
	}
	files := 0
	for round := range 8 {
		dir := t.TempDir()
		child := exec.Command(os.Args[0], "-test.run=^TestKilledProcessLeavesWholeFiles$")
		child.Env = append(os.Environ(), interruptedDir+"="+dir)
		out, err := child.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, child.Start())
		lines := bufio.NewScanner(out)
		for range 3 + round {
			require.True(t, lines.Scan(), "the process ended before it was killed")
		}
		require.NoError(t, child.Process.Kill())
		child.Wait()

		temporary := 0
		for _, name := range list(t, dir) {
			if strings.HasPrefix(name, ".gatehouse-") {
				temporary++
				continue
			}
			files++
			data := readFile(t, filepath.Join(dir, name))
			if strings.HasSuffix(name, ".key") {
				assert.True(t, strings.HasSuffix(string(data), "-----END PRIVATE KEY-----\n"), name)
				continue
			}
			_, err := keystore.ReadCertificates(data, password)
			assert.NoError(t, err, name)
		}
		assert.LessOrEqual(t, temporary, 1)
	}
	assert.Positive(t, files)
}

func writeForever(t *testing.T, dir string) {
	root := pki.NewRoot("root")
	for i := 0; ; i++ {
		_, err := keystore.Write(dir, root.Client(fmt.Sprintf("c%d", i)), keystore.Options{})
		require.NoError(t, err)
		fmt.Println(i)
	}
}
