package verify

import (
	"bytes"
	"hash/maphash"
	"sync"
)

// maxCachedChain is the size in octets of the largest chain whose verdict is remembered.
const maxCachedChain = 16 << 10

// maxCachedErrors is how many errors a verdict may have to be remembered. Constraints of a
// hundred tiny certificates can make thousands.
const maxCachedErrors = 256

// cache remembers verdicts by the octets of the chain. It holds two generations: when the young
// one has half of the entries, it becomes the old one, and what was old and not asked for since
// is forgotten. So the entries that are in use stay, and no more than size are held.
//
// The key is a hash with a random seed. Two chains with one hash are told apart by their octets:
// nobody can make one pass for the other.
type cache struct {
	seed maphash.Seed
	half int

	mu         sync.Mutex
	young, old map[uint64]*verdict
}

// verdict is a remembered result, good while from <= now < until.
type verdict struct {
	chain       []byte // length-prefixed
	from, until int64
	result      Result
}

func newCache(size int) *cache {
	if size < 2 {
		size = 2
	}
	return &cache{seed: maphash.MakeSeed(), half: size / 2, young: map[uint64]*verdict{}}
}

// chainSize is the size of a chain in the form in which it is compared.
func chainSize(chain [][]byte) int {
	size := 0
	for _, c := range chain {
		size += 4 + len(c)
	}
	return size
}

func putLength(b *[4]byte, n int) {
	b[0], b[1], b[2], b[3] = byte(n>>24), byte(n>>16), byte(n>>8), byte(n)
}

func (c *cache) key(chain [][]byte) uint64 {
	var h maphash.Hash
	h.SetSeed(c.seed)
	var length [4]byte
	for _, cert := range chain {
		putLength(&length, len(cert))
		_, _ = h.Write(length[:])
		_, _ = h.Write(cert)
	}
	return h.Sum64()
}

func flatten(chain [][]byte) []byte {
	flat := make([]byte, 0, chainSize(chain))
	var length [4]byte
	for _, cert := range chain {
		putLength(&length, len(cert))
		flat = append(append(flat, length[:]...), cert...)
	}
	return flat
}

func (v *verdict) isFor(chain [][]byte) bool {
	rest := v.chain
	var length [4]byte
	for _, cert := range chain {
		putLength(&length, len(cert))
		if len(rest) < 4+len(cert) || !bytes.Equal(rest[:4], length[:]) || !bytes.Equal(rest[4:4+len(cert)], cert) {
			return false
		}
		rest = rest[4+len(cert):]
	}
	return len(rest) == 0
}

// get returns the verdict for a chain if it still holds at now.
func (c *cache) get(key uint64, chain [][]byte, now int64) (*verdict, bool) {
	c.mu.Lock()
	v := c.young[key]
	if v == nil {
		if v = c.old[key]; v != nil {
			delete(c.old, key)
			c.insert(key, v)
		}
	}
	c.mu.Unlock()
	if v == nil || now < v.from || now >= v.until || !v.isFor(chain) {
		return nil, false
	}
	return v, true
}

func (c *cache) put(key uint64, v *verdict) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.old, key)
	c.insert(key, v)
}

func (c *cache) insert(key uint64, v *verdict) {
	if len(c.young) >= c.half {
		if _, known := c.young[key]; !known {
			c.young, c.old = make(map[uint64]*verdict, c.half), c.young
		}
	}
	c.young[key] = v
}
