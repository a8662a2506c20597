package suite

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// Order says in which order scenarios begin. The zero value is that of files and lines.
type Order struct {
	// Random shuffles them.
	Random bool
	// Seed gives the same order again. Default: 0, a seed like any other.
	Seed uint64
}

// ParseOrder reads "defined", "random" or "random:SEED". For "random" it draws a seed from pick.
func ParseOrder(text string, pick func() uint64) (Order, error) {
	word, seed, has := strings.Cut(text, ":")
	switch {
	case text == "" || text == "defined":
		return Order{}, nil
	case text == "random":
		// Short enough to be typed again.
		return Order{Random: true, Seed: pick() % 1_000_000}, nil
	case word == "random" && has:
		n, err := strconv.ParseUint(seed, 10, 64)
		if err != nil {
			return Order{}, fmt.Errorf("found the seed %q, expected a whole number as in random:4711", seed)
		}
		return Order{Random: true, Seed: n}, nil
	}
	return Order{}, fmt.Errorf("found %q, expected defined, random or random:SEED", text)
}

func (o Order) String() string {
	if !o.Random {
		return "defined"
	}
	return "random:" + strconv.FormatUint(o.Seed, 10)
}

// arrange returns the places 0 to n-1 in the order in which they come.
func (o Order) arrange(n int) []int {
	if o.Random {
		return rand.New(rand.NewPCG(o.Seed, 0)).Perm(n)
	}
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}
