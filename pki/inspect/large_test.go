package inspect_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki/inspect"
	"example.com/gatehouse/pki/keystore"
)

// As many certificates as a file can hold are explained, with one name or in one long chain.
func TestAsMuchAsAFileHolds(t *testing.T) {
	root, _ := authority()
	var same, long [][]byte
	ca := root
	for n := range 900 {
		same = append(same, root.Intermediate("Example Issuing CA").DER())
		ca = ca.Intermediate(fmt.Sprintf("CA %d", n))
		long = append([][]byte{ca.DER()}, long...)
	}
	issuing := root.Intermediate("Example Issuing CA")
	below := issuing.Client("warehouse")
	same = append(same, issuing.DER())
	for name, data := range map[string][]byte{
		"of one name": pemOf(append([][]byte{below.DER()}, same[1:]...)...),
		"long chain":  pemOf(append([][]byte{ca.Client("warehouse").DER()}, long...)...),
	} {
		require.LessOrEqual(t, len(data), keystore.MaxSize)
		begun := time.Now()
		r, err := inspect.File(data, "", inspect.Options{At: noon, Trust: trusting(root)})
		require.NoError(t, err)
		assert.Len(t, r.Entries, 901, name)
		require.NotNil(t, r.Verdict, name)
		assert.Equal(t, name == "of one name", r.Verdict.OK, name)
		t.Logf("%s: %s", name, time.Since(begun).Round(time.Millisecond))
	}
}
