package receiver_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/check"
	"example.com/gatehouse/simulator/receiver"
	"example.com/gatehouse/simulator/sender"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for a call that must come.
const patience = 20 * time.Second

// authority is a PKI for the tests, made once.
type authority struct {
	root, upper, issuing, client *pki.Certificate
	identity                     *receiver.Identity
}

var testPKI = sync.OnceValue(func() authority {
	a := authority{root: pki.NewRoot("Example Root CA")}
	a.upper = a.root.Intermediate("Example Upper CA")
	a.issuing = a.upper.Intermediate("Example Issuing CA")
	a.client = a.issuing.Client("warehouse.example")
	var err error
	if a.identity, err = receiver.NewIdentity([]string{"tenant.example"}, time.Now); err != nil {
		panic(err)
	}
	return a
})

func trusting(certs ...*pki.Certificate) check.Trust {
	var t check.Trust
	for _, c := range certs {
		t.Certificates = append(t.Certificates, c.DER())
	}
	return t
}

type house struct {
	*receiver.Receiver
	t    testing.TB
	pki  authority
	seen int
}

// open starts a receiver that trusts the test's root.
func open(t testing.TB, change func(*receiver.Config)) *house {
	t.Helper()
	h := &house{t: t, pki: testPKI()}
	c := receiver.Config{Trust: trusting(h.pki.root), Identity: h.pki.identity}
	if change != nil {
		change(&c)
	}
	var err error
	h.Receiver, err = receiver.Start(context.WithoutCancel(t.Context()), c)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, h.Close()) })
	return h
}

// next waits for the next call.
func (h *house) next() receiver.Call {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	c, err := h.Next(ctx, h.seen)
	require.NoError(h.t, err)
	h.seen = c.Number
	return c
}

// as makes a sender with the certificate; nil has none.
func (h *house) as(c *pki.Certificate) *sender.Sender {
	s := &sender.Sender{Keystore: sender.FromPKI(c), Trust: sender.TrustRoots(rootsOf(h)), Timeout: patience}
	h.t.Cleanup(func() { assert.NoError(h.t, s.Close()) })
	return s
}

// call sends a message and returns what the receiver says of it.
func (h *house) call(s *sender.Sender, c sender.Call) (receiver.Call, sender.Result) {
	h.t.Helper()
	if c.URL == "" {
		c.URL = "https://tenant.example/http/orders"
	}
	c.Address = h.Addr().String()
	if c.Method == "" && c.Body == nil {
		c.Body = []byte("<order/>")
	}
	result, err := send(h.t.Context(), s, c)
	require.NoError(h.t, err)
	return h.next(), result
}

// point finds the points of a name in a checklist.
func point(t testing.TB, c receiver.Call, name string) receiver.Check {
	t.Helper()
	for _, one := range c.Checks {
		if one.Point == name {
			return one
		}
	}
	require.Fail(t, "no such point", "%s in %+v", name, c.Checks)
	return receiver.Check{}
}
