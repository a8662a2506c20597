package simulator

import "context"

// TB is what New needs of a test; *testing.T, *testing.B and *testing.F have it.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
	Cleanup(func())
	Context() context.Context
}

// New starts a landscape for a test and closes it when the test ends:
//
//	sim := simulator.New(t, simulator.Example())
//	outcome, err := sim.Send(t.Context(), "warehouse", sender.Call{URL: "/http/orders"})
//
// It fails the test if the landscape does not start.
func New(t TB, l Landscape) *Simulator {
	t.Helper()
	// The test's context ends before its clean-up; the landscape is closed by the latter.
	s, err := Start(context.WithoutCancel(t.Context()), l, Options{})
	if err != nil {
		t.Fatalf("starting the landscape: %v", err)
		return nil
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Fatalf("%v", err)
		}
	})
	return s
}

// Example is a small landscape in which everything is right: the sender "warehouse" is let in at
// /http/orders as the user WAREHOUSE.
func Example() Landscape {
	l, err := Read("example.yaml", exampleDocument)
	if err != nil {
		panic("the example landscape is wrong: " + err.Error())
	}
	return l
}

// ExampleDocument is the commented document behind Example, as "gatehouse init" writes it.
func ExampleDocument() []byte { return append([]byte(nil), exampleDocument...) }
